#include "check.h"

#ifndef __wasm__
#include <stdlib.h>
#include <unistd.h>
#endif

static char message[1024];
static size_t length;

static void put(const char *text, size_t size) {
    for (size_t i = 0; i < size && length + 1 < sizeof message; i++) {
        message[length++] = text[i] == '\n' ? ' ' : text[i];
    }
    message[length] = '\0';
}

static void put_text(const char *text) {
    put(text, strlen(text));
}

static void put_int(long long value) {
    char digits[24];
    size_t at = sizeof digits;
    unsigned long long left = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    put(digits + at, sizeof digits - at);
}

static void put_place(const char *file, int line, const char *what) {
    length = 0;
    put_text(file);
    put_text(":");
    put_int(line);
    put_text(": ");
    put_text(what);
}

#ifdef __wasm__
TC_EXPORT("tc_check_message") const char *tc_check_message(void);
const char *tc_check_message(void) {
    return message;
}

static _Noreturn void stop(void) {
    __builtin_trap();
}
#else
static _Noreturn void stop(void) {
    message[length] = '\n';
    if (write(STDERR_FILENO, message, length + 1) < 0) {
        _exit(2);
    }
    abort(); /* so that a fuzzer keeps the input */
}
#endif

_Noreturn void tc_check_failed(const char *file, int line, const char *what) {
    put_place(file, line, what);
    stop();
}

void tc_check_equal(const char *file, int line, const char *what, long long got, long long wanted) {
    if (got == wanted) {
        return;
    }
    put_place(file, line, what);
    put_text(" is ");
    put_int(got);
    put_text(", not ");
    put_int(wanted);
    stop();
}

void tc_check_text(const char *file, int line, const char *what, const char *got, size_t got_length,
                   const char *wanted, size_t wanted_length) {
    if (got_length == wanted_length && memcmp(got, wanted, got_length) == 0) {
        return;
    }
    put_place(file, line, what);
    put_text(" is '");
    put(got, got_length < 400 ? got_length : 400);
    put_text("', not '");
    put(wanted, wanted_length < 400 ? wanted_length : 400);
    put_text("'");
    stop();
}
