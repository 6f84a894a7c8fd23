#include "settings_check.h"

#include <string.h>

#include "utf8.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Length of a host name, or of an IPv6 address in brackets, at `at`; 0 where there is neither. */
static size_t host_length(const char *at) {
    size_t length = 0;
    if (*at == '[') {
        length = 1;
        while (is_hex(at[length]) || at[length] == ':' || at[length] == '.') {
            length++;
        }
        return length > 1 && at[length] == ']' ? length + 1 : 0;
    }
    while (is_digit(at[length]) || (at[length] >= 'a' && at[length] <= 'z') ||
           (at[length] >= 'A' && at[length] <= 'Z') ||
           (at[length] != '\0' && strchr("._-", at[length]) != NULL)) {
        length++;
    }
    return length;
}

/* Reads 1 to `most` digits; moves `*at` behind them. Returns their number, or -1. */
static int32_t read_digits(const char **at, int most) {
    int32_t value = 0;
    int count = 0;
    while (is_digit(**at)) {
        if (++count > most) {
            return -1;
        }
        value = value * 10 + (*(*at)++ - '0');
    }
    return count == 0 ? -1 : value;
}

/* localhost (RFC 6761), ::1, or 127.0.0.0/8 written with four numbers (RFC 6890). */
static bool is_loopback(const char *host, size_t length) {
    if ((length == 9 && memcmp(host, "localhost", 9) == 0) ||
        (length == 5 && memcmp(host, "[::1]", 5) == 0)) {
        return true;
    }
    const char *at = host + 3;
    if (length < 4 || memcmp(host, "127", 3) != 0) {
        return false;
    }
    for (int part = 0; part < 3; part++) {
        if (*at++ != '.') {
            return false;
        }
        int32_t number = read_digits(&at, 3);
        if (number < 0 || number > 255) {
            return false;
        }
    }
    return at == host + length;
}

/* `url` holds printable ASCII only. */
static bool is_url(const char *url) {
    bool clear = strncmp(url, "http://", 7) == 0;
    if (!clear && strncmp(url, "https://", 8) != 0) {
        return false;
    }
    const char *host = url + (clear ? 7 : 8);
    size_t length = host_length(host);
    const char *at = host + length;
    if (length == 0 || (clear && !is_loopback(host, length))) {
        return false;
    }
    if (*at == ':') {
        at++;
        int32_t port = read_digits(&at, 5);
        if (port < 1 || port > 65535) {
            return false;
        }
    }
    return *at == '\0' || (*at == '/' && strpbrk(at, "?#\\") == NULL);
}

static char small(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool ends_with(const char *text, size_t length, const char *end) {
    size_t size = strlen(end);
    bool same = size <= length;
    for (size_t i = 0; same && i < size; i++) {
        same = small(text[length - size + i]) == end[i];
    }
    return same;
}

/* One parameter of a query: whether its name or its value looks like a key (settings-check.ts). */
static bool holds_key(const char *name, size_t length) {
    static const char *const names[] = {"key",    "token",    "sig",          "signature",
                                        "secret", "password", "authorization"};
    static const char *const begins[] = {"sk-", "ek_", "tc_"};
    const char *equals = memchr(name, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ends_with(name, name_length, names[i])) {
            return true;
        }
    }
    for (size_t i = 0; equals != NULL && i < sizeof begins / sizeof begins[0]; i++) {
        if (length - name_length > 3 && memcmp(equals + 1, begins[i], 3) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_query(const char *query) {
    if (query[0] == '?' || query[0] == '&' || strpbrk(query, "#\\") != NULL) {
        return false;
    }
    for (;;) {
        size_t length = strcspn(query, "&");
        if (holds_key(query, length)) {
            return false;
        }
        if (query[length] == '\0') {
            return true;
        }
        query += length + 1;
    }
}

/* Forms whose outer white space is cut off. */
static bool is_trimmed(int form) {
    return form == TC_FORM_WORD || form == TC_FORM_URL || form == TC_FORM_PIN ||
           form == TC_FORM_QUERY;
}

static bool allowed(uint8_t c, int form) {
    if (is_trimmed(form)) {
        return c > 0x20 && c < 0x7F;
    }
    return (c >= 0x20 && c != 0x7F) || (c == '\n' && form == TC_FORM_LINES);
}

static bool all_hex(const char *text, size_t length) {
    while (length > 0 && is_hex(text[length - 1])) {
        length--;
    }
    return length == 0;
}

static bool is_passphrase(const char *text, size_t length) {
    return length == 0 || (length >= 8 && (length != 64 || all_hex(text, length)));
}

static bool is_pin(const char *text, size_t length) {
    return length == 0 || (length == 64 && all_hex(text, length));
}

tc_err tc_setting_check_text(const tc_setting_info *info, const char *text, size_t length) {
    if (length > info->max) {
        return TC_ERR_SIZE;
    }
    for (size_t at = 0; at < length;) {
        int step = tc_utf8_step(text + at, length - at);
        if (step < 0 || !allowed((uint8_t)text[at], info->form)) {
            return TC_ERR_FORMAT;
        }
        at += (size_t)step;
    }
    if ((info->form == TC_FORM_URL && !is_url(text)) ||
        (info->form == TC_FORM_PASSPHRASE && !is_passphrase(text, length)) ||
        (info->form == TC_FORM_PIN && !is_pin(text, length)) ||
        (info->form == TC_FORM_QUERY && !is_query(text))) {
        return TC_ERR_FORMAT;
    }
    return TC_OK;
}

tc_err tc_setting_check_number(const tc_setting_info *info, uint32_t number) {
    if (number < info->min || number > info->max) {
        return TC_ERR_RANGE;
    }
    return number != 0 && number < info->zero_or ? TC_ERR_FORMAT : TC_OK;
}

/*
 * Unescapes a text; of words, pins and URLs the outer white space is cut off, of URLs the slashes
 * at the end too. What is cut off may be long, so the length is found as the characters pass, and
 * only as many are kept as have room.
 */
static tc_err read_text(const tc_setting_info *info, tc_span span, char *text) {
    bool trim = is_trimmed(info->form);
    size_t length = 0, kept = 0; /* characters seen, and up to where they stay */
    bool after_space = false;
    char piece[4];
    int size;
    while ((size = tc_json_char(&span, piece)) > 0) {
        bool space = trim && is_space(piece[0]);
        if (space && length == 0) {
            continue;
        }
        if (length + (size_t)size < info->size) {
            memcpy(text + length, piece, (size_t)size);
        }
        bool slash = info->form == TC_FORM_URL && piece[0] == '/';
        if (slash && after_space) {
            kept = length;
        }
        length += (size_t)size;
        if (!space && !slash) {
            kept = length;
        }
        after_space = space;
    }
    if (size < 0) {
        return TC_ERR_FORMAT;
    }
    if (kept > info->max) {
        return TC_ERR_SIZE;
    }
    text[kept] = '\0';
    return tc_setting_check_text(info, text, kept);
}

static tc_err read_choice(const tc_setting_info *info, tc_span span, uint32_t *number) {
    for (uint32_t i = 0; i < info->choice_count; i++) {
        if (tc_json_is(span, info->choices[i])) {
            *number = i;
            return TC_OK;
        }
    }
    return TC_ERR_FORMAT;
}

tc_err tc_setting_read(const tc_setting_info *info, tc_json_token token, tc_span span, char *text,
                       uint32_t *number) {
    switch (info->kind) {
    case TC_SETTING_TEXT:
        return token == TC_JSON_STRING ? read_text(info, span, text) : TC_ERR_TYPE;
    case TC_SETTING_CHOICE:
        return token == TC_JSON_STRING ? read_choice(info, span, number) : TC_ERR_TYPE;
    case TC_SETTING_FLAG:
        *number = token == TC_JSON_TRUE;
        return token == TC_JSON_TRUE || token == TC_JSON_FALSE ? TC_OK : TC_ERR_TYPE;
    default: {
        int64_t value = 0;
        tc_err error = token == TC_JSON_NUMBER ? tc_json_whole(span, &value) : TC_ERR_TYPE;
        if (error == TC_OK && (value < 0 || value > UINT32_MAX)) {
            error = TC_ERR_RANGE;
        }
        *number = (uint32_t)value;
        return error == TC_OK ? tc_setting_check_number(info, *number) : error;
    }
    }
}
