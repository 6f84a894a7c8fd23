/* A live session: speech, responses, interruption, and its end. */
#include "../core/playout.h"
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

/* ---- turns ---- */

TC_TEST(session_a_turn) {
    world_listening();
    world_event("input_audio_buffer.speech_started");
    world_check_activity("hearing");
    world_run(700);
    world_event("input_audio_buffer.speech_stopped");
    world_check_activity("thinking");
    world_event("input_audio_buffer.committed");
    world_run(200);
    world_created("r1");
    world_check_activity("thinking");
    world_output("started", "r1");
    world_check_activity("speaking");
    CHECK(world_has(fake_last_frame("\"name\":\"reply\""), "\"ms\":200}"));
    for (int i = 0; i < 10; i++) {
        world_voice();
    }
    world_done("r1", "completed");
    world_check_activity("speaking");
    world_output("stopped", "r1");
    world_check_activity("speaking"); /* ours is not over yet */
    world_run(100);
    world_check_activity("speaking");
    world_run(400);
    world_check_activity("listening");
    CHECK_EQ(fake.decoded, 10);
    /* hearing, thinking, speaking, listening: each said once */
    CHECK_EQ(fake_count_frames("\"method\":\"state\""), 4);
    CHECK_EQ(fake.text_count, 0);
}

TC_TEST(session_all_events_reach_the_host_untouched) {
    world_listening();
    world_server("{ \"type\" : \"unheard.of\",\n \"x\" : [1.50, {\"\\u0041\": null}] }");
    CHECK(world_has(fake_last_frame("realtime.event"),
                    "\"params\":{\"event\":{ \"type\" : \"unheard.of\",  \"x\" : [1.50, "
                    "{\"\\u0041\": null}] }}}"));
    world_server(
        "{\"type\":\"response.done\",\"unknown\":{\"deep\":[[[{}]]]},\"response\":{\"id\":\"z\"}}");
    CHECK(world_has(fake_last_frame("realtime.event"), "\"unknown\":{\"deep\":[[[{}]]]}"));
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

TC_TEST(session_messages_that_are_no_events) {
    world_listening();
    world_server("<html>");
    CHECK(world_has(fake_last_frame("realtime.event"),
                    "\"params\":{\"bytes\":6,\"omitted\":\"not_json\"}"));
    world_server("{\"type\":7}"); /* JSON, so the host may read it */
    CHECK(world_has(fake_last_frame("realtime.event"), "\"params\":{\"event\":{\"type\":7}}"));
    world_server("");
    CHECK(world_has(fake_last_frame("realtime.event"), "\"bytes\":0"));
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"events_bad\":3"));
}

TC_TEST(session_events_that_are_too_large) {
    static char json[70001];
    world_listening();
    memset(json, ' ', sizeof json - 1);
    memcpy(json, "{\"type\":\"session.updated\"", 25);
    json[69999] = '}';
    world_server(json);
    CHECK(world_has(
        fake_last_frame("realtime.event"),
        "\"params\":{\"type\":\"session.updated\",\"bytes\":70000,\"omitted\":\"too_large\"}"));
    static const char begin[] = "{\"a\":{\"type\":1},\"type\":\"response.done\",\"x\":\"yy";
    world_post(TC_EVENT_PEER_TOO_LARGE, fake.peer_id, 204799, 0, begin, sizeof begin - 1);
    CHECK(world_has(
        fake_last_frame("realtime.event"),
        "\"params\":{\"type\":\"response.done\",\"bytes\":204799,\"omitted\":\"too_large\"}"));
    world_post(TC_EVENT_PEER_TOO_LARGE, fake.peer_id, 204800, 0, begin, 30); /* cut off before it */
    CHECK(world_has(fake_last_frame("realtime.event"),
                    "\"params\":{\"bytes\":204800,\"omitted\":\"too_large\"}"));
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    json[65535] = '}';
    json[65536] = '\0';
    world_server(json); /* 64 KiB travels whole */
    CHECK(world_has(fake_last_frame("realtime.event"), "\"params\":{\"event\":{\"type\""));
}

/* ---- interruption ---- */

TC_TEST(session_speech_interrupts_at_once) {
    world_listening();
    world_speak("r1");
    world_server("{\"type\":\"input_audio_buffer.speech_started\",\"item_id\":\"i\"}");
    world_check_activity("hearing");
    int16_t pcm[320];
    tc_core_audio_out(pcm);
    for (int i = 0; i < 320; i++) {
        CHECK_EQ(pcm[i], 0);
    }
    world_voice(); /* still on its way */
    world_run(200);
    CHECK_EQ(world_heard, 0);
    world_done("r1", "cancelled");
    world_output("cleared", "r1");
    world_check_activity("hearing");
    world_event("input_audio_buffer.speech_stopped");
    world_speak("r2");            /* the next answer sounds */
    CHECK_EQ(fake.text_count, 0); /* the server does it all by itself */
}

TC_TEST(session_cleared_silences_too) {
    world_listening();
    world_speak("r1");
    world_output("cleared", "r1");
    world_check_activity("thinking");
    world_run(20);
    CHECK_EQ(world_heard, 0);
    world_done("r1", "cancelled");
    world_check_activity("listening");
}

TC_TEST(session_old_responses_change_nothing) {
    world_listening();
    world_speak("r1");
    world_speak("r2");
    world_done("r1", "completed");
    world_output("stopped", "r1");
    world_output("cleared", "r1");
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
    world_check_activity("speaking");
    world_output("stopped", "r2");
    world_run(2100);
    world_check_activity("thinking"); /* r2 is still made */
    world_done("r2", "completed");
    world_check_activity("listening");
}

TC_TEST(session_interruption_can_be_switched_off) {
    uint8_t off = 0;
    world_flash();
    fake_kv_put("vad_interrupt", TC_KV_U8, &off, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    CHECK(world_has(world_last_sent("session.update"), "\"interrupt_response\":false"));
    world_speak("r1");
    world_event("input_audio_buffer.speech_started");
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
    world_check_activity("speaking");
}

TC_TEST(session_the_button_interrupts) {
    world_listening();
    world_speak("r1");
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[0].text, "\"response.cancel\""));
    CHECK(world_has(fake.texts[1].text, "\"output_audio_buffer.clear\""));
    world_run(20);
    CHECK_EQ(world_heard, 0);
    world_done("r1", "cancelled");
    world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
    world_check_activity("listening");
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0); /* nobody speaks: nothing to do */
    CHECK_EQ(fake.text_count, 2);
}

TC_TEST(session_the_button_clears_what_is_no_longer_made) {
    world_listening();
    world_speak("r1");
    world_done("r1", "completed");
    world_request("talk.press", NULL);
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text, "\"output_audio_buffer.clear\""));
    world_server("{\"type\":\"error\",\"error\":{\"code\":\"response_cancel_not_active\",\"event_"
                 "id\":\"tc_9\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

/* ---- text ---- */

TC_TEST(session_in_text) {
    uint8_t text = TC_SESSION_MODALITY_TEXT;
    world_flash();
    fake_kv_put("modality", TC_KV_U8, &text, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    world_created("r1");
    world_check_activity("thinking");
    world_server(
        "{\"type\":\"response.output_text.delta\",\"response_id\":\"r1\",\"delta\":\"Hi\"}");
    world_check_activity("speaking");
    world_done("r1", "completed");
    world_check_activity("listening");
    world_created("r2");
    world_server(
        "{\"type\":\"response.output_text.delta\",\"response_id\":\"r2\",\"delta\":\"Hi\"}");
    world_forget();
    world_request("talk.press", NULL);
    CHECK_EQ(fake.text_count, 1); /* there is no output buffer to clear */
    CHECK(world_has(fake.texts[0].text, "\"response.cancel\""));
}

/* ---- the end ---- */

TC_TEST(session_hang_up_in_the_middle_of_a_sentence) {
    world_listening();
    world_speak("r1");
    uint32_t peer = fake.peer_id;
    world_post(TC_EVENT_PEER_DOWN, peer, 0, 0, NULL, 0);
    CHECK(world_has(world_state(), "\"state\":\"closing\",\"reason\":\"channel_closed\""));
    CHECK_EQ(fake.peer_closed, peer);
    world_run(100);
    CHECK_EQ(world_heard, 0x1148); /* what has come is still played */
    world_run(600);
    CHECK(world_has(world_state(), "\"state\":\"backoff\",\"reason\":\"channel_closed\""));
    CHECK(!fake.audio_on);
    CHECK(fake.decoded >= 25);
    world_run(1300);
    CHECK(world_has(world_state(), "\"state\":\"connecting\",\"reason\":\"retry\""));
    CHECK(fake.peer_id != peer);
}

TC_TEST(session_peer_failure_while_silent) {
    world_listening();
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_run(300);
    CHECK(world_has(world_state(), "\"state\":\"backoff\",\"reason\":\"peer_failed\""));
}

TC_TEST(session_short_lives_count_as_failures_and_long_ones_do_not) {
    world_flash();
    world_live();
    for (int i = 0; i < 4; i++) {
        world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
        world_run(300);
        CHECK_EQ(tc_session_state(), TC_STATE_BACKOFF);
        while (tc_session_state() == TC_STATE_BACKOFF) {
            world_run(100);
        }
        world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
        world_configuring();
        world_event("session.updated");
    }
    world_run(9000);
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_run(300);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    world_posted();
    world_configuring();
    world_event("session.updated");
    world_run(10000);
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_run(300);
    CHECK(world_has(world_state(), "\"state\":\"backoff\""));
    CHECK_EQ(tc_self.tries, 1);
}

TC_TEST(session_expires) {
    world_listening();
    world_server(
        "{\"type\":\"error\",\"error\":{\"code\":\"session_expired\",\"message\":\"60 minutes\"}}");
    world_run(300);
    CHECK(world_has(world_state(), "\"state\":\"backoff\",\"reason\":\"session_expired\""));
}

TC_TEST(session_idle_limit) {
    world_listening();
    uint64_t quiet_since = tc_self.live.last_word;
    world_run(60000);
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    world_created("r1");
    world_done("r1", "completed"); /* a word: the time begins anew */
    quiet_since = world_now;
    while (tc_session_state() == TC_STATE_LIVE) {
        world_run(100);
    }
    CHECK(world_now - quiet_since >= 120000 && world_now - quiet_since <= 120600);
    world_run(500);
    CHECK(world_has(world_state(), "\"state\":\"ready\",\"reason\":\"idle\""));
    world_run(100000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
}

TC_TEST(session_without_idle_limit_stays) {
    uint8_t zero[2] = {0, 0};
    world_flash();
    fake_kv_put("idle_limit", TC_KV_U16, zero, 2);
    fake_kv_put_text("greeting", "");
    world_live();
    world_run(1000000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

TC_TEST(session_stats_and_reboot) {
    world_listening();
    world_request("device.stats", NULL);
    const char *stats = fake_last_frame("\"id\":1");
    CHECK(world_has(stats, "\"result\":{\"link\":{\"frames_out\":"));
    CHECK(world_has(stats, "\"playout\":{\"received\":0,"));
    CHECK(world_has(stats, "\"session\":{\"state\":\"live\",\"sessions\":1,\"failures\":0,"));
    CHECK(world_has(stats, "\"uptime_ms\":3"));
    CHECK(world_has(stats, "\"illegal\":0,"));
    fake.serial_room = 0;
    world_request("device.reboot", NULL);
    world_run(500);
    CHECK_EQ(fake.restarts, 0); /* its answer has not left */
    fake.serial_room = FAKE_UNLIMITED;
    world_run(20);
    CHECK_EQ(fake.restarts, 1);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    CHECK_EQ(fake.peer_closed, fake.peer_id);
}

TC_TEST(session_reboot_does_not_wait_for_a_host_that_is_gone) {
    world_listening();
    fake.serial_room = 0;
    world_request("device.reboot", NULL);
    world_run(1020);
    CHECK_EQ(fake.restarts, 1);
}

/* ---- orders of events that are legal and rare ---- */

TC_TEST(session_a_late_cleared_does_not_swallow_the_next_answer) {
    world_listening();
    world_speak("r1");
    world_event("input_audio_buffer.speech_started");
    world_done("r1", "cancelled");
    world_event("input_audio_buffer.speech_stopped");
    world_created("r2");
    for (int i = 0; i < 25; i++) {
        world_voice();
    }
    world_run(100);
    world_output("cleared", "r1"); /* silenced long ago */
    CHECK(!tc_playout_drained());
    world_run(40);
    CHECK_EQ(world_heard, 0x1148);
}

TC_TEST(session_cleared_input_is_no_speech_any_more) {
    world_listening();
    world_event("input_audio_buffer.speech_started");
    world_check_activity("hearing");
    world_request("realtime.send", "{\"event\":{\"type\":\"input_audio_buffer.clear\"}}");
    world_event("input_audio_buffer.cleared");
    world_check_activity("listening");
    world_forget();
    world_request("session.say", "{\"text\":\"x\"}");
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(session_sound_that_nobody_ends_is_over_by_itself) {
    uint32_t limit = 30;
    world_flash();
    fake_kv_put("idle_limit", TC_KV_U16, &limit, 2);
    fake_kv_put_text("greeting", "");
    world_live();
    world_speak("r1");
    world_done("r1", "completed");
    world_run(9000); /* the server says nothing of its end */
    world_check_activity("speaking");
    world_run(3000);
    world_check_activity("listening");
    world_run(30500);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
}

TC_TEST(session_the_next_answer_opens_what_a_cleared_one_has_shut) {
    world_listening();
    world_speak("r1");
    world_done("r1", "completed");
    world_created("r2");
    world_output("cleared", "r1");
    world_output("started", "r2");
    for (int i = 0; i < 10; i++) {
        world_voice();
    }
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
}

TC_TEST(session_committed_input_ends_speech) {
    world_listening();
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.committed");
    world_check_activity("thinking");
}

TC_TEST(session_a_server_that_is_not_to_respond_is_not_waited_for) {
    uint8_t off = 0;
    world_flash();
    fake_kv_put("vad_respond", TC_KV_U8, &off, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    CHECK(world_has(world_last_sent("session.update"), "\"create_response\":false"));
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    world_check_activity("listening");
}

TC_TEST(session_a_response_that_gives_signs_of_life_is_waited_for) {
    world_listening();
    world_created("r1");
    for (int i = 0; i < 7; i++) {
        world_run(10000);
        world_server("{\"type\":\"response.output_audio_transcript.delta\",\"response_id\":\"r1\","
                     "\"delta\":\"x\"}");
    }
    world_check_activity("thinking");
}

TC_TEST(session_an_answer_ends_two_seconds_after_its_server_at_most) {
    world_listening();
    world_speak("r1");
    world_done("r1", "completed");
    world_output("stopped", "r1");
    for (int i = 0; i < 110; i++) {
        world_voice(); /* comfort noise, say */
        world_run(20);
    }
    world_check_activity("listening");
}

TC_TEST(session_sound_of_another_connection_is_not_played) {
    world_listening();
    uint32_t peer = fake.peer_id;
    fake.peer_id = peer - 1;
    for (int i = 0; i < 10; i++) {
        world_voice();
    }
    fake.peer_id = peer;
    world_run(100);
    CHECK_EQ(fake.decoded, 0);
}

TC_TEST(session_a_new_session_hears_from_its_first_word_on) {
    world_flash();
    fake_kv_put_text("greeting", "");
    world_live();
    world_speak("r1");
    world_request("session.stop", NULL); /* this flushes, too */
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    world_posted();
    world_configuring();
    world_event("session.updated");
    for (int i = 0; i < 10; i++) {
        world_voice();
    }
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
}
