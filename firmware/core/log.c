#include "log.h"

#include <stdarg.h>
#include <string.h>

#include "../generated/link_gen.h"
#include "link.h"
#include "settings.h"

static uint64_t clock_ms;
static char line[TC_LINK_MAX_TEXT];
static size_t line_length;

void tc_log_clock(uint64_t now_ms) {
    clock_ms = now_ms;
}

static void put_char(char c) {
    if (line_length < sizeof line) {
        line[line_length++] = c;
    }
}

static void put_text(const char *text) {
    while (*text != '\0') {
        put_char(*text++);
    }
}

static void put_number(uint64_t value, unsigned base) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    while (count > 0) {
        put_char(digits[--count]);
    }
}

static void put_argument(char kind, va_list *arguments) {
    switch (kind) {
    case 's': {
        const char *text = va_arg(*arguments, const char *);
        put_text(text == NULL ? "(null)" : text);
        break;
    }
    case 'd': {
        int32_t value = va_arg(*arguments, int32_t);
        if (value < 0) {
            put_char('-');
        }
        put_number(value < 0 ? 0 - (uint32_t)value : (uint32_t)value, 10);
        break;
    }
    case 'u':
        put_number(va_arg(*arguments, uint32_t), 10);
        break;
    case 'x':
        put_number(va_arg(*arguments, uint32_t), 16);
        break;
    default:
        put_char(kind);
        break;
    }
}

void tc_log(tc_log_level level, const char *tag, const char *format, ...) {
    va_list arguments;
    if ((int)level > tc_settings_get()->device_log_level) {
        return;
    }
    line_length = 0;
    put_char("EWID"[level]);
    put_text(" (");
    put_number(clock_ms, 10);
    put_text(") ");
    put_text(tag);
    put_text(": ");
    va_start(arguments, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%' || at[1] == '\0') {
            put_char(*at);
        } else {
            put_argument(*++at, &arguments);
        }
    }
    va_end(arguments);
    tc_link_text(line, line_length);
}

void tc_problem(const char *code, const char *message, const char *hint) {
    tc_json_writer *params = tc_link_notify(TC_NOTIFY_PROBLEM);
    if (params != NULL) {
        tc_json_open_object(params);
        tc_json_pair_string(params, "code", code);
        tc_json_pair_string(params, "message", message);
        if (hint != NULL) {
            tc_json_pair_string(params, "hint", hint);
        }
        tc_json_close_object(params);
        tc_link_send(TC_NOTIFY_PROBLEM_DROP);
    }
    tc_log(TC_LOG_ERROR, code, "%s%s%s", message, hint == NULL ? "" : "; ",
           hint == NULL ? "" : hint);
}
