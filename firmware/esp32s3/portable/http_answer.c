#include "http_answer.h"

#include <string.h>

enum { STATUS, HEADERS, BODY, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILERS, UNTIL_CLOSED };

void http_answer_begin(http_answer *answer) {
    size_t keep = offsetof(http_answer, progress);
    memset((uint8_t *)answer + keep, 0, sizeof *answer - keep);
    answer->status = 0;
    answer->retry_after = 0;
    answer->length = 0;
    answer->total = 0;
    answer->sink = NULL;
}

/* ---- text ---- */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Whether `text` begins with `word`, which is in lower case, in any case. */
static bool begins(const char *text, const char *word) {
    while (*word != '\0' && lower(*text) == *word) {
        text++;
        word++;
    }
    return *word == '\0';
}

/* The value of the header `name`; NULL where the line is another one. Names end with their colon.
 */
static const char *value_of(const char *line, const char *name) {
    if (!begins(line, name)) {
        return NULL;
    }
    line += strlen(name);
    return line + strspn(line, " \t");
}

/* Reads a number that is all of `text` but for white space at its end; false where it is none or
 * has more than 9 digits. */
static bool read_decimal(const char *text, uint32_t *out) {
    uint32_t value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits + strspn(text + digits, " \t")] != '\0') {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *out = value;
    return true;
}

/* Reads the size of a chunk (section 7.1), which extensions may follow. */
static bool read_chunk_size(const char *text, uint32_t *out) {
    uint32_t value = 0;
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 7 || strchr("; \t", text[digits]) == NULL) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        char c = lower(text[i]);
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = value;
    return true;
}

/* ---- lines ---- */

/* Section 4: HTTP-version SP status-code SP, and a reason that is for people. */
static bool read_status(http_answer *answer, const char *line) {
    uint32_t status;
    char digits[4];
    if (!begins(line, "http/1.") || strlen(line) < 12 || line[8] != ' ' ||
        strchr(" ", line[12]) == NULL) {
        return false;
    }
    memcpy(digits, line + 9, 3);
    digits[3] = '\0';
    if (!read_decimal(digits, &status) || status < 100) {
        return false;
    }
    answer->status = (int)status;
    return true;
}

static bool read_header(http_answer *answer, const char *line) {
    const char *value;
    uint32_t number;
    if ((value = value_of(line, "content-length:")) != NULL) {
        /* Section 6.3: two that differ are an attack. */
        if (!read_decimal(value, &number) || (answer->has_length && number != answer->left)) {
            return false;
        }
        answer->has_length = true;
        answer->left = number;
    } else if ((value = value_of(line, "transfer-encoding:")) != NULL) {
        answer->chunked = begins(value, "chunked") && value[7 + strspn(value + 7, " \t")] == '\0';
        return answer->chunked; /* we asked for no other coding */
    } else if ((value = value_of(line, "retry-after:")) != NULL) {
        answer->retry_after = read_decimal(value, &number) ? number : 0;
    }
    return true;
}

static bool streams(const http_answer *answer) {
    return answer->sink != NULL && answer->status == 200;
}

/* Bytes for which there is room. */
static size_t room_of(const http_answer *answer) {
    return streams(answer) ? SIZE_MAX : HTTP_BODY_MAX - answer->length;
}

/* Section 6.3: how long the body is. */
static http_progress end_headers(http_answer *answer) {
    if (answer->status < 200) {
        /* 100 (Continue) and its like come before the answer (RFC 9110, section 15.2). */
        answer->stage = STATUS;
        answer->chunked = answer->has_length = false;
        answer->left = answer->retry_after = 0;
        return HTTP_MORE;
    }
    if (answer->status == 204 || answer->status == 304) {
        return HTTP_WHOLE;
    }
    if (answer->chunked) {
        answer->stage = CHUNK_SIZE;
        return HTTP_MORE;
    }
    if (!answer->has_length) {
        answer->stage = UNTIL_CLOSED;
        return HTTP_MORE;
    }
    answer->stage = BODY;
    answer->total = answer->left;
    if (answer->left > room_of(answer)) {
        return HTTP_TOO_LARGE;
    }
    return answer->left == 0 ? HTTP_WHOLE : HTTP_MORE;
}

static http_progress read_chunk(http_answer *answer, const char *line) {
    if (!read_chunk_size(line, &answer->left)) {
        return HTTP_BROKEN;
    }
    answer->stage = answer->left == 0 ? TRAILERS : CHUNK;
    return answer->left > room_of(answer) ? HTTP_TOO_LARGE : HTTP_MORE;
}

static http_progress end_line(http_answer *answer) {
    size_t length = answer->line_length;
    answer->line_length = 0;
    if (length > 0 && length < HTTP_LINE_MAX && answer->line[length - 1] == '\r') {
        length--;
    }
    answer->line[length < HTTP_LINE_MAX ? length : HTTP_LINE_MAX - 1] = '\0';
    const char *line = answer->line;
    switch (answer->stage) {
    case STATUS:
        answer->stage = HEADERS;
        return read_status(answer, line) ? HTTP_MORE : HTTP_BROKEN;
    case HEADERS:
        if (length == 0) {
            return end_headers(answer);
        }
        return read_header(answer, line) ? HTTP_MORE : HTTP_BROKEN;
    case CHUNK_SIZE:
        return read_chunk(answer, line);
    case CHUNK_END:
        answer->stage = CHUNK_SIZE;
        return length == 0 ? HTTP_MORE : HTTP_BROKEN;
    default: /* TRAILERS */
        return length == 0 ? HTTP_WHOLE : HTTP_MORE;
    }
}

/* ---- bytes ---- */

static http_progress take_head(http_answer *answer, uint8_t byte) {
    if (++answer->head > HTTP_HEAD_MAX) {
        return HTTP_TOO_LARGE;
    }
    if (byte == '\n') {
        return end_line(answer);
    }
    if (answer->line_length < HTTP_LINE_MAX) {
        answer->line[answer->line_length++] = (char)byte;
    }
    return HTTP_MORE;
}

/* Returns how many bytes were body. */
static size_t take_body(http_answer *answer, const uint8_t *bytes, size_t length) {
    bool counted = answer->stage != UNTIL_CLOSED;
    size_t piece = counted && answer->left < length ? answer->left : length;
    if (piece > room_of(answer)) {
        answer->progress = HTTP_TOO_LARGE;
        return length;
    }
    if (streams(answer)) {
        answer->sink(bytes, piece, answer->total);
    } else {
        memcpy(answer->body + answer->length, bytes, piece);
        answer->length += piece;
    }
    if (counted) {
        answer->left -= (uint32_t)piece;
        if (answer->left == 0 && answer->stage == BODY) {
            answer->progress = HTTP_WHOLE;
        } else if (answer->left == 0) {
            answer->stage = CHUNK_END;
        }
    }
    return piece;
}

http_progress http_answer_take(http_answer *answer, const uint8_t *bytes, size_t length) {
    while (length > 0 && answer->progress == HTTP_MORE) {
        bool body =
            answer->stage == BODY || answer->stage == CHUNK || answer->stage == UNTIL_CLOSED;
        size_t piece = 1;
        if (body) {
            piece = take_body(answer, bytes, length);
        } else {
            answer->progress = take_head(answer, *bytes);
        }
        bytes += piece;
        length -= piece;
    }
    return answer->progress;
}

http_progress http_answer_end(http_answer *answer) {
    if (answer->progress == HTTP_MORE) {
        answer->progress = answer->stage == UNTIL_CLOSED ? HTTP_WHOLE : HTTP_BROKEN;
    }
    return answer->progress;
}
