/* The rules for values of settings, in C; in TypeScript: shared-protocol/src/settings-check.ts. */
#ifndef TC_SETTINGS_CHECK_H
#define TC_SETTINGS_CHECK_H

#include "settings.h"

/**
 * Reads and checks a JSON value, given by its first token and that token's span. A text is
 * unescaped and, where it is a word or a URL, trimmed into `text`, which has room for info->size
 * bytes; another kind gives `number`. Returns TC_ERR_TYPE, _SIZE, _RANGE, _FORMAT.
 */
tc_err tc_setting_read(const tc_setting_info *info, tc_json_token token, tc_span span, char *text,
                       uint32_t *number);
/** Checks a text as it is kept (with its NUL, which `length` does not count): UTF-8, length, form.
 */
tc_err tc_setting_check_text(const tc_setting_info *info, const char *text, size_t length);
/** Checks a number, flag (0, 1) or choice as it is kept. */
tc_err tc_setting_check_number(const tc_setting_info *info, uint32_t number);

#endif
