#include <string.h>

#include "../esp32s3/portable/http_answer.h"
#include "check.h"

static http_answer answer;

static http_progress take(const char *text) {
    return http_answer_take(&answer, (const uint8_t *)text, strlen(text));
}

static http_progress read_all(const char *text) {
    http_answer_begin(&answer);
    return take(text);
}

/* As one piece, and byte by byte. */
static void check_body(const char *text, int status, const char *body) {
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        http_progress progress = HTTP_MORE;
        http_answer_begin(&answer);
        for (const char *at = text; bytewise && *at != '\0'; at++) {
            progress = http_answer_take(&answer, (const uint8_t *)at, 1);
        }
        if (!bytewise) {
            progress = take(text);
        }
        CHECK_EQ(progress, HTTP_WHOLE);
        CHECK_EQ(answer.status, status);
        CHECK_EQ(answer.length, strlen(body));
        CHECK(memcmp(answer.body, body, strlen(body)) == 0);
    }
}

TC_TEST(http_answer_reads_a_body_of_known_length) {
    check_body(
        "HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n",
        201, "v=0\r\n");
    check_body("HTTP/1.0 500 Oh\r\ncontent-LENGTH:0\r\n\r\n", 500, "");
    check_body("HTTP/1.1 200\r\nContent-Length: 1 \r\n\r\nx and more", 200, "x");
    check_body("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "x");
    check_body("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
}

TC_TEST(http_answer_joins_chunks) {
    check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
               "4\r\nv=0\r\r\n00a;name=value\r\n\n123456789\r\n0\r\nTrailer: x\r\n\r\n",
               200, "v=0\r\n123456789");
    /* RFC 9112, section 6.3: chunks outdo a length. */
    check_body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
               "1\r\nx\r\n0\r\n\r\n",
               200, "x");
}

TC_TEST(http_answer_without_a_length_ends_with_the_connection) {
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\n\r\nv=0"), HTTP_MORE);
    CHECK_EQ(http_answer_end(&answer), HTTP_WHOLE);
    CHECK_EQ(answer.length, 3);
}

TC_TEST(http_answer_passes_over_an_interim_one) {
    check_body("HTTP/1.1 100 Continue\r\nRetry-After: 7\r\n\r\n"
               "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
               201, "x");
    CHECK_EQ(answer.retry_after, 0);
}

TC_TEST(http_answer_reads_retry_after_in_seconds_only) {
    read_all("HTTP/1.1 429 Slow\r\nRETRY-AFTER: 120\r\nContent-Length: 0\r\n\r\n");
    CHECK_EQ(answer.retry_after, 120);
    read_all("HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n"
             "Content-Length: 0\r\n\r\n");
    CHECK_EQ(answer.retry_after, 0);
    read_all("HTTP/1.1 503 No\r\nRetry-After: 9999999999\r\nContent-Length: 0\r\n\r\n");
    CHECK_EQ(answer.retry_after, 0);
}

TC_TEST(http_answer_refuses_what_is_not_http) {
    CHECK_EQ(read_all("SSH-2.0-OpenSSH_9.2\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/2 200 OK\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 20 OK\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 2000 OK\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
             HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n"),
             HTTP_BROKEN);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n"),
             HTTP_BROKEN);
}

TC_TEST(http_answer_that_is_cut_short_is_broken) {
    const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nv=0";
    for (size_t length = 0; length <= strlen(text); length++) {
        http_answer_begin(&answer);
        CHECK_EQ(http_answer_take(&answer, (const uint8_t *)text, length), HTTP_MORE);
        CHECK_EQ(http_answer_end(&answer), HTTP_BROKEN);
    }
}

TC_TEST(http_answer_reads_no_more_than_its_limits) {
    static uint8_t bytes[HTTP_BODY_MAX];
    memset(bytes, 'x', sizeof bytes);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nContent-Length: 20481\r\n\r\n"), HTTP_TOO_LARGE);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nContent-Length: 20480\r\n\r\n"), HTTP_MORE);
    CHECK_EQ(http_answer_take(&answer, bytes, sizeof bytes), HTTP_WHOLE);
    CHECK_EQ(answer.length, HTTP_BODY_MAX);
    CHECK_EQ(read_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5001\r\n"),
             HTTP_TOO_LARGE);
    read_all("HTTP/1.1 200 OK\r\n\r\n");
    CHECK_EQ(http_answer_take(&answer, bytes, sizeof bytes), HTTP_MORE);
    CHECK_EQ(take("x"), HTTP_TOO_LARGE);
    /* A header of any length is passed over; headers without end are not. */
    read_all("HTTP/1.1 200 OK\r\nX: ");
    CHECK_EQ(http_answer_take(&answer, bytes, 4000), HTTP_MORE);
    CHECK_EQ(take("\r\nContent-Length: 1\r\n\r\nx"), HTTP_WHOLE);
    read_all("HTTP/1.1 200 OK\r\nX: ");
    CHECK_EQ(http_answer_take(&answer, bytes, sizeof bytes), HTTP_TOO_LARGE);
}

static size_t streamed;
static uint32_t announced;

static void sink(const uint8_t *bytes, size_t length, uint32_t total) {
    CHECK(bytes[0] == 'x');
    streamed += length;
    announced = total;
}

static http_progress stream(const char *head, size_t length) {
    static uint8_t body[3 * HTTP_BODY_MAX];
    memset(body, 'x', sizeof body);
    CHECK(length <= sizeof body);
    streamed = announced = 0;
    http_answer_begin(&answer);
    answer.sink = sink;
    take(head);
    return http_answer_take(&answer, body, length);
}

TC_TEST(http_answer_hands_on_a_body_of_any_length) {
    CHECK_EQ(stream("HTTP/1.1 200 OK\r\nContent-Length: 61440\r\n\r\n", 61440), HTTP_WHOLE);
    CHECK_EQ(streamed, 61440);
    CHECK_EQ(announced, 61440);
    CHECK_EQ(answer.length, 0);
    CHECK_EQ(stream("HTTP/1.1 200 OK\r\n\r\n", 61440), HTTP_MORE);
    CHECK_EQ(streamed, 61440);
    CHECK_EQ(announced, 0);
    CHECK_EQ(http_answer_end(&answer), HTTP_WHOLE);
    CHECK_EQ(stream("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 8), HTTP_MORE);
    CHECK_EQ(http_answer_end(&answer), HTTP_BROKEN);
}

TC_TEST(http_answer_hands_on_nothing_of_a_failure) {
    CHECK_EQ(stream("HTTP/1.1 404 Not Found\r\nContent-Length: 61440\r\n\r\n", 61440),
             HTTP_TOO_LARGE);
    CHECK_EQ(streamed, 0);
    CHECK_EQ(stream("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n", 3), HTTP_WHOLE);
    CHECK_EQ(streamed, 0);
    CHECK_EQ(answer.length, 3);
}
