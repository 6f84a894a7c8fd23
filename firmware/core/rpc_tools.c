/* Methods tools.serve, tool.result and sound.tap: what the host does for, and hears of, a session.
 */
#include "host_tools.h"
#include "rpc_internal.h"
#include "session_change.h"
#include "session_host_calls.h"
#include "sound_tap.h"

#define TIMEOUT_MIN 100
#define TIMEOUT_MAX 600000

void rpc_tools_serve(const rpc_request *r) {
    tc_span list, raw;
    int32_t timeout = TC_HOST_TOOLS_TIMEOUT;
    tc_json_token token = rpc_param(r, "timeout_ms", &raw);
    if (token != TC_JSON_ERROR && token != TC_JSON_NULL) {
        timeout = rpc_number_param(r, "timeout_ms");
    }
    if (timeout < TIMEOUT_MIN || timeout > TIMEOUT_MAX) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "timeout_ms is a number from 100 to 600000.");
        return;
    }
    if (rpc_param(r, "tools", &list) != TC_JSON_ARRAY) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "tools is a list.");
        return;
    }
    const char *fault = tc_host_tools_serve(list, (uint32_t)timeout);
    if (fault != NULL) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, fault);
        return;
    }
    rpc_answer_empty(r);
    tc_session_change(r->now);
}

void rpc_tool_result(const rpc_request *r) {
    tc_span id = rpc_text_param(r, "call_id"), output;
    tc_json_token token = rpc_param(r, "output", &output);
    if (id.at == NULL || token == TC_JSON_ERROR) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "call_id is a text, output any JSON.");
        return;
    }
    switch (tc_session_tool_result(id, token, output, r->now)) {
    case TC_OK:
        rpc_answer_empty(r);
        break;
    case TC_ERR_STATE:
        rpc_fail(r, TC_LINK_ERR_STATE,
                 "No call with this call_id is open: it was answered, came too late, or its "
                 "session is over.");
        break;
    case TC_ERR_FULL:
        rpc_fail(r, TC_LINK_ERR_FULL, NULL);
        break;
    case TC_ERR_SIZE:
        rpc_fail(r, TC_LINK_ERR_PARAMS, "output has more than 16384 bytes; send a shorter one.");
        break;
    default:
        rpc_fail(r, TC_LINK_ERR_PARAMS, "output holds U+0000 or half a surrogate pair.");
        break;
    }
}

void rpc_sound_tap(const rpc_request *r) {
    tc_span raw;
    tc_json_token token = rpc_param(r, "on", &raw);
    if (token != TC_JSON_TRUE && token != TC_JSON_FALSE) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "on is true or false.");
        return;
    }
    tc_sound_tap_set(token == TC_JSON_TRUE);
    rpc_answer_empty(r);
}
