#include "../core/rtp.h"
#include "../peer/rtp_out.h"
#include "check.h"

static const uint8_t random[6] = {0xAA, 0xBB, 0xCC, 0xDD, 0xFF, 0xFF};

static tc_rtp_packet write(tc_rtp_out *out, uint32_t timestamp) {
    static uint8_t buffer[64];
    tc_rtp_packet packet;
    int length = tc_rtp_write(out, (const uint8_t *)"opus", 4, timestamp, buffer, sizeof buffer);
    CHECK_EQ(length, 16);
    CHECK_EQ(tc_rtp_read(buffer, (size_t)length, &packet), TC_OK);
    CHECK_TEXT((const char *)packet.payload, packet.length, "opus");
    CHECK_EQ(packet.payload_type, 111);
    CHECK_EQ(packet.ssrc, 0xAABBCCDDu);
    CHECK_EQ(packet.timestamp, timestamp);
    return packet;
}

TC_TEST(rtp_out_counts_from_a_low_random_number) {
    tc_rtp_out out;
    tc_rtp_out_init(&out, random);
    CHECK_EQ(write(&out, 7).sequence, 0x7FFF);
    CHECK_EQ(write(&out, 967).sequence, 0x8000);
    out.sequence = 0xFFFF;
    CHECK_EQ(write(&out, 1927).sequence, 0xFFFF);
    CHECK_EQ(write(&out, 2887).sequence, 0);
}

TC_TEST(rtp_out_marks_the_begin_of_each_talkspurt) {
    tc_rtp_out out;
    tc_rtp_out_init(&out, random);
    uint32_t at = UINT32_MAX - 1000;
    CHECK_EQ(write(&out, at).marker, 1);
    CHECK_EQ(write(&out, at + 960).marker, 0);
    CHECK_EQ(write(&out, at + 1920).marker, 0); /* over the wrap */
    CHECK_EQ(write(&out, at + 3840).marker, 1); /* a frame was not sent */
    CHECK_EQ(write(&out, at + 4800).marker, 0);
}

TC_TEST(rtp_out_refuses_what_does_not_fit) {
    tc_rtp_out out;
    uint8_t buffer[16];
    tc_rtp_out_init(&out, random);
    for (size_t capacity = 0; capacity < sizeof buffer; capacity++) {
        CHECK_EQ(tc_rtp_write(&out, (const uint8_t *)"opus", 4, 0, buffer, capacity), TC_ERR_SIZE);
    }
    CHECK_EQ(tc_rtp_write(&out, (const uint8_t *)"", 0, 0, buffer, sizeof buffer), TC_ERR_SIZE);
    tc_rtp_packet first = write(&out, 0);
    CHECK_EQ(first.sequence, 0x7FFF);
    CHECK_EQ(first.marker, 1);
}
