/* Reading an HTTP/1.1 answer (RFC 9112), whole. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_parser.h"

#define HTTP_BODY_MAX 20480u /* port.h */

typedef struct {
    http_parser parser;
    bool whole;
    bool too_large;
    uint32_t retry_after; /* seconds; 0 where there is none, or a date */
    size_t length;
    uint8_t body[HTTP_BODY_MAX];
    /* The header that is being read. */
    char name[16], value[12];
    size_t name_length, value_length;
    bool in_value;
} http_answer;

void http_answer_begin(http_answer *answer);
/** Takes bytes as they came; length 0 is the end of the connection. Whether what came so far can be
 * an answer. */
bool http_answer_take(http_answer *answer, const char *bytes, size_t length);
/** The status, once the answer is whole. */
int http_answer_status(const http_answer *answer);

#endif
