/* SHA-256 (FIPS 180-4), for the fingerprints of secrets. */
#ifndef TC_SHA256_H
#define TC_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t length; /* bytes added so far */
    uint8_t block[64];
} tc_sha256;

void tc_sha256_start(tc_sha256 *hash);
void tc_sha256_add(tc_sha256 *hash, const void *bytes, size_t length);
/** Ends it; `hash` must be started again before it is used again. */
void tc_sha256_end(tc_sha256 *hash, uint8_t out[32]);

#endif
