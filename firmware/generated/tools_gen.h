/* The tools of the device: their JSON, argument structs, and the parser in front of the handlers.
 * Generated from shared-protocol/src/tools.ts by `npm run generate`; do not edit. */
/* clang-format off */
#ifndef TC_TOOLS_GEN_H
#define TC_TOOLS_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/err.h"
#include "../core/json_write.h"

/* The array `tools` of session.update. */
#define TC_TOOLS_JSON_LENGTH 898
extern const char tc_tools_json[TC_TOOLS_JSON_LENGTH + 1];

/* 24-bit RGB of the colours, indexed by tc_set_light_color. */
extern const uint32_t tc_color_rgb[6];

/* End the conversation. Call it when the person says goodbye or asks to stop. */
typedef struct {
    uint8_t none; /* it takes no arguments; C wants a member */
} tc_tool_end_session_args;
/** Writes one JSON object into `output`. */
tc_err tc_tool_end_session(const tc_tool_end_session_args *args, tc_json_writer *output);

/* Set the loudness of the device. */
typedef struct {
    int32_t percent;
} tc_tool_set_volume_args;
/** Writes one JSON object into `output`. */
tc_err tc_tool_set_volume(const tc_tool_set_volume_args *args, tc_json_writer *output);

/* Switch the light of the device on or off, and set its colour. */
typedef enum {
    TC_SET_LIGHT_COLOR_WHITE = 0,
    TC_SET_LIGHT_COLOR_RED = 1,
    TC_SET_LIGHT_COLOR_GREEN = 2,
    TC_SET_LIGHT_COLOR_BLUE = 3,
    TC_SET_LIGHT_COLOR_YELLOW = 4,
    TC_SET_LIGHT_COLOR_PURPLE = 5,
    TC_SET_LIGHT_COLOR_COUNT = 6,
} tc_set_light_color;
typedef struct {
    bool on;
    bool has_color;
    uint8_t color; /* tc_set_light_color */
} tc_tool_set_light_args;
/** Writes one JSON object into `output`. */
tc_err tc_tool_set_light(const tc_tool_set_light_args *args, tc_json_writer *output);

#endif
