/* The session as the device writes it (GA): whole, or only what changed. */
#include <string.h>

#include "../generated/tools_gen.h"
#include "board.h"
#include "host_tools.h"
#include "realtime_internal.h"

#define LONGEST_PART 12288u /* the tools; the instructions are half of it, each byte escaped */

static const char *choice(tc_setting_id id, uint8_t number) {
    const tc_setting_info *info = &tc_setting_table[id];
    return info->choices[number < info->choice_count ? number : 0];
}

/* ---- parts: each writes a key and its value ---- */

/* Whole, an empty text leaves its member out: the server's default stands. In a change it clears
 * what stood there. */
static void write_text(tc_json_writer *w, const char *key, const char *text, bool change) {
    if (change || text[0] != '\0') {
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

static void write_noise_reduction(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "noise_reduction");
    if (s->audio_noise_reduction == TC_AUDIO_NOISE_REDUCTION_NONE) {
        tc_json_null(w);
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "type",
                        choice(TC_SETTING_AUDIO_NOISE_REDUCTION, s->audio_noise_reduction));
    tc_json_close_object(w);
}

static void write_transcription(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "transcription");
    if (s->transcription_model[0] == '\0') {
        tc_json_null(w);
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "model", s->transcription_model);
    write_text(w, "language", s->transcription_language, false);
    write_text(w, "prompt", s->transcription_prompt, false);
    tc_json_close_object(w);
}

static void write_modality(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "output_modalities");
    tc_json_open_array(w);
    tc_json_string(w, choice(TC_SETTING_SESSION_MODALITY, s->session_modality));
    tc_json_close_array(w);
}

static void write_max_tokens(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "max_output_tokens");
    if (s->session_max_tokens > 0) {
        tc_json_int_value(w, s->session_max_tokens);
    } else {
        tc_json_string(w, "inf");
    }
}

static bool is_mode(const char *tool_choice) {
    return strcmp(tool_choice, "auto") == 0 || strcmp(tool_choice, "none") == 0 ||
           strcmp(tool_choice, "required") == 0;
}

const char *tc_realtime_tool_choice(const tc_settings *s) {
    const char *wanted = s->session_tool_choice;
    if (!s->tools_enabled && tc_host_tools_count() == 0) {
        return "none";
    }
    bool offered = (s->tools_enabled && tc_device_tools_have(wanted)) || tc_host_tools_have(wanted);
    return is_mode(wanted) || offered ? wanted : "auto";
}

static void write_tool_choice(tc_json_writer *w, const tc_settings *s) {
    const char *wanted = tc_realtime_tool_choice(s);
    tc_json_key(w, "tool_choice");
    if (is_mode(wanted)) {
        tc_json_string(w, wanted);
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "function");
    tc_json_pair_string(w, "name", wanted);
    tc_json_close_object(w);
}

static void write_tools(tc_json_writer *w, const tc_settings *s) {
    tc_span served = tc_host_tools();
    tc_json_key(w, "tools");
    tc_json_open_array(w);
    if (s->tools_enabled) {
        tc_json_raw(w, tc_tools_json + 1, TC_TOOLS_JSON_LENGTH - 2);
    }
    if (served.length > 0) {
        tc_json_raw(w, served.at, served.length);
    }
    tc_json_close_array(w);
}

static void write_reasoning(tc_json_writer *w, const tc_settings *s) {
    if (s->session_reasoning == TC_SESSION_REASONING_DEFAULT) {
        return; /* there is no value that stands for it */
    }
    tc_json_key(w, "reasoning");
    tc_json_open_object(w);
    tc_json_pair_string(w, "effort", choice(TC_SETTING_SESSION_REASONING, s->session_reasoning));
    tc_json_close_object(w);
}

static void write_prompt(tc_json_writer *w, const tc_settings *s, bool change) {
    if (s->session_prompt[0] == '\0') {
        if (change) {
            tc_json_key(w, "prompt");
            tc_json_null(w);
        }
        return;
    }
    tc_json_key(w, "prompt");
    tc_json_open_object(w);
    tc_json_pair_string(w, "id", s->session_prompt);
    tc_json_close_object(w);
}

static void write_truncation(tc_json_writer *w, const tc_settings *s) {
    tc_json_key(w, "truncation");
    if (s->session_truncation != TC_SESSION_TRUNCATION_RETENTION_RATIO) {
        tc_json_string(w, choice(TC_SETTING_SESSION_TRUNCATION, s->session_truncation));
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "retention_ratio");
    tc_json_pair_hundredths(w, "retention_ratio", s->session_retention);
    if (s->session_context_tokens > 0) {
        tc_json_key(w, "token_limits");
        tc_json_open_object(w);
        tc_json_pair_int(w, "post_instructions", s->session_context_tokens);
        tc_json_close_object(w);
    }
    tc_json_close_object(w);
}

static void write_part(tc_json_writer *w, tc_session_part part, const tc_settings *s, bool change) {
    switch (part) {
    case TC_PART_MODEL:
        write_text(w, "model", s->session_model, false);
        break;
    case TC_PART_INSTRUCTIONS:
        write_text(w, "instructions", s->session_instructions, change);
        break;
    case TC_PART_MODALITY:
        write_modality(w, s);
        break;
    case TC_PART_MAX_TOKENS:
        write_max_tokens(w, s);
        break;
    case TC_PART_TOOLS:
        write_tools(w, s);
        break;
    case TC_PART_TOOL_CHOICE:
        write_tool_choice(w, s);
        break;
    case TC_PART_REASONING:
        write_reasoning(w, s);
        break;
    case TC_PART_PROMPT:
        write_prompt(w, s, change);
        break;
    case TC_PART_TRUNCATION:
        write_truncation(w, s);
        break;
    case TC_PART_NOISE_REDUCTION:
        write_noise_reduction(w, s);
        break;
    case TC_PART_TRANSCRIPTION:
        write_transcription(w, s);
        break;
    case TC_PART_TURN_DETECTION:
        write_turn_detection(w, s);
        break;
    case TC_PART_VOICE:
        write_text(w, "voice", s->session_voice, false);
        break;
    case TC_PART_SPEED:
        tc_json_pair_hundredths(w, "speed", s->session_speed);
        break;
    case TC_PART_COUNT:
        break;
    }
}

/* ---- events ---- */

#define IS_IN(set, part) ((set) >> (part)&1)
#define INPUT_PARTS                                                                                \
    (TC_PART_BIT(TC_PART_NOISE_REDUCTION) | TC_PART_BIT(TC_PART_TRANSCRIPTION) |                   \
     TC_PART_BIT(TC_PART_TURN_DETECTION))
#define OUTPUT_PARTS (TC_PART_BIT(TC_PART_VOICE) | TC_PART_BIT(TC_PART_SPEED))

static void write_parts(tc_json_writer *w, uint32_t parts, const tc_settings *s, bool change) {
    for (int part = 0; part < TC_PART_COUNT; part++) {
        if (IS_IN(parts, part)) {
            write_part(w, (tc_session_part)part, s, change);
        }
    }
}

static void write_group(tc_json_writer *w, const char *key, uint32_t parts, const tc_settings *s,
                        bool change) {
    if (parts == 0) {
        return;
    }
    tc_json_key(w, key);
    tc_json_open_object(w);
    write_parts(w, parts, s, change);
    tc_json_close_object(w);
}

static void write_session(tc_json_writer *w, uint32_t parts, const tc_settings *s, bool change) {
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "realtime");
    write_parts(w, parts & ~(uint32_t)(INPUT_PARTS | OUTPUT_PARTS), s, change);
    if ((parts & (INPUT_PARTS | OUTPUT_PARTS)) != 0) {
        tc_json_key(w, "audio");
        tc_json_open_object(w);
        write_group(w, "input", parts & INPUT_PARTS, s, change);
        write_group(w, "output", parts & OUTPUT_PARTS, s, change);
        tc_json_close_object(w);
    }
    tc_json_close_object(w);
}

tc_err tc_realtime_session(tc_json_writer *w, const tc_settings *s) {
    write_session(w, TC_PARTS_ALL, s, false);
    return w->full ? TC_ERR_SIZE : TC_OK;
}

/* Without the model: it is fixed before the call, and an update that names another is refused as a
 * whole (cannot_update_model). */
static tc_err write_update(tc_json_writer *w, uint32_t event_id, uint32_t parts,
                           const tc_settings *s, bool change) {
    realtime_begin(w, "session.update", event_id);
    tc_json_key(w, "session");
    write_session(w, parts & ~TC_PART_BIT(TC_PART_MODEL), s, change);
    return realtime_end(w);
}

tc_err tc_realtime_session_update(tc_json_writer *w, uint32_t event_id, const tc_settings *s) {
    return write_update(w, event_id, TC_PARTS_ALL, s, false);
}

tc_err tc_realtime_session_change(tc_json_writer *w, uint32_t event_id, const tc_settings *s,
                                  uint32_t parts) {
    return write_update(w, event_id, parts, s, true);
}

/* ---- what changed ---- */

static uint64_t hash_of(tc_session_part part, const tc_settings *s) {
    static TC_BIG char text[LONGEST_PART];
    tc_json_writer w;
    tc_json_start(&w, text, sizeof text);
    write_part(&w, part, s, true);
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < w.length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    }
    return hash;
}

void tc_realtime_session_told(tc_session_told *told, const tc_settings *s, uint32_t parts) {
    for (int part = 0; part < TC_PART_COUNT; part++) {
        if (IS_IN(parts, part)) {
            told->parts[part] = hash_of((tc_session_part)part, s);
        }
    }
}

uint32_t tc_realtime_session_differs(const tc_session_told *told, const tc_settings *s) {
    uint32_t parts = 0;
    for (int part = 0; part < TC_PART_COUNT; part++) {
        if (told->parts[part] != hash_of((tc_session_part)part, s)) {
            parts |= TC_PART_BIT(part);
        }
    }
    return parts;
}

uint32_t tc_realtime_session_fixed(const tc_settings *s, bool has_spoken) {
    uint32_t parts = TC_PART_BIT(TC_PART_MODEL);
    if (has_spoken || s->session_voice[0] == '\0') {
        parts |= TC_PART_BIT(TC_PART_VOICE);
    }
    if (s->session_reasoning == TC_SESSION_REASONING_DEFAULT) {
        parts |= TC_PART_BIT(TC_PART_REASONING);
    }
    return parts;
}
