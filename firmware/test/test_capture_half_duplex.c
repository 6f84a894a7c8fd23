/* The same module as a board without echo reference compiles it, under other names. */
#define TC_BOARD_ECHO 0
#define tc_capture_begin half_begin
#define tc_capture_end half_end
#define tc_capture_microphone half_microphone
#define tc_capture_is half_is
#define tc_capture_frame half_frame
#define tc_capture_mute half_mute
#define tc_capture_played half_played
#define tc_capture_write_stats half_write_stats
#include "../core/capture.c"

#include <string.h>

#include "check.h"
#include "fake_port.h"

TC_TEST(capture_without_echo_reference_sends_silence_while_it_speaks) {
    int16_t voice[320] = {500}, played[320];
    memset(played, 0x10, sizeof played);
    fake_reset();
    half_begin(3);
    half_microphone(true);
    half_frame(voice, 1000);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
    CHECK(half_played(played));
    half_frame(voice, 1020);
    CHECK_BYTES(fake.packet, "\0\0", 2);
    CHECK_EQ(fake.packets, 2); /* silence is sent: the server's clock goes on */
    CHECK(!half_played(NULL));
    half_frame(voice, 1219); /* the room still sounds */
    CHECK_BYTES(fake.packet, "\0\0", 2);
    half_frame(voice, 1220);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
}

TC_TEST(capture_without_echo_reference_hears_while_a_server_streams_silence) {
    int16_t voice[320] = {500}, hiss[320];
    fake_reset();
    half_begin(3);
    half_microphone(true);
    for (int i = 0; i < 320; i++) {
        hiss[i] = i % 2 == 0 ? 103 : -103; /* just below -50 dBFS */
    }
    CHECK(!half_played(hiss));
    half_frame(voice, 1000);
    CHECK_BYTES(fake.packet, "\xf4\x01", 2);
    for (int i = 0; i < 320; i++) {
        hiss[i] = i % 2 == 0 ? 104 : -104;
    }
    CHECK(half_played(hiss));
    half_frame(voice, 1020);
    CHECK_BYTES(fake.packet, "\0\0", 2);
}
