#include "rpc.h"

#include <string.h>

#include "../generated/link_gen.h"
#include "device.h"
#include "link.h"
#include "ota.h"
#include "session.h"
#include "settings.h"

#define SAY_LIMIT 4096u /* bytes of text that a person types */

typedef struct {
    tc_span id; /* raw; at == NULL in a notification, which has no answer */
    tc_span method;
    tc_span params; /* raw; at == NULL where absent */
    uint64_t now;
} request;

/* ---- answers ---- */

static void fail(const request *r, tc_link_error code, const char *data) {
    if (r->id.at != NULL) {
        tc_link_fail(r->id, code, tc_link_error_message(code), data);
    }
}

static tc_json_writer *open_answer(const request *r) {
    return r->id.at != NULL ? tc_link_answer(r->id) : NULL;
}

static void send_answer(const request *r) {
    if (tc_link_send(TC_DROP_EVENT) == TC_ERR_SIZE) {
        fail(r, TC_LINK_ERR_INTERNAL, "The answer is too large for one frame; ask for less.");
    }
}

static void answer_empty(const request *r) {
    tc_json_writer *w = open_answer(r);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_close_object(w);
    send_answer(r);
}

static void answer_or_fail(const request *r, tc_err error) {
    switch (error) {
    case TC_OK:
        answer_empty(r);
        break;
    case TC_ERR_STATE:
        fail(r, TC_LINK_ERR_STATE, tc_state_names[tc_session_state()]);
        break;
    case TC_ERR_FULL:
        fail(r, TC_LINK_ERR_FULL, NULL);
        break;
    case TC_ERR_FORMAT:
    case TC_ERR_TYPE:
    case TC_ERR_SIZE:
        fail(r, TC_LINK_ERR_PARAMS, NULL);
        break;
    default:
        fail(r, TC_LINK_ERR_INTERNAL, NULL);
        break;
    }
}

/* ---- params ---- */

/* The raw value of one member of `params` and its first token; TC_JSON_ERROR where it is not there.
 */
static tc_json_token param(const request *r, const char *name, tc_span *raw) {
    tc_json_reader reader;
    tc_json_token token, found = TC_JSON_ERROR;
    tc_span value;
    if (r->params.at == NULL) {
        return TC_JSON_ERROR;
    }
    tc_json_begin(&reader, r->params.at, r->params.length);
    if (tc_json_next(&reader) != TC_JSON_OBJECT) {
        return TC_JSON_ERROR;
    }
    while (tc_json_next(&reader) == TC_JSON_KEY) {
        bool wanted = tc_json_is(reader.span, name);
        token = tc_json_next(&reader);
        if (tc_json_skip(&reader, token, &value) != TC_OK) {
            return TC_JSON_ERROR;
        }
        if (wanted) {
            *raw = value;
            found = token;
        }
    }
    return found;
}

/* ---- settings ---- */

static bool find_setting(tc_span name, tc_setting_id *id) {
    for (int i = 0; i < TC_SETTING_COUNT; i++) {
        if (tc_json_is(name, tc_setting_table[i].name)) {
            *id = (tc_setting_id)i;
            return true;
        }
    }
    return false;
}

/* Goes through the names; writes each where `w` is not NULL. */
static bool each_named(tc_span names, tc_json_writer *w) {
    tc_json_reader reader;
    tc_setting_id id;
    tc_json_begin(&reader, names.at, names.length);
    tc_json_next(&reader);
    for (;;) {
        tc_json_token token = tc_json_next(&reader);
        if (token == TC_JSON_ARRAY_END) {
            return true;
        }
        if (token != TC_JSON_STRING || !find_setting(reader.span, &id)) {
            return false;
        }
        if (w != NULL) {
            tc_json_key(w, tc_setting_table[id].name);
            tc_settings_write(w, id);
        }
    }
}

static void settings_get(const request *r) {
    tc_span names = {0};
    tc_json_token token = param(r, "names", &names);
    bool all = names.at == NULL || token == TC_JSON_NULL;
    if (!all && token != TC_JSON_ARRAY) {
        fail(r, TC_LINK_ERR_PARAMS, "names is a list of setting names.");
        return;
    }
    if (!all && !each_named(names, NULL)) {
        fail(r, TC_LINK_ERR_SETTING_UNKNOWN, NULL);
        return;
    }
    tc_json_writer *w = open_answer(r);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_key(w, "values");
    tc_json_open_object(w);
    for (int i = 0; all && i < TC_SETTING_COUNT; i++) {
        tc_json_key(w, tc_setting_table[i].name);
        tc_settings_write(w, (tc_setting_id)i);
    }
    if (!all) {
        each_named(names, w);
    }
    tc_json_close_object(w);
    tc_json_close_object(w);
    send_answer(r);
}

static void settings_set(const request *r) {
    char name[TC_SETTING_NAME_SIZE] = "";
    tc_span values;
    if (param(r, "values", &values) != TC_JSON_OBJECT) {
        fail(r, TC_LINK_ERR_PARAMS, "values is an object of settings.");
        return;
    }
    tc_session_end_trial(r->now);
    switch (tc_settings_stage(values, name, sizeof name)) {
    case TC_OK:
        answer_empty(r);
        break;
    case TC_ERR_NOT_FOUND:
        fail(r, TC_LINK_ERR_SETTING_UNKNOWN, name);
        break;
    case TC_ERR_TYPE:
        fail(r, TC_LINK_ERR_SETTING_TYPE, name);
        break;
    case TC_ERR_SIZE:
    case TC_ERR_RANGE:
        fail(r, TC_LINK_ERR_SETTING_LIMIT, name);
        break;
    default:
        fail(r, TC_LINK_ERR_SETTING_FORM, name);
        break;
    }
}

static void settings_commit(const request *r) {
    static const char *const words[] = {"none", "now", "session", "wifi"};
    uint32_t changed[(TC_SETTING_COUNT + 31) / 32] = {0};
    int network = -1;
    tc_span raw;
    tc_err error = TC_OK;
    tc_session_end_trial(r->now);
    if (param(r, "trial", &raw) == TC_JSON_TRUE && tc_settings_complete()) {
        tc_settings_trial_begin(changed);
        network = tc_settings_complete() ? tc_session_network_of(changed) : -1;
        error = network < 0 ? tc_settings_trial_keep() : TC_OK;
    } else {
        error = tc_settings_commit(changed);
    }
    if (error != TC_OK) {
        fail(r,
             error == TC_ERR_STORAGE || error == TC_ERR_FULL ? TC_LINK_ERR_STORAGE
                                                             : TC_LINK_ERR_INTERNAL,
             NULL);
        return;
    }
    int effect = TC_EFFECT_NONE;
    for (int i = 0; i < TC_SETTING_COUNT; i++) {
        if ((changed[i / 32] >> i % 32 & 1) && tc_setting_table[i].effect > effect) {
            effect = tc_setting_table[i].effect;
        }
    }
    tc_json_writer *w = open_answer(r);
    if (w != NULL) {
        tc_json_open_object(w);
        tc_json_key(w, "changed");
        tc_json_open_array(w);
        for (int i = 0; i < TC_SETTING_COUNT; i++) {
            if (changed[i / 32] >> i % 32 & 1) {
                tc_json_string(w, tc_setting_table[i].name);
            }
        }
        tc_json_close_array(w);
        tc_json_pair_string(w, "effect", words[effect]);
        if (network >= 0) {
            tc_json_pair_bool(w, "trial", true);
        }
        tc_json_close_object(w);
        send_answer(r);
    }
    if (network >= 0) {
        tc_session_try_network(network, r->now);
    } else if (effect != TC_EFFECT_NONE) {
        tc_session_settings_changed(effect, r->now);
    }
}

/* ---- session ---- */

static void session_say(const request *r) {
    static char text[SAY_LIMIT + 1];
    tc_span raw;
    int length = TC_ERR_TYPE;
    if (param(r, "text", &raw) == TC_JSON_STRING) {
        length = tc_json_text((tc_span){raw.at + 1, raw.length - 2}, text, sizeof text);
    }
    if (length <= 0) {
        fail(r, TC_LINK_ERR_PARAMS, "text is 1 to 4096 bytes without U+0000.");
    } else {
        answer_or_fail(r, tc_session_say(text, (size_t)length, r->now));
    }
}

static void realtime_send(const request *r) {
    tc_span event;
    tc_err error = TC_ERR_FORMAT;
    if (param(r, "event", &event) == TC_JSON_OBJECT) {
        error = tc_session_send(event.at, event.length);
    }
    if (error == TC_ERR_FORMAT || error == TC_ERR_SIZE) {
        fail(r, TC_LINK_ERR_PARAMS,
             "event is an object with a text \"type\", of at most 65536 bytes.");
    } else {
        answer_or_fail(r, error);
    }
}

/* ---- update ---- */

/* The text between the quotes; at == NULL where the member is no string. */
static tc_span text_param(const request *r, const char *name) {
    tc_span raw;
    return param(r, name, &raw) == TC_JSON_STRING ? (tc_span){raw.at + 1, raw.length - 2}
                                                  : (tc_span){0};
}

/* -1 where the member is no number of 0 or more. */
static int32_t number_param(const request *r, const char *name) {
    tc_span raw;
    int32_t value;
    bool found = param(r, name, &raw) == TC_JSON_NUMBER && tc_json_int(raw, &value) == TC_OK;
    return found && value >= 0 ? value : -1;
}

static bool flag_param(const request *r, const char *name) {
    tc_span raw;
    return param(r, name, &raw) == TC_JSON_TRUE;
}

static void answer_ota(const request *r, tc_ota_result result) {
    if (result.code != 0) {
        fail(r, (tc_link_error)result.code, result.sentence);
    } else {
        answer_empty(r);
    }
}

static void ota_begin(const request *r) {
    int32_t size = number_param(r, "size");
    answer_ota(r, tc_ota_begin(size < 0 ? 0 : (uint32_t)size, text_param(r, "sha256"),
                               flag_param(r, "downgrade"), r->now));
}

static void ota_write(const request *r) {
    int32_t offset = number_param(r, "offset");
    tc_span data = text_param(r, "data");
    if (offset < 0 || data.at == NULL) {
        fail(r, TC_LINK_ERR_PARAMS, "offset is a number of bytes, data is base64.");
        return;
    }
    tc_ota_result result = tc_ota_write((uint32_t)offset, data, r->now);
    tc_json_writer *w = result.code == 0 ? open_answer(r) : NULL;
    if (result.code != 0) {
        fail(r, (tc_link_error)result.code, result.sentence);
    } else if (w != NULL) {
        tc_json_open_object(w);
        tc_json_pair_int(w, "written", tc_ota_written());
        tc_json_close_object(w);
        send_answer(r);
    }
}

/* ---- token ---- */

static void token_lend(const request *r) {
    tc_span raw;
    int64_t until = 0;
    tc_json_token token = param(r, "expires_at", &raw);
    bool known = token != TC_JSON_ERROR && token != TC_JSON_NULL;
    if (known && (token != TC_JSON_NUMBER || tc_json_whole(raw, &until) != TC_OK || until < 0 ||
                  until > UINT32_MAX)) {
        fail(r, TC_LINK_ERR_PARAMS, "expires_at is a time in seconds since 1970.");
        return;
    }
    tc_span text = text_param(r, "token");
    tc_err error = text.at == NULL ? TC_ERR_FORMAT : tc_session_lend(text, (uint32_t)until, r->now);
    if (error == TC_ERR_RANGE) {
        fail(r, TC_LINK_ERR_PARAMS, "This token has ended already.");
    } else if (error != TC_OK) {
        fail(r, TC_LINK_ERR_PARAMS,
             "token is one word of at most 2047 bytes; empty takes it back.");
    } else {
        answer_empty(r);
    }
}

/* ---- dispatch ---- */

static void write_answer(const request *r, void (*write)(tc_json_writer *writer)) {
    tc_json_writer *w = open_answer(r);
    if (w == NULL) {
        return;
    }
    write(w);
    send_answer(r);
}

static void call(const request *r, tc_method method) {
    switch (method) {
    case TC_METHOD_DEVICE_HELLO:
        write_answer(r, tc_device_write_hello);
        break;
    case TC_METHOD_DEVICE_REBOOT:
        answer_empty(r);
        tc_device_reboot();
        break;
    case TC_METHOD_DEVICE_STATS:
        write_answer(r, tc_device_write_stats);
        break;
    case TC_METHOD_SETTINGS_GET:
        settings_get(r);
        break;
    case TC_METHOD_SETTINGS_SET:
        settings_set(r);
        break;
    case TC_METHOD_SETTINGS_COMMIT:
        settings_commit(r);
        break;
    case TC_METHOD_SETTINGS_DISCARD:
        tc_session_end_trial(r->now);
        tc_settings_discard();
        answer_empty(r);
        break;
    case TC_METHOD_SESSION_START:
        answer_or_fail(r, tc_session_start(TC_REASON_HOST, r->now));
        break;
    case TC_METHOD_SESSION_STOP:
        answer_or_fail(r, tc_session_stop(TC_REASON_HOST, r->now));
        break;
    case TC_METHOD_SESSION_SAY:
        session_say(r);
        break;
    case TC_METHOD_REALTIME_SEND:
        realtime_send(r);
        break;
    case TC_METHOD_TALK_PRESS:
        answer_or_fail(r, tc_session_talk(true, r->now));
        break;
    case TC_METHOD_TALK_RELEASE:
        answer_or_fail(r, tc_session_talk(false, r->now));
        break;
    case TC_METHOD_OTA_BEGIN:
        ota_begin(r);
        break;
    case TC_METHOD_OTA_WRITE:
        ota_write(r);
        break;
    case TC_METHOD_OTA_END:
        answer_ota(r, tc_ota_end());
        break;
    case TC_METHOD_OTA_ABORT:
        tc_ota_abort();
        answer_empty(r);
        break;
    case TC_METHOD_OTA_FETCH:
        answer_ota(r, tc_ota_fetch(text_param(r, "url"), text_param(r, "pin"),
                                   text_param(r, "sha256"), flag_param(r, "downgrade"), r->now));
        break;
    case TC_METHOD_TOKEN_LEND:
        token_lend(r);
        break;
    case TC_METHOD_TOOLS_SERVE:
    case TC_METHOD_TOOL_RESULT:
    case TC_METHOD_SOUND_TAP:
        fail(r, TC_LINK_ERR_METHOD, NULL);
        break;
    case TC_METHOD_COUNT:
        break;
    }
}

/* Reads the envelope. TC_ERR_FORMAT: not JSON; TC_ERR_TYPE: JSON, but no request. */
static tc_err read_request(const char *json, size_t length, request *r) {
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
    request r = {.now = now_ms};
    tc_err error = read_request(json, length, &r);
    if (error != TC_OK) {
        if (error == TC_ERR_FORMAT || r.id.at == NULL) {
            r.id = (tc_span){"null", 4}; /* JSON-RPC 2.0 section 5 */
        }
        fail(&r, error == TC_ERR_FORMAT ? TC_LINK_ERR_PARSE : TC_LINK_ERR_REQUEST, NULL);
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
    fail(&r, TC_LINK_ERR_METHOD, NULL);
}
