#include "../core/rtp.h"
#include <stdbool.h>

#include "check.h"

static const uint8_t plain[] = {0x80, 0xEF, 0x12, 0x34, 1, 2, 3, 4,
                                0xAA, 0xBB, 0xCC, 0xDD, 9, 8, 7};

static tc_err read(const uint8_t *bytes, size_t length) {
    tc_rtp_packet packet;
    return tc_rtp_read(bytes, length, &packet);
}

TC_TEST(rtp_plain_header) {
    tc_rtp_packet p;
    CHECK_EQ(tc_rtp_read(plain, sizeof plain, &p), TC_OK);
    CHECK_EQ(p.marker, 1);
    CHECK_EQ(p.payload_type, 111);
    CHECK_EQ(p.sequence, 0x1234);
    CHECK_EQ(p.timestamp, 0x01020304);
    CHECK_EQ(p.ssrc, 0xAABBCCDDu);
    CHECK_EQ(p.length, 3);
    CHECK(p.payload == plain + 12);
}

TC_TEST(rtp_csrc_extension_and_padding_are_passed_over) {
    static const uint8_t bytes[] = {
        0xB2, 111,  0, 1, 0,    0,    0, 0, 0, 0, 0, 5, /* padding, extension, two CSRC */
        1,    1,    1, 1, 2,    2,    2, 2,             /* CSRC */
        0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0,             /* extension of one word */
        42,   43,                                       /* payload */
        0,    0,    3,                                  /* padding */
    };
    tc_rtp_packet p;
    CHECK_EQ(tc_rtp_read(bytes, sizeof bytes, &p), TC_OK);
    CHECK_EQ(p.length, 2);
    CHECK_EQ(p.payload[0], 42);
    CHECK_EQ(p.payload[1], 43);
}

TC_TEST(rtp_rtcp_is_not_rtp) {
    uint8_t bytes[sizeof plain];
    for (int type = 0; type < 256; type++) {
        memcpy(bytes, plain, sizeof plain);
        bytes[1] = (uint8_t)type;
        bool rtcp = (type & 0x7f) >= 64 && (type & 0x7f) <= 95;
        CHECK_EQ(read(bytes, sizeof bytes), rtcp ? TC_ERR_FORMAT : TC_OK);
    }
}

TC_TEST(rtp_malformed_packets) {
    uint8_t bytes[64] = {0};
    for (size_t length = 0; length < 12; length++) {
        CHECK_EQ(read(plain, length), TC_ERR_FORMAT);
    }
    CHECK_EQ(read(NULL, 0), TC_ERR_FORMAT);
    memcpy(bytes, plain, sizeof plain);
    bytes[0] = 0x40; /* version 1 */
    CHECK_EQ(read(bytes, sizeof plain), TC_ERR_FORMAT);
    bytes[0] = 0x8F; /* 15 CSRC that are not there */
    CHECK_EQ(read(bytes, sizeof plain), TC_ERR_FORMAT);
    bytes[0] = 0x90; /* an extension that is cut off */
    CHECK_EQ(read(bytes, 15), TC_ERR_FORMAT);
    bytes[0] = 0x90;
    bytes[14] = 0xFF; /* longer than the packet */
    bytes[15] = 0xFF;
    CHECK_EQ(read(bytes, 40), TC_ERR_FORMAT);
    memcpy(bytes, plain, sizeof plain);
    bytes[0] = 0xA0; /* padding that counts more than there is, or nothing */
    bytes[14] = 4;
    CHECK_EQ(read(bytes, 15), TC_ERR_FORMAT);
    bytes[14] = 0;
    CHECK_EQ(read(bytes, 15), TC_ERR_FORMAT);
    bytes[14] = 3; /* all of it padding: legal, and empty */
    CHECK_EQ(read(bytes, 15), TC_OK);
}
