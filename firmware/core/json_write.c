#include "json_write.h"

#include <string.h>

#include "utf8.h"

static void put(tc_json_writer *writer, const char *bytes, size_t length) {
    if (writer->full || length > writer->capacity - writer->length) {
        writer->full = true;
        return;
    }
    memcpy(writer->out + writer->length, bytes, length);
    writer->length += length;
}

static void put_char(tc_json_writer *writer, char c) {
    put(writer, &c, 1);
}

static void begin_value(tc_json_writer *writer) {
    if (writer->comma) {
        put_char(writer, ',');
    }
    writer->comma = true;
}

static void put_word(tc_json_writer *writer, const char *word) {
    begin_value(writer);
    put(writer, word, strlen(word));
}

void tc_json_start(tc_json_writer *writer, char *out, size_t capacity) {
    *writer = (tc_json_writer){.out = out, .capacity = capacity};
}

void tc_json_open_object(tc_json_writer *writer) {
    put_word(writer, "{");
    writer->comma = false;
}

void tc_json_close_object(tc_json_writer *writer) {
    put_char(writer, '}');
    writer->comma = true;
}

void tc_json_open_array(tc_json_writer *writer) {
    put_word(writer, "[");
    writer->comma = false;
}

void tc_json_close_array(tc_json_writer *writer) {
    put_char(writer, ']');
    writer->comma = true;
}

void tc_json_key(tc_json_writer *writer, const char *key) {
    tc_json_string(writer, key);
    put_char(writer, ':');
    writer->comma = false;
}

static void put_escape(tc_json_writer *writer, char c) {
    static const char hex[] = "0123456789abcdef";
    static const char names[] = "\"\\bfnrt", values[] = "\"\\\b\f\n\r\t";
    const char *found = c == '\0' ? NULL : strchr(values, c);
    if (found != NULL) {
        char escape[2] = {'\\', names[found - values]};
        put(writer, escape, sizeof escape);
    } else {
        char escape[6] = {'\\', 'u', '0', '0', hex[(uint8_t)c >> 4], hex[c & 15]};
        put(writer, escape, sizeof escape);
    }
}

void tc_json_string(tc_json_writer *writer, const char *text) {
    tc_json_string_n(writer, text, strlen(text));
}

void tc_json_string_n(tc_json_writer *writer, const char *text, size_t length) {
    size_t at = 0, plain = 0;
    begin_value(writer);
    put_char(writer, '"');
    while (at < length) {
        uint8_t c = (uint8_t)text[at];
        int step = c < 0x80 ? 1 : tc_utf8_step(text + at, length - at);
        if (step > 0 && c >= 0x20 && c != '"' && c != '\\') {
            at += (size_t)step;
            continue;
        }
        put(writer, text + plain, at - plain);
        if (step < 0) {
            put(writer, "\xEF\xBF\xBD", 3);
            at += (size_t)-step;
        } else {
            put_escape(writer, text[at]);
            at++;
        }
        plain = at;
    }
    if (length > plain) {
        put(writer, text + plain, length - plain);
    }
    put_char(writer, '"');
}

static void put_int(tc_json_writer *writer, int64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    put(writer, digits + at, sizeof digits - at);
}

void tc_json_int_value(tc_json_writer *writer, int64_t value) {
    begin_value(writer);
    put_int(writer, value);
}

void tc_json_bool(tc_json_writer *writer, bool value) {
    put_word(writer, value ? "true" : "false");
}

void tc_json_null(tc_json_writer *writer) {
    put_word(writer, "null");
}

void tc_json_raw(tc_json_writer *writer, const char *json, size_t length) {
    begin_value(writer);
    size_t begin = writer->length;
    put(writer, json, length);
    for (size_t at = begin; at < writer->length; at++) {
        /* Inside a string there are none. */
        if ((uint8_t)writer->out[at] < 0x20) {
            writer->out[at] = ' ';
        }
    }
}

void tc_json_pair_string(tc_json_writer *writer, const char *key, const char *text) {
    tc_json_key(writer, key);
    tc_json_string(writer, text);
}

void tc_json_pair_int(tc_json_writer *writer, const char *key, int64_t value) {
    tc_json_key(writer, key);
    tc_json_int_value(writer, value);
}

void tc_json_pair_bool(tc_json_writer *writer, const char *key, bool value) {
    tc_json_key(writer, key);
    tc_json_bool(writer, value);
}

void tc_json_pair_hundredths(tc_json_writer *writer, const char *key, int32_t hundredths) {
    uint32_t size = hundredths < 0 ? 0 - (uint32_t)hundredths : (uint32_t)hundredths;
    tc_json_key(writer, key);
    begin_value(writer);
    if (hundredths < 0) {
        put_char(writer, '-');
    }
    put_int(writer, size / 100);
    if (size % 100 != 0) {
        char digits[3] = {'.', (char)('0' + size % 100 / 10), (char)('0' + size % 10)};
        put(writer, digits, size % 10 == 0 ? 2 : 3);
    }
}
