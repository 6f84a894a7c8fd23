/* A TCP connection, with or without TLS, whose every step has one deadline. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../portable/http_url.h"
#include "core/core.h"
#include "http_pin.h"
#include "mbedtls/ssl.h"

typedef struct {
    uint64_t deadline;       /* by clock_ms() */
    bool (*forgotten)(void); /* whether the answer is still wanted; asked each 100 ms */
    int socket;              /* -1: none */
    bool secure;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    http_pin pin;
} http_connection;

/**
 * Finds the host, connects, and shakes hands. `pin` as in tc_port_http_post. Returns 0 or a
 * tc_http_error; then too http_close() must follow. HTTP task, which alone may have a connection.
 */
int http_open(http_connection *c, http_url *url, const char *pin, uint32_t timeout_ms,
              bool (*forgotten)(void));
/** Sends all of it. 0 or a tc_http_error. */
int http_send(http_connection *c, const void *bytes, size_t length);
/** Receives some bytes; returns how many, 0 at the end, or a tc_http_error. */
int http_receive(http_connection *c, void *out, size_t capacity);
void http_close(http_connection *c);

#endif
