/* Settings that change while a session runs: what the server is told, and what waits. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

static void commit(const char *values) {
    static char params[4096];
    strcpy(params, "{\"values\":");
    strcat(params, values);
    strcat(params, "}");
    world_request("settings.set", params);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    world_request("settings.commit", NULL);
}

static const char *answer(void) {
    return fake_last_frame("\"id\":1");
}

TC_TEST(change_tells_only_what_changed_and_at_once) {
    world_listening();
    commit("{\"session.instructions\":\"Be brief.\",\"turn.silence\":700}");
    CHECK(world_has(answer(), "\"effect\":\"session\"}"));
    CHECK_EQ(fake.text_count, 1);
    CHECK_STR(fake.texts[0].text,
              "{\"type\":\"session.update\",\"event_id\":\"tc_3\",\"session\":{\"type\":"
              "\"realtime\",\"instructions\":\"Be brief.\",\"audio\":{\"input\":{"
              "\"turn_detection\":{\"type\":\"server_vad\",\"threshold\":0.5,"
              "\"prefix_padding_ms\":300,\"silence_duration_ms\":700,\"create_response\":true,"
              "\"interrupt_response\":true}}}}}");
    CHECK_EQ(fake_count_frames("realtime.sent"), 1);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_run(1000);
    commit("{\"session.goodbye\":\"Bye.\",\"audio.volume\":3}");
    CHECK_EQ(fake.text_count, 1); /* nothing that a server is told */
    CHECK(!world_has(answer(), "waits"));
    commit("{\"turn.silence\":500}");
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[1].text, "\"silence_duration_ms\":500"));
    CHECK(!world_has(fake.texts[1].text, "instructions"));
}

TC_TEST(change_of_model_and_server_waits) {
    world_listening();
    commit("{\"session.model\":\"other\",\"server.label\":\"x\",\"session.greeting\":\"\","
           "\"server.body\":\"session\",\"session.reasoning\":\"low\"}");
    CHECK(world_has(answer(), "\"waits\":[\"server.body\",\"server.label\",\"session.model\","
                              "\"session.greeting\"]}"));
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text,
                    "\"session\":{\"type\":\"realtime\",\"reasoning\":{\"effort\":\"low\"}}}"));
    commit("{\"session.reasoning\":\"default\"}");
    CHECK(world_has(answer(), "\"waits\":[\"session.reasoning\"]"));
    CHECK_EQ(fake.text_count, 1);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_request("session.stop", NULL);
    commit("{\"session.model\":\"third\"}");
    CHECK(!world_has(answer(), "waits")); /* there is no session that could */
    world_posted();
    commit("{\"session.model\":\"fourth\",\"server.label\":\"y\"}");
    CHECK(world_has(answer(), "\"waits\":[\"server.label\",\"session.model\"]"));
    CHECK(world_has(fake.http_body, "\"model\":\"third\"")); /* it was posted */
    world_configuring();
    CHECK(!world_has(world_last_sent("session.update"), "fourth"));
}

TC_TEST(change_of_the_voice_before_and_after_the_first_sound) {
    world_flash();
    fake_kv_put_text("greeting", "");
    world_live();
    world_forget();
    commit("{\"session.voice\":\"cedar\"}");
    CHECK(world_has(world_last_sent("session.update"),
                    "\"session\":{\"type\":\"realtime\",\"audio\":{\"output\":{\"voice\":"
                    "\"cedar\"}}}"));
    CHECK(!world_has(answer(), "waits"));
    world_speak("r1");
    world_done("r1", "completed");
    world_output("stopped", "r1");
    world_forget();
    commit("{\"session.voice\":\"ash\",\"session.speed\":110}");
    CHECK(world_has(answer(), "\"waits\":[\"session.voice\"]"));
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text, "\"audio\":{\"output\":{\"speed\":1.1}}"));
    CHECK_EQ(fake_count_frames("voice_fixed"), 1);
    commit("{\"session.speed\":120}");
    CHECK_EQ(fake_count_frames("voice_fixed"), 1); /* said once */
    commit("{\"session.voice\":\"cedar\"}");
    CHECK(!world_has(answer(), "waits")); /* the one that it has */
    CHECK_EQ(fake_count_frames("voice_fixed"), 1);
    world_request("session.stop", NULL);
    world_posted();
    world_configuring();
    CHECK(world_has(world_last_sent("session.update"), "\"voice\":\"cedar\",\"speed\":1.2"));
}

TC_TEST(change_of_the_speed_waits_for_the_end_of_the_response) {
    world_listening();
    world_created("r1");
    commit("{\"session.speed\":50,\"session.max_tokens\":9}");
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text,
                    "\"session\":{\"type\":\"realtime\",\"max_output_tokens\":9}"));
    world_run(500);
    CHECK_EQ(fake.text_count, 1);
    world_done("r1", "completed");
    world_run(20);
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[1].text, "\"speed\":0.5"));
}

TC_TEST(change_while_it_is_configured_follows_behind) {
    world_flash();
    fake_kv_put_text("greeting", "");
    world_power_on();
    world_ready();
    world_posted();
    world_configuring();
    world_forget();
    commit("{\"session.instructions\":\"x\",\"session.model\":\"m\"}");
    CHECK(world_has(answer(), "\"waits\":[\"session.model\"]"));
    CHECK_EQ(fake.text_count, 0);
    world_event("session.updated");
    world_run(10);
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text,
                    "\"session\":{\"type\":\"realtime\",\"instructions\":\"x\"}"));
}

TC_TEST(change_that_the_server_refuses_is_a_problem_and_the_session_goes_on) {
    world_listening();
    commit("{\"transcription.model\":\"nonsense\"}");
    world_server("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
                 "\"No such model: nonsense.\",\"event_id\":\"tc_3\"}}");
    CHECK_EQ(fake_count_frames("\"code\":\"session_change\""), 1);
    CHECK(world_has(fake_last_frame("session_change"),
                    "\"The server refused the change of the session. No such model: nonsense.\""));
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_server("{\"type\":\"error\",\"error\":{\"message\":\"x\",\"event_id\":\"tc_77\"}}");
    CHECK_EQ(fake_count_frames("\"code\":\"session_change\""), 1); /* of no change */
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"changes\":1,\"changes_refused\":1"));
}

TC_TEST(change_waits_while_the_channel_is_full) {
    static char params[TC_LINK_MAX_JSON];
    world_listening();
    fake.texts_left = 0;
    strcpy(params, "{\"event\":{\"type\":\"a\",\"x\":\"");
    memset(params + strlen(params), 'x', 64000);
    strcat(params, "\"}}");
    world_request("realtime.send", params);
    world_request("realtime.send", params);
    world_forget();
    /* Instructions of 3000 quotes take 6000 bytes; four of them fill what is ours. */
    static char values[8000];
    for (int i = 0; i < 4; i++) {
        strcpy(values, "{\"session.instructions\":\"");
        for (int j = 0; j < 2999; j++) {
            strcat(values, "\\\"");
        }
        strcat(values, i % 2 ? "a\"}" : "b\"}");
        static char all[9000];
        strcpy(all, "{\"values\":");
        strcat(all, values);
        strcat(all, "}");
        world_request("settings.set", all);
        world_request("settings.commit", NULL);
    }
    CHECK(fake_count_frames("realtime.sent") < 4);
    fake.texts_left = FAKE_UNLIMITED;
    world_run(50);
    CHECK(world_has(world_last_sent("instructions"), "\\\"a\""));
}

/* ---- what the device does follows ---- */

TC_TEST(change_to_push_to_talk_and_back) {
    world_listening();
    world_run(100);
    int packets = fake.packets;
    world_run(100);
    CHECK_EQ(fake.packets, packets + 5);
    commit("{\"turn.detection\":\"none\"}");
    world_run(100);
    CHECK_EQ(fake.packets, packets + 10); /* not before the server says so */
    world_server("{\"type\":\"session.updated\",\"session\":{\"audio\":{\"input\":{"
                 "\"turn_detection\":null}}}}");
    packets = fake.packets;
    world_run(100);
    CHECK_EQ(fake.packets, packets);
    world_request("talk.press", NULL);
    world_check_activity("hearing");
    world_run(200);
    CHECK_EQ(fake.packets, packets + 10);
    world_request("talk.release", NULL);
    CHECK_EQ(world_sent("input_audio_buffer.commit"), 1);
    world_created("r1");
    world_done("r1", "completed");
    commit("{\"turn.detection\":\"semantic_vad\"}");
    world_event("session.updated"); /* a server that says no more than that */
    packets = fake.packets;
    world_run(100);
    CHECK_EQ(fake.packets, packets + 5);
    world_event("input_audio_buffer.speech_started");
    world_check_activity("hearing");
}

TC_TEST(change_by_the_host_or_a_sideband_is_followed_too) {
    world_listening();
    world_server("{\"type\":\"session.updated\",\"session\":{\"output_modalities\":[\"text\"],"
                 "\"audio\":{\"input\":{\"turn_detection\":{\"type\":\"semantic_vad\","
                 "\"create_response\":false,\"interrupt_response\":false}}}}}");
    CHECK_EQ(tc_self.live.detection, TC_TURN_DETECTION_SEMANTIC_VAD);
    CHECK(!tc_self.live.respond && !tc_self.live.interrupt && tc_self.live.text_only);
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    world_check_activity("listening"); /* nobody answers by itself */
    world_server("{\"type\":\"session.updated\",\"session\":{\"output_modalities\":[\"audio\"],"
                 "\"audio\":{\"input\":{\"turn_detection\":{\"type\":\"server_vad\","
                 "\"create_response\":true,\"interrupt_response\":true}}}}}");
    CHECK_EQ(tc_self.live.detection, TC_TURN_DETECTION_SERVER_VAD);
    CHECK(tc_self.live.respond && tc_self.live.interrupt && !tc_self.live.text_only);
}

TC_TEST(change_to_text_still_silences_the_voice_that_sounds) {
    world_listening();
    world_speak("r1");
    commit("{\"session.modality\":\"text\"}");
    CHECK(world_has(world_last_sent("session.update"), "\"output_modalities\":[\"text\"]"));
    world_event("session.updated");
    world_forget();
    world_request("talk.press", NULL);
    CHECK_EQ(world_sent("response.cancel"), 1);
    CHECK_EQ(world_sent("output_audio_buffer.clear"), 1);
}

TC_TEST(change_of_tools_leaves_the_response_that_runs_its_own) {
    world_listening();
    world_created("r1");
    commit("{\"tools.enabled\":false}");
    CHECK(world_has(world_last_sent("session.update"), "\"tools\":[],\"tool_choice\":\"none\""));
    world_event("session.updated");
    world_server("{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
                 "\"name\":\"set_light\",\"call_id\":\"c1\",\"arguments\":\"{\\\"on\\\":true}\"}}");
    CHECK_EQ(fake.light_calls, 1);
    world_done("r1", "completed");
    world_created("r2");
    world_server("{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
                 "\"name\":\"set_light\",\"call_id\":\"c2\",\"arguments\":\"{\\\"on\\\":true}\"}}");
    CHECK_EQ(fake.light_calls, 1);
}

TC_TEST(change_of_a_forced_tool_choice_does_not_go_round_for_ever) {
    world_flash();
    fake_kv_put_text("tool_choice", "set_volume");
    world_live();
    CHECK(world_has(world_last_sent("session.update"),
                    "\"tool_choice\":{\"type\":\"function\",\"name\":\"set_volume\"}"));
    CHECK(world_has(world_last_sent("response.create"), "\"tool_choice\":\"auto\"")); /* greeting */
    world_created("r0");
    world_done("r0", "completed");
    world_request("session.say", "{\"text\":\"louder\"}");
    CHECK(!world_has(world_last_sent("response.create"), "tool_choice"));
    world_created("r1");
    world_server(
        "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":\"completed\","
        "\"output\":[{\"type\":\"function_call\",\"name\":\"set_volume\",\"call_id\":\"c\","
        "\"arguments\":\"{\\\"percent\\\":90}\"}]}}");
    CHECK_EQ(fake.volume, 90);
    CHECK(world_has(world_last_sent("response.create"), "\"response\":{\"tool_choice\":\"auto\"}"));
}

TC_TEST(change_to_a_tool_that_is_not_offered_is_told_as_auto) {
    world_flash();
    fake_kv_put_text("tool_choice", "open_door");
    world_live();
    CHECK(world_has(world_last_sent("session.update"), "\"tool_choice\":\"auto\""));
    CHECK(fake_serial_holds("open_door is no tool that is offered"));
    world_forget();
    world_request("tools.serve",
                  "{\"tools\":[{\"type\":\"function\",\"name\":\"open_door\"}]}"); /* now it is */
    CHECK(world_has(world_last_sent("session.update"),
                    "\"tool_choice\":{\"type\":\"function\",\"name\":\"open_door\"}"));
}
