/* The events that the device sends: GA shapes only. */
#include "../generated/tools_gen.h"
#include "realtime.h"

static const char *choice(tc_setting_id id, uint8_t number) {
    const tc_setting_info *info = &tc_setting_table[id];
    return info->choices[number < info->choice_count ? number : 0];
}

static void begin(tc_json_writer *w, const char *type, uint32_t event_id) {
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

static tc_err end(tc_json_writer *w) {
    tc_json_close_object(w);
    return w->full ? TC_ERR_SIZE : TC_OK;
}

/* An empty text leaves its member out: the server's default stands. */
static void pair_unless_empty(tc_json_writer *w, const char *key, const char *text) {
    if (text[0] != '\0') {
        tc_json_pair_string(w, key, text);
    }
}

static void write_turn_detection(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "turn_detection");
    if (s->turn_detection == TC_TURN_DETECTION_NONE) {
        tc_json_null(w);
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", choice(TC_SETTING_TURN_DETECTION, s->turn_detection));
    if (s->turn_detection == TC_TURN_DETECTION_SERVER_VAD) {
        tc_json_pair_hundredths(w, "threshold", s->turn_threshold);
        tc_json_pair_int(w, "prefix_padding_ms", s->turn_prefix);
        tc_json_pair_int(w, "silence_duration_ms", s->turn_silence);
        if (s->turn_idle > 0) {
            tc_json_pair_int(w, "idle_timeout_ms", s->turn_idle);
        }
    } else {
        tc_json_pair_string(w, "eagerness", choice(TC_SETTING_TURN_EAGERNESS, s->turn_eagerness));
    }
    tc_json_pair_bool(w, "create_response", s->turn_respond);
    tc_json_pair_bool(w, "interrupt_response", s->turn_interrupt);
    tc_json_close_object(w);
}

static void write_input(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "input");
    tc_json_open_object(w);
    tc_json_key(w, "noise_reduction");
    if (s->audio_noise_reduction == TC_AUDIO_NOISE_REDUCTION_NONE) {
        tc_json_null(w);
    } else {
        tc_json_open_object(w);
        tc_json_pair_string(w, "type",
                            choice(TC_SETTING_AUDIO_NOISE_REDUCTION, s->audio_noise_reduction));
        tc_json_close_object(w);
    }
    tc_json_key(w, "transcription");
    if (s->transcription_model[0] == '\0') {
        tc_json_null(w);
    } else {
        tc_json_open_object(w);
        tc_json_pair_string(w, "model", s->transcription_model);
        pair_unless_empty(w, "language", s->transcription_language);
        pair_unless_empty(w, "prompt", s->transcription_prompt);
        tc_json_close_object(w);
    }
    write_turn_detection(w, s);
    tc_json_close_object(w);
}

tc_err tc_realtime_session_update(tc_json_writer *w, uint32_t event_id, const tc_settings *s) {
    begin(w, "session.update", event_id);
    tc_json_key(w, "session");
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "realtime");
    pair_unless_empty(w, "model", s->session_model);
    pair_unless_empty(w, "instructions", s->session_instructions);
    tc_json_key(w, "output_modalities");
    tc_json_open_array(w);
    tc_json_string(w, choice(TC_SETTING_SESSION_MODALITY, s->session_modality));
    tc_json_close_array(w);
    tc_json_key(w, "max_output_tokens");
    if (s->session_max_tokens > 0) {
        tc_json_int_value(w, s->session_max_tokens);
    } else {
        tc_json_string(w, "inf");
    }
    tc_json_key(w, "audio");
    tc_json_open_object(w);
    write_input(w, s);
    tc_json_key(w, "output");
    tc_json_open_object(w);
    pair_unless_empty(w, "voice", s->session_voice);
    tc_json_pair_hundredths(w, "speed", s->session_speed);
    tc_json_close_object(w);
    tc_json_close_object(w);
    tc_json_key(w, "tools");
    if (s->tools_enabled) {
        tc_json_raw(w, tc_tools_json, TC_TOOLS_JSON_LENGTH);
    } else {
        tc_json_raw(w, "[]", 2);
    }
    tc_json_pair_string(w, "tool_choice", s->tools_enabled ? "auto" : "none");
    tc_json_close_object(w);
    return end(w);
}

tc_err tc_realtime_response_create(tc_json_writer *w, uint32_t event_id, const char *instructions,
                                   bool tools_off) {
    begin(w, "response.create", event_id);
    bool instructed = instructions != NULL && instructions[0] != '\0';
    if (instructed || tools_off) {
        tc_json_key(w, "response");
        tc_json_open_object(w);
        if (instructed) {
            tc_json_pair_string(w, "instructions", instructions);
        }
        if (tools_off) {
            tc_json_pair_string(w, "tool_choice", "none");
        }
        tc_json_close_object(w);
    }
    return end(w);
}

tc_err tc_realtime_response_cancel(tc_json_writer *w, uint32_t event_id) {
    begin(w, "response.cancel", event_id);
    return end(w);
}

tc_err tc_realtime_output_clear(tc_json_writer *w, uint32_t event_id) {
    begin(w, "output_audio_buffer.clear", event_id);
    return end(w);
}

tc_err tc_realtime_input_clear(tc_json_writer *w, uint32_t event_id) {
    begin(w, "input_audio_buffer.clear", event_id);
    return end(w);
}

tc_err tc_realtime_input_commit(tc_json_writer *w, uint32_t event_id) {
    begin(w, "input_audio_buffer.commit", event_id);
    return end(w);
}

tc_err tc_realtime_user_text(tc_json_writer *w, uint32_t event_id, const char *text,
                             size_t length) {
    begin(w, "conversation.item.create", event_id);
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
    return end(w);
}

tc_err tc_realtime_call_output(tc_json_writer *w, uint32_t event_id, tc_span call_id,
                               const char *output, size_t length) {
    begin(w, "conversation.item.create", event_id);
    tc_json_key(w, "item");
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "function_call_output");
    tc_json_key(w, "call_id");
    tc_json_raw(w, call_id.at - 1, call_id.length + 2); /* with its quotes, escaped as it came */
    tc_json_key(w, "output");
    tc_json_string_n(w, output, length);
    tc_json_close_object(w);
    return end(w);
}
