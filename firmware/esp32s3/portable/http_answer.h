/* Reading an HTTP/1.1 answer (RFC 9112) to a POST or GET, in any pieces. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX 20480u /* port.h */
#define HTTP_LINE_MAX 256u   /* what is kept of a line; longer ones are no matter of ours */
#define HTTP_HEAD_MAX 16384u /* bytes of status line, headers, chunk sizes and trailers */

typedef enum {
    HTTP_MORE,      /* so far so good */
    HTTP_WHOLE,     /* status and body are there */
    HTTP_BROKEN,    /* not HTTP/1.x, or cut short */
    HTTP_TOO_LARGE, /* a body over HTTP_BODY_MAX, or a head over HTTP_HEAD_MAX */
} http_progress;

typedef struct {
    int status;           /* 200 to 999 */
    uint32_t retry_after; /* seconds; 0 where there is none, or a date */
    size_t length;
    uint8_t body[HTTP_BODY_MAX];
    uint32_t total; /* Content-Length of the body; 0 where it is not said */
    /* Takes the pieces of a body with status 200, of any length, in place of `body`; may be NULL.
     * Set after http_answer_begin(). */
    void (*sink)(const uint8_t *bytes, size_t length, uint32_t total);

    /* Private from here on. */
    http_progress progress;
    int stage;
    bool chunked, has_length;
    uint32_t left; /* bytes of the body or of the chunk that are to come */
    size_t head;
    char line[HTTP_LINE_MAX];
    size_t line_length;
} http_answer;

void http_answer_begin(http_answer *answer);
/** Takes the next bytes of the connection. What comes behind a whole answer is passed over. */
http_progress http_answer_take(http_answer *answer, const uint8_t *bytes, size_t length);
/** The connection has ended; HTTP_WHOLE or an error. */
http_progress http_answer_end(http_answer *answer);

#endif
