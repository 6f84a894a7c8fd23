/* A pinned key in place of a certificate's chain, name and dates. */
#ifndef HTTP_PIN_H
#define HTTP_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "mbedtls/ssl.h"

typedef struct {
    uint8_t expected[32];
    bool refused; /* the server had another key */
} http_pin;

/**
 * Makes `config` accept the server whose key has this SHA-256, and no other. `hex` are 64 digits;
 * false where they are not. `pin` must live as long as `config`.
 */
bool http_pin_use(http_pin *pin, const char *hex, mbedtls_ssl_config *config);

#endif
