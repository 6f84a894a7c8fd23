#include "log.h"

#include <stdarg.h>
#include <string.h>

#include "../generated/link_gen.h"
#include "../port.h"
#include "link.h"
#include "settings.h"
#include "text_box.h"

/* A line that is written; on the stack of whichever task logs. */
typedef struct {
    char at[TC_LINK_MAX_TEXT];
    size_t length;
} line;

static uint64_t clock_ms; /* guarded by tc_port_lock: two words on the chip */

void tc_log_clock(uint64_t now_ms) {
    tc_port_lock();
    clock_ms = now_ms;
    tc_port_unlock();
}

static uint64_t read_clock(void) {
    tc_port_lock();
    uint64_t now = clock_ms;
    tc_port_unlock();
    return now;
}

static void put_char(line *l, char c) {
    if (l->length < sizeof l->at) {
        l->at[l->length++] = c;
    }
}

static void put_text(line *l, const char *text) {
    while (*text != '\0') {
        put_char(l, *text++);
    }
}

static void put_number(line *l, uint64_t value, unsigned base) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    while (count > 0) {
        put_char(l, digits[--count]);
    }
}

static void put_argument(line *l, char kind, va_list *arguments) {
    switch (kind) {
    case 's': {
        const char *text = va_arg(*arguments, const char *);
        put_text(l, text == NULL ? "(null)" : text);
        break;
    }
    case 'd': {
        int value = va_arg(*arguments, int);
        if (value < 0) {
            put_char(l, '-');
        }
        put_number(l, value < 0 ? 0 - (uint32_t)value : (uint32_t)value, 10);
        break;
    }
    case 'u':
        put_number(l, va_arg(*arguments, unsigned), 10);
        break;
    case 'x':
        put_number(l, va_arg(*arguments, unsigned), 16);
        break;
    default:
        put_char(l, kind);
        break;
    }
}

void tc_log(tc_log_level level, const char *tag, const char *format, ...) {
    va_list arguments;
    if ((int)level > tc_settings_get()->device_log_level) {
        return;
    }
    line l;
    l.length = 0;
    put_char(&l, "EWID"[level]);
    put_text(&l, " (");
    put_number(&l, read_clock(), 10);
    put_text(&l, ") ");
    put_text(&l, tag);
    put_text(&l, ": ");
    va_start(arguments, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%' || at[1] == '\0') {
            put_char(&l, *at);
        } else {
            put_argument(&l, *++at, &arguments);
        }
    }
    va_end(arguments);
    tc_text_box_put(l.at, l.length);
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
