#include "settings_journal.h"

#include <string.h>

#include "../port.h"
#include "crc32.h"
#include "settings_check.h"

_Static_assert(TC_SETTING_COUNT <= UINT8_MAX, "the journal counts settings in one byte");

const void *tc_setting_bytes(const tc_settings *values, const tc_setting_info *info,
                             size_t *length) {
    const char *member = (const char *)values + info->offset;
    *length = info->kind == TC_SETTING_TEXT ? strlen(member) : info->size;
    return member;
}

static void put_number(tc_settings *values, const tc_setting_info *info, uint32_t number) {
    memcpy((char *)values + info->offset, &number, info->size);
}

tc_err tc_setting_put_bytes(tc_settings *values, const tc_setting_info *info, const void *bytes,
                            size_t length) {
    if (info->kind == TC_SETTING_TEXT) {
        static char text[sizeof(tc_settings)];
        if (length > info->max) {
            return TC_ERR_SIZE;
        }
        memcpy(text, bytes, length);
        text[length] = '\0';
        tc_err error = tc_setting_check_text(info, text, length);
        if (error == TC_OK) {
            memcpy((char *)values + info->offset, text, length + 1);
        }
        return error;
    }
    uint32_t number = 0;
    if (length != info->size) {
        return TC_ERR_SIZE;
    }
    memcpy(&number, bytes, length);
    tc_err error = tc_setting_check_number(info, number);
    if (error == TC_OK) {
        put_number(values, info, number);
    }
    return error;
}

void tc_setting_put_default(tc_settings *values, const tc_setting_info *info) {
    if (info->kind == TC_SETTING_TEXT) {
        strcpy((char *)values + info->offset, info->default_text);
    } else {
        put_number(values, info, info->default_number);
    }
}

static void put_u32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t get_u32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

size_t tc_journal_build(uint8_t out[TC_JOURNAL_MAX], const tc_settings *values,
                        const tc_setting_set *touched, const tc_setting_set *erased) {
    uint8_t *at = out + 2;
    out[0] = TC_JOURNAL_VERSION;
    out[1] = 0;
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        bool erase = tc_set_has(erased, id);
        size_t key_length = strlen(info->key), length = 0;
        const void *bytes = tc_setting_bytes(values, info, &length);
        if (!tc_set_has(touched, id)) {
            continue;
        }
        length = erase ? 0 : length;
        out[1]++;
        *at++ = (uint8_t)key_length;
        memcpy(at, info->key, key_length);
        at += key_length;
        *at++ = erase ? 0 : info->kv_type;
        *at++ = (uint8_t)length;
        *at++ = (uint8_t)(length >> 8);
        memcpy(at, bytes, length);
        at += length;
    }
    put_u32(at, tc_crc32(0, out, (size_t)(at - out)));
    return (size_t)(at + 4 - out);
}

static int find_key(const uint8_t *key, size_t length) {
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const char *known = tc_setting_table[id].key;
        if (strlen(known) == length && memcmp(known, key, length) == 0) {
            return id;
        }
    }
    return -1;
}

tc_err tc_journal_read(const uint8_t *blob, size_t length, tc_settings *values,
                       tc_setting_set *touched, tc_setting_set *erased) {
    if (length < 6 || blob[0] != TC_JOURNAL_VERSION ||
        get_u32(blob + length - 4) != tc_crc32(0, blob, length - 4)) {
        return TC_ERR_FORMAT;
    }
    const uint8_t *at = blob + 2, *end = blob + length - 4;
    for (int left = blob[1]; left > 0; left--) {
        if (end - at < 1 || end - at < 1 + at[0] + 3) {
            return TC_ERR_FORMAT;
        }
        int id = find_key(at + 1, at[0]);
        at += 1 + at[0];
        uint8_t type = at[0];
        size_t size = at[1] | (size_t)at[2] << 8;
        at += 3;
        if ((size_t)(end - at) < size) {
            return TC_ERR_FORMAT;
        }
        if (id >= 0 && type == 0) {
            tc_setting_put_default(values, &tc_setting_table[id]);
            tc_set_add(touched, id);
            tc_set_add(erased, id);
        } else if (id >= 0 && type == tc_setting_table[id].kv_type &&
                   tc_setting_put_bytes(values, &tc_setting_table[id], at, size) == TC_OK) {
            tc_set_add(touched, id);
            tc_set_remove(erased, id);
        }
        at += size;
    }
    return at == end ? TC_OK : TC_ERR_FORMAT;
}
