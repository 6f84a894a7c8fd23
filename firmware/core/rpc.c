#include "device.h"
#include "link.h"
#include "ota.h"
#include "rpc_internal.h"
#include "session.h"
#include "settings.h"

#define SAY_LIMIT 4096u /* bytes of text that a person types */

/* ---- answers ---- */

void rpc_fail(const rpc_request *r, tc_link_error code, const char *data) {
    if (r->id.at != NULL) {
        tc_link_fail(r->id, code, tc_link_error_message(code), data);
    }
}

tc_json_writer *rpc_open_answer(const rpc_request *r) {
    return r->id.at != NULL ? tc_link_answer(r->id) : NULL;
}

void rpc_send_answer(const rpc_request *r) {
    if (tc_link_send(TC_DROP_EVENT) == TC_ERR_SIZE) {
        rpc_fail(r, TC_LINK_ERR_INTERNAL, "The answer is too large for one frame; ask for less.");
    }
}

void rpc_answer_empty(const rpc_request *r) {
    tc_json_writer *w = rpc_open_answer(r);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_close_object(w);
    rpc_send_answer(r);
}

void rpc_answer_or_fail(const rpc_request *r, tc_err error) {
    switch (error) {
    case TC_OK:
        rpc_answer_empty(r);
        break;
    case TC_ERR_STATE:
        rpc_fail(r, TC_LINK_ERR_STATE, tc_state_names[tc_session_state()]);
        break;
    case TC_ERR_FULL:
        rpc_fail(r, TC_LINK_ERR_FULL, NULL);
        break;
    case TC_ERR_FORMAT:
    case TC_ERR_TYPE:
    case TC_ERR_SIZE:
        rpc_fail(r, TC_LINK_ERR_PARAMS, NULL);
        break;
    default:
        rpc_fail(r, TC_LINK_ERR_INTERNAL, NULL);
        break;
    }
}

/* ---- params ---- */

tc_json_token rpc_param(const rpc_request *r, const char *name, tc_span *raw) {
    return tc_json_member(r->params, name, raw);
}

tc_span rpc_text_param(const rpc_request *r, const char *name) {
    tc_span raw;
    return rpc_param(r, name, &raw) == TC_JSON_STRING ? (tc_span){raw.at + 1, raw.length - 2}
                                                      : (tc_span){0};
}

int32_t rpc_number_param(const rpc_request *r, const char *name) {
    tc_span raw;
    int32_t value;
    bool found = rpc_param(r, name, &raw) == TC_JSON_NUMBER && tc_json_int(raw, &value) == TC_OK;
    return found && value >= 0 ? value : -1;
}

bool rpc_flag_param(const rpc_request *r, const char *name) {
    tc_span raw;
    return rpc_param(r, name, &raw) == TC_JSON_TRUE;
}

/* ---- session ---- */

static void session_say(const rpc_request *r) {
    static char text[SAY_LIMIT + 1];
    tc_span raw;
    int length = TC_ERR_TYPE;
    if (rpc_param(r, "text", &raw) == TC_JSON_STRING) {
        length = tc_json_text((tc_span){raw.at + 1, raw.length - 2}, text, sizeof text);
    }
    if (length <= 0) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "text is 1 to 4096 bytes without U+0000.");
    } else {
        rpc_answer_or_fail(r, tc_session_say(text, (size_t)length, r->now));
    }
}

static void realtime_send(const rpc_request *r) {
    tc_span event;
    tc_err error = TC_ERR_FORMAT;
    if (rpc_param(r, "event", &event) == TC_JSON_OBJECT) {
        error = tc_session_send(event.at, event.length);
    }
    if (error == TC_ERR_FORMAT || error == TC_ERR_SIZE) {
        rpc_fail(r, TC_LINK_ERR_PARAMS,
                 "event is an object with a text \"type\", of at most 65536 bytes.");
    } else {
        rpc_answer_or_fail(r, error);
    }
}

/* ---- token ---- */

static void token_lend(const rpc_request *r) {
    tc_span raw;
    int64_t until = 0;
    tc_json_token token = rpc_param(r, "expires_at", &raw);
    bool known = token != TC_JSON_ERROR && token != TC_JSON_NULL;
    if (known && (token != TC_JSON_NUMBER || tc_json_whole(raw, &until) != TC_OK || until < 0 ||
                  until > UINT32_MAX)) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "expires_at is a time in seconds since 1970.");
        return;
    }
    tc_span text = rpc_text_param(r, "token");
    tc_err error = text.at == NULL ? TC_ERR_FORMAT : tc_session_lend(text, (uint32_t)until, r->now);
    if (error == TC_ERR_RANGE) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "This token has ended already.");
    } else if (error != TC_OK) {
        rpc_fail(r, TC_LINK_ERR_PARAMS,
                 "token is one word of at most 2047 bytes; empty takes it back.");
    } else {
        rpc_answer_empty(r);
    }
}

/* ---- dispatch ---- */

static void write_answer(const rpc_request *r, void (*write)(tc_json_writer *writer)) {
    tc_json_writer *w = rpc_open_answer(r);
    if (w == NULL) {
        return;
    }
    write(w);
    rpc_send_answer(r);
}

static void call(const rpc_request *r, tc_method method) {
    switch (method) {
    case TC_METHOD_DEVICE_HELLO:
        write_answer(r, tc_device_write_hello);
        break;
    case TC_METHOD_DEVICE_REBOOT:
        rpc_answer_empty(r);
        tc_device_reboot();
        break;
    case TC_METHOD_DEVICE_STATS:
        write_answer(r, tc_device_write_stats);
        break;
    case TC_METHOD_SETTINGS_GET:
        rpc_settings_get(r);
        break;
    case TC_METHOD_SETTINGS_SET:
        rpc_settings_set(r);
        break;
    case TC_METHOD_SETTINGS_COMMIT:
        rpc_settings_commit(r);
        break;
    case TC_METHOD_SETTINGS_DISCARD:
        tc_session_end_trial(r->now);
        tc_settings_discard();
        rpc_answer_empty(r);
        break;
    case TC_METHOD_SESSION_START:
        rpc_answer_or_fail(r, tc_session_start(TC_REASON_HOST, r->now));
        break;
    case TC_METHOD_SESSION_STOP:
        rpc_answer_or_fail(r, tc_session_stop(TC_REASON_HOST, r->now));
        break;
    case TC_METHOD_SESSION_SAY:
        session_say(r);
        break;
    case TC_METHOD_REALTIME_SEND:
        realtime_send(r);
        break;
    case TC_METHOD_TALK_PRESS:
        rpc_answer_or_fail(r, tc_session_talk(true, r->now));
        break;
    case TC_METHOD_TALK_RELEASE:
        rpc_answer_or_fail(r, tc_session_talk(false, r->now));
        break;
    case TC_METHOD_OTA_BEGIN:
        rpc_ota_begin(r);
        break;
    case TC_METHOD_OTA_WRITE:
        rpc_ota_write(r);
        break;
    case TC_METHOD_OTA_END:
        rpc_ota_end(r);
        break;
    case TC_METHOD_OTA_ABORT:
        tc_ota_abort();
        rpc_answer_empty(r);
        break;
    case TC_METHOD_OTA_FETCH:
        rpc_ota_fetch(r);
        break;
    case TC_METHOD_TOKEN_LEND:
        token_lend(r);
        break;
    case TC_METHOD_TOOLS_SERVE:
        rpc_tools_serve(r);
        break;
    case TC_METHOD_TOOL_RESULT:
        rpc_tool_result(r);
        break;
    case TC_METHOD_SOUND_TAP:
        rpc_sound_tap(r);
        break;
    case TC_METHOD_COUNT:
        break;
    }
}

/* Reads the envelope. TC_ERR_FORMAT: not JSON; TC_ERR_TYPE: JSON, but no request. */
static tc_err read_request(const char *json, size_t length, rpc_request *r) {
    tc_json_reader reader;
    tc_span raw;
    bool version = false, valid = true;
    tc_json_begin(&reader, json, length);
    tc_json_token token = tc_json_next(&reader);
    bool object = token == TC_JSON_OBJECT;
    while (token != TC_JSON_END) {
        if (token == TC_JSON_ERROR) {
            return TC_ERR_FORMAT;
        }
        if (!object || token != TC_JSON_KEY) {
            token = tc_json_next(&reader);
            continue;
        }
        tc_span key = reader.span;
        token = tc_json_next(&reader);
        if (tc_json_skip(&reader, token, &raw) != TC_OK) {
            return TC_ERR_FORMAT;
        }
        bool text = token == TC_JSON_STRING;
        if (tc_json_is(key, "jsonrpc")) {
            version = text && tc_json_is((tc_span){raw.at + 1, raw.length - 2}, "2.0");
        } else if (tc_json_is(key, "id")) {
            valid = valid && (text || token == TC_JSON_NUMBER || token == TC_JSON_NULL) &&
                    raw.length <= 64;
            r->id = valid ? raw : r->id;
        } else if (tc_json_is(key, "method")) {
            r->method = text ? (tc_span){raw.at + 1, raw.length - 2} : (tc_span){0};
        } else if (tc_json_is(key, "params")) {
            valid = valid && token == TC_JSON_OBJECT;
            r->params = raw;
        }
        token = tc_json_next(&reader);
    }
    return object && version && valid && r->method.at != NULL ? TC_OK : TC_ERR_TYPE;
}

void tc_rpc_receive(const char *json, size_t length, uint64_t now_ms) {
    rpc_request r = {.now = now_ms};
    tc_err error = read_request(json, length, &r);
    if (error != TC_OK) {
        if (error == TC_ERR_FORMAT || r.id.at == NULL) {
            r.id = (tc_span){"null", 4}; /* JSON-RPC 2.0 section 5 */
        }
        rpc_fail(&r, error == TC_ERR_FORMAT ? TC_LINK_ERR_PARSE : TC_LINK_ERR_REQUEST, NULL);
        return;
    }
    for (int i = 0; i < TC_METHOD_COUNT; i++) {
        if (tc_json_is(r.method, tc_method_names[i])) {
            call(&r, (tc_method)i);
            if (tc_session_state() == TC_STATE_UNPROVISIONED) {
                tc_device_proven(); /* it cannot do more than answer */
            }
            return;
        }
    }
    rpc_fail(&r, TC_LINK_ERR_METHOD, NULL);
}
