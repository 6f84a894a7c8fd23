/* Alone on a shelf: waking by voice, mute, a radio that rests, tries that never end, and what the
 * device says of itself. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

static void number(const char *key, uint8_t value) {
    fake_kv_put(key, TC_KV_U8, &value, 1);
}

static void ready_with_voice(void) {
    world_flash();
    number("wake", TC_DEVICE_WAKE_VOICE);
    world_power_on();
    world_ready();
    world_run(20);
    CHECK(fake.audio_on);
}

/* What the microphone hears, faster than time: pulses at 150 Hz, or nothing. */
static void hear(int frames, bool voice) {
    static int16_t pcm[320];
    static uint32_t phase;
    for (; frames > 0; frames--) {
        for (size_t i = 0; i < 320; i++) {
            phase += 150;
            pcm[i] = (int16_t)(!voice ? (int)(phase % 7) : phase % 16000 < 1800 ? 6000 : -600);
        }
        tc_core_audio_in(pcm, world_now);
    }
}

/* ---- waking ---- */

TC_TEST(idle_a_voice_starts_a_session) {
    ready_with_voice();
    hear(50, false);
    world_run(50);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    hear(25, true);
    CHECK_EQ(fake.packets, 0); /* nothing leaves the device for that */
    world_run(50);
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"voice\"");
    CHECK(!fake.audio_on); /* until it is live */
    CHECK_EQ(fake.audio_stops, 1);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_configuring();
    world_server("{\"type\":\"session.updated\"}");
    CHECK(fake.audio_on);
    world_request("session.stop", NULL);
    world_run(50);
    CHECK(fake.audio_on); /* it listens again */
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
}

TC_TEST(idle_the_microphone_is_off_unless_the_settings_want_it) {
    world_flash();
    world_power_on();
    world_ready();
    world_run(2000);
    CHECK_EQ(fake.audio_starts, 0);
    world_request("settings.set", "{\"values\":{\"device.wake\":\"voice\"}}");
    world_request("settings.commit", NULL);
    world_run(20);
    CHECK(fake.audio_on);
    world_request("settings.set", "{\"values\":{\"device.wake\":\"button\"}}");
    world_request("settings.commit", NULL);
    world_run(20);
    CHECK(!fake.audio_on);
}

TC_TEST(idle_a_microphone_that_does_not_open_is_told_once_and_tried_after_the_next_session) {
    world_flash();
    number("wake", TC_DEVICE_WAKE_VOICE);
    fake.audio_result = TC_ERR_IO;
    world_power_on();
    world_ready();
    world_run(60000);
    CHECK_EQ(fake.audio_starts, 1);
    CHECK_EQ(fake_count_frames("\"code\":\"audio\""), 1);
    fake.audio_result = TC_OK;
    world_posted();
    world_request("session.stop", NULL);
    world_run(20);
    CHECK(fake.audio_on);
}

/* ---- mute ---- */

TC_TEST(idle_a_muted_device_hears_nothing) {
    ready_with_voice();
    hear(50, false);
    world_post(TC_EVENT_MUTE, 0, 1, 0, NULL, 0);
    CHECK(!fake.audio_on);
    CHECK(world_has(world_state(), "\"state\":\"ready\",\"reason\":\"none\",\"muted\":true"));
    hear(50, true);
    world_run(1000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    world_post(TC_EVENT_MUTE, 0, 0, 0, NULL, 0);
    CHECK(fake.audio_on);
    CHECK(!world_has(world_state(), "muted"));
    world_run(1000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY); /* what was said while muted is not kept */
}

TC_TEST(idle_a_muted_session_goes_on_without_packets) {
    world_listening();
    world_run(100);
    int sent = fake.packets;
    CHECK(sent > 0);
    world_post(TC_EVENT_MUTE, 0, 1, 0, NULL, 0);
    world_run(200);
    CHECK_EQ(fake.packets, sent);
    CHECK(world_has(world_state(), "\"state\":\"live\""));
    CHECK(world_has(world_state(), "\"muted\":true"));
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"muted\":true"));
    world_post(TC_EVENT_MUTE, 0, 0, 0, NULL, 0);
    world_run(100);
    CHECK_EQ(fake.packets, sent + 5);
}

TC_TEST(idle_push_to_talk_while_muted_interrupts_but_says_nothing) {
    world_flash();
    number("turn", TC_TURN_DETECTION_NONE);
    world_live();
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    world_run(300);
    world_post(TC_EVENT_MUTE, 0, 1, 0, NULL, 0); /* what was said so far counts */
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 1);
    world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    world_run(300);
    world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 1);
}

/* ---- the radio ---- */

TC_TEST(idle_the_radio_rests_after_some_seconds_without_a_session) {
    world_flash();
    world_power_on();
    world_ready();
    world_run(4900);
    CHECK(!fake.resting);
    world_run(200);
    CHECK(fake.resting);
    world_request("session.start", NULL);
    CHECK(!fake.resting);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_configuring();
    world_server("{\"type\":\"session.updated\"}");
    world_run(20000);
    CHECK(!fake.resting);
    CHECK_EQ(fake.rests, 2);
    world_request("session.stop", NULL);
    world_run(5100);
    CHECK(fake.resting);
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_LOST, 0, NULL, 0);
    CHECK(!fake.resting);
}

/* ---- autostart ---- */

static void refuse(int32_t status) {
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_http(status, "");
}

TC_TEST(alone_it_never_gives_up_on_what_passes) {
    world_flash();
    number("autostart", 1);
    world_power_on();
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "192.168.1.7", 11);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    for (int i = 0; i < 300; i++) {
        refuse(i % 2 == 0 ? TC_HTTP_DNS : 503);
        CHECK_EQ(tc_session_state(), TC_STATE_BACKOFF);
        CHECK(world_retry_ms() <= 75000);
        world_run(world_retry_ms() + 20);
        CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
        fake_serial_clear();
    }
    for (int i = 0; i < 20; i++) {
        refuse(503);
        world_run(world_retry_ms() + 20);
    }
    CHECK_EQ(fake_count_frames("\"method\":\"problem\""), 0); /* the same for the 300th time */
    refuse(TC_HTTP_TCP);
    CHECK_EQ(fake_count_frames("\"method\":\"problem\""), 1);
}

TC_TEST(alone_it_tries_slowly_what_only_a_person_can_mend) {
    static const int32_t statuses[] = {401, 403, 404};
    for (size_t i = 0; i < 3; i++) {
        world_flash();
        number("autostart", 1);
        world_power_on();
        world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "192.168.1.7", 11);
        CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
        refuse(statuses[i]);
        world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"http_40");
        uint32_t wait = world_retry_ms();
        CHECK(wait >= 600000 && wait <= 750000);
        world_run(wait - 20);
        CHECK_EQ(fake.peer_opens, 1);
        CHECK(fake.resting);
        world_run(40);
        CHECK_EQ(fake.peer_opens, 2);
        refuse(statuses[i]);
        world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0); /* a person need not wait */
        world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"button\"");
    }
}

/* ---- what it says of itself ---- */

TC_TEST(stats_memory_and_tasks) {
    world_flash();
    fake.memory = (tc_memory_stats){100000, 90000, 8000000, 7000000};
    fake.tasks[0] = (tc_task_stats){"core", 1234, 55};
    fake.tasks[1] = (tc_task_stats){"audio", 20000, 410};
    fake.task_count = 2;
    world_power_on();
    fake.memory = (tc_memory_stats){100000, 90000, 8000000, 7000000};
    world_request("device.stats", NULL);
    const char *answer = fake_last_frame("\"id\":1");
    CHECK(world_has(answer, "\"memory\":{\"internal\":{\"free\":100000,\"low\":90000},"
                            "\"external\":{\"free\":8000000,\"low\":7000000}}"));
    CHECK(world_has(answer, "\"tasks\":[{\"name\":\"core\",\"stack_free\":1234,"
                            "\"cpu_permille\":55},{\"name\":\"audio\",\"stack_free\":20000,"
                            "\"cpu_permille\":410}]"));
    CHECK(world_has(answer, "\"ends\":[],"));
}

TC_TEST(stats_the_last_ten_ends) {
    world_flash();
    world_power_on();
    world_ready();
    world_run(1000);
    world_posted();
    world_run(500);
    world_http(401, "{\"error\":\"no\"}");
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"),
                    "\"ends\":[{\"reason\":\"http_401\",\"at_ms\":1510,\"lasted_ms\":500,"
                    "\"detail\":\"no\"}]"));
    world_posted();
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_LOST, 0, NULL, 0);
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "192.168.1.7", 11);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_request("session.stop", NULL);
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"),
                    "\"detail\":\"no\"},{\"reason\":\"wifi_lost\",\"at_ms\":1510,\"lasted_ms\":0},"
                    "{\"reason\":\"host\",\"at_ms\":1510,\"lasted_ms\":0}]"));
    for (int i = 0; i < 9; i++) {
        world_posted();
        world_request("session.stop", NULL);
    }
    world_request("device.stats", NULL);
    const char *answer = fake_last_frame("\"id\":1");
    CHECK(!world_has(answer, "http_401") && !world_has(answer, "wifi_lost"));
    int count = 0;
    for (const char *at = strstr(answer, "\"ends\""); (at = strstr(at, "at_ms")) != NULL; at++) {
        count++;
    }
    CHECK_EQ(count, 10);
}

TC_TEST(an_image_is_good_when_it_has_joined_or_has_answered_where_it_cannot_join) {
    world_flash();
    world_power_on();
    world_request("device.hello", NULL);
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_NOT_FOUND, 0, NULL, 0);
    CHECK_EQ(fake.boots_good, 0);
    world_ready();
    CHECK_EQ(fake.boots_good, 1);
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_LOST, 0, NULL, 0);
    world_ready(); /* the port is told once: it would complain */
    fake_reset();
    world_power_on();
    CHECK_EQ(fake.boots_good, 0);
    world_request("no.such", NULL);
    CHECK_EQ(fake.boots_good, 0);
    world_request("device.hello", NULL);
    world_request("device.hello", NULL);
    CHECK_EQ(fake.boots_good, 1);
}
