/* Function calls, and every way in which a goodbye ends. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

/* response.done of "r1"; `output` is the content of the list. */
static void done(const char *status, const char *output) {
    static char json[4096];
    strcpy(json, "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":\"");
    strcat(json, status);
    strcat(json, "\",\"output\":[");
    strcat(json, output);
    strcat(json, "]}}");
    world_server(json);
}

static void item_done(const char *name, const char *call_id, const char *arguments) {
    static char json[8192];
    strcpy(json,
           "{\"type\":\"response.output_item.done\",\"response_id\":\"r1\",\"item\":{\"id\":\"i\","
           "\"type\":\"function_call\",\"name\":\"");
    strcat(json, name);
    strcat(json, "\",\"call_id\":\"");
    strcat(json, call_id);
    strcat(json, "\",\"arguments\":\"");
    strcat(json, arguments);
    strcat(json, "\"}}");
    world_server(json);
}

#define LIGHT_CALL                                                                                 \
    "{\"type\":\"function_call\",\"name\":\"set_light\",\"call_id\":\"c1\","                       \
    "\"arguments\":\"{\\\"on\\\":true,\\\"color\\\":\\\"red\\\"}\"}"

TC_TEST(session_a_call_runs_and_is_answered) {
    world_listening();
    world_created("r1");
    item_done("set_light", "c1", "{\\\"on\\\":true,\\\"color\\\":\\\"green\\\"}");
    CHECK(fake.light_on);
    CHECK_EQ(fake.light_rgb, 0x00ff00);
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text,
                    "\"item\":{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":"
                    "\"{\\\"ok\\\":true"));
    CHECK_STR(
        fake_last_frame("\"method\":\"tool\""),
        "{\"jsonrpc\":\"2.0\",\"method\":\"tool\",\"params\":{\"name\":\"set_light\",\"call_id\":"
        "\"c1\","
        "\"arguments\":{\"on\":true,\"color\":\"green\"},\"output\":{\"ok\":true,\"on\":true}}}");
    done("completed", LIGHT_CALL); /* the same call again, in the response: it is not run twice */
    CHECK_EQ(fake.light_calls, 1);
    CHECK_EQ(world_sent("function_call_output"), 1);
    CHECK_EQ(world_sent("response.create"), 1);
    CHECK(world_has(world_state(), "\"activity\":\"thinking\""));
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(session_a_call_that_only_stands_in_the_response) {
    world_listening();
    world_created("r1");
    done("completed", LIGHT_CALL);
    CHECK_EQ(fake.light_rgb, 0xff0000);
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[0].text, "function_call_output"));
    CHECK(world_has(fake.texts[1].text, "response.create"));
}

TC_TEST(session_several_calls_are_followed_by_one_response) {
    world_listening();
    world_created("r1");
    item_done("set_light", "c1", "{\\\"on\\\":true}");
    item_done("set_volume", "c2", "{\\\"percent\\\":30}");
    CHECK_EQ(fake.volume, 30);
    CHECK_EQ(world_sent("response.create"), 0);
    done("completed", LIGHT_CALL);
    CHECK_EQ(world_sent("function_call_output"), 2);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(session_eight_calls_and_no_more) {
    char id[] = "call_A";
    world_listening();
    world_created("r1");
    for (int i = 0; i < 9; i++, id[5]++) {
        item_done("set_light", id, "{\\\"on\\\":true}");
    }
    CHECK_EQ(fake.light_calls, 8);
    CHECK_EQ(world_sent("function_call_output"), 9);
    CHECK(world_has(world_last_sent("call_I"), "too many calls"));
    done("completed", "");
    world_created("r1");
    item_done("set_light", "next", "{\\\"on\\\":true}");
    CHECK_EQ(fake.light_calls, 9);
}

TC_TEST(session_calls_that_cannot_be_run_are_answered_with_an_error) {
    static char big[2100];
    world_listening();
    world_created("r1");
    item_done("open_door", "c1", "{}");
    CHECK(world_has(world_last_sent("\"c1\""), "error"));
    item_done("set_volume", "c2", "{\\\"percent\\\":101}");
    CHECK(world_has(world_last_sent("\"c2\""), "percent"));
    CHECK_EQ(fake.volume, 70);
    item_done("set_volume", "c3", "{\\\"percent\\\":");
    CHECK(world_has(world_last_sent("\"c3\""), "error"));
    CHECK(world_has(fake_last_frame("\"method\":\"tool\""), "\"arguments\":\"{\\\"percent\\\":\""));
    memset(big, ' ', 2049);
    item_done("set_light", "c4", big);
    CHECK(world_has(world_last_sent("\"c4\""), "longer than 2048 bytes"));
    item_done("set_light", "c5", "\\ud800");
    CHECK(world_has(world_last_sent("\"c5\""), "not JSON"));
    item_done("", "c6", "{}");
    CHECK(world_has(world_last_sent("\"c6\""), "error"));
    CHECK_EQ(fake.light_calls, 0);
    world_server("{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
                 "\"name\":\"set_light\"}}");
    world_server("{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"message\",\"call_"
                 "id\":\"c7\"}}");
    CHECK_EQ(world_sent("function_call_output"), 6);
    done("completed", "");
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(session_calls_of_a_response_that_broke_off_are_not_run) {
    world_listening();
    world_created("r1");
    done("incomplete", LIGHT_CALL);
    world_created("r1");
    done("cancelled", LIGHT_CALL);
    CHECK_EQ(fake.light_calls, 0);
    CHECK_EQ(fake.text_count, 0);
}

TC_TEST(session_an_interrupted_call_gets_no_response_of_its_own) {
    world_listening();
    world_created("r1");
    item_done("set_light", "c1", "{\\\"on\\\":true}");
    world_server("{\"type\":\"input_audio_buffer.speech_started\"}");
    done("cancelled", "");
    world_server("{\"type\":\"input_audio_buffer.speech_stopped\"}");
    world_created("r2");
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(session_a_call_that_ends_while_the_person_speaks_is_answered_by_the_next_response) {
    world_listening();
    world_created("r1");
    world_server("{\"type\":\"input_audio_buffer.speech_started\"}");
    done("completed", LIGHT_CALL);
    CHECK_EQ(world_sent("function_call_output"), 1);
    CHECK_EQ(world_sent("response.create"), 0);
    world_server("{\"type\":\"input_audio_buffer.speech_stopped\"}");
    CHECK_EQ(world_sent("response.create"), 0);
    world_created("r2");
    world_server(
        "{\"type\":\"response.done\",\"response\":{\"id\":\"r2\",\"status\":\"completed\"}}");
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(session_tools_that_are_off_are_the_hosts) {
    uint8_t off = 0;
    world_flash();
    fake_kv_put("tools", TC_KV_U8, &off, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    world_created("r1");
    done("completed", LIGHT_CALL);
    CHECK_EQ(fake.light_calls, 0);
    CHECK_EQ(world_sent("function_call_output"), 0);
}

TC_TEST(session_the_light_keeps_its_colour) {
    world_listening();
    world_created("r1");
    item_done("set_light", "c1", "{\\\"on\\\":true,\\\"color\\\":\\\"blue\\\"}");
    item_done("set_light", "c2", "{\\\"on\\\":false}");
    CHECK(!fake.light_on);
    item_done("set_light", "c3", "{\\\"on\\\":true}");
    CHECK_EQ(fake.light_rgb, 0x0000ff);
}

/* ---- goodbye ---- */

/* The model has called end_session, and the goodbye was asked for. */
static void begin_goodbye(void) {
    world_listening();
    world_created("r1");
    item_done("end_session", "c1", "{}");
    CHECK_EQ(world_sent("function_call_output"), 1);
    CHECK_EQ(world_sent("response.create"), 0);
    done("completed", "");
    CHECK(world_has(world_last_sent("response.create"),
                    "\"response\":{\"instructions\":\"Say goodbye in one short "
                    "sentence.\",\"tool_choice\":\"none\"}"));
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

static void check_over(void) {
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    CHECK(world_has(world_state(), "\"reason\":\"end_session\""));
    CHECK_EQ(fake.peer_closed, fake.peer_id);
    CHECK(!fake.audio_on);
    world_run(5000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
}

TC_TEST(session_goodbye_is_heard_to_its_end) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    for (int i = 0; i < 30; i++) {
        world_voice();
    }
    world_done("bye", "completed");
    world_run(100);
    CHECK_EQ(tc_session_state(),
             TC_STATE_LIVE); /* response.done comes before the end of the sound */
    world_server("{\"type\":\"output_audio_buffer.stopped\",\"response_id\":\"r1\"}");
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE); /* of another response */
    uint32_t peer = fake.peer_id;
    int closes = fake.peer_closes;
    world_output("stopped", "bye");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
    CHECK_EQ(fake.peer_closes, closes);
    world_run(700);
    CHECK_EQ(fake.decoded, 30);
    CHECK_EQ(fake.peer_closed, peer);
    check_over();
}

TC_TEST(session_goodbye_that_is_cleared) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    world_output("cleared", "bye");
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_that_fails) {
    begin_goodbye();
    world_created("bye");
    world_done("bye", "failed");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_that_is_cancelled) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    world_done("bye", "cancelled");
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_that_is_incomplete) {
    begin_goodbye();
    world_created("bye");
    world_done("bye", "incomplete"); /* nothing was to be heard */
    world_run(500);
    check_over();
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    world_done("bye", "incomplete"); /* a part is to be heard */
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_output("stopped", "bye");
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_that_never_comes) {
    begin_goodbye();
    world_run(7900);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_run(600);
    check_over();
}

TC_TEST(session_goodbye_that_never_stops) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    world_done("bye", "completed");
    world_run(8500);
    check_over();
}

TC_TEST(session_goodbye_without_the_end_of_its_response) {
    world_listening();
    world_created("r1");
    item_done("end_session", "c1", "{}");
    world_run(8500);
    check_over();
}

TC_TEST(session_goodbye_behind_a_long_answer) {
    world_listening();
    world_created("r1");
    world_server("{\"type\":\"output_audio_buffer.started\",\"response_id\":\"r1\"}");
    item_done("end_session", "c1", "{}");
    done("completed", "");
    world_created("bye");
    world_done("bye", "completed");
    world_run(12000); /* the answer before it sounds */
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_server("{\"type\":\"output_audio_buffer.stopped\",\"response_id\":\"r1\"}");
    world_output("started", "bye");
    world_run(2000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_output("stopped", "bye");
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_ends_after_half_a_minute_in_any_case) {
    world_listening();
    world_created("r1");
    world_server("{\"type\":\"output_audio_buffer.started\",\"response_id\":\"r1\"}");
    item_done("end_session", "c1", "{}");
    for (int i = 0; i < 290; i++) {
        world_voice(); /* it goes on and on */
        world_run(100);
    }
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_run(1500);
    check_over();
}

TC_TEST(session_goodbye_that_the_server_refuses) {
    begin_goodbye();
    world_server("{\"type\":\"error\",\"error\":{\"code\":\"rate_limit\",\"event_id\":\"tc_4\"}}");
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_of_a_busy_server) {
    begin_goodbye();
    world_created("other");
    world_server(
        "{\"type\":\"error\",\"error\":{\"code\":\"conversation_already_has_active_response\","
        "\"event_id\":\"tc_4\"}}");
    world_server(
        "{\"type\":\"response.done\",\"response\":{\"id\":\"other\",\"status\":\"cancelled\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    CHECK_EQ(world_sent("\"tool_choice\":\"none\""), 2);
    world_created("bye");
    world_output("started", "bye");
    world_output("stopped", "bye");
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_of_a_lost_peer) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    for (int i = 0; i < 30; i++) {
        world_voice();
    }
    world_output("stopped", "bye");
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 0, 0, NULL, 0); /* the server hangs up first */
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
    world_run(800);
    check_over();
}

TC_TEST(session_goodbye_drains_two_seconds_at_most) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    world_output("stopped", "bye");
    for (int i = 0; i < 150 && tc_session_state() == TC_STATE_CLOSING; i++) {
        world_voice();
        world_voice(); /* it never ends */
        world_run(20);
        CHECK(i < 102);
    }
    check_over();
}

TC_TEST(session_no_goodbye) {
    world_flash();
    fake_kv_put_text("goodbye", "");
    fake_kv_put_text("greeting", "");
    world_live();
    world_created("r1");
    item_done("end_session", "c1", "");
    done("completed", "");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    CHECK_EQ(world_sent("response.create"), 0);
    world_run(500);
    check_over();
}

TC_TEST(session_goodbye_in_text) {
    uint8_t text = TC_SESSION_MODALITY_TEXT;
    world_flash();
    fake_kv_put("modality", TC_KV_U8, &text, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    world_created("r1");
    item_done("end_session", "c1", "{}");
    done("completed", "");
    world_created("bye");
    world_done("bye", "completed");
    world_run(500);
    check_over();
}

TC_TEST(session_say_is_not_possible_during_the_goodbye) {
    begin_goodbye();
    world_request("session.say", "{\"text\":\"x\"}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32006"));
}

TC_TEST(session_a_call_that_broke_off_is_not_run) {
    world_listening();
    world_created("r1");
    world_server("{\"type\":\"response.output_item.done\",\"response_id\":\"r1\",\"item\":{"
                 "\"type\":\"function_call\",\"status\":\"incomplete\",\"name\":\"end_session\","
                 "\"call_id\":\"c1\",\"arguments\":\"\"}}");
    done("cancelled", "");
    CHECK_EQ(fake.text_count, 0);
    world_run(9000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    world_created("r1");
    world_server("{\"type\":\"response.output_item.done\",\"response_id\":\"r1\",\"item\":{"
                 "\"type\":\"function_call\",\"status\":\"completed\",\"name\":\"end_session\","
                 "\"call_id\":\"c2\",\"arguments\":\"\"}}");
    CHECK_EQ(world_sent("function_call_output"), 1);
}

TC_TEST(session_a_cancelled_call_is_not_answered_by_a_response) {
    world_listening();
    world_created("r1");
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    item_done("set_light", "c1", "{\\\"on\\\":true}"); /* it was on its way */
    done("cancelled", "");
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 0);
}

TC_TEST(session_end_among_other_calls_is_followed_by_the_goodbye_alone) {
    world_listening();
    world_created("r1");
    item_done("set_volume", "c0", "{\\\"percent\\\":30}");
    item_done("end_session", "c2", "{}");
    done("completed", LIGHT_CALL);
    CHECK_EQ(world_sent("function_call_output"), 3);
    CHECK_EQ(world_sent("response.create"), 1);
    CHECK(world_has(world_last_sent("response.create"), "\"tool_choice\":\"none\""));
}

TC_TEST(session_nobody_is_heard_once_the_goodbye_is_over) {
    begin_goodbye();
    world_created("bye");
    world_output("started", "bye");
    for (int i = 0; i < 30; i++) {
        world_voice();
    }
    world_output("stopped", "bye");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    int packets = fake.packets;
    world_run(200);
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    CHECK_EQ(fake.packets, packets);
}

TC_TEST(session_a_response_whose_end_is_too_large_is_over_too) {
    static const char begin[] = "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",";
    world_listening();
    world_created("r1");
    item_done("set_light", "c1", "{\\\"on\\\":true}");
    world_post(TC_EVENT_PEER_TOO_LARGE, fake.peer_id, 204800, 0, begin, sizeof begin - 1);
    CHECK_EQ(world_sent("response.create"), 1);
    CHECK(world_has(world_state(), "\"activity\":\"thinking\""));
}
