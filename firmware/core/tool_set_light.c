#include "../port.h"
#include "tools.h"

tc_err tc_tool_set_light(const tc_tool_set_light_args *args, tc_json_writer *output) {
    static uint32_t rgb = 0xffffff; /* the colour stays while the light is off */
    if (args->has_color) {
        rgb = tc_color_rgb[args->color];
    }
    tc_port_light(args->on, args->on ? rgb : 0);
    tc_json_open_object(output);
    tc_json_pair_bool(output, "ok", true);
    tc_json_pair_bool(output, "on", args->on);
    tc_json_close_object(output);
    return TC_OK;
}
