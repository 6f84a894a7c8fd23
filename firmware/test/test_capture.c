#include "../core/capture.h"
#include <string.h>

#include "check.h"
#include "fake_port.h"

static int16_t voice[320];
static uint64_t now;

static void begin(void) {
    fake_reset();
    now = 1000;
    voice[0] = 500;
    tc_capture_begin(3);
}

static void frames(int count) {
    for (; count > 0; count--, now += 20) {
        tc_capture_frame(voice, now);
    }
}

TC_TEST(capture_sends_while_the_microphone_is_open) {
    begin();
    CHECK(tc_capture_is(3) && !tc_capture_is(4) && !tc_capture_is(0));
    frames(3);
    CHECK_EQ(fake.packets, 0);
    tc_capture_microphone(true);
    frames(1);
    CHECK_EQ(fake.packets, 1);
    CHECK_EQ(fake.packet_id, 3);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
    uint32_t first = fake.packet_timestamp;
    frames(1);
    CHECK_EQ(fake.packet_timestamp, first + 960);
    tc_capture_microphone(false);
    frames(10);
    CHECK_EQ(fake.packets, 2);
    tc_capture_microphone(true);
    frames(1);
    CHECK_EQ(fake.packet_timestamp, first + 12 * 960); /* a gap in time, not in the count */
    tc_capture_end();
    frames(5);
    tc_capture_microphone(true); /* of nobody */
    frames(5);
    CHECK_EQ(fake.packets, 3);
    CHECK(!tc_capture_is(3) && !tc_capture_is(0));
}

TC_TEST(capture_with_an_echo_reference_listens_while_it_speaks) {
    begin();
    tc_capture_microphone(true);
    int16_t played[320];
    memset(played, 0x10, sizeof played);
    CHECK(tc_capture_played(played));
    frames(1);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
}

TC_TEST(capture_sends_nothing_while_it_is_muted) {
    begin();
    tc_capture_microphone(true);
    frames(1);
    tc_capture_mute(true);
    frames(5);
    CHECK_EQ(fake.packets, 1);
    tc_capture_begin(4); /* also in the next session */
    tc_capture_microphone(true);
    frames(5);
    CHECK_EQ(fake.packets, 1);
    begin();
    tc_capture_microphone(true);
    CHECK_EQ(fake.packets, 0);
    tc_capture_mute(false);
    frames(1);
    CHECK_EQ(fake.packets, 1);
}
