#include "../esp32s3/portable/person.h"
#include "check.h"

static uint8_t image[4096];
static size_t image_size;
static bool broken;
static person who;
static uint64_t now;
static int16_t frame[PERSON_FRAME];

static bool read_image(void *context, size_t offset, void *out, size_t length) {
    CHECK(context == &broken);
    CHECK(offset <= sizeof image && length <= sizeof image - offset);
    memcpy(out, image + offset, length);
    return !broken;
}

static void put_u32(uint32_t value) {
    for (int i = 0; i < 4; i++) {
        image[image_size++] = (uint8_t)(value >> 8 * i);
    }
}

/* Sentence i is `samples` times the sample value i + 1. */
static void put_sentence(uint32_t samples, int16_t value) {
    put_u32(samples);
    for (uint32_t i = 0; i < samples; i++) {
        image[image_size++] = (uint8_t)((uint16_t)value & 0xff);
        image[image_size++] = (uint8_t)((uint16_t)value >> 8);
    }
}

static tc_err open_image(size_t size) {
    return person_open(&who, read_image, &broken, size);
}

static void begin(void) {
    memset(image, 0xff, sizeof image);
    image_size = 0;
    broken = false;
    memcpy(image, "TCMC", 4);
    image_size = 4;
    put_u32(1);
    put_u32(2);
    put_sentence(400, 1);
    put_sentence(320, -2);
    now = 5000;
    CHECK_EQ(open_image(image_size), TC_OK);
    CHECK_EQ(who.count, 2);
}

/* Frames until the person says something; returns the milliseconds that took. The loudspeaker
 * sounds for the first `sound_ms`. */
static int wait_for_word(int sound_ms, int at_most) {
    int passed = 0;
    for (; passed < at_most; passed += 20) {
        now += 20;
        CHECK_EQ(person_frame(&who, now, passed < sound_ms, frame), TC_OK);
        if (frame[0] != 0) {
            break;
        }
    }
    return passed;
}

TC_TEST(person_speaks_when_the_device_has_greeted_and_is_quiet) {
    begin();
    person_active(&who, true, now);
    CHECK_EQ(wait_for_word(1000, 5000), 980 + PERSON_QUIET_MS);
    CHECK_EQ(frame[0], 1);
    CHECK_EQ(frame[319], 1);
    person_frame(&who, now += 20, false, frame);
    CHECK_EQ(frame[79], 1); /* 400 samples: the rest of the frame is silence */
    CHECK_EQ(frame[80], 0);
    CHECK_EQ(who.index, 1);
    /* Nothing more until there is an answer, however long that takes. */
    CHECK_EQ(wait_for_word(0, 20000), 20000);
    CHECK_EQ(wait_for_word(500, 5000), 480 + PERSON_QUIET_MS);
    CHECK_EQ(frame[5], -2);
    CHECK_EQ(wait_for_word(500, 20000), 20000); /* all is said */
}

TC_TEST(person_speaks_to_a_device_that_says_nothing) {
    begin();
    person_active(&who, true, now);
    CHECK_EQ(wait_for_word(0, 5000), PERSON_PATIENCE_MS - 20);
}

TC_TEST(person_says_again_what_was_cut_off) {
    begin();
    person_active(&who, true, now);
    wait_for_word(0, 5000);
    person_active(&who, false, now);
    CHECK_EQ(person_frame(&who, now += 20, false, frame), TC_OK);
    CHECK_EQ(frame[0], 0);
    CHECK_EQ(wait_for_word(0, 10000), 10000); /* off: nobody listens, nobody speaks */
    person_active(&who, true, now);
    CHECK_EQ(wait_for_word(0, 5000), PERSON_PATIENCE_MS - 20);
    CHECK_EQ(frame[0], 1);
    CHECK_EQ(who.index, 0);
}

TC_TEST(person_speaks_on_while_the_device_sounds) {
    begin();
    person_active(&who, true, now);
    wait_for_word(0, 5000);
    CHECK_EQ(person_frame(&who, now += 20, true, frame), TC_OK);
    CHECK_EQ(frame[0], 1);
    /* What sounded before the last word is not the answer to it. */
    CHECK_EQ(wait_for_word(0, 3000), 3000);
}

TC_TEST(person_refuses_an_image_that_is_none) {
    begin();
    size_t whole = image_size;
    for (size_t size = 0; size < whole; size++) {
        CHECK_EQ(open_image(size), TC_ERR_FORMAT);
        CHECK_EQ(who.count, 0);
        CHECK_EQ(person_frame(&who, now, false, frame), TC_OK);
    }
    CHECK_EQ(open_image(sizeof image), TC_OK); /* a partition is larger than what it holds */
    image[4] = 2;
    CHECK_EQ(open_image(whole), TC_ERR_FORMAT);
    image[4] = 1;
    image[0] = 0xff;
    CHECK_EQ(open_image(whole), TC_ERR_FORMAT);
    begin();
    memset(image + 12, 0xff, 4); /* a sentence of 2^32 - 1 samples */
    CHECK_EQ(open_image(whole), TC_ERR_FORMAT);
    memset(image + 12, 0, 4);
    CHECK_EQ(open_image(whole), TC_ERR_FORMAT);
    memset(image, 0xff, sizeof image); /* blank flash */
    CHECK_EQ(open_image(sizeof image), TC_ERR_FORMAT);
}

TC_TEST(person_is_silent_where_the_image_cannot_be_read) {
    begin();
    broken = true;
    CHECK_EQ(open_image(image_size), TC_ERR_IO);
    begin();
    person_active(&who, true, now);
    wait_for_word(0, PERSON_PATIENCE_MS - 40);
    broken = true;
    now += 100;
    CHECK_EQ(person_frame(&who, now, false, frame), TC_ERR_IO);
    CHECK_EQ(frame[0], 0);
}
