#include "settings.h"

#include <string.h>

#include "../port.h"
#include "board.h"
#include "log.h"
#include "settings_check.h"
#include "settings_journal.h"
#include "sha256.h"

#define TAG "settings"

static TC_BIG tc_settings current;
/* Staged values: members in `staged_ids` only; those in `staged_erased` are to go back to the
 * default. */
static TC_BIG tc_settings staged;
static tc_setting_set staged_ids, staged_erased;
/* While a trial runs the values in `staged` are the former ones, and the new ones are in force. */
static bool trial;
/* What the journal in storage holds, where its values could not all be written to their own keys.
 */
static tc_setting_set unsettled_ids, unsettled_erased;
static uint8_t salt[8];
/* A journal, or a value as it is read. */
static TC_BIG uint8_t scratch[TC_JOURNAL_MAX];

static bool is_empty(const tc_setting_set *set) {
    static const tc_setting_set none;
    return memcmp(set, &none, sizeof none) == 0;
}

static char *member_of(tc_settings *values, const tc_setting_info *info) {
    return (char *)values + info->offset;
}

/* ---- storage ---- */

static void load(const tc_setting_info *info) {
    int got = tc_port_kv_read(info->key, info->kv_type, scratch, info->size);
    if (got == TC_ERR_NOT_FOUND) {
        return;
    }
    tc_err error =
        got < 0 ? (tc_err)got : tc_setting_put_bytes(&current, info, scratch, (size_t)got);
    if (error != TC_OK) {
        tc_log(TC_LOG_WARN, TAG, "stored %s is not usable (%d), default taken", info->name, error);
    }
}

static bool store(const tc_setting_info *info, bool erase) {
    size_t length;
    const void *bytes = tc_setting_bytes(&current, info, &length);
    return erase ? tc_port_kv_erase(info->key) == TC_OK
                 : tc_port_kv_write(info->key, info->kv_type, bytes, length) == TC_OK;
}

/*
 * Writes the settings of the journal to their own keys, and removes it. Where that fails the
 * journal stays: it stands for them at the next start, and is part of the next journal.
 */
static void settle(void) {
    bool stored = true;
    for (int id = 0; id < TC_SETTING_COUNT && stored; id++) {
        stored = !tc_set_has(&unsettled_ids, id) ||
                 store(&tc_setting_table[id], tc_set_has(&unsettled_erased, id));
    }
    if (stored && tc_port_kv_erase(TC_JOURNAL_KEY) == TC_OK) {
        memset(&unsettled_ids, 0, sizeof unsettled_ids);
        memset(&unsettled_erased, 0, sizeof unsettled_erased);
    } else {
        tc_log(TC_LOG_WARN, TAG, "flash failed; the settings are kept in the journal");
    }
}

static void apply_journal(void) {
    int got = tc_port_kv_read(TC_JOURNAL_KEY, TC_KV_BLOB, scratch, sizeof scratch);
    if (got == TC_ERR_NOT_FOUND) {
        return;
    }
    if (got < 0 && got != TC_ERR_SIZE) {
        tc_log(TC_LOG_ERROR, TAG, "the journal cannot be read (%d)", got);
        return;
    }
    staged = current;
    if (got < 0 || tc_journal_read(scratch, (size_t)got, &staged, &unsettled_ids,
                                   &unsettled_erased) != TC_OK) {
        memset(&unsettled_ids, 0, sizeof unsettled_ids);
        memset(&unsettled_erased, 0, sizeof unsettled_erased);
        tc_log(TC_LOG_WARN, TAG, "the journal is damaged and was dropped");
        tc_port_kv_erase(TC_JOURNAL_KEY);
        return;
    }
    current = staged;
    tc_log(TC_LOG_INFO, TAG, "an interrupted commit is finished");
    settle();
}

void tc_settings_init(void) {
    memset(&current, 0, sizeof current);
    memset(&unsettled_ids, 0, sizeof unsettled_ids);
    memset(&unsettled_erased, 0, sizeof unsettled_erased);
    tc_settings_discard();
    tc_port_random(salt, sizeof salt);
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        tc_setting_put_default(&current, &tc_setting_table[id]);
    }
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        load(&tc_setting_table[id]);
    }
    apply_journal();
}

const tc_settings *tc_settings_get(void) {
    return &current;
}

bool tc_settings_complete(void) {
    return current.server_token[0] != '\0' && tc_settings_complete_but_token();
}

bool tc_settings_complete_but_token(void) {
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        if (info->required && id != TC_SETTING_SERVER_TOKEN &&
            member_of(&current, info)[0] == '\0') {
            return false;
        }
    }
    return true;
}

/* ---- staging ---- */

static int find_name(tc_span name) {
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        if (tc_json_is(name, tc_setting_table[id].name)) {
            return id;
        }
    }
    return -1;
}

static void say_name(tc_span span, char *name, size_t capacity) {
    size_t length = 0;
    char piece[4];
    int size;
    if (name == NULL || capacity == 0) {
        return;
    }
    while ((size = tc_json_char(&span, piece)) > 0 && length + (size_t)size < capacity) {
        memcpy(name + length, piece, (size_t)size);
        length += (size_t)size;
    }
    name[length] = '\0';
}

/* Checks one value; stages it too, if `keep`. */
static tc_err stage_one(int id, tc_json_token token, tc_span span, bool keep) {
    const tc_setting_info *info = &tc_setting_table[id];
    uint32_t number = 0;
    if (token != TC_JSON_NULL) {
        char *text = keep ? member_of(&staged, info) : (char *)scratch;
        tc_err error = tc_setting_read(info, token, span, text, &number);
        if (error != TC_OK) {
            return error;
        }
    }
    if (!keep) {
        return TC_OK;
    }
    tc_set_add(&staged_ids, id);
    tc_set_remove(&staged_erased, id);
    if (token == TC_JSON_NULL) {
        tc_set_add(&staged_erased, id);
        tc_setting_put_default(&staged, info);
    } else if (info->kind != TC_SETTING_TEXT) {
        memcpy(member_of(&staged, info), &number, info->size);
    }
    return TC_OK;
}

/* Reads all members; the first pass checks, and only the second keeps. */
static tc_err stage_pass(tc_span values, bool keep, char *name, size_t capacity) {
    tc_json_reader reader;
    tc_json_begin(&reader, values.at, values.length);
    if (tc_json_next(&reader) != TC_JSON_OBJECT) {
        return TC_ERR_FORMAT;
    }
    while (tc_json_next(&reader) == TC_JSON_KEY) {
        tc_span key = reader.span, raw;
        tc_json_token token = tc_json_next(&reader);
        int id = find_name(key);
        tc_err error = id < 0 ? TC_ERR_NOT_FOUND : stage_one(id, token, reader.span, keep);
        if (error != TC_OK) {
            say_name(key, name, capacity);
            return error;
        }
        error = tc_json_skip(&reader, token, &raw);
        if (error != TC_OK) {
            return error;
        }
    }
    return tc_json_next(&reader) == TC_JSON_END ? TC_OK : TC_ERR_FORMAT;
}

tc_err tc_settings_stage(tc_span values, char *name, size_t capacity) {
    if (name != NULL && capacity > 0) {
        name[0] = '\0';
    }
    tc_err error = stage_pass(values, false, name, capacity);
    return error == TC_OK ? stage_pass(values, true, name, capacity) : error;
}

/* A new token has not the end of the old one. */
static void follow_token(void) {
    if (tc_set_has(&staged_ids, TC_SETTING_SERVER_TOKEN) &&
        !tc_set_has(&staged_ids, TC_SETTING_SERVER_TOKEN_EXPIRES)) {
        tc_set_add(&staged_ids, TC_SETTING_SERVER_TOKEN_EXPIRES);
        tc_set_add(&staged_erased, TC_SETTING_SERVER_TOKEN_EXPIRES);
        tc_setting_put_default(&staged, &tc_setting_table[TC_SETTING_SERVER_TOKEN_EXPIRES]);
    }
}

void tc_settings_discard(void) {
    trial = false;
    memset(&staged_ids, 0, sizeof staged_ids);
    memset(&staged_erased, 0, sizeof staged_erased);
}

tc_err tc_settings_commit(uint32_t changed[(TC_SETTING_COUNT + 31) / 32]) {
    memset(changed, 0, sizeof(tc_setting_set));
    if (is_empty(&staged_ids)) {
        return TC_OK;
    }
    follow_token();
    tc_setting_set ids = staged_ids, erased = staged_erased;
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        if (tc_set_has(&unsettled_ids, id) && !tc_set_has(&staged_ids, id)) {
            tc_set_add(&ids, id);
            if (tc_set_has(&unsettled_erased, id)) {
                tc_set_add(&erased, id);
            }
            memcpy(member_of(&staged, info), member_of(&current, info), info->size);
        }
    }
    size_t length = tc_journal_build(scratch, &staged, &ids, &erased);
    int error = tc_port_kv_write(TC_JOURNAL_KEY, TC_KV_BLOB, scratch, length);
    if (error != TC_OK) {
        return (tc_err)error;
    }
    /* From here on the commit is done, whatever happens: the journal holds it. */
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        size_t before, after;
        const void *old = tc_setting_bytes(&current, info, &before);
        const void *new = tc_setting_bytes(&staged, info, &after);
        if (!tc_set_has(&ids, id)) {
            continue;
        }
        if (before != after || memcmp(old, new, before) != 0) {
            changed[id / 32] |= (uint32_t)1 << (id % 32);
        }
        memcpy(member_of(&current, info), member_of(&staged, info), info->size);
    }
    unsettled_ids = ids;
    unsettled_erased = erased;
    tc_settings_discard();
    settle();
    return TC_OK;
}

/* ---- trial ---- */

/* Exchanges the staged values with those in force; `changed`, if not NULL, receives which differ.
 */
static void exchange(uint32_t *changed) {
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        if (!tc_set_has(&staged_ids, id)) {
            continue;
        }
        size_t before, after;
        const void *old = tc_setting_bytes(&current, info, &before);
        const void *new = tc_setting_bytes(&staged, info, &after);
        if (changed != NULL && (before != after || memcmp(old, new, before) != 0)) {
            changed[id / 32] |= (uint32_t)1 << (id % 32);
        }
        memcpy(scratch, member_of(&current, info), info->size);
        memcpy(member_of(&current, info), member_of(&staged, info), info->size);
        memcpy(member_of(&staged, info), scratch, info->size);
    }
}

void tc_settings_trial_begin(uint32_t changed[(TC_SETTING_COUNT + 31) / 32]) {
    memset(changed, 0, sizeof(tc_setting_set));
    follow_token();
    exchange(changed);
    trial = true;
}

bool tc_settings_trial_runs(void) {
    return trial;
}

tc_err tc_settings_trial_keep(void) {
    uint32_t changed[(TC_SETTING_COUNT + 31) / 32];
    exchange(NULL);
    trial = false;
    tc_err error = tc_settings_commit(changed);
    if (error != TC_OK) {
        tc_settings_discard();
    }
    return error;
}

void tc_settings_trial_drop(void) {
    exchange(NULL);
    tc_settings_discard();
}

/* ---- reading back ---- */

static void write_hex(char *out, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}

static void write_fingerprint(tc_json_writer *writer, const char *secret) {
    tc_sha256 hash;
    uint8_t digest[32];
    char hex[2 * sizeof salt + 1];
    tc_sha256_start(&hash);
    tc_sha256_add(&hash, salt, sizeof salt);
    tc_sha256_add(&hash, secret, strlen(secret));
    tc_sha256_end(&hash, digest);
    tc_json_open_object(writer);
    tc_json_pair_bool(writer, "set", secret[0] != '\0');
    write_hex(hex, salt, sizeof salt);
    tc_json_pair_string(writer, "salt", hex);
    write_hex(hex, digest, 4);
    tc_json_pair_string(writer, "fingerprint", hex);
    tc_json_close_object(writer);
}

void tc_settings_write(tc_json_writer *writer, tc_setting_id id) {
    const tc_setting_info *info = &tc_setting_table[id];
    const char *member = member_of(&current, info);
    uint32_t number = 0;
    if (info->secret) {
        write_fingerprint(writer, member);
        return;
    }
    if (info->kind == TC_SETTING_TEXT) {
        tc_json_string(writer, member);
        return;
    }
    memcpy(&number, member, info->size);
    switch (info->kind) {
    case TC_SETTING_FLAG:
        tc_json_bool(writer, number != 0);
        break;
    case TC_SETTING_CHOICE:
        tc_json_string(writer, info->choices[number]);
        break;
    default:
        tc_json_int_value(writer, number);
        break;
    }
}
