#include "json_read.h"

#include <string.h>

#include "utf8.h"

/* What may come next (tc_json_reader.expect). */
enum { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COMMA_OR_END, END, FAILED };

/* A machine word of plain string bytes is passed over at once. */
typedef uintptr_t word;
#define EACH_BYTE(b) ((word) ~(word)0 / 255 * (b))

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int hex_digit(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_plain(uint8_t c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Whether one byte of the word is a control, a quote, a backslash, or above 0x7F. */
static bool has_special(word w) {
    word quote = w ^ EACH_BYTE('"'), slash = w ^ EACH_BYTE('\\');
    word zero_in = (w - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (slash - EACH_BYTE(1)) | w;
    return (zero_in & EACH_BYTE(0x80)) != 0;
}

static const char *skip_plain(const char *at, const char *end) {
    while (at < end && (uintptr_t)at % sizeof(word) != 0) {
        if (!is_plain((uint8_t)*at)) {
            return at;
        }
        at++;
    }
    while ((size_t)(end - at) >= sizeof(word)) {
        word w;
        memcpy(&w, __builtin_assume_aligned(at, sizeof(word)), sizeof(word));
        if (has_special(w)) {
            break;
        }
        at += sizeof(word);
    }
    while (at < end && is_plain((uint8_t)*at)) {
        at++;
    }
    return at;
}

void tc_json_begin(tc_json_reader *reader, const char *text, size_t length) {
    *reader = (tc_json_reader){.text = length == 0 ? "" : text, .length = length, .expect = VALUE};
}

static tc_json_token fail(tc_json_reader *reader, tc_err error) {
    reader->expect = FAILED;
    reader->error = error;
    reader->span = (tc_span){reader->text + reader->position, 0};
    return TC_JSON_ERROR;
}

static void after_value(tc_json_reader *reader) {
    reader->expect = reader->depth == 0 ? END : COMMA_OR_END;
}

/* Passes over white space; returns the next character, or -1 at the end. */
static int peek(tc_json_reader *reader) {
    size_t at = reader->position;
    while (at < reader->length && is_space(reader->text[at])) {
        at++;
    }
    reader->position = at;
    return at < reader->length ? (uint8_t)reader->text[at] : -1;
}

/* At the opening quote. Leaves the position behind the closing one. */
static bool read_string(tc_json_reader *reader) {
    const char *begin = reader->text + reader->position + 1;
    const char *end = reader->text + reader->length;
    const char *at = begin;
    for (;;) {
        at = skip_plain(at, end);
        reader->position = (size_t)(at - reader->text);
        if (at == end || (uint8_t)*at < 0x20) {
            return false;
        }
        if (*at == '"') {
            reader->span = (tc_span){begin, (size_t)(at - begin)};
            reader->position++;
            return true;
        }
        if (*at != '\\') {
            int step = tc_utf8_step(at, (size_t)(end - at));
            if (step < 0) {
                return false;
            }
            at += step;
            continue;
        }
        if (end - at < 2) {
            return false;
        }
        if (at[1] == 'u') {
            if (end - at < 6 || hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0 ||
                hex_digit(at[4]) < 0 || hex_digit(at[5]) < 0) {
                return false;
            }
            at += 6;
        } else if (at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL) {
            at += 2;
        } else {
            return false;
        }
    }
}

static bool read_digits(const char **at, const char *end) {
    const char *begin = *at;
    while (*at < end && is_digit(**at)) {
        (*at)++;
    }
    return *at > begin;
}

static bool read_number(tc_json_reader *reader) {
    const char *begin = reader->text + reader->position;
    const char *end = reader->text + reader->length;
    const char *at = begin;
    if (*at == '-') {
        at++;
    }
    if (at < end && *at == '0') {
        at++;
    } else if (!read_digits(&at, end)) {
        return false;
    }
    if (at < end && *at == '.') {
        at++;
        if (!read_digits(&at, end)) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        if (!read_digits(&at, end)) {
            return false;
        }
    }
    reader->span = (tc_span){begin, (size_t)(at - begin)};
    reader->position += reader->span.length;
    return true;
}

static bool read_word(tc_json_reader *reader, const char *expected) {
    size_t length = strlen(expected);
    const char *at = reader->text + reader->position;
    if (reader->length - reader->position < length || memcmp(at, expected, length) != 0) {
        return false;
    }
    reader->span = (tc_span){at, length};
    reader->position += length;
    return true;
}

static tc_json_token open_container(tc_json_reader *reader, bool object) {
    if (reader->depth == TC_JSON_DEPTH) {
        return fail(reader, TC_ERR_DEPTH);
    }
    uint64_t bit = (uint64_t)1 << reader->depth++;
    reader->objects = object ? reader->objects | bit : reader->objects & ~bit;
    reader->expect = object ? KEY_OR_END : VALUE_OR_END;
    reader->span = (tc_span){reader->text + reader->position++, 1};
    return object ? TC_JSON_OBJECT : TC_JSON_ARRAY;
}

static tc_json_token close_container(tc_json_reader *reader, bool object) {
    reader->depth--;
    reader->span = (tc_span){reader->text + reader->position++, 1};
    after_value(reader);
    return object ? TC_JSON_OBJECT_END : TC_JSON_ARRAY_END;
}

static tc_json_token read_value(tc_json_reader *reader, int c) {
    tc_json_token token;
    bool good;
    switch (c) {
    case '{':
        return open_container(reader, true);
    case '[':
        return open_container(reader, false);
    case '"':
        token = TC_JSON_STRING;
        good = read_string(reader);
        break;
    case 't':
        token = TC_JSON_TRUE;
        good = read_word(reader, "true");
        break;
    case 'f':
        token = TC_JSON_FALSE;
        good = read_word(reader, "false");
        break;
    case 'n':
        token = TC_JSON_NULL;
        good = read_word(reader, "null");
        break;
    default:
        token = TC_JSON_NUMBER;
        good = c >= 0 && read_number(reader);
        break;
    }
    if (!good) {
        return fail(reader, TC_ERR_FORMAT);
    }
    after_value(reader);
    return token;
}

/* A key and its colon. */
static tc_json_token read_key(tc_json_reader *reader, int c) {
    if (c != '"' || !read_string(reader) || peek(reader) != ':') {
        return fail(reader, TC_ERR_FORMAT);
    }
    reader->position++;
    reader->expect = VALUE;
    return TC_JSON_KEY;
}

tc_json_token tc_json_next(tc_json_reader *reader) {
    if (reader->expect == FAILED) {
        return TC_JSON_ERROR;
    }
    int c = peek(reader);
    if (reader->expect == END) {
        reader->span = (tc_span){reader->text + reader->position, 0};
        return c < 0 ? TC_JSON_END : fail(reader, TC_ERR_FORMAT);
    }
    bool object = reader->depth > 0 && (reader->objects >> (reader->depth - 1) & 1) != 0;
    bool may_end = reader->expect == VALUE_OR_END || reader->expect == KEY_OR_END ||
                   reader->expect == COMMA_OR_END;
    if (may_end && c == (object ? '}' : ']')) {
        return close_container(reader, object);
    }
    if (reader->expect == COMMA_OR_END) {
        if (c != ',') {
            return fail(reader, TC_ERR_FORMAT);
        }
        reader->position++;
        reader->expect = object ? KEY : VALUE;
        c = peek(reader);
    }
    if (reader->expect == KEY || reader->expect == KEY_OR_END) {
        return read_key(reader, c);
    }
    return read_value(reader, c);
}

tc_err tc_json_skip(tc_json_reader *reader, tc_json_token token, tc_span *raw) {
    const char *begin = reader->span.at;
    switch (token) {
    case TC_JSON_OBJECT:
    case TC_JSON_ARRAY: {
        int depth = reader->depth - 1;
        while (reader->depth > depth) {
            if (tc_json_next(reader) == TC_JSON_ERROR) {
                return reader->error;
            }
        }
        *raw = (tc_span){begin, (size_t)(reader->text + reader->position - begin)};
        return TC_OK;
    }
    case TC_JSON_STRING:
        *raw = (tc_span){begin - 1, reader->span.length + 2};
        return TC_OK;
    case TC_JSON_NUMBER:
    case TC_JSON_TRUE:
    case TC_JSON_FALSE:
    case TC_JSON_NULL:
        *raw = reader->span;
        return TC_OK;
    default:
        return reader->error != TC_OK ? reader->error : TC_ERR_FORMAT;
    }
}

static int32_t read_hex4(const char *at, const char *end) {
    int32_t value = 0;
    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static int put_utf8(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Reads one escape, `*at` behind its backslash; returns its length in UTF-8, or -1 (RFC 8259
 * section 7). */
static int read_escape(const char **at, const char *end, char out[4]) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (*at == end) {
        return -1;
    }
    char name = *(*at)++;
    if (name != 'u') {
        const char *found = name == '\0' ? NULL : strchr(names, name);
        if (found == NULL) {
            return -1;
        }
        out[0] = values[found - names];
        return 1;
    }
    int32_t unit = read_hex4(*at, end);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
        return -1;
    }
    *at += 4;
    if (unit < 0xD800 || unit > 0xDFFF) {
        return put_utf8((uint32_t)unit, out);
    }
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return -1;
    }
    int32_t low = read_hex4(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF) {
        return -1;
    }
    *at += 6;
    return put_utf8(0x10000u + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00), out);
}

int tc_json_char(tc_span *rest, char out[4]) {
    if (rest->length == 0) {
        return 0;
    }
    const char *at = rest->at, *end = at + rest->length;
    int length = 1;
    if (*at != '\\') {
        out[0] = *at++;
    } else {
        at++;
        length = read_escape(&at, end, out);
        if (length < 0) {
            return TC_ERR_FORMAT;
        }
    }
    *rest = (tc_span){at, (size_t)(end - at)};
    return length;
}

int tc_json_text(tc_span span, char *out, size_t capacity) {
    size_t length = 0;
    char piece[4];
    int size;
    while ((size = tc_json_char(&span, piece)) > 0) {
        if (piece[0] == '\0') {
            return TC_ERR_FORMAT;
        }
        if (length + (size_t)size < capacity) {
            memcpy(out + length, piece, (size_t)size);
        }
        length += (size_t)size;
    }
    if (size < 0) {
        return size;
    }
    if (length >= capacity) {
        return TC_ERR_SIZE;
    }
    out[length] = '\0';
    return (int)length;
}

tc_json_token tc_json_member(tc_span object, const char *key, tc_span *raw) {
    tc_json_reader reader;
    tc_json_token token, found = TC_JSON_ERROR;
    tc_span value;
    if (object.at == NULL) {
        return TC_JSON_ERROR;
    }
    tc_json_begin(&reader, object.at, object.length);
    if (tc_json_next(&reader) != TC_JSON_OBJECT) {
        return TC_JSON_ERROR;
    }
    while (tc_json_next(&reader) == TC_JSON_KEY) {
        bool wanted = tc_json_is(reader.span, key);
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

bool tc_json_is(tc_span span, const char *text) {
    char piece[4];
    int size;
    while ((size = tc_json_char(&span, piece)) > 0) {
        if (strncmp(text, piece, (size_t)size) != 0 || piece[0] == '\0') {
            return false;
        }
        text += size;
    }
    return size == 0 && span.at != NULL && *text == '\0';
}

tc_err tc_json_whole(tc_span span, int64_t *out) {
    static const int64_t most = 1LL << 53;
    bool negative = span.length > 0 && span.at[0] == '-';
    bool whole = span.length > (negative ? 1 : 0);
    int64_t value = 0;
    for (size_t i = negative ? 1 : 0; i < span.length; i++) {
        char c = span.at[i];
        whole = whole && is_digit(c);
        /* Once over the limit it stays there. */
        if (whole && value <= most) {
            value = value * 10 + (c - '0');
        }
    }
    if (!whole) {
        return TC_ERR_TYPE;
    }
    if (value > most) {
        return TC_ERR_RANGE;
    }
    *out = negative ? -value : value;
    return TC_OK;
}

tc_err tc_json_int(tc_span span, int32_t *out) {
    int64_t value = 0;
    tc_err error = tc_json_whole(span, &value);
    if (error == TC_OK && (value > INT32_MAX || value < INT32_MIN)) {
        error = TC_ERR_RANGE;
    }
    if (error == TC_OK) {
        *out = (int32_t)value;
    }
    return error;
}
