/* From power on to live; Wi-Fi; settings of a running device. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define TOKEN "ek_secret_0123456789"

/* ---- the good way ---- */

TC_TEST(session_hello_then_state) {
    size_t cursor = 0;
    uint32_t number;
    tc_span json;
    world_flash();
    fake_kv_put_text("name", "kitchen");
    world_power_on();
    CHECK(fake_next_frame(&cursor, &json, &number));
    CHECK_EQ(number, 0);
    CHECK_STR(fake_last_frame("\"method\":\"hello\""),
              "{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{\"board\":\"virtual\","
              "\"name\":\"kitchen\","
              "\"firmware\":\"0.0.0\",\"protocol\":1,\"image\":"
              "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"mac\":\"24:"
              "6f:28:01:02:03\","
              "\"reset\":\"power\",\"echo\":true,\"state\":\"joining\"}}");
    CHECK(world_has(world_state(), "\"state\":\"joining\",\"reason\":\"boot\""));
    CHECK_STR(fake.wifi_ssid, "home");
    CHECK_STR(fake.wifi_password, "long enough");
    CHECK_EQ(fake.volume, 70);
}

TC_TEST(session_unprovisioned_until_the_required_settings_are_there) {
    fake_reset();
    world_power_on();
    CHECK(world_has(world_state(), "\"state\":\"unprovisioned\",\"reason\":\"boot\""));
    CHECK_EQ(fake.wifi_joins, 0);
    world_request("session.start", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32006"));
    world_request("settings.set",
                  "{\"values\":{\"wifi.ssid\":\"home\",\"server.token\":\"" TOKEN "\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_UNPROVISIONED);
    world_request("settings.commit", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"effect\":\"wifi\""));
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"settings\"");
    CHECK_EQ(fake.wifi_joins, 1);
    world_ready();
    CHECK(world_has(world_state(), "\"detail\":\"192.168.1.7\""));
    world_request("settings.set", "{\"values\":{\"server.token\":null}}");
    world_request("settings.commit", NULL);
    world_check_reason(TC_STATE_UNPROVISIONED, "\"reason\":\"settings\"");
    CHECK_EQ(fake.wifi_leaves, 1);
}

TC_TEST(session_the_whole_good_way) {
    world_flash();
    fake_kv_put_text("srv_query", "model=m");
    world_power_on();
    world_ready();
    world_request("session.start", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"host\"");
    CHECK_STR(fake.peer_label, "oai-events");
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    CHECK_STR(fake.http_url, "https://api.openai.com/v1/realtime/calls?model=m");
    CHECK_STR(fake.http_headers, "Content-Type: application/sdp\r\nAccept: application/sdp\r\n"
                                 "Authorization: Bearer " TOKEN "\r\n");
    CHECK_STR(fake.http_body, "v=0 offer");
    CHECK_EQ(fake.http_timeout, 15000);
    world_http(201, WORLD_ANSWER);
    CHECK_STR(fake.peer_sdp, WORLD_ANSWER);
    world_post(TC_EVENT_PEER_UP, fake.peer_id, 0, 0, NULL, 0);
    CHECK_EQ(fake.text_count, 0);
    world_post(TC_EVENT_CHANNEL_OPEN, fake.peer_id, 0, 0, NULL, 0);
    CHECK_EQ(tc_session_state(), TC_STATE_CONFIGURING);
    CHECK_EQ(fake.text_count, 1); /* at once, before session.created */
    CHECK(world_has(fake.texts[0].text, "{\"type\":\"session.update\",\"event_id\":\"tc_1\","));
    CHECK(world_has(fake_last_frame("realtime.sent"),
                    "\"params\":{\"event\":{\"type\":\"session.update\""));
    CHECK_EQ(fake.audio_starts, 0);
    world_server("{\"type\":\"session.created\",\"session\":{\"id\":\"s\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_CONFIGURING);
    world_server("{\"type\":\"session.updated\",\"session\":{\"id\":\"s\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    CHECK(fake.audio_on);
    CHECK_EQ(fake.opus_resets, 1);
    CHECK_STR(fake.texts[1].text,
              "{\"type\":\"response.create\",\"event_id\":\"tc_2\",\"response\":{\"instructions\":"
              "\"Greet the person briefly.\"}}");
    CHECK_EQ(fake_count_frames("\"state\":\"live\""), 2); /* listening, then thinking */
    CHECK(world_has(world_state(), "\"activity\":\"thinking\""));
    CHECK_EQ(fake_count_frames("\"name\":\"connect\""), 1);
    CHECK(!fake_serial_holds(TOKEN));
    CHECK(!fake_serial_holds("long enough"));
    world_run(100);
    CHECK_EQ(fake.packets, 5);
    CHECK_EQ(fake.packet_id, fake.peer_id);
}

TC_TEST(session_passes_the_pin_in_small_letters) {
    world_flash();
    world_power_on();
    world_ready();
    world_posted();
    CHECK_STR(fake.http_pin, "");
    world_flash();
    fake_kv_put_text("srv_pin", "ABCDEF0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789");
    world_power_on();
    world_ready();
    world_posted();
    CHECK_STR(fake.http_pin, "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
}

TC_TEST(session_api_key) {
    uint8_t api_key = 1;
    world_flash();
    fake_kv_put("srv_auth", TC_KV_U8, &api_key, 1);
    fake_kv_put_text("srv_url", "https://a.example/x");
    world_power_on();
    world_ready();
    world_posted();
    CHECK_STR(fake.http_url, "https://a.example/x");
    CHECK(world_has(fake.http_headers, "\r\napi-key: " TOKEN "\r\n"));
    CHECK(!world_has(fake.http_headers, "Authorization"));
}

TC_TEST(session_no_greeting) {
    world_flash();
    fake_kv_put_text("greeting", "");
    world_live();
    CHECK_EQ(world_sent("response.create"), 0);
    CHECK(world_has(world_state(), "\"activity\":\"listening\""));
}

TC_TEST(session_autostart) {
    uint8_t on = 1;
    world_flash();
    fake_kv_put("autostart", TC_KV_U8, &on, 1);
    world_power_on();
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, NULL, 0);
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"autostart\"");
}

TC_TEST(session_the_button_starts_one) {
    world_flash();
    world_power_on();
    world_ready();
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"button\"");
}

/* ---- Wi-Fi ---- */

TC_TEST(session_wifi_failures_are_named_and_tried_again) {
    static const struct {
        int code;
        const char *reason;
    } cases[] = {{TC_WIFI_PASSWORD, "\"reason\":\"wifi_password\""},
                 {TC_WIFI_NOT_FOUND, "\"reason\":\"wifi_not_found\""},
                 {TC_WIFI_FAILED, "\"reason\":\"wifi_failed\""},
                 {TC_WIFI_LOST, "\"reason\":\"wifi_lost\""}};
    world_flash();
    world_power_on();
    for (int i = 0; i < 4; i++) {
        world_post(TC_EVENT_WIFI_DOWN, 0, cases[i].code, 0, NULL, 0);
        world_check_reason(TC_STATE_BACKOFF, cases[i].reason);
        CHECK_EQ(fake_count_frames("\"method\":\"problem\""), i + 1);
        uint32_t wait = world_retry_ms();
        CHECK(wait >= 1000u << i && wait <= 1250u << i);
        world_run(wait - 10);
        CHECK_EQ(fake.wifi_joins, i + 1);
        world_run(20);
        CHECK_EQ(fake.wifi_joins, i + 2);
        world_check_reason(TC_STATE_JOINING, "\"reason\":\"retry\"");
    }
    world_ready();
}

TC_TEST(session_joining_has_a_deadline) {
    world_flash();
    world_power_on();
    world_run(30010);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"wifi_failed\"");
    world_ready(); /* an answer that comes late is an answer */
}

TC_TEST(session_lost_wifi_ends_the_session_and_brings_it_back) {
    world_listening();
    uint32_t peer = fake.peer_id;
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_LOST, 0, NULL, 0);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"wifi_lost\"");
    CHECK_EQ(fake.peer_closed, peer);
    CHECK(!fake.audio_on);
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, NULL, 0);
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"retry\"");
    CHECK(fake.peer_id != peer);
}

/* ---- settings of a running device ---- */

TC_TEST(session_settings_with_effect_on_wifi_join_again) {
    world_listening();
    world_request("settings.set", "{\"values\":{\"wifi.ssid\":\"other\"}}");
    world_request("settings.commit", NULL);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"settings\"");
    CHECK_STR(fake.wifi_ssid, "other");
    CHECK_EQ(fake.peer_closed, fake.peer_id);
    world_request("settings.set", "{\"values\":{\"wifi.ssid\":\"third\"}}");
    world_request("settings.commit", NULL);
    CHECK_STR(fake.wifi_ssid, "third");
    CHECK_EQ(tc_session_state(), TC_STATE_JOINING);
}

TC_TEST(session_settings_of_the_session_wait_for_the_next_one) {
    world_listening();
    world_request("settings.set", "{\"values\":{\"session.voice\":\"cedar\",\"audio.volume\":5}}");
    world_request("settings.commit", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"),
                    "\"changed\":[\"session.voice\",\"audio.volume\"],\"effect\":\"session\""));
    CHECK_EQ(fake.volume, 5);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    CHECK_EQ(world_sent("session.update"), 0);
    world_request("session.stop", NULL);
    world_posted();
    world_configuring();
    CHECK(world_has(world_last_sent("session.update"), "\"voice\":\"cedar\""));
}

TC_TEST(session_autostart_switched_on_starts) {
    world_flash();
    world_power_on();
    world_ready();
    world_request("settings.set", "{\"values\":{\"device.autostart\":true}}");
    world_request("settings.commit", NULL);
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"autostart\"");
}
