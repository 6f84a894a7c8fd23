#include "../port.h"
#include "tools.h"

/* Until the next start or change of audio.volume; the setting itself is the owner's. */
tc_err tc_tool_set_volume(const tc_tool_set_volume_args *args, tc_json_writer *output) {
    tc_port_volume((uint8_t)args->percent);
    tc_json_open_object(output);
    tc_json_pair_bool(output, "ok", true);
    tc_json_pair_int(output, "percent", args->percent);
    tc_json_close_object(output);
    return TC_OK;
}
