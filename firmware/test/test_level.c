#include "../core/crc32.h"
#include "../esp32s3/portable/level.h"
#include "check.h"

static int16_t frame[320];

static void fill(int16_t amplitude) {
    for (int i = 0; i < 320; i++) {
        frame[i] = i / 8 % 2 ? amplitude : (int16_t)-amplitude;
    }
}

static int of_amplitude(uint64_t amplitude) {
    return level_dbfs(amplitude * amplitude * 320, 320);
}

TC_TEST(level_counts_decibels) {
    CHECK_EQ(of_amplitude(32768), 0);
    CHECK_EQ(of_amplitude(16384), -61); /* -6.02, rounded down */
    CHECK_EQ(of_amplitude(3277), -200);
    CHECK_EQ(of_amplitude(1), -904);
    CHECK_EQ(level_dbfs(0, 320), LEVEL_SILENCE);
    CHECK_EQ(level_dbfs(0, 0), LEVEL_SILENCE);
    CHECK_EQ(level_dbfs(1, UINT32_MAX), LEVEL_SILENCE);
    CHECK_EQ(level_dbfs((uint64_t)32768 * 32768 * 57600000, 57600000), 0); /* an hour */
}

TC_TEST(level_knows_sound_from_silence) {
    fill(185);
    CHECK(level_is_sound(frame, 320));
    fill(184);
    CHECK(!level_is_sound(frame, 320));
    fill(0);
    CHECK(!level_is_sound(frame, 320));
}

TC_TEST(level_reports_each_second_and_the_end) {
    level_meter meter = {0};
    int seconds = 0, calls = 0;
    fill(3277);
    for (; calls < 125; calls++) { /* 2.5 s */
        if (level_add(&meter, frame, 320) == LEVEL_SECOND) {
            seconds++;
            CHECK_EQ(meter.count, 16000);
            CHECK_EQ(level_dbfs(meter.squares, meter.count), -200);
        }
    }
    CHECK_EQ(seconds, 2);
    CHECK(meter.sounding);
    fill(0);
    level_news news = LEVEL_NO_NEWS;
    for (calls = 0; news != LEVEL_END; calls++) {
        news = level_add(&meter, frame, 320);
        CHECK(calls < 100);
    }
    CHECK_EQ(calls * 20, LEVEL_QUIET_MS);
    CHECK_EQ(meter.duration, 40000);
    CHECK_EQ(level_dbfs(meter.squares, meter.count), -200); /* without the silence behind it */
    CHECK(!meter.sounding);
    CHECK_EQ(level_add(&meter, frame, 320), LEVEL_NO_NEWS);
}

TC_TEST(level_stop_ends_a_sound_and_only_that) {
    level_meter meter = {0};
    CHECK(!level_stop(&meter));
    fill(3277);
    level_add(&meter, frame, 320);
    CHECK(level_stop(&meter));
    CHECK_EQ(meter.duration, 320);
    CHECK_EQ(level_dbfs(meter.squares, meter.count), -200);
    CHECK(!level_stop(&meter));
}

TC_TEST(level_takes_a_pause_within_as_part_of_the_sound) {
    level_meter meter = {0};
    for (int i = 0; i < 60; i++) {
        fill(i < 20 || i >= 40 ? 1000 : 0); /* 400 ms of each */
        CHECK(level_add(&meter, frame, 320) != LEVEL_END);
    }
    CHECK_EQ(meter.duration, 60 * 320);
}

TC_TEST(level_checksum_is_of_what_was_played_and_not_of_when) {
    level_meter early = {0}, late = {0};
    uint32_t wanted = 0;
    for (int i = 0; i < 10; i++) {
        fill((int16_t)(100 * i + 1));
        level_add(&early, frame, 320);
        wanted = tc_crc32(wanted, frame, sizeof frame); /* tests run on little-endian machines */
        static const int16_t silence[320];
        level_add(&late, silence, 320);
        level_add(&late, frame, 320);
    }
    CHECK_EQ(early.crc, wanted);
    CHECK_EQ(late.crc, wanted);
    CHECK_EQ(late.samples, 3200);
    fill(5);
    level_add(&late, frame, 320);
    CHECK(late.crc != wanted);
}
