/* A conversation that outlives its sessions: history, renewal, and what must not be said twice. */
#include "../core/history.h"
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define MINUTE 60000u
#define UNIX 1800000000u

static void said(const char *id, const char *role, const char *previous, const char *text) {
    static char json[600];
    strcpy(json, "{\"type\":\"conversation.item.added\",\"previous_item_id\":");
    strcat(json, previous == NULL ? "null" : "\"");
    strcat(json, previous == NULL ? "" : previous);
    strcat(json, previous == NULL ? "" : "\"");
    strcat(json, ",\"item\":{\"id\":\"");
    strcat(json, id);
    strcat(json, "\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"");
    strcat(json, role);
    strcat(json, "\",\"content\":[{\"type\":\"input_text\",\"text\":\"");
    strcat(json, text);
    strcat(json, "\"}]}}");
    world_server(json);
}

/* A question and its answer, in a session that listens. */
static void talk(void) {
    said("u1", "user", NULL, "Hello?");
    said("a1", "assistant", "u1", "Good day.");
    world_run(100);
}

static void updated(void) {
    world_server("{\"type\":\"session.updated\",\"session\":{\"id\":\"sess_2\"}}");
}

/* From connecting to live again. */
static void come_back(void) {
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_configuring();
    updated();
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

/* Lets time pass until the session is renewed. */
static void renewed(void) {
    for (int i = 0; i < 60 * 60 * 2 && tc_session_state() == TC_STATE_LIVE; i++) {
        world_run(500);
    }
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"renewal\"");
}

static void no_idle_limit(void) {
    uint16_t never = 0;
    fake_kv_put("idle_limit", TC_KV_U16, &never, 2);
}

static void start(void) {
    world_flash();
    no_idle_limit();
    fake_kv_put_text("greeting", "Greet.");
    world_live();
    CHECK_EQ(world_sent("Greet."), 1);
    world_created("greeting");
    world_done("greeting", "completed");
    world_run(100);
}

/* What was given back, by number from 1; in this order. */
static int given(const char *text) {
    int at = 0;
    for (int i = 0; i < fake.text_count; i++) {
        at += world_has(fake.texts[i].text, "conversation.item.create") ? 1 : 0;
        if (world_has(fake.texts[i].text, "conversation.item.create") &&
            world_has(fake.texts[i].text, text)) {
            return at;
        }
    }
    return 0;
}

TC_TEST(renew_a_session_is_renewed_in_a_pause_and_given_what_was_said) {
    start();
    talk();
    world_forget();
    world_run(55 * MINUTE - 1000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_run(2000);
    world_check_reason(TC_STATE_CONNECTING, "\"reason\":\"renewal\"");
    CHECK_EQ(tc_self.count.illegal, 0);
    come_back();
    CHECK_EQ(given("Hello?"), 1);
    CHECK_EQ(given("Good day."), 2);
    CHECK(world_has(world_last_sent("Hello?"),
                    "\"role\":\"user\",\"content\":[{\"type\":\"input_text\""));
    CHECK(world_has(world_last_sent("Good day."),
                    "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\""));
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 0); /* no greeting, and nothing is unanswered */
    CHECK_EQ(tc_self.count.sessions, 2);
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"ends\":[{\"reason\":\"renewal\""));
    /* The server's own words for what it was given change nothing. */
    said("tc_turn_1", "user", NULL, "Hello?");
    said("tc_turn_2", "assistant", "tc_turn_1", "Good day.");
    said("u2", "user", "tc_turn_2", "Again?");
    said("a2", "assistant", "u2", "Yes.");
    world_forget();
    renewed();
    come_back();
    CHECK_EQ(given("Hello?"), 1);
    CHECK_EQ(given("Yes."), 4);
    CHECK_EQ(world_sent("conversation.item.create"), 4);
}

TC_TEST(renew_a_server_that_gives_its_own_names_doubles_nothing) {
    start();
    talk();
    renewed();
    come_back();
    said("x1", "user", NULL, "Hello?");
    said("x2", "assistant", "x1", "Good day.");
    said("x3", "user", "x2", "Hello?"); /* said once more, by the person */
    said("x4", "assistant", "x3", "Good day again.");
    world_forget();
    renewed();
    come_back();
    CHECK_EQ(world_sent("conversation.item.create"), 4);
    CHECK_EQ(given("Good day again."), 4);
}

TC_TEST(renew_waits_for_the_end_of_what_goes_on_and_then_for_a_pause) {
    start();
    talk();
    world_run(55 * MINUTE - 30000);
    world_speak("long");
    world_run(50000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_done("long", "completed");
    world_output("stopped", "long");
    world_run(900);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_event("input_audio_buffer.speech_started");
    world_run(2 * MINUTE - 3000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE); /* a person speaks */
    world_event("input_audio_buffer.speech_stopped");
    world_event("input_audio_buffer.cleared");
    world_run(1000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    renewed();
}

TC_TEST(renew_without_a_pause_it_comes_a_minute_before_the_end) {
    start();
    talk();
    world_run(54 * MINUTE);
    world_event("input_audio_buffer.speech_started");
    uint64_t began = world_now;
    renewed();
    uint64_t minutes = (world_now - began) / MINUTE;
    CHECK_EQ(minutes, 5); /* it began at 54, and 20 s of patience */
}

TC_TEST(renew_does_not_cut_off_what_was_said_just_then) {
    start();
    talk();
    world_run(54 * MINUTE);
    world_event("input_audio_buffer.speech_started");
    world_run(5 * MINUTE + 2000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_event("input_audio_buffer.speech_stopped");
    world_run(1000); /* the server makes up its mind */
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_speak("late");
    world_done("late", "completed");
    world_output("stopped", "late");
    renewed();
}

TC_TEST(renew_waits_for_words_that_are_being_written_down) {
    start();
    world_run(55 * MINUTE - 4000 - 700);
    world_server(
        "{\"type\":\"conversation.item.added\",\"previous_item_id\":null,\"item\":{\"id\":\"u\","
        "\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}}");
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    world_event("input_audio_buffer.cleared");
    world_run(4000 + 700);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_server("{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":"
                 "\"u\",\"content_index\":0,\"transcript\":\"Late words.\"}");
    world_run(300);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    come_back();
    CHECK_EQ(given("Late words."), 1);
    world_run(100);
    CHECK_EQ(world_sent("response.create"), 1); /* the greeting; the server forgot that speech */
}

TC_TEST(renew_asks_for_no_answer_that_nobody_waits_for) {
    start();
    talk();
    said("u2", "user", "a1", "Never mind.");
    world_created("r2");
    world_done("r2", "cancelled");
    world_forget();
    renewed();
    come_back();
    CHECK_EQ(given("Never mind."), 3);
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(renew_leaves_the_answer_to_the_host_where_that_asks_for_it) {
    uint8_t off = 0;
    world_flash();
    no_idle_limit();
    fake_kv_put_text("greeting", "");
    fake_kv_put("vad_respond", TC_KV_U8, &off, 1);
    world_live();
    talk();
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    said("u2", "user", "a1", "A thought.");
    world_forget();
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_run(2000);
    while (tc_session_state() == TC_STATE_BACKOFF) {
        world_run(100);
    }
    come_back();
    CHECK_EQ(given("A thought."), 3);
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(renew_follows_transcription_and_history_that_change_meanwhile) {
    uint8_t none = 0;
    world_flash();
    no_idle_limit();
    fake_kv_put_text("tr_model", "");
    fake_kv_put("history", TC_KV_U8, &none, 1);
    world_live();
    world_created("greeting");
    world_done("greeting", "completed");
    world_request("settings.set",
                  "{\"values\":{\"transcription.model\":\"whisper-1\",\"session.history\":8}}");
    world_request("settings.commit", NULL);
    world_server("{\"type\":\"session.updated\",\"session\":{\"audio\":{\"input\":{"
                 "\"transcription\":{\"model\":\"whisper-1\"},\"turn_detection\":{\"type\":"
                 "\"server_vad\"}}}}}");
    world_server("{\"type\":\"input_audio_buffer.committed\",\"item_id\":\"u1\","
                 "\"previous_item_id\":null}");
    world_server("{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":"
                 "\"u1\",\"content_index\":0,\"transcript\":\"Written down.\"}");
    world_forget();
    renewed();
    come_back();
    CHECK_EQ(given("Written down."), 1);
}

TC_TEST(renew_by_the_end_that_the_server_named_where_the_time_is_known) {
    start();
    fake.unix_s = UNIX;
    world_request("session.stop", NULL);
    world_posted();
    world_configuring();
    world_server(
        "{\"type\":\"session.created\",\"session\":{\"id\":\"s\",\"expires_at\":1800000600}}");
    updated();
    talk();
    world_run(530000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    uint64_t before = world_now;
    renewed(); /* a tenth before the end */
    CHECK(world_now - before < 12000);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_configuring();
    /* An end that has passed, or is nonsense, is none. */
    world_server("{\"type\":\"session.created\",\"session\":{\"expires_at\":5}}");
    updated();
    world_run(50 * MINUTE);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

TC_TEST(renew_that_fails_goes_on_trying_and_comes_back_with_the_history) {
    start();
    talk();
    renewed();
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_http(503, "");
    world_check_reason(TC_STATE_BACKOFF, "http_5xx");
    while (tc_session_state() == TC_STATE_BACKOFF) {
        world_run(100);
    }
    world_forget();
    come_back();
    CHECK_EQ(given("Good day."), 2);
    world_run(500);
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(renew_expired_sessions_and_broken_ones_come_back_with_the_history) {
    start();
    talk();
    world_run(20000);
    world_server(
        "{\"type\":\"error\",\"error\":{\"code\":\"session_expired\",\"message\":\"60 min\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    while (tc_session_state() != TC_STATE_CONNECTING) {
        world_run(100);
    }
    world_forget();
    come_back();
    CHECK_EQ(given("Hello?"), 1);
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    said("u3", "user", "tc_turn_2", "Unanswered");
    world_forget();
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_run(2000);
    while (tc_session_state() == TC_STATE_BACKOFF) {
        world_run(100);
    }
    world_forget();
    come_back();
    CHECK(given("Unanswered") > 0);
    world_run(100);
    CHECK_EQ(world_sent("response.create"), 1); /* the answer that is owed */
    CHECK_EQ(world_sent("Greet."), 0);
}

TC_TEST(renew_does_not_ask_for_ever_where_every_session_ends_over_one_turn) {
    start();
    talk();
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    said("u2", "user", "a1", "Poison");
    for (int ends = 1; ends <= 4; ends++) {
        world_run(11000);
        world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
        world_run(2000);
        while (tc_session_state() == TC_STATE_BACKOFF) {
            world_run(100);
        }
        world_forget();
        come_back();
        CHECK_EQ(given("Poison"), 3);
        world_run(100);
        CHECK_EQ(world_sent("response.create"), ends <= 2 ? 1 : 0);
        if (ends <= 2) {
            world_created("again");
        }
    }
    CHECK(fake_last_frame("\"code\":\"answer_lost\"") != NULL);
}

TC_TEST(renew_what_a_host_said_is_not_lost_before_the_server_confirms_it) {
    start();
    talk();
    world_request("session.say", "{\"text\":\"Are you there?\"}");
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_run(2000);
    while (tc_session_state() == TC_STATE_BACKOFF) {
        world_run(100);
    }
    world_forget();
    come_back();
    CHECK_EQ(given("Are you there?"), 3);
    world_run(100);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(renew_a_conversation_that_ended_for_good_is_forgotten) {
    start();
    talk();
    world_request("session.stop", NULL);
    world_forget();
    world_posted();
    world_configuring();
    updated();
    CHECK_EQ(world_sent("conversation.item.create"), 0);
    CHECK_EQ(world_sent("Greet."), 1);
}

TC_TEST(renew_history_of_no_turns_gives_nothing_back_but_does_not_greet_again) {
    uint8_t none = 0;
    world_flash();
    no_idle_limit();
    fake_kv_put("history", TC_KV_U8, &none, 1);
    world_live();
    world_created("greeting");
    world_done("greeting", "completed");
    talk();
    world_forget();
    renewed();
    come_back();
    world_run(100);
    CHECK_EQ(world_sent("conversation.item.create"), 0);
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(renew_does_not_make_the_idle_limit_begin_anew) {
    uint16_t limit = 3600;
    world_flash();
    fake_kv_put("idle_limit", TC_KV_U16, &limit, 2);
    world_live();
    world_created("greeting");
    world_done("greeting", "completed");
    renewed();
    come_back();
    world_run(3 * MINUTE);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_run(2 * MINUTE + 3000);
    world_check_reason(TC_STATE_READY, "\"reason\":\"idle\"");
}

TC_TEST(renew_keeps_a_session_whose_token_has_ended_and_says_so_once) {
    uint32_t end = UNIX + 60;
    world_flash();
    no_idle_limit();
    fake_kv_put("srv_tok_exp", TC_KV_U32, &end, 4);
    world_live();
    world_created("greeting");
    world_done("greeting", "completed");
    fake.unix_s = UNIX + 3000;
    world_forget();
    world_run(58 * MINUTE);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    CHECK_EQ(fake_count_frames("\"method\":\"problem\""), 1);
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "token_expired"));
    world_request("token.lend", "{\"token\":\"ek_fresh_token\"}");
    renewed();
}
