/* The events that the device sends, but for session.update: GA shapes only. */
#include "realtime_internal.h"

void realtime_begin(tc_json_writer *w, const char *type, uint32_t event_id) {
    char id[16] = "tc_";
    char digits[10];
    size_t count = 0, length = 3;
    do {
        digits[count++] = (char)('0' + event_id % 10);
        event_id /= 10;
    } while (event_id > 0);
    while (count > 0) {
        id[length++] = digits[--count];
    }
    id[length] = '\0';
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", type);
    tc_json_pair_string(w, "event_id", id);
}

tc_err realtime_end(tc_json_writer *w) {
    tc_json_close_object(w);
    return w->full ? TC_ERR_SIZE : TC_OK;
}

tc_err tc_realtime_response_create(tc_json_writer *w, uint32_t event_id, const char *instructions,
                                   const char *tool_choice) {
    realtime_begin(w, "response.create", event_id);
    bool instructed = instructions != NULL && instructions[0] != '\0';
    if (instructed || tool_choice != NULL) {
        tc_json_key(w, "response");
        tc_json_open_object(w);
        if (instructed) {
            tc_json_pair_string(w, "instructions", instructions);
        }
        if (tool_choice != NULL) {
            tc_json_pair_string(w, "tool_choice", tool_choice);
        }
        tc_json_close_object(w);
    }
    return realtime_end(w);
}

tc_err tc_realtime_response_cancel(tc_json_writer *w, uint32_t event_id) {
    realtime_begin(w, "response.cancel", event_id);
    return realtime_end(w);
}

tc_err tc_realtime_output_clear(tc_json_writer *w, uint32_t event_id) {
    realtime_begin(w, "output_audio_buffer.clear", event_id);
    return realtime_end(w);
}

tc_err tc_realtime_input_clear(tc_json_writer *w, uint32_t event_id) {
    realtime_begin(w, "input_audio_buffer.clear", event_id);
    return realtime_end(w);
}

tc_err tc_realtime_input_commit(tc_json_writer *w, uint32_t event_id) {
    realtime_begin(w, "input_audio_buffer.commit", event_id);
    return realtime_end(w);
}

tc_err tc_realtime_user_text(tc_json_writer *w, uint32_t event_id, const char *text,
                             size_t length) {
    realtime_begin(w, "conversation.item.create", event_id);
    tc_json_key(w, "item");
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "message");
    tc_json_pair_string(w, "role", "user");
    tc_json_key(w, "content");
    tc_json_open_array(w);
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "input_text");
    tc_json_key(w, "text");
    tc_json_string_n(w, text, length);
    tc_json_close_object(w);
    tc_json_close_array(w);
    tc_json_close_object(w);
    return realtime_end(w);
}

tc_err tc_realtime_call_output(tc_json_writer *w, uint32_t event_id, tc_span call_id,
                               const char *output, size_t length) {
    realtime_begin(w, "conversation.item.create", event_id);
    tc_json_key(w, "item");
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "function_call_output");
    tc_json_key(w, "call_id");
    tc_json_raw(w, call_id.at - 1, call_id.length + 2); /* with its quotes, escaped as it came */
    tc_json_key(w, "output");
    tc_json_string_n(w, output, length);
    tc_json_close_object(w);
    return realtime_end(w);
}
