/* Methods settings.*: read, stage, keep. */
#include "rpc_internal.h"
#include "session.h"
#include "session_change.h"
#include "settings.h"

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

void rpc_settings_get(const rpc_request *r) {
    tc_span names = {0};
    tc_json_token token = rpc_param(r, "names", &names);
    bool all = names.at == NULL || token == TC_JSON_NULL;
    if (!all && token != TC_JSON_ARRAY) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "names is a list of setting names.");
        return;
    }
    if (!all && !each_named(names, NULL)) {
        rpc_fail(r, TC_LINK_ERR_SETTING_UNKNOWN, NULL);
        return;
    }
    tc_json_writer *w = rpc_open_answer(r);
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
    rpc_send_answer(r);
}

void rpc_settings_set(const rpc_request *r) {
    char name[TC_SETTING_NAME_SIZE] = "";
    tc_span values;
    if (rpc_param(r, "values", &values) != TC_JSON_OBJECT) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "values is an object of settings.");
        return;
    }
    tc_session_end_trial(r->now);
    switch (tc_settings_stage(values, name, sizeof name)) {
    case TC_OK:
        rpc_answer_empty(r);
        break;
    case TC_ERR_NOT_FOUND:
        rpc_fail(r, TC_LINK_ERR_SETTING_UNKNOWN, name);
        break;
    case TC_ERR_TYPE:
        rpc_fail(r, TC_LINK_ERR_SETTING_TYPE, name);
        break;
    case TC_ERR_SIZE:
    case TC_ERR_RANGE:
        rpc_fail(r, TC_LINK_ERR_SETTING_LIMIT, name);
        break;
    default:
        rpc_fail(r, TC_LINK_ERR_SETTING_FORM, name);
        break;
    }
}

/* Which of the settings that changed a session that runs does not follow. */
static void write_waits(tc_json_writer *w, const uint32_t *changed) {
    bool some = false;
    for (int i = 0; i < TC_SETTING_COUNT; i++) {
        if (!(changed[i / 32] >> i % 32 & 1) || !tc_session_setting_waits((tc_setting_id)i)) {
            continue;
        }
        if (!some) {
            tc_json_key(w, "waits");
            tc_json_open_array(w);
            some = true;
        }
        tc_json_string(w, tc_setting_table[i].name);
    }
    if (some) {
        tc_json_close_array(w);
    }
}

void rpc_settings_commit(const rpc_request *r) {
    static const char *const words[] = {"none", "now", "session", "wifi"};
    uint32_t changed[(TC_SETTING_COUNT + 31) / 32] = {0};
    int network = -1;
    tc_span raw;
    tc_err error = TC_OK;
    tc_session_end_trial(r->now);
    if (rpc_param(r, "trial", &raw) == TC_JSON_TRUE && tc_settings_complete()) {
        tc_settings_trial_begin(changed);
        network = tc_settings_complete() ? tc_session_network_of(changed) : -1;
        error = network < 0 ? tc_settings_trial_keep() : TC_OK;
    } else {
        error = tc_settings_commit(changed);
    }
    if (error != TC_OK) {
        rpc_fail(r,
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
    tc_json_writer *w = rpc_open_answer(r);
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
        if (effect != TC_EFFECT_WIFI) { /* that ends the session */
            write_waits(w, changed);
        }
        tc_json_close_object(w);
        rpc_send_answer(r);
    }
    if (network >= 0) {
        tc_session_try_network(network, r->now);
    } else if (effect != TC_EFFECT_NONE) {
        tc_session_settings_changed(effect, r->now);
        tc_session_change(r->now);
    }
}
