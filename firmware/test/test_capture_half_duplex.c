/* The same module as a board without echo reference compiles it, under other names. */
#define TC_BOARD_ECHO 0
#define tc_capture_begin half_begin
#define tc_capture_end half_end
#define tc_capture_microphone half_microphone
#define tc_capture_is half_is
#define tc_capture_frame half_frame
#define tc_capture_sounding half_sounding
#define tc_capture_write_stats half_write_stats
#include "../core/capture.c"

#include "check.h"
#include "fake_port.h"

TC_TEST(capture_without_echo_reference_sends_silence_while_it_speaks) {
    int16_t voice[320] = {500};
    fake_reset();
    half_begin(3);
    half_microphone(true);
    half_frame(voice, 1000);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
    half_sounding(true);
    half_frame(voice, 1020);
    CHECK_BYTES(fake.packet, "\0\0", 2);
    CHECK_EQ(fake.packets, 2); /* silence is sent: the server's clock goes on */
    half_sounding(false);
    half_frame(voice, 1219); /* the room still sounds */
    CHECK_BYTES(fake.packet, "\0\0", 2);
    half_frame(voice, 1220);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
}
