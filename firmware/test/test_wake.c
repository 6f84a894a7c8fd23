/* Waking by voice, with sounds that are made here; real voices: core.test.ts. */
#include "../core/playout.h"
#include "../core/wake.h"
#include "check.h"
#include "fake_port.h"

static int16_t frame[TC_FRAME_SAMPLES];
static uint32_t chance, phase;

/* A buzz like that of vocal cords: pulses at this pitch, and some noise below them. */
static void buzz(int count, uint32_t hertz, int16_t loudness) {
    for (; count > 0; count--) {
        for (size_t i = 0; i < TC_FRAME_SAMPLES; i++) {
            int16_t noise = (int16_t)(tc_test_random(&chance) % 41) - 20;
            phase += hertz;
            bool pulse = phase % 16000 < hertz * 12; /* a fraction of a millisecond */
            frame[i] = (int16_t)(noise + (pulse ? loudness : -loudness / 10));
        }
        tc_wake_frame(frame);
    }
}

static void noise(int count, int16_t loudness) {
    for (; count > 0; count--) {
        for (size_t i = 0; i < TC_FRAME_SAMPLES; i++) {
            frame[i] =
                (int16_t)((int32_t)(tc_test_random(&chance) % (2u * (uint32_t)loudness + 1)) -
                          loudness);
        }
        tc_wake_frame(frame);
    }
}

static void begin(void) {
    fake_reset();
    chance = 3;
    phase = 0;
    tc_wake_stop();
    buzz(50, 150, 5000);
    CHECK(!tc_wake_heard()); /* it does not listen yet */
    tc_wake_start();
    noise(50, 20);
}

TC_TEST(wake_after_300_ms_of_a_voice) {
    begin();
    buzz(14, 150, 3000);
    CHECK(!tc_wake_heard());
    buzz(4, 150, 3000);
    CHECK(tc_wake_heard());
    tc_wake_stop();
    CHECK(!tc_wake_heard());
    tc_wake_start();
    CHECK(!tc_wake_heard());
}

TC_TEST(wake_adds_up_syllables_but_not_over_a_long_pause) {
    begin();
    for (int i = 0; i < 3; i++) {
        buzz(7, 220, 3000);
        noise(4, 20);
    }
    CHECK(tc_wake_heard());
    begin();
    for (int i = 0; i < 10; i++) {
        buzz(7, 220, 3000);
        noise(40, 20);
    }
    CHECK(!tc_wake_heard());
}

TC_TEST(wake_not_by_noise_clicks_or_what_is_always_there) {
    begin();
    noise(200, 8000);
    CHECK(!tc_wake_heard());
    begin();
    for (int i = 0; i < 50; i++) {
        memset(frame, 0, sizeof frame);
        frame[7] = 30000;
        tc_wake_frame(frame);
        noise(5, 20);
    }
    CHECK(!tc_wake_heard());
    tc_wake_start();
    buzz(1000, 100, 3000); /* a machine that hums since before */
    CHECK(!tc_wake_heard());
    noise(100, 20);
    buzz(20, 150, 3000);
    CHECK(tc_wake_heard()); /* and stops */
}

TC_TEST(wake_not_by_the_device_itself) {
    begin();
    for (int i = 0; i < 100; i++) {
        tc_wake_sounding();
        buzz(1, 150, 8000);
    }
    noise(25, 20);
    CHECK(!tc_wake_heard());
    buzz(20, 150, 3000);
    CHECK(tc_wake_heard());
}
