/*
 * A pull reader for JSON (RFC 8259) over bytes that are all there: one pass, no tree, no heap, no
 * recursion. It checks the grammar in full (UTF-8, escapes, numbers, one value, nothing after it),
 * so a text that was read to TC_JSON_END without error is JSON.
 */
#ifndef TC_JSON_READ_H
#define TC_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define TC_JSON_DEPTH 64

typedef enum {
    TC_JSON_OBJECT,     /* { */
    TC_JSON_OBJECT_END, /* } */
    TC_JSON_ARRAY,      /* [ */
    TC_JSON_ARRAY_END,  /* ] */
    TC_JSON_KEY,        /* span is the raw text between the quotes */
    TC_JSON_STRING,     /* span is the raw text between the quotes */
    TC_JSON_NUMBER,     /* span is the number as written */
    TC_JSON_TRUE,
    TC_JSON_FALSE,
    TC_JSON_NULL,
    TC_JSON_END,   /* the whole text was one value */
    TC_JSON_ERROR, /* see reader.error; every later call says so again */
} tc_json_token;

typedef struct {
    const char *at; /* points into the text */
    size_t length;
} tc_span;

typedef struct {
    const char *text;
    size_t length;
    size_t position;
    tc_span span; /* of the last token; for { [ } ] the one character */
    int depth;    /* open containers */
    tc_err error;
    uint64_t objects; /* bit per depth: 1 where the container is an object */
    uint8_t expect;   /* what may come next; private */
} tc_json_reader;

/** Starts to read `length` bytes at `text`, which stay where they are meanwhile. */
void tc_json_begin(tc_json_reader *reader, const char *text, size_t length);
/** The next token. */
tc_json_token tc_json_next(tc_json_reader *reader);
/**
 * Passes over the value whose first token `token` was just read (a scalar, or a container with all
 * in it) and gives its raw text, as written (a string with its quotes). TC_OK or the reader's
 * error.
 */
tc_err tc_json_skip(tc_json_reader *reader, tc_json_token token, tc_span *raw);
/**
 * Takes the next piece off the span of a key or string: one unescaped character in UTF-8, or one
 * byte that stands for itself. Returns its length, 1 to 4; 0 at the end; TC_ERR_FORMAT for a lone
 * surrogate.
 */
int tc_json_char(tc_span *rest, char out[4]);
/**
 * Unescapes the span of a key or string into `out` and adds a NUL. Returns the length; TC_ERR_SIZE;
 * TC_ERR_FORMAT for a lone surrogate or for U+0000 (which no text of ours may hold).
 */
int tc_json_text(tc_span span, char *out, size_t capacity);
/**
 * Looks for a member of the object whose raw JSON `object` is, and gives the raw text of its value
 * (a string with its quotes); of equal keys the last. Returns the first token of the value,
 * TC_JSON_ERROR where it is not there, or `object` is none (at == NULL is none, too).
 */
tc_json_token tc_json_member(tc_span object, const char *key, tc_span *raw);
/** Whether the span of a key or string, unescaped, equals `text`. */
bool tc_json_is(tc_span span, const char *text);
/** The span of a number as integer. TC_ERR_TYPE for a fraction or an exponent, TC_ERR_RANGE beyond
 * 2^53 on either side. */
tc_err tc_json_whole(tc_span span, int64_t *out);
/** Like it, TC_ERR_RANGE outside int32. */
tc_err tc_json_int(tc_span span, int32_t *out);

#endif
