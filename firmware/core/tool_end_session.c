#include "session.h"
#include "tools.h"

tc_err tc_tool_end_session(const tc_tool_end_session_args *args, tc_json_writer *output) {
    (void)args;
    tc_session_end_after_goodbye();
    tc_json_open_object(output);
    tc_json_pair_bool(output, "ok", true);
    tc_json_close_object(output);
    return TC_OK;
}
