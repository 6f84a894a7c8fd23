/*
 * The journal of a commit: what is to be written, as one blob.
 *
 *     version (1)   count   count * { key length, key, type, length (u16), value }   CRC-32 of all
 * before
 *
 * Numbers are little-endian. Settings go by their NVS key and type, which never change, so that a
 * journal outlives an update of the firmware. Type 0 stands for a setting that goes back to its
 * default.
 */
#ifndef TC_SETTINGS_JOURNAL_H
#define TC_SETTINGS_JOURNAL_H

#include "settings.h"

#define TC_JOURNAL_KEY "journal"
#define TC_JOURNAL_VERSION 1
/* Every setting at its longest. */
#define TC_JOURNAL_MAX (2 + sizeof(tc_settings) + TC_SETTING_COUNT * (1 + 15 + 1 + 2) + 4)

/** A set of settings. */
typedef struct {
    uint32_t words[(TC_SETTING_COUNT + 31) / 32];
} tc_setting_set;

static inline bool tc_set_has(const tc_setting_set *set, int id) {
    return (set->words[id / 32] >> (id % 32) & 1) != 0;
}
static inline void tc_set_add(tc_setting_set *set, int id) {
    set->words[id / 32] |= (uint32_t)1 << (id % 32);
}
static inline void tc_set_remove(tc_setting_set *set, int id) {
    set->words[id / 32] &= ~((uint32_t)1 << (id % 32));
}

/** The stored form of a member of `values`: its bytes, and their number (a text's NUL left out). */
const void *tc_setting_bytes(const tc_settings *values, const tc_setting_info *info,
                             size_t *length);
/**
 * Checks a value in its stored form and puts it into `values`. A text needs no NUL. TC_ERR_SIZE,
 * _RANGE, _FORMAT: then `values` is as it was.
 */
tc_err tc_setting_put_bytes(tc_settings *values, const tc_setting_info *info, const void *bytes,
                            size_t length);
/** Puts the default into `values`. */
void tc_setting_put_default(tc_settings *values, const tc_setting_info *info);

/** Writes the journal of the settings in `touched`; those in `erased` go back to the default.
 * Returns its length. */
size_t tc_journal_build(uint8_t out[TC_JOURNAL_MAX], const tc_settings *values,
                        const tc_setting_set *touched, const tc_setting_set *erased);
/**
 * Reads a journal into `values`, `touched` and `erased`. Settings that this firmware does not know,
 * or whose value it does not take, are left out. TC_ERR_FORMAT: it is not a whole journal, and what
 * was read so far is not to be used.
 */
tc_err tc_journal_read(const uint8_t *blob, size_t length, tc_settings *values,
                       tc_setting_set *touched, tc_setting_set *erased);

#endif
