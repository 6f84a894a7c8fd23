/*
 * Storage and link: a journal of any bytes, a stored value of any bytes, a settings.set of any
 * bytes, and the power goes during the commit. Whatever comes: all settings are within their
 * limits, and a restart finds the old or the new.
 */
#include "../core/crc32.h"
#include "../core/link.h"
#include "../core/settings.h"
#include "check.h"
#include "fake_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void boot(void) {
    fake_reboot();
    tc_link_init();
    tc_settings_init();
}

static void check_settings(void) {
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        const char *member = (const char *)tc_settings_get() + info->offset;
        uint32_t number = 0;
        if (info->kind == TC_SETTING_TEXT) {
            CHECK(memchr(member, '\0', info->size) != NULL);
        } else {
            memcpy(&number, member, info->size);
            CHECK(number >= info->min && number <= info->max);
        }
    }
}

/* The settings as one text. */
static size_t describe(char *out, size_t capacity) {
    tc_json_writer writer;
    tc_json_start(&writer, out, capacity);
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        tc_json_string_n(&writer, (const char *)tc_settings_get() + info->offset,
                         info->kind == TC_SETTING_TEXT
                             ? strlen((const char *)tc_settings_get() + info->offset)
                             : info->size);
    }
    CHECK(!writer.full);
    return writer.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t journal[4096];
    static char before[65536], after[65536], now[65536];
    uint32_t changed[(TC_SETTING_COUNT + 31) / 32];
    if (size < 4 || size > sizeof journal - 4) {
        return 0;
    }
    uint8_t options = data[0], power = data[1];
    size_t first = (size_t)data[2] * 8 < size - 4 ? (size_t)data[2] * 8 : size - 4;
    const uint8_t *rest = data + 4 + first;
    size_t left = size - 4 - first;

    fake_reset();
    if (options & 1) {
        /* With a true CRC, so that the entries are read. */
        uint32_t crc = tc_crc32(0, data + 4, first);
        memcpy(journal, data + 4, first);
        memcpy(journal + first, &crc, 4);
        fake_kv_put("journal", TC_KV_BLOB, journal, first + (options & 2 ? 3 : 4));
    } else {
        const tc_setting_info *info = &tc_setting_table[data[3] % TC_SETTING_COUNT];
        fake_kv_put(info->key, info->kv_type, data + 4, first);
    }
    boot();
    check_settings();
    CHECK(fake_kv_find("journal") == NULL);
    size_t before_length = describe(before, sizeof before);
    if (tc_settings_stage((tc_span){(const char *)rest, left}, NULL, 0) != TC_OK) {
        CHECK_EQ(tc_settings_commit(changed), TC_OK);
        CHECK_EQ(describe(now, sizeof now), before_length);
        CHECK_BYTES(now, before, before_length);
        return 0;
    }
    fake.kv_changes_left = power % 16;
    bool done = tc_settings_commit(changed) == TC_OK;
    check_settings();
    size_t after_length = describe(after, sizeof after);
    boot();
    size_t now_length = describe(now, sizeof now);
    CHECK_EQ(now_length, done ? after_length : before_length);
    CHECK_BYTES(now, done ? after : before, now_length);
    return 0;
}
