/* Copies of both voices for the host: order, gaps, and what they cost where nobody asked for them.
 */
#include "../core/link.h"
#include "../core/sound_tap.h"
#include "check.h"
#include "world.h"

static uint64_t now;
static size_t cursor;

static void begin(void) {
    fake_reset();
    tc_link_init();
    tc_sound_tap_init();
    tc_sound_tap_set(true);
    tc_sound_tap_begin();
    now = 1000;
    cursor = 0;
}

static void sent(uint32_t at, const char *packet) {
    tc_sound_tap_time(at);
    tc_sound_tap_sent((const uint8_t *)packet, strlen(packet));
}

static void played(uint32_t timestamp, uint32_t samples) {
    tc_sound_tap_played((const uint8_t *)"v", 1, timestamp, samples);
}

static uint32_t tick(uint32_t ms) {
    now += ms;
    uint32_t wait = tc_sound_tap_tick(now, 1000);
    tc_link_pump();
    return wait;
}

/* Checks the params of the next `sound`. */
static void next(const char *params) {
    char wanted[400] = "{\"jsonrpc\":\"2.0\",\"method\":\"sound\",\"params\":";
    tc_span json;
    CHECK(fake_next_frame(&cursor, &json, NULL));
    strcat(wanted, params);
    strcat(wanted, "}");
    CHECK_TEXT(json.at, json.length, wanted);
}

static void none(void) {
    tc_span json;
    size_t from = cursor;
    CHECK(!fake_next_frame(&from, &json, NULL));
}

TC_TEST(tap_sends_five_packets_in_a_frame) {
    begin();
    for (uint32_t i = 0; i < 4; i++) {
        sent(960 * i, i % 2 ? "ab" : "a");
        CHECK_EQ(tick(20), 100);
        none();
    }
    sent(960 * 4, "abc");
    tick(0);
    next("{\"from\":\"microphone\",\"at\":0,\"packets\":[\"YQ==\",\"YWI=\",\"YQ==\",\"YWI=\","
         "\"YWJj\"]}");
    none();
}

TC_TEST(tap_does_not_keep_what_is_old) {
    begin();
    sent(9600, "a");
    tick(0);
    tick(99);
    none();
    tick(1);
    next("{\"from\":\"microphone\",\"at\":9600,\"packets\":[\"YQ==\"]}");
    sent(10560, "a");
    tick(0);
    tc_sound_tap_set(false);
    CHECK_EQ(tick(1), 1000); /* it is off: what waited goes, and nothing comes */
    next("{\"from\":\"microphone\",\"at\":10560,\"packets\":[\"YQ==\"]}");
    sent(11520, "a");
    CHECK_EQ(tick(500), 1000);
    none();
}

TC_TEST(tap_says_what_is_missing) {
    begin();
    sent(0, "a");
    sent(960 * 2, "a");
    sent(960 * 4, "a"); /* two are missing */
    tick(0);
    next("{\"from\":\"microphone\",\"at\":0,\"packets\":[\"YQ==\",null,\"YQ==\",null,\"YQ==\"]}");
    sent(960 * 5, "a");
    sent(960 * 10, "a"); /* too long a gap for one frame */
    tick(0);
    next("{\"from\":\"microphone\",\"at\":4800,\"packets\":[\"YQ==\"]}");
    sent(960 * 11 + 7, "a"); /* no whole number of packets */
    tick(0);
    next("{\"from\":\"microphone\",\"at\":9600,\"packets\":[\"YQ==\"]}");
    sent(0, "a"); /* another session, whose times begin anew */
    tick(0);
    next("{\"from\":\"microphone\",\"at\":10567,\"packets\":[\"YQ==\"]}");
    tick(100);
    next("{\"from\":\"microphone\",\"at\":0,\"packets\":[\"YQ==\"]}");
    none();
}

TC_TEST(tap_of_the_loudspeaker_has_the_clock_of_the_microphone) {
    begin();
    tc_sound_tap_time(48000);
    played(4000000000u, 960);
    tc_sound_tap_time(48960);
    played(4000000960u, 960);
    tc_sound_tap_time(50880);
    played(4000002880u, 960); /* one was lost */
    tick(100);
    tick(100);
    next("{\"from\":\"loudspeaker\",\"at\":48000,\"packets\":[\"dg==\",\"dg==\",null,\"dg==\"]}");
    /* The server counts no time between its answers: the clock does. */
    tc_sound_tap_time(480000);
    played(4000003840u, 960);
    tick(0);
    tick(100);
    next("{\"from\":\"loudspeaker\",\"at\":480000,\"packets\":[\"dg==\"]}");
    /* Another source, while the last packet still sounds: it comes behind. */
    tc_sound_tap_time(480480);
    played(7, 960);
    tick(0);
    tick(100);
    next("{\"from\":\"loudspeaker\",\"at\":480960,\"packets\":[\"dg==\"]}");
    tc_sound_tap_begin();
    tc_sound_tap_time(960);
    played(967, 960);
    tick(0);
    tick(100);
    next("{\"from\":\"loudspeaker\",\"at\":960,\"packets\":[\"dg==\"]}");
    none();
}

TC_TEST(tap_of_packets_that_are_not_20_ms) {
    begin();
    tc_sound_tap_time(0);
    played(0, 960);
    played(960, 2880);
    played(3840, 960);
    played(4800, 480);
    played(5280, 960);
    tick(0);
    tick(100);
    next("{\"from\":\"loudspeaker\",\"at\":0,\"packets\":[\"dg==\",\"dg==\"]}");
    next("{\"from\":\"loudspeaker\",\"at\":3840,\"packets\":[\"dg==\",\"dg==\"]}");
    next("{\"from\":\"loudspeaker\",\"at\":5280,\"packets\":[\"dg==\"]}");
    none();
}

TC_TEST(tap_drops_what_nobody_takes_out) {
    static uint8_t big[1281];
    begin();
    for (int i = 0; i < 100; i++) {
        tc_sound_tap_sent(big, 1276); /* the core task does not come */
    }
    tc_sound_tap_sent(big, 1281);
    tc_sound_tap_sent(big, 0);
    char text[200];
    tc_json_writer w;
    tick(0);
    tick(100);
    tc_json_start(&w, text, sizeof text);
    tc_json_open_object(&w);
    tc_sound_tap_stats(&w);
    tc_json_close_object(&w);
    CHECK_TEXT(text, w.length, "{\"frames\":12,\"packets\":12,\"dropped\":90}");
    sent(960, "a"); /* and all is well again */
    tick(0);
    tick(100);
    CHECK(world_has(fake_last_frame("sound"), "\"packets\":[\"YQ==\"]"));
}

TC_TEST(tap_in_a_session) {
    world_listening();
    world_run(500);
    CHECK_EQ(fake_count_frames("\"method\":\"sound\""), 0);
    world_request("sound.tap", "{\"on\":7}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32602"));
    world_request("sound.tap", "{\"on\":true}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    world_run(1000);
    int frames = fake_count_frames("\"from\":\"microphone\"");
    CHECK(frames >= 9 && frames <= 10);
    CHECK_EQ(fake_count_frames("\"from\":\"loudspeaker\""), 0);
    for (int i = 0; i < 10; i++) {
        world_voice();
    }
    world_run(500);
    CHECK(fake_count_frames("\"from\":\"loudspeaker\"") >= 2);
    CHECK(world_has(fake_last_frame("loudspeaker"), "\"packets\":[\"SBE=\""));
    /* A muted microphone is heard by nobody. */
    world_post(TC_EVENT_MUTE, 0, 1, 0, NULL, 0);
    world_run(200);
    world_forget();
    world_run(500);
    CHECK_EQ(fake_count_frames("\"method\":\"sound\""), 0);
    world_post(TC_EVENT_MUTE, 0, 0, 0, NULL, 0);
    world_run(500);
    CHECK(fake_count_frames("\"from\":\"microphone\"") > 0);
    world_request("sound.tap", "{\"on\":false}");
    world_forget();
    world_run(500);
    CHECK_EQ(fake_count_frames("\"method\":\"sound\""), 0);
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"sound\":{\"frames\":"));
}

/* What was to be heard after an interruption is not in the copy, either. */
TC_TEST(tap_holds_what_was_heard) {
    world_listening();
    world_request("sound.tap", "{\"on\":true}");
    world_speak("r1");
    world_request("talk.press", NULL);
    world_run(200);
    world_forget();
    world_run(1000);
    CHECK_EQ(fake_count_frames("loudspeaker"), 0);
}
