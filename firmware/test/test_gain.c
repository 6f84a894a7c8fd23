#include "../esp32s3/portable/gain.h"
#include "check.h"

TC_TEST(gain_of_volume_is_half_a_decibel_per_percent) {
    CHECK_EQ(gain_of_volume(0), 0);
    CHECK_EQ(gain_of_volume(1), 110);    /* -49.5 dB */
    CHECK_EQ(gain_of_volume(50), 1843);  /* -25 dB */
    CHECK_EQ(gain_of_volume(80), 10362); /* -10 dB */
    CHECK_EQ(gain_of_volume(88), 16423); /* -6 dB */
    CHECK_EQ(gain_of_volume(100), 32768);
    CHECK_EQ(gain_of_volume(255), 32768);
    for (uint8_t percent = 1; percent <= 100; percent++) {
        CHECK(gain_of_volume(percent) > gain_of_volume((uint8_t)(percent - 1)));
    }
}

TC_TEST(gain_apply_changes_nothing_at_full_loudness_and_leaves_nothing_at_none) {
    int16_t pcm[4] = {-32768, -1, 1, 32767};
    gain_apply(pcm, 4, GAIN_ONE, GAIN_ONE);
    CHECK_EQ(pcm[0], -32768);
    CHECK_EQ(pcm[1], -1);
    CHECK_EQ(pcm[2], 1);
    CHECK_EQ(pcm[3], 32767);
    gain_apply(pcm, 4, 0, 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pcm[i], 0);
    }
}

TC_TEST(gain_apply_goes_evenly_and_saturates) {
    int16_t pcm[320];
    for (int i = 0; i < 320; i++) {
        pcm[i] = 10000;
    }
    gain_apply(pcm, 320, 0, GAIN_ONE);
    CHECK_EQ(pcm[0], 31);
    CHECK_EQ(pcm[159], 5000);
    CHECK_EQ(pcm[319], 10000);
    for (int i = 1; i < 320; i++) {
        CHECK(pcm[i] - pcm[i - 1] <= 32 && pcm[i] >= pcm[i - 1]);
    }
    int16_t loud[2] = {30000, -30000};
    gain_apply(loud, 2, 2 * GAIN_ONE, 2 * GAIN_ONE);
    CHECK_EQ(loud[0], 32767);
    CHECK_EQ(loud[1], -32768);
}

/* 1 kHz around a DC of 1/16 of full scale; one period is 16 samples. */
static int32_t square_wave(int i, int32_t amplitude) {
    return (1 << 27) + (i / 8 % 2 ? amplitude : -amplitude);
}

TC_TEST(gain_input_removes_the_offset_and_amplifies) {
    gain_input input = {0};
    int16_t out = 0;
    for (int i = 0; i < 16000; i++) {
        out = gain_input_sample(&input, square_wave(i, 100 << 16), 4);
    }
    CHECK(out > 1600 - 40 && out < 1600 + 40); /* 100 of 16 bits, times 16 */
}

TC_TEST(gain_input_saturates) {
    gain_input input = {0};
    for (int i = 0; i < 16000; i++) {
        int16_t out = gain_input_sample(&input, square_wave(i, 1 << 30), 8);
        if (i > 8000) {
            CHECK_EQ(out, i / 8 % 2 ? 32767 : -32768);
        }
    }
    gain_input low = {0};
    CHECK(gain_input_sample(&low, INT32_MIN, 8) == -32768);
    CHECK(gain_input_sample(&low, INT32_MAX, 8) == 32767);
}
