/* HMAC-SHA1 (RFC 2104, FIPS 180-4) for tests; on the chip it is mbedTLS's. */
#ifndef TC_HMAC_SHA1_H
#define TC_HMAC_SHA1_H

#include <stddef.h>
#include <stdint.h>

/** As tc_hmac_sha1 in peer/stun.h; `context` is NULL or an unsigned that counts the calls. */
void hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
               uint8_t out[20], void *context);

#endif
