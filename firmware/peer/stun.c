#include "stun.h"

#include <string.h>

#include "../core/crc32.h"
#include "bytes.h"

#define COOKIE 0x2112A442u
#define FINGERPRINT_XOR 0x5354554Eu /* RFC 8489 section 14.7 */
#define IPV4 1
#define IPV6 2

enum { /* RFC 8489 section 18.3; RFC 8445 section 20.1 */
       MAPPED_ADDRESS = 0x0001,
       USERNAME = 0x0006,
       MESSAGE_INTEGRITY = 0x0008,
       ERROR_CODE = 0x0009,
       UNKNOWN_ATTRIBUTES = 0x000A,
       REALM = 0x0014,
       NONCE = 0x0015,
       XOR_MAPPED_ADDRESS = 0x0020,
       PRIORITY = 0x0024,
       USE_CANDIDATE = 0x0025,
       FINGERPRINT = 0x8028,
       ICE_CONTROLLED = 0x8029,
       ICE_CONTROLLING = 0x802A,
};

/* ---- reading ----------------------------------------------------------------------------------
 */

/* 8 bytes of IPv4 or 20 of IPv6, and the family that says so (RFC 8489 section 14.1). */
static tc_err read_address(const uint8_t *value, size_t length, bool mapped, tc_stun_message *out) {
    if (!(length == 8 && value[1] == IPV4) && !(length == 20 && value[1] == IPV6)) {
        return TC_ERR_FORMAT;
    }
    if (mapped && length == 8) {
        uint32_t ip = tc_read_u32(value + 4) ^ COOKIE;
        tc_write_u32(out->mapped_ip, ip);
        out->mapped_port = tc_read_u16(value + 2) ^ (uint16_t)(COOKIE >> 16);
        out->mapped_ipv4 = true;
    }
    return TC_OK;
}

/* What is known, and how long it may be. 63 and 127: libpeer keeps so much of them. */
static const struct {
    uint16_t type;
    uint8_t least, most;
} known[] = {
    {MAPPED_ADDRESS, 8, 20},
    {USERNAME, 0, TC_STUN_USERNAME_MAX},
    {MESSAGE_INTEGRITY, 20, 20},
    {ERROR_CODE, 4, 255},
    {UNKNOWN_ATTRIBUTES, 0, 255},
    {REALM, 0, 63},
    {NONCE, 0, 63},
    {XOR_MAPPED_ADDRESS, 8, 20},
    {PRIORITY, 4, 4},
    {USE_CANDIDATE, 0, 0},
    {FINGERPRINT, 4, 4},
    {ICE_CONTROLLED, 8, 8},
    {ICE_CONTROLLING, 8, 8},
};

/* One attribute; `seen` has a bit for each row of `known`. */
static tc_err read_attribute(uint16_t type, const uint8_t *value, size_t length, uint32_t *seen,
                             tc_stun_message *out) {
    size_t row = 0;
    while (row < sizeof known / sizeof known[0] && known[row].type != type) {
        row++;
    }
    if (row == sizeof known / sizeof known[0]) {
        return type >= 0x8000 ? TC_OK : TC_ERR_FORMAT; /* those may be ignored: section 14 */
    }
    if ((*seen >> row & 1) != 0 || length < known[row].least || length > known[row].most) {
        return TC_ERR_FORMAT;
    }
    *seen |= 1u << row;
    switch (type) {
    case USERNAME:
        out->username = value;
        out->username_length = length;
        break;
    case MESSAGE_INTEGRITY:
        out->integrity = value;
        break;
    case FINGERPRINT:
        out->fingerprint = value;
        break;
    case MAPPED_ADDRESS:
    case XOR_MAPPED_ADDRESS:
        return read_address(value, length, type == XOR_MAPPED_ADDRESS, out);
    case ERROR_CODE:
        if ((value[2] & 7) < 3 || (value[2] & 7) > 6 || value[3] > 99) {
            return TC_ERR_FORMAT;
        }
        out->error = (uint16_t)((value[2] & 7) * 100 + value[3]);
        break;
    case PRIORITY:
        out->priority = tc_read_u32(value);
        break;
    case USE_CANDIDATE:
        out->use_candidate = true;
        break;
    case ICE_CONTROLLED:
        out->controlled = true;
        break;
    case ICE_CONTROLLING:
        out->controlling = true;
        break;
    default:
        break;
    }
    return TC_OK;
}

tc_err tc_stun_read(const uint8_t *bytes, size_t length, tc_stun_message *out) {
    memset(out, 0, sizeof *out);
    if (bytes == NULL || length < TC_STUN_HEADER || length > TC_STUN_MAX) {
        return TC_ERR_SIZE;
    }
    out->type = tc_read_u16(bytes);
    if (out->type != TC_STUN_REQUEST && out->type != TC_STUN_RESPONSE &&
        out->type != TC_STUN_ERROR) {
        return TC_ERR_TYPE;
    }
    if (tc_read_u32(bytes + 4) != COOKIE) {
        return TC_ERR_FORMAT;
    }
    if (length % 4 != 0 || tc_read_u16(bytes + 2) != length - TC_STUN_HEADER) {
        return TC_ERR_SIZE;
    }
    out->id = bytes + 8;

    uint32_t seen = 0;
    for (size_t at = TC_STUN_HEADER; at < length;) {
        /* A header always fits: everything is a multiple of four. */
        uint16_t type = tc_read_u16(bytes + at);
        size_t size = tc_read_u16(bytes + at + 2);
        at += 4;
        if (size > length - at) {
            return TC_ERR_FORMAT;
        }
        if (out->fingerprint != NULL || (out->integrity != NULL && type != FINGERPRINT)) {
            return TC_ERR_FORMAT;
        }
        tc_err error = read_attribute(type, bytes + at, size, &seen, out);
        if (error != TC_OK) {
            return error;
        }
        at += (size + 3) & ~(size_t)3;
    }
    return TC_OK;
}

static uint32_t fingerprint(const uint8_t *bytes, size_t length) {
    return tc_crc32(0, bytes, length) ^ FINGERPRINT_XOR;
}

bool tc_stun_fingerprint_ok(const uint8_t *bytes, const tc_stun_message *message) {
    if (message->fingerprint == NULL) {
        return false;
    }
    size_t before = (size_t)(message->fingerprint - 4 - bytes);
    return tc_read_u32(message->fingerprint) == fingerprint(bytes, before);
}

bool tc_stun_integrity_ok(const uint8_t *bytes, const tc_stun_message *message, const char *pwd,
                          tc_hmac_sha1 *hmac, void *context) {
    if (message->integrity == NULL) {
        return false;
    }
    /* It is counted as if MESSAGE-INTEGRITY were the last attribute. */
    uint8_t text[TC_STUN_MAX], sum[20];
    size_t before = (size_t)(message->integrity - 4 - bytes);
    memcpy(text, bytes, before);
    tc_write_u16(text + 2, (uint16_t)(before + 24 - TC_STUN_HEADER));
    hmac((const uint8_t *)pwd, strlen(pwd), text, before, sum, context);

    uint8_t differ = 0; /* in the same time wherever they differ */
    for (size_t i = 0; i < sizeof sum; i++) {
        differ |= sum[i] ^ message->integrity[i];
    }
    return differ == 0;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

typedef struct {
    uint8_t bytes[TC_STUN_MAX];
    size_t length;
    bool full;
} writer;

static void start(writer *to, uint16_t type, const uint8_t id[TC_STUN_ID]) {
    to->length = TC_STUN_HEADER;
    to->full = false;
    tc_write_u16(to->bytes, type);
    tc_write_u32(to->bytes + 4, COOKIE);
    memcpy(to->bytes + 8, id, TC_STUN_ID);
}

/* Adds an attribute's header and room for its value; NULL where there is none left. */
static uint8_t *add(writer *to, uint16_t type, size_t size) {
    size_t padded = (size + 3) & ~(size_t)3;
    if (to->full || padded + 4 > sizeof to->bytes - to->length) {
        to->full = true;
        return NULL;
    }
    uint8_t *value = to->bytes + to->length + 4;
    tc_write_u16(value - 4, type);
    tc_write_u16(value - 2, (uint16_t)size);
    memset(value, 0, padded);
    to->length += 4 + padded;
    tc_write_u16(to->bytes + 2, (uint16_t)(to->length - TC_STUN_HEADER));
    return value;
}

static int finish(writer *to, const char *pwd, tc_hmac_sha1 *hmac, void *context, uint8_t *out,
                  size_t capacity) {
    size_t before = to->length;
    uint8_t *value = add(to, MESSAGE_INTEGRITY, 20);
    if (value != NULL) {
        hmac((const uint8_t *)pwd, strlen(pwd), to->bytes, before, value, context);
    }
    before = to->length;
    value = add(to, FINGERPRINT, 4);
    if (value != NULL) {
        tc_write_u32(value, fingerprint(to->bytes, before));
    }
    if (to->full || to->length > capacity) {
        return TC_ERR_SIZE;
    }
    memcpy(out, to->bytes, to->length);
    return (int)to->length;
}

int tc_stun_write_request(const tc_stun_request *request, uint8_t *out, size_t capacity) {
    size_t remote = strlen(request->remote_ufrag), local = strlen(request->local_ufrag);
    if (remote + 1 + local > TC_STUN_USERNAME_MAX) {
        return TC_ERR_SIZE;
    }
    writer to;
    start(&to, TC_STUN_REQUEST, request->transaction);
    uint8_t *value = add(&to, USERNAME, remote + 1 + local);
    if (value != NULL) {
        memcpy(value, request->remote_ufrag, remote);
        value[remote] = ':';
        memcpy(value + remote + 1, request->local_ufrag, local);
    }
    value = add(&to, PRIORITY, 4);
    if (value != NULL) {
        tc_write_u32(value, request->priority == 0 ? TC_STUN_PRIORITY : request->priority);
    }
    value = add(&to, ICE_CONTROLLING, 8);
    if (value != NULL) {
        memcpy(value, request->tie_breaker, 8);
    }
    if (request->use_candidate) {
        add(&to, USE_CANDIDATE, 0);
    }
    return finish(&to, request->remote_pwd, request->hmac, request->hmac_context, out, capacity);
}

int tc_stun_write_response(const tc_stun_response *response, uint8_t *out, size_t capacity) {
    writer to;
    start(&to, TC_STUN_RESPONSE, response->transaction);
    uint8_t *value = add(&to, XOR_MAPPED_ADDRESS, 8);
    if (value != NULL) {
        value[1] = IPV4;
        tc_write_u16(value + 2, response->port ^ (uint16_t)(COOKIE >> 16));
        tc_write_u32(value + 4, tc_read_u32(response->ip) ^ COOKIE);
    }
    return finish(&to, response->local_pwd, response->hmac, response->hmac_context, out, capacity);
}
