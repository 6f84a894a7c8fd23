/*
 * Any bytes, and any attributes under a right header: what the reader takes lies inside the message
 * and fits the buffers of libpeer's parser, whose way through a message is walked here after it;
 * and what is sealed is verified, and nothing else.
 */
#include "../core/crc32.h"
#include "../peer/stun.h"
#include "check.h"
#include "hmac_sha1.h"

#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t u16(const uint8_t *at) {
    return (size_t)(at[0] << 8 | at[1]);
}

/* libpeer goes from attribute to attribute and copies each by the length that it says. */
static void check_walk(const uint8_t *bytes, size_t length) {
    CHECK(length >= TC_STUN_HEADER && length <= TC_STUN_MAX && length % 4 == 0);
    CHECK_EQ(u16(bytes + 2) + TC_STUN_HEADER, length);
    size_t at = TC_STUN_HEADER;
    while (at < length) {
        CHECK(at + 4 <= length);
        size_t type = u16(bytes + at), value = u16(bytes + at + 2);
        CHECK(at + 4 + value <= length);
        switch (type) {
        case 0x0006: /* USERNAME */
            CHECK(value <= 127);
            break;
        case 0x0014: /* REALM */
        case 0x0015: /* NONCE */
            CHECK(value <= 63);
            break;
        case 0x0008: /* MESSAGE-INTEGRITY */
            CHECK_EQ(value, 20);
            break;
        case 0x8028: /* FINGERPRINT */
            CHECK_EQ(value, 4);
            CHECK_EQ(at + 8, length);
            break;
        case 0x0001: /* MAPPED-ADDRESS */
        case 0x0020: /* XOR-MAPPED-ADDRESS */
            CHECK(value == (bytes[at + 5] == 2 ? 20 : 8));
            break;
        default:
            break;
        }
        at += 4 + (value + 3) / 4 * 4;
    }
    CHECK_EQ(at, length);
}

static void check_message(const uint8_t *bytes, size_t length, bool sealed) {
    tc_stun_message m;
    if (tc_stun_read(bytes, length, &m) != TC_OK) {
        return;
    }
    check_walk(bytes, length);
    CHECK(m.type == TC_STUN_REQUEST || m.type == TC_STUN_RESPONSE || m.type == TC_STUN_ERROR);
    CHECK(m.id == bytes + 8);
    CHECK(m.error == 0 || (m.error >= 300 && m.error <= 699));
    if (m.username != NULL) {
        CHECK(m.username >= bytes + TC_STUN_HEADER);
        CHECK(m.username + m.username_length <= bytes + length);
    }
    bool integrity = tc_stun_integrity_ok(bytes, &m, PASSWORD, hmac_sha1, NULL);
    bool fingerprint = tc_stun_fingerprint_ok(bytes, &m);
    CHECK_EQ(integrity, sealed && m.integrity != NULL);
    CHECK(!sealed || fingerprint == (m.fingerprint != NULL)); /* another attribute may hold it */
}

/* A header, the input's attributes, MESSAGE-INTEGRITY, FINGERPRINT. */
static size_t seal(uint8_t *out, const uint8_t *attributes, size_t size) {
    size_t room = TC_STUN_MAX - TC_STUN_HEADER - 32;
    size_t length = TC_STUN_HEADER + ((size < room ? size : room) & ~(size_t)3);
    memcpy(out, "\0\1\0\0\x21\x12\xa4\x42transaction", TC_STUN_HEADER);
    memcpy(out + TC_STUN_HEADER, attributes, length - TC_STUN_HEADER);
    out[3] = (uint8_t)(length + 24 - TC_STUN_HEADER);
    hmac_sha1((const uint8_t *)PASSWORD, strlen(PASSWORD), out, length, out + length + 4, NULL);
    memcpy(out + length, "\0\x08\0\x14", 4);
    length += 24;
    out[3] = (uint8_t)(length + 8 - TC_STUN_HEADER);
    uint32_t sum = tc_crc32(0, out, length) ^ 0x5354554E;
    memcpy(out + length, "\x80\x28\0\4", 4);
    for (int i = 0; i < 4; i++) {
        out[length + 4 + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    }
    return length + 8;
}

/* Names and numbers of the input: what is written is read again. */
static void check_written(const uint8_t *data, size_t size) {
    static char remote[257], local[257];
    uint8_t bytes[TC_STUN_MAX];
    size_t first = data[0] < size ? data[0] : size,
           second = size - first < 256 ? size - first : 256;
    memset(remote, 0, sizeof remote);
    memset(local, 0, sizeof local);
    for (size_t i = 0; i < first; i++) {
        remote[i] = (char)(data[i] | 1);
    }
    for (size_t i = 0; i < second; i++) {
        local[i] = (char)(data[first + i] | 1);
    }
    tc_stun_request fields = {.transaction = data,
                              .remote_ufrag = remote,
                              .local_ufrag = local,
                              .remote_pwd = PASSWORD,
                              .tie_breaker = data,
                              .priority = data[1],
                              .use_candidate = (data[2] & 1) != 0,
                              .hmac = hmac_sha1};
    int length = tc_stun_write_request(&fields, bytes, data[3] < 4 ? data[3] : sizeof bytes);
    if (length < 0) {
        CHECK_EQ(length, TC_ERR_SIZE);
        CHECK(data[3] < 4 || first + 1 + second > TC_STUN_USERNAME_MAX);
        return;
    }
    tc_stun_message m;
    CHECK_EQ(tc_stun_read(bytes, (size_t)length, &m), TC_OK);
    CHECK_EQ(m.username_length, first + 1 + second);
    CHECK_EQ(m.use_candidate, fields.use_candidate);
    check_message(bytes, (size_t)length, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t sealed[TC_STUN_MAX];
    check_message(data, size, false);
    check_message(sealed, seal(sealed, data, size), true);
    if (size >= TC_STUN_ID) {
        check_written(data, size);
    }
    return 0;
}
