/* A live session in the hands of the button and the host. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

TC_TEST(session_the_button_also_drops_what_was_still_to_be_answered) {
    world_listening();
    world_created("r1");
    world_request("session.say", "{\"text\":\"x\"}");
    world_request("talk.press", NULL);
    CHECK_EQ(world_sent("response.cancel"), 1);
    world_done("r1", "cancelled");
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 0);
}

/* ---- push-to-talk ---- */

static void begin_push_to_talk(void) {
    uint8_t none = TC_TURN_DETECTION_NONE;
    world_flash();
    fake_kv_put("turn", TC_KV_U8, &none, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    world_forget();
}

TC_TEST(session_push_to_talk) {
    begin_push_to_talk();
    world_run(200);
    CHECK_EQ(fake.packets, 0); /* nobody listens in */
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text, "\"input_audio_buffer.clear\""));
    world_check_activity("hearing");
    world_run(400);
    CHECK_EQ(fake.packets, 20);
    uint32_t last = fake.packet_timestamp;
    world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
    CHECK_EQ(fake.text_count, 3);
    CHECK(world_has(fake.texts[1].text, "\"input_audio_buffer.commit\""));
    CHECK(world_has(fake.texts[2].text, "\"response.create\""));
    world_check_activity("thinking");
    world_run(200);
    CHECK_EQ(fake.packets, 20);
    world_speak("r1");
    /* Once more, while it speaks: cancel, clear, and the microphone is open. */
    world_forget();
    world_request("talk.press", NULL);
    CHECK(world_has(fake.texts[0].text, "\"response.cancel\""));
    CHECK(world_has(fake.texts[1].text, "\"output_audio_buffer.clear\""));
    CHECK(world_has(fake.texts[2].text, "\"input_audio_buffer.clear\""));
    world_run(20);
    CHECK_EQ(world_heard, 0);
    CHECK_EQ(fake.packets, 21);
    CHECK_EQ((fake.packet_timestamp - last) % 960, 0);
    CHECK(fake.packet_timestamp - last >= 15 * 960); /* time went on meanwhile */
    world_run(300);
    world_request("talk.release", NULL);
    CHECK_EQ(world_sent("response.create"), 0); /* the cancelled response is still in the way */
    world_done("r1", "cancelled");
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(session_push_to_talk_too_short) {
    begin_push_to_talk();
    world_request("talk.press", NULL);
    world_run(80);
    world_request("talk.release", NULL);
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 0);
    CHECK_EQ(world_sent("input_audio_buffer.clear"), 2);
    world_check_activity("listening");
}

TC_TEST(session_a_button_held_from_ready_talks_when_live) {
    uint8_t none = TC_TURN_DETECTION_NONE;
    world_flash();
    fake_kv_put("turn", TC_KV_U8, &none, 1);
    world_power_on();
    world_ready();
    world_request("talk.press", NULL);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_configuring();
    world_event("session.updated");
    world_check_activity("hearing");
    world_run(200);
    CHECK_EQ(fake.packets, 10);
    CHECK_EQ(world_sent("response.create"), 0);
    world_request("talk.release", NULL);
    CHECK_EQ(world_sent("response.create"), 1);
}

/* ---- texts and events of the host ---- */

TC_TEST(session_say) {
    world_listening();
    world_request("session.say", "{\"text\":\"wie sp\\u00e4t?\"}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[0].text,
                    "\"content\":[{\"type\":\"input_text\",\"text\":\"wie sp\xC3\xA4t?\"}]"));
    CHECK(world_has(fake.texts[1].text, "\"response.create\""));
    world_check_activity("thinking");
    world_created("r1");
    world_request("session.say", "{\"text\":\"two\"}");
    CHECK_EQ(fake.text_count, 3); /* its response waits for the one that is made */
    world_request("session.say", "{\"text\":\"three\"}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32007"));
    world_done("r1", "completed");
    CHECK_EQ(fake.text_count, 4);
    CHECK(world_has(fake.texts[3].text, "\"response.create\""));
    world_request("session.say", "{\"text\":\"\"}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32602"));
    world_request("session.say", "{}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32602"));
    world_request("session.stop", NULL);
    world_request("session.say", "{\"text\":\"x\"}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32006"));
}

TC_TEST(session_send) {
    static char params[TC_LINK_MAX_JSON];
    world_listening();
    world_request("realtime.send",
                  "{\"event\":{\"type\":\"conversation.item.delete\", \"item_id\":\"i\"}}");
    CHECK_STR(fake.texts[0].text, "{\"type\":\"conversation.item.delete\", \"item_id\":\"i\"}");
    CHECK(world_has(fake_last_frame("realtime.sent"),
                    "{\"type\":\"conversation.item.delete\", \"item_id\":\"i\"}"));
    static const char *const bad[] = {"{\"event\":{}}", "{\"event\":7}", "{\"event\":{\"type\":3}}",
                                      "{}", "{\"event\":[{\"type\":\"a\"}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        world_request("realtime.send", bad[i]);
        CHECK(world_has(fake_last_frame("\"id\":1"), "-32602"));
    }
    CHECK_EQ(fake.text_count, 1);
    /* 65,000 bytes pass, whole. */
    strcpy(params, "{\"event\":{\"type\":\"a\",\"x\":\"");
    memset(params + strlen(params), 'x', 65000);
    strcat(params, "\"}}");
    world_request("realtime.send", params);
    CHECK_EQ(fake.texts[1].length, strlen(params) - 10);
    world_request("session.stop", NULL);
    world_request("realtime.send", "{\"event\":{\"type\":\"a\"}}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32006"));
}

TC_TEST(session_a_full_channel_delays_and_keeps_the_order) {
    world_listening();
    fake.texts_left = 0;
    world_request("realtime.send", "{\"event\":{\"type\":\"one\"}}");
    world_request("realtime.send", "{\"event\":{\"type\":\"two\"}}");
    world_request("session.say", "{\"text\":\"three\"}");
    CHECK_EQ(fake.text_count, 0);
    fake.texts_left = 1;
    world_run(20);
    CHECK_EQ(fake.text_count, 1);
    CHECK_STR(fake.texts[0].text, "{\"type\":\"one\"}");
    fake.texts_left = FAKE_UNLIMITED;
    world_run(20);
    CHECK_EQ(fake.text_count, 4);
    CHECK_STR(fake.texts[1].text, "{\"type\":\"two\"}");
    CHECK(world_has(fake.texts[2].text, "three"));
}

TC_TEST(session_a_full_queue_refuses_the_host_and_a_stuck_channel_is_closed) {
    static char params[TC_LINK_MAX_JSON];
    world_listening();
    fake.texts_left = 0;
    strcpy(params, "{\"event\":{\"type\":\"a\",\"x\":\"");
    memset(params + strlen(params), 'x', 60000);
    strcat(params, "\"}}");
    world_request("realtime.send", params);
    world_request("realtime.send", params);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    world_request("realtime.send", params);
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32007"));
    world_run(10100);
    CHECK(world_has(fake_last_frame("\"state\":\"closing\""), "\"reason\":\"channel_closed\""));
    world_run(500);
    CHECK_EQ(tc_session_state(), TC_STATE_BACKOFF);
}

TC_TEST(session_a_response_that_the_host_asked_for_is_in_the_way) {
    world_listening();
    world_request("realtime.send", "{\"event\":{\"type\":\"response.create\"}}");
    world_check_activity("thinking");
    world_request("session.say", "{\"text\":\"x\"}");
    CHECK_EQ(world_sent("response.create"), 1);
    world_created("r1");
    world_done("r1", "completed");
    CHECK_EQ(world_sent("response.create"), 2);
}

TC_TEST(session_a_busy_server_is_asked_again) {
    world_listening();
    world_request("session.say", "{\"text\":\"x\"}");
    uint32_t number = tc_self.event_id;
    CHECK_EQ(number, 4);
    world_created("of_the_server");
    world_server(
        "{\"type\":\"error\",\"error\":{\"code\":\"conversation_already_has_active_response\","
        "\"event_id\":\"tc_4\"}}");
    CHECK_EQ(world_sent("response.create"), 1);
    world_done("of_the_server", "completed");
    CHECK_EQ(world_sent("response.create"), 2);
    world_created("ours");
    world_done("ours", "completed");
    CHECK_EQ(world_sent("response.create"), 2);
}

TC_TEST(session_a_server_that_never_answers_does_not_hang_it) {
    world_listening();
    world_request("session.say", "{\"text\":\"x\"}");
    world_run(15100);
    world_check_activity("listening");
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    world_check_activity("thinking");
    world_run(20100);
    world_check_activity("listening");
    world_created("r1");
    world_run(60300);
    world_check_activity("listening");
}

TC_TEST(session_push_to_talk_again_before_the_server_has_the_first_turn) {
    begin_push_to_talk();
    world_request("talk.press", NULL);
    world_run(400);
    world_request("talk.release", NULL);
    world_run(50);
    world_request("talk.press", NULL);
    world_event("input_audio_buffer.committed"); /* the first turn; the second is being spoken */
    world_created("r1");
    world_check_activity("hearing");
    world_done("r1", "cancelled");
    world_run(400);
    world_forget();
    world_request("talk.release", NULL);
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 1);
    CHECK_EQ(world_sent("response.create"), 1);
    int packets = fake.packets;
    world_run(200);
    CHECK_EQ(fake.packets, packets); /* the microphone is closed again */
}

TC_TEST(session_say_that_does_not_fit_now_may_be_tried_again) {
    static char params[70000];
    world_listening();
    fake.texts_left = 0;
    strcpy(params, "{\"event\":{\"type\":\"x\",\"y\":\"");
    size_t head = strlen(params);
    memset(params + head, 'y', 65000);
    strcpy(params + head + 65000, "\"}}");
    world_request("realtime.send", params);
    world_request("realtime.send", params);
    strcpy(params, "{\"text\":\"");
    for (int i = 0; i < 4000; i++) {
        strcat(params + 6 * (size_t)i, "\\u0001");
    }
    strcat(params, "\"}");
    world_request("session.say", params);
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32007"));
    fake.texts_left = FAKE_UNLIMITED;
    world_run(100);
    world_request("session.say", params);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
}

TC_TEST(session_a_slow_channel_is_not_a_stuck_one) {
    world_listening();
    fake.texts_left = 0;
    for (int i = 0; i < 4; i++) {
        world_request("realtime.send", "{\"event\":{\"type\":\"x\"}}");
    }
    for (int i = 0; i < 4; i++) {
        world_run(6000);
        CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
        fake.texts_left = 1;
        world_run(20);
    }
    CHECK_EQ(world_sent("\"x\""), 4);
}

TC_TEST(session_an_event_that_the_channel_refuses_is_not_in_the_way) {
    world_listening();
    fake.text_result = TC_ERR_SIZE;
    world_request("realtime.send", "{\"event\":{\"type\":\"one\"}}");
    CHECK(fake_serial_holds("refused an event"));
    fake.text_result = TC_OK;
    world_request("realtime.send", "{\"event\":{\"type\":\"two\"}}");
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text, "two"));
    world_run(11000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}
