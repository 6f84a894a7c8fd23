/*
 * A bounded writer for JSON: it never writes past its buffer, puts commas by itself, and remembers
 * that something did not fit. No heap, no printf.
 */
#ifndef TC_JSON_WRITE_H
#define TC_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_read.h"

typedef struct {
    char *out;
    size_t capacity;
    size_t length; /* bytes written; no NUL is added */
    bool full;     /* something did not fit; the text is not usable */
    bool comma;    /* private */
} tc_json_writer;

void tc_json_start(tc_json_writer *writer, char *out, size_t capacity);
void tc_json_open_object(tc_json_writer *writer);
void tc_json_close_object(tc_json_writer *writer);
void tc_json_open_array(tc_json_writer *writer);
void tc_json_close_array(tc_json_writer *writer);
/** A key; the value comes with the next call. */
void tc_json_key(tc_json_writer *writer, const char *key);
/** A string, escaped. Bytes that are not UTF-8 become U+FFFD. */
void tc_json_string(tc_json_writer *writer, const char *text);
void tc_json_string_n(tc_json_writer *writer, const char *text, size_t length);
void tc_json_int_value(tc_json_writer *writer, int64_t value);
void tc_json_bool(tc_json_writer *writer, bool value);
void tc_json_null(tc_json_writer *writer);
/** Raw JSON, already checked; line breaks and tabs between its tokens become spaces. */
void tc_json_raw(tc_json_writer *writer, const char *json, size_t length);
/** Key and value in one call. */
void tc_json_pair_string(tc_json_writer *writer, const char *key, const char *text);
void tc_json_pair_int(tc_json_writer *writer, const char *key, int64_t value);
void tc_json_pair_bool(tc_json_writer *writer, const char *key, bool value);
/** A fraction as hundredths (75 -> 0.75), for the few settings in percent that the API wants as
 * fractions. */
void tc_json_pair_hundredths(tc_json_writer *writer, const char *key, int32_t hundredths);

#endif
