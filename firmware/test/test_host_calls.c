/* Calls of tools that the host runs. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define RING "{\"type\":\"function\",\"name\":\"ring\",\"description\":\"Rings.\"}"
#define OPEN                                                                                       \
    "{\"type\":\"function\",\"name\":\"open-door_2\",\"parameters\":{\"type\":\"object\","         \
    "\"properties\":{}}}"

static const char *answer(void) {
    return fake_last_frame("\"id\":1");
}

static void serve(const char *tools) {
    static char params[TC_LINK_MAX_JSON];
    strcpy(params, "{\"tools\":");
    strcat(params, tools);
    strcat(params, "}");
    world_request("tools.serve", params);
}

static void called(const char *name, const char *id, const char *arguments) {
    static char json[40000];
    strcpy(json, "{\"type\":\"response.output_item.done\",\"response_id\":\"r1\",\"item\":{"
                 "\"type\":\"function_call\",\"name\":\"");
    strcat(json, name);
    strcat(json, "\",\"call_id\":\"");
    strcat(json, id);
    strcat(json, "\",\"arguments\":\"");
    strcat(json, arguments);
    strcat(json, "\"}}");
    world_server(json);
}

static void result(const char *id, const char *output) {
    static char params[TC_LINK_MAX_JSON];
    strcpy(params, "{\"call_id\":\"");
    strcat(params, id);
    strcat(params, "\",\"output\":");
    strcat(params, output);
    strcat(params, "}");
    world_request("tool.result", params);
}

/* Live, with two tools of the host. */
static void begin(void) {
    world_listening();
    serve("[" RING "," OPEN "]");
    CHECK(world_has(answer(), "\"result\":{}"));
    world_forget();
}

TC_TEST(host_call_is_told_waited_for_and_answered) {
    begin();
    world_created("r1");
    called("ring", "call_\\u0031", "{\\\"times\\\": 3, \\\"how\\\":\\\"loud\\\\nly\\\"}");
    CHECK_STR(fake_last_frame("tool.call"),
              "{\"jsonrpc\":\"2.0\",\"method\":\"tool.call\",\"params\":{\"name\":\"ring\","
              "\"call_id\":\"call_\\u0031\",\"arguments\":{\"times\": 3, "
              "\"how\":\"loud\\nly\"},\"timeout_ms\":10000}}");
    CHECK_EQ(fake.text_count, 0);
    world_done("r1", "completed");
    world_run(5000);
    world_check_activity("thinking");
    CHECK_EQ(fake.text_count, 0);
    result("call_1", "{\"rang\": true,\n \"times\":3}");
    CHECK(world_has(answer(), "\"result\":{}"));
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[0].text,
                    "{\"type\":\"function_call_output\",\"call_id\":\"call_\\u0031\",\"output\":"
                    "\"{\\\"rang\\\": true,  \\\"times\\\":3}\"}"));
    CHECK(world_has(fake.texts[1].text, "response.create"));
    result("call_1", "{}"); /* once is enough */
    CHECK(world_has(answer(), "-32006"));
    CHECK_EQ(fake.text_count, 2);
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"host_calls\":1,\"host_answered\":1,\"host_late\":0"));
}

TC_TEST(host_call_outputs_of_every_kind) {
    static const struct {
        const char *output, *sent;
    } cases[] = {
        {"\"It is \\\"open\\\".\\n\"", "\"output\":\"It is \\\"open\\\".\\n\"}"},
        {"\"\"", "\"output\":\"\"}"},
        {"null", "\"output\":\"null\"}"},
        {"[1,\"a\"]", "\"output\":\"[1,\\\"a\\\"]\"}"},
        {"true", "\"output\":\"true\"}"},
        {"-1.5e3", "\"output\":\"-1.5e3\"}"},
        {"\"gr\\u00fc\\u00df\"", "\"output\":\"gr\xC3\xBC\xC3\x9F\"}"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char id[] = "cA";
        id[1] = (char)('A' + i);
        world_created("r1");
        called("ring", id, "");
        CHECK(world_has(fake_last_frame("tool.call"), "\"arguments\":{}"));
        world_done("r1", "completed");
        result(id, cases[i].output);
        CHECK(world_has(world_last_sent("function_call_output"), cases[i].sent));
    }
}

TC_TEST(host_call_results_that_are_wrong) {
    static char output[20000];
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    world_request("tool.result", "{\"call_id\":\"c1\"}");
    CHECK(world_has(answer(), "-32602"));
    world_request("tool.result", "{\"output\":1}");
    CHECK(world_has(answer(), "-32602"));
    world_request("tool.result", "{\"call_id\":7,\"output\":1}");
    CHECK(world_has(answer(), "-32602"));
    result("c2", "1");
    CHECK(world_has(answer(), "-32006"));
    CHECK(world_has(answer(), "No call with this call_id is open"));
    result("c1", "\"\\u0000\"");
    CHECK(world_has(answer(), "U+0000"));
    result("c1", "\"\\ud83d\"");
    CHECK(world_has(answer(), "surrogate"));
    output[0] = '"';
    memset(output + 1, 'x', 16385);
    strcpy(output + 16386, "\"");
    result("c1", output);
    CHECK(world_has(answer(), "16384"));
    memset(output, ' ', 16385);
    output[0] = '[';
    strcpy(output + 16384, "]");
    result("c1", output); /* 16,385 bytes of JSON */
    CHECK(world_has(answer(), "16384"));
    CHECK_EQ(fake.text_count, 0);
    output[0] = '"';
    memset(output + 1, '\'', 16384);
    strcpy(output + 16385, "\"");
    result("c1", output); /* it is still open */
    CHECK(world_has(answer(), "\"result\":{}"));
    CHECK(fake.texts[0].length > 16384);
}

TC_TEST(host_call_that_is_not_answered_in_time) {
    world_listening();
    world_request("tools.serve", "{\"tools\":[" RING "],\"timeout_ms\":300}");
    world_forget();
    world_created("r1");
    called("ring", "c1", "{}");
    CHECK(world_has(fake_last_frame("tool.call"), "\"timeout_ms\":300"));
    world_done("r1", "completed");
    world_run(290);
    CHECK_EQ(fake.text_count, 0);
    world_run(20);
    CHECK_EQ(fake.text_count, 2);
    CHECK(world_has(fake.texts[0].text,
                    "\"output\":\"{\\\"error\\\":\\\"the host did not answer in time\\\"}\""));
    CHECK(world_has(fake.texts[1].text, "response.create"));
    result("c1", "{}");
    CHECK(world_has(answer(), "-32006"));
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"host_late\":1"));
}

TC_TEST(host_calls_and_those_of_the_device_are_followed_by_one_response) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    called("set_light", "c2", "{\\\"on\\\":true}");
    called("open-door_2", "c3", "{}");
    CHECK_EQ(fake.light_calls, 1);
    CHECK_EQ(world_sent("function_call_output"), 1);
    world_done("r1", "completed");
    world_run(100);
    CHECK_EQ(world_sent("response.create"), 0);
    result("c3", "1");
    world_run(100);
    CHECK_EQ(world_sent("response.create"), 0);
    result("c1", "1");
    CHECK_EQ(world_sent("function_call_output"), 3);
    CHECK_EQ(world_sent("response.create"), 1);
    world_created("r2");
    world_done("r2", "completed");
    world_run(100);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_that_is_answered_before_its_response_is_over) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    result("c1", "1");
    CHECK_EQ(world_sent("function_call_output"), 1);
    CHECK_EQ(world_sent("response.create"), 0);
    world_done("r1", "completed");
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_does_not_hold_up_other_answers) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    world_done("r1", "completed");
    /* The person says something else meanwhile, and another call is quick. */
    world_event("input_audio_buffer.speech_started");
    world_event("input_audio_buffer.speech_stopped");
    world_created("r2");
    called("set_light", "c2", "{\\\"on\\\":true}");
    world_done("r2", "completed");
    CHECK_EQ(world_sent("response.create"), 1);
    world_created("r3");
    result("c1", "1"); /* while a response is made */
    CHECK_EQ(world_sent("function_call_output"), 2);
    CHECK_EQ(world_sent("response.create"), 1);
    world_done("r3", "completed");
    CHECK_EQ(world_sent("response.create"), 2);
    /* A text is answered, whatever is open. */
    world_created("r4");
    called("ring", "c4", "{}");
    world_done("r4", "completed");
    world_request("session.say", "{\"text\":\"hello?\"}");
    CHECK_EQ(world_sent("response.create"), 3);
}

TC_TEST(host_calls_at_once_are_eight) {
    begin();
    world_created("r1");
    for (int i = 0; i < 5; i++) {
        char id[] = "aA";
        id[1] = (char)('A' + i);
        called("ring", id, "{}");
    }
    world_done("r1", "completed");
    world_created("r2");
    for (int i = 0; i < 4; i++) {
        char id[] = "bA";
        id[1] = (char)('A' + i);
        called("ring", id, "{}");
    }
    CHECK_EQ(fake_count_frames("\"method\":\"tool.call\""), 8);
    CHECK(world_has(world_last_sent("\"bD\""), "too many calls at once"));
    CHECK(world_has(fake_last_frame("\"method\":\"tool\""), "\"call_id\":\"bD\""));
    result("aA", "1");
    called("ring", "more", "{}");
    CHECK_EQ(fake_count_frames("\"method\":\"tool.call\""), 9);
}

TC_TEST(host_calls_beyond_eight_of_a_response_are_refused) {
    begin();
    world_created("r1");
    for (int i = 0; i < 20; i++) {
        char id[] = "aA";
        id[1] = (char)('A' + i);
        called("set_light", id, "{\\\"on\\\":true}");
    }
    CHECK_EQ(fake.light_calls, 8);
    called("ring", "late", "{}");
    CHECK_EQ(fake_count_frames("\"method\":\"tool.call\""), 0);
    CHECK(world_has(world_last_sent("\"late\""), "too many calls in one response"));
    /* The response names the first eight again: none of them runs twice. */
    static char json[4096];
    strcpy(json, "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":"
                 "\"completed\",\"output\":[");
    for (int i = 0; i < 20; i++) {
        char one[] = "{\"type\":\"function_call\",\"name\":\"set_light\",\"call_id\":\"aA\","
                     "\"arguments\":\"{\\\"on\\\":true}\"},";
        strstr(one, "aA")[1] = (char)('A' + i);
        strcat(json, one);
    }
    strcpy(json + strlen(json) - 1, "]}}");
    world_server(json);
    CHECK_EQ(fake.light_calls, 8);
    CHECK_EQ(world_sent("function_call_output"), 21);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_calls_with_wrong_arguments_never_reach_the_host) {
    static char big[17000];
    begin();
    world_created("r1");
    called("ring", "c1", "{\\\"a\\\":");
    CHECK(world_has(world_last_sent("\"c1\""), "not a JSON object"));
    called("ring", "c2", "[1]");
    CHECK(world_has(world_last_sent("\"c2\""), "not a JSON object"));
    called("ring", "c3", "\\ud800");
    CHECK(world_has(world_last_sent("\"c3\""), "not a JSON object"));
    memset(big, ' ', 16385);
    called("ring", "c4", big);
    CHECK(world_has(world_last_sent("\"c4\""), "longer than 16384 bytes"));
    memset(big, 'i', 129);
    big[129] = '\0';
    called("ring", big, "{}");
    CHECK(world_has(world_last_sent("iii"), "call_id is too long"));
    called("ring2", "c5", "{}");
    CHECK(world_has(world_last_sent("\"c5\""), "unknown tool") ||
          world_has(world_last_sent("\"c5\""), "no such tool"));
    CHECK_EQ(fake_count_frames("\"method\":\"tool.call\""), 0);
    CHECK_EQ(fake_count_frames("\"method\":\"tool\""), 6);
    world_done("r1", "completed");
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_of_a_cancelled_response_is_given_up) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    world_done("r1", "cancelled");
    result("c1", "1");
    CHECK(world_has(answer(), "-32006"));
    CHECK_EQ(fake.text_count, 0);
    world_check_activity("listening");
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"host_dropped\":1"));
}

TC_TEST(host_call_of_an_incomplete_response) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}"); /* it was whole */
    world_server("{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
                 "\"status\":\"incomplete\",\"name\":\"ring\",\"call_id\":\"c2\",\"arguments\":"
                 "\"{\"}}");
    world_done("r1", "incomplete");
    CHECK_EQ(fake_count_frames("\"method\":\"tool.call\""), 1);
    result("c1", "1");
    CHECK_EQ(world_sent("function_call_output"), 1);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_is_given_up_with_its_session) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    world_request("session.stop", NULL);
    result("c1", "1");
    CHECK(world_has(answer(), "-32006"));
    world_posted();
    world_configuring();
    world_event("session.updated");
    result("c1", "1");
    CHECK(world_has(answer(), "-32006"));
    CHECK_EQ(world_sent("function_call_output"), 0);
}

TC_TEST(host_call_whose_answer_nobody_wants_any_more) {
    begin();
    world_created("r1");
    world_output("started", "r1");
    called("ring", "c1", "{}");
    world_done("r1", "completed");
    world_request("talk.press", NULL); /* stop talking */
    world_request("talk.release", NULL);
    world_output("cleared", "r1");
    result("c1", "1");
    CHECK_EQ(world_sent("function_call_output"), 1); /* the model knows, and says nothing */
    world_run(500);
    CHECK_EQ(world_sent("response.create"), 0);
    world_check_activity("listening");
}

TC_TEST(host_call_keeps_a_session_from_being_idle) {
    world_listening();
    world_request("tools.serve", "{\"tools\":[" RING "],\"timeout_ms\":600000}");
    world_created("r1");
    called("ring", "c1", "{}");
    world_done("r1", "completed");
    world_run(200000);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    result("c1", "1");
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_while_the_channel_is_full) {
    static char params[TC_LINK_MAX_JSON], output[32771];
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    world_done("r1", "completed");
    fake.texts_left = 0;
    strcpy(params, "{\"event\":{\"type\":\"a\",\"x\":\"");
    memset(params + strlen(params), 'x', 65000);
    strcat(params, "\"}}");
    world_request("realtime.send", params);
    world_request("realtime.send", params);
    output[0] = '"';
    for (int i = 0; i < 16384; i++) {
        memcpy(output + 1 + 2 * i, "\\\"", 2); /* quotes: escaped, they take twice the room */
    }
    strcpy(output + 32769, "\"");
    result("c1", output);
    CHECK(world_has(answer(), "-32007"));
    CHECK_EQ(fake_count_frames("function_call_output"), 0);
    fake.texts_left = FAKE_UNLIMITED;
    world_run(50);
    result("c1", output);
    CHECK(world_has(answer(), "\"result\":{}"));
    CHECK_EQ(world_sent("function_call_output"), 1);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_that_is_late_while_the_channel_is_full) {
    static char params[TC_LINK_MAX_JSON], filler[16387];
    world_listening();
    world_request("tools.serve", "{\"tools\":[" RING "],\"timeout_ms\":200}");
    world_forget();
    world_created("r1");
    called("ring", "c1", "{}");
    called("ring", "c2", "{}");
    called("ring", "c3", "{}");
    world_done("r1", "completed");
    fake.texts_left = 0;
    strcpy(params, "{\"event\":{\"type\":\"a\",\"x\":\"");
    memset(params + strlen(params), 'x', 65000);
    strcat(params, "\"}}");
    world_request("realtime.send", params);
    world_request("realtime.send", params);
    filler[0] = '"';
    memset(filler + 1, 'x', 16384);
    strcpy(filler + 16385, "\"");
    result("c1", filler);
    CHECK(world_has(answer(), "\"result\":{}"));
    for (size_t length = 1024; length > 0; length -= 16) { /* the longest that has room */
        strcpy(filler + 1 + length, "\"");
        result("c3", filler);
    }
    CHECK(world_has(answer(), "-32006"));
    world_run(400);
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"host_late\":0"));
    fake.texts_left = FAKE_UNLIMITED;
    world_run(300);
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"host_late\":1"));
    CHECK_EQ(world_sent("function_call_output"), 3);
    CHECK(world_has(world_last_sent("\"c2\""), "did not answer in time"));
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_during_the_goodbye_changes_nothing) {
    begin();
    world_created("r1");
    called("ring", "c1", "{}");
    called("end_session", "c2", "{}");
    world_done("r1", "completed");
    CHECK_EQ(world_sent("response.create"), 1);
    CHECK(world_has(world_last_sent("response.create"), "\"tool_choice\":\"none\""));
    result("c1", "1");
    CHECK(world_has(answer(), "\"result\":{}"));
    world_created("bye");
    world_output("started", "bye");
    world_done("bye", "completed");
    world_output("stopped", "bye");
    world_run(500);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(host_call_whose_output_crosses_a_response_of_the_server) {
    static const char added[] = "{\"type\":\"conversation.item.added\",\"item\":{\"type\":"
                                "\"function_call_output\",\"call_id\":\"x\"}}";
    begin();
    world_server("{\"type\":\"conversation.item.added\",\"item\":{\"type\":\"message\"}}");
    world_created("r1");
    called("ring", "c1", "{}");
    world_done("r1", "completed");
    world_event("input_audio_buffer.speech_started");
    result("c1", "1");
    world_event("input_audio_buffer.speech_stopped");
    world_created("r2"); /* it was begun before the output was there */
    world_server(added);
    CHECK_EQ(world_sent("response.create"), 0);
    world_done("r2", "completed");
    CHECK_EQ(world_sent("response.create"), 1);
    world_created("r3");
    called("ring", "c3", "{}");
    world_done("r3", "completed");
    world_event("input_audio_buffer.speech_started");
    result("c3", "1");
    world_server(added); /* this time it was */
    world_event("input_audio_buffer.speech_stopped");
    world_created("r4");
    world_done("r4", "completed");
    CHECK_EQ(world_sent("response.create"), 1);
}
