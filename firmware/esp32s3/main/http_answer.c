#include "http_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A header is whole where the next begins. Its beginning suffices: a longer name or value than its
 * array is none that we look for. */
static void end_header(http_answer *answer) {
    bool fits =
        answer->name_length < sizeof answer->name && answer->value_length < sizeof answer->value;
    if (fits && answer->value_length > 0) {
        answer->name[answer->name_length] = '\0';
        answer->value[answer->value_length] = '\0';
        size_t digits = strspn(answer->value, "0123456789");
        if (strcasecmp(answer->name, "retry-after") == 0 && digits <= 9 &&
            strspn(answer->value + digits, " \t") == answer->value_length - digits) {
            answer->retry_after = (uint32_t)strtoul(answer->value, NULL, 10);
        }
    }
    answer->name_length = answer->value_length = 0;
    answer->in_value = false;
}

static void append(char *out, size_t capacity, size_t *length, const char *at, size_t more) {
    for (size_t i = 0; i < more; i++, (*length)++) {
        if (*length < capacity) {
            out[*length] = at[i];
        }
    }
}

static int take_name(http_parser *parser, const char *at, size_t length) {
    http_answer *answer = parser->data;
    if (answer->in_value) {
        end_header(answer);
    }
    append(answer->name, sizeof answer->name, &answer->name_length, at, length);
    return 0;
}

static int take_value(http_parser *parser, const char *at, size_t length) {
    http_answer *answer = parser->data;
    answer->in_value = true;
    append(answer->value, sizeof answer->value, &answer->value_length, at, length);
    return 0;
}

static int end_headers(http_parser *parser) {
    end_header(parser->data);
    return 0;
}

static int take_body(http_parser *parser, const char *at, size_t length) {
    http_answer *answer = parser->data;
    if (length > HTTP_BODY_MAX - answer->length) {
        answer->too_large = true;
        return 1;
    }
    memcpy(answer->body + answer->length, at, length);
    answer->length += length;
    return 0;
}

/* 100 (Continue) and its like come before the answer (RFC 9110, section 15.2). */
static int end_message(http_parser *parser) {
    http_answer *answer = parser->data;
    answer->whole = parser->status_code >= 200;
    return 0;
}

void http_answer_begin(http_answer *answer) {
    answer->whole = answer->too_large = answer->in_value = false;
    answer->retry_after = 0;
    answer->length = answer->name_length = answer->value_length = 0;
    http_parser_init(&answer->parser, HTTP_RESPONSE);
    answer->parser.data = answer;
}

bool http_answer_take(http_answer *answer, const char *bytes, size_t length) {
    static const http_parser_settings settings = {.on_header_field = take_name,
                                                  .on_header_value = take_value,
                                                  .on_headers_complete = end_headers,
                                                  .on_body = take_body,
                                                  .on_message_complete = end_message};
    size_t taken = http_parser_execute(&answer->parser, &settings, bytes, length);
    /* What comes behind a whole answer was not asked for. */
    return answer->whole || (taken == length && HTTP_PARSER_ERRNO(&answer->parser) == HPE_OK);
}

int http_answer_status(const http_answer *answer) {
    return answer->parser.status_code;
}
