/* The events that the device sends. What it reads: realtime.test.ts. */
#include "../core/realtime.h"
#include "check.h"

static char text[4096];
static tc_json_writer w;

static void begin(void) {
    tc_json_start(&w, text, sizeof text);
}

TC_TEST(realtime_simple_events) {
    begin();
    CHECK_EQ(tc_realtime_response_cancel(&w, 1), TC_OK);
    CHECK_TEXT(text, w.length, "{\"type\":\"response.cancel\",\"event_id\":\"tc_1\"}");
    begin();
    CHECK_EQ(tc_realtime_output_clear(&w, 4294967295u), TC_OK);
    CHECK_TEXT(text, w.length,
               "{\"type\":\"output_audio_buffer.clear\",\"event_id\":\"tc_4294967295\"}");
    begin();
    CHECK_EQ(tc_realtime_input_clear(&w, 0), TC_OK);
    CHECK_TEXT(text, w.length, "{\"type\":\"input_audio_buffer.clear\",\"event_id\":\"tc_0\"}");
    begin();
    CHECK_EQ(tc_realtime_input_commit(&w, 10), TC_OK);
    CHECK_TEXT(text, w.length, "{\"type\":\"input_audio_buffer.commit\",\"event_id\":\"tc_10\"}");
}

TC_TEST(realtime_response_create) {
    begin();
    CHECK_EQ(tc_realtime_response_create(&w, 2, NULL, NULL), TC_OK);
    CHECK_TEXT(text, w.length, "{\"type\":\"response.create\",\"event_id\":\"tc_2\"}");
    begin();
    CHECK_EQ(tc_realtime_response_create(&w, 2, "Say \"hi\".", "none"), TC_OK);
    CHECK_TEXT(text, w.length,
               "{\"type\":\"response.create\",\"event_id\":\"tc_2\",\"response\":{\"instructions\":"
               "\"Say \\\"hi\\\".\","
               "\"tool_choice\":\"none\"}}");
}

TC_TEST(realtime_items) {
    begin();
    CHECK_EQ(tc_realtime_user_text(&w, 3, "a\nb", 3), TC_OK);
    CHECK_TEXT(text, w.length,
               "{\"type\":\"conversation.item.create\",\"event_id\":\"tc_3\",\"item\":{\"type\":"
               "\"message\","
               "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\\nb\"}]}}");
    static const char event[] = "\"call_\\u0031\"";
    begin();
    CHECK_EQ(tc_realtime_call_output(&w, 4, (tc_span){event + 1, 11}, "{\"ok\":true}", 11), TC_OK);
    CHECK_TEXT(text, w.length,
               "{\"type\":\"conversation.item.create\",\"event_id\":\"tc_4\",\"item\":{\"type\":"
               "\"function_call_output\","
               "\"call_id\":\"call_\\u0031\",\"output\":\"{\\\"ok\\\":true}\"}}");
}

TC_TEST(realtime_events_that_do_not_fit) {
    for (size_t capacity = 0; capacity < 40; capacity++) {
        tc_json_start(&w, text, capacity);
        CHECK_EQ(tc_realtime_response_cancel(&w, 1), TC_ERR_SIZE);
        CHECK(w.length <= capacity);
    }
}
