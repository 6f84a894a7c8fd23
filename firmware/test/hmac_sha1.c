#include "hmac_sha1.h"

#include <string.h>

#define BLOCK 64

typedef struct {
    uint32_t state[5];
    uint64_t length;
    uint8_t block[BLOCK];
} sha1;

static uint32_t rotate(uint32_t x, int by) {
    return x << by | x >> (32 - by);
}

static void mix(sha1 *hash) {
    uint32_t w[80], a = hash->state[0], b = hash->state[1], c = hash->state[2], d = hash->state[3],
                    e = hash->state[4];
    for (int t = 0; t < 16; t++) {
        const uint8_t *at = hash->block + 4 * t;
        w[t] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int t = 16; t < 80; t++) {
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    for (int t = 0; t < 80; t++) {
        uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                     : t < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                     : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                              : (b ^ c ^ d) + 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + f + e + w[t];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    hash->state[0] += a;
    hash->state[1] += b;
    hash->state[2] += c;
    hash->state[3] += d;
    hash->state[4] += e;
}

static void start(sha1 *hash) {
    static const uint32_t initial[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    memcpy(hash->state, initial, sizeof initial);
    hash->length = 0;
}

static void add(sha1 *hash, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        hash->block[hash->length++ % BLOCK] = bytes[i];
        if (hash->length % BLOCK == 0) {
            mix(hash);
        }
    }
}

static void end(sha1 *hash, uint8_t out[20]) {
    uint64_t bits = hash->length * 8;
    add(hash, (const uint8_t[]){0x80}, 1);
    while (hash->length % BLOCK != BLOCK - 8) {
        add(hash, (const uint8_t[]){0}, 1);
    }
    for (int i = 7; i >= 0; i--) {
        add(hash, (const uint8_t[]){(uint8_t)(bits >> 8 * i)}, 1);
    }
    for (int i = 0; i < 20; i++) {
        out[i] = (uint8_t)(hash->state[i / 4] >> 8 * (3 - i % 4));
    }
}

void hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
               uint8_t out[20], void *context) {
    uint8_t pad[BLOCK] = {0}, inner[20];
    sha1 hash;
    if (context != NULL) {
        ++*(unsigned *)context;
    }
    if (key_length > BLOCK) {
        start(&hash);
        add(&hash, key, key_length);
        end(&hash, pad);
    } else {
        memcpy(pad, key, key_length);
    }
    for (int i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36;
    }
    start(&hash);
    add(&hash, pad, BLOCK);
    add(&hash, data, length);
    end(&hash, inner);
    for (int i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36 ^ 0x5C;
    }
    start(&hash);
    add(&hash, pad, BLOCK);
    add(&hash, inner, sizeof inner);
    end(&hash, out);
}
