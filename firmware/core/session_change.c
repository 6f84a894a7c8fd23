#include "session_change.h"

#include <string.h>

#include "capture.h"
#include "history.h"
#include "log.h"

#define IS_IN(set, part) ((set) >> (part)&1)
#define CHANGES_KEPT 8

static struct {
    tc_session_told told;
    bool pending; /* something could not be sent yet */
    bool spoken;
    uint64_t voice_said;            /* the voice, as a hash, of which it was said that it waits */
    uint32_t changes[CHANGES_KEPT]; /* numbers of our last events */
    uint8_t next;
    session_id tools_until; /* a response that was begun while they were offered */
    uint32_t sent, refused;
} self;

void session_change_begin(void) {
    uint32_t sent = self.sent, refused = self.refused;
    memset(&self, 0, sizeof self);
    self.sent = sent;
    self.refused = refused;
    const tc_settings *s = tc_settings_get();
    const char *choice = tc_realtime_tool_choice(s);
    if (strcmp(choice, "auto") == 0 && strcmp(s->session_tool_choice, choice) != 0) {
        tc_log(TC_LOG_WARN, "session", "session.tool_choice %s is no tool that is offered: auto",
               s->session_tool_choice);
    }
    tc_realtime_session_told(&self.told, s, TC_PARTS_ALL);
    self.voice_said = self.told.parts[TC_PART_VOICE];
}

void session_change_spoken(void) {
    self.spoken = true;
}

/* ---- out ---- */

/* Says once of each voice that it has to wait. */
static void say_voice(const tc_settings *s) {
    tc_session_told now;
    tc_realtime_session_told(&now, s, TC_PART_BIT(TC_PART_VOICE));
    if (now.parts[TC_PART_VOICE] != self.voice_said) {
        self.voice_said = now.parts[TC_PART_VOICE];
        tc_problem("voice_fixed", "The voice of a session is fixed once it has spoken.",
                   "The new voice is kept for the next session.");
    }
}

static void send_changes(void) {
    const tc_settings *s = tc_settings_get();
    uint32_t differs = tc_realtime_session_differs(&self.told, s);
    uint32_t parts = differs & ~tc_realtime_session_fixed(s, self.spoken);
    self.pending = false;
    if (IS_IN(differs, TC_PART_VOICE) && !IS_IN(parts, TC_PART_VOICE) && self.spoken) {
        say_voice(s);
    }
    if (IS_IN(parts, TC_PART_SPEED) && (LIVE->active || LIVE->creating)) {
        parts &= ~TC_PART_BIT(TC_PART_SPEED); /* it changes between responses only */
        self.pending = true;
    }
    if (parts == 0) {
        return;
    }
    tc_json_writer *w = session_outbox_open();
    uint32_t number = session_outbox_number();
    if (tc_realtime_session_change(w, number, s, parts) != TC_OK) {
        self.pending = true; /* the queue is full */
        return;
    }
    session_outbox_send();
    tc_realtime_session_told(&self.told, s, parts);
    self.changes[self.next] = number;
    self.next = (uint8_t)((self.next + 1) % CHANGES_KEPT);
    self.sent++;
}

void tc_session_change(uint64_t now_ms) {
    tc_self.now = now_ms;
    if (tc_self.state == TC_STATE_LIVE && tc_self.channel_open) {
        send_changes();
    } else if (tc_self.state == TC_STATE_CONFIGURING) {
        self.pending = true; /* it was told the former ones, and confirms them first */
    }
}

void session_change_tick(void) {
    if (self.pending && tc_self.channel_open) {
        send_changes();
    }
}

bool session_change_refused(uint32_t number, const char *message) {
    bool ours = false;
    for (int i = 0; i < CHANGES_KEPT; i++) {
        ours = ours || (number != 0 && self.changes[i] == number);
    }
    if (!ours) {
        return false;
    }
    static char sentence[300];
    static const char begin[] = "The server refused the change of the session. ";
    size_t length = strlen(message);
    memcpy(sentence, begin, sizeof begin);
    if (length < sizeof sentence - sizeof begin) {
        memcpy(sentence + sizeof begin - 1, message, length + 1);
    }
    self.refused++;
    tc_problem("session_change", sentence,
               "The session goes on as it was; the settings are kept for the next one: tincan "
               "config.");
    return true;
}

bool tc_session_setting_waits(tc_setting_id id) {
    bool told = tc_self.state == TC_STATE_CONFIGURING || tc_self.state == TC_STATE_LIVE;
    const tc_settings *s = tc_settings_get();
    uint32_t waiting;
    switch (id) {
    case TC_SETTING_SERVER_URL:
    case TC_SETTING_SERVER_AUTH:
    case TC_SETTING_SERVER_TOKEN:
    case TC_SETTING_SERVER_PIN:
    case TC_SETTING_SERVER_QUERY:
    case TC_SETTING_SERVER_BODY:
    case TC_SETTING_SERVER_LABEL:
    case TC_SETTING_SESSION_MODEL: /* it is posted, if it is said at all */
        return told || tc_self.state == TC_STATE_CONNECTING;
    case TC_SETTING_SESSION_GREETING:
        return tc_self.state == TC_STATE_LIVE;
    case TC_SETTING_SESSION_VOICE:
        waiting = TC_PART_BIT(TC_PART_VOICE);
        break;
    case TC_SETTING_SESSION_REASONING:
        waiting = TC_PART_BIT(TC_PART_REASONING);
        break;
    default:
        return false;
    }
    waiting &= tc_realtime_session_fixed(s, self.spoken);
    return told && (tc_realtime_session_differs(&self.told, s) & waiting) != 0;
}

/* ---- in ---- */

static tc_span member(tc_span object, const char *key) {
    tc_span raw;
    return tc_json_member(object, key, &raw) == TC_JSON_ERROR ? (tc_span){0} : raw;
}

/* `otherwise` where nothing is said. */
static bool flag(tc_span object, const char *key, bool otherwise) {
    tc_span raw;
    tc_json_token token = tc_json_member(object, key, &raw);
    return token == TC_JSON_TRUE || (token != TC_JSON_FALSE && otherwise);
}

static uint8_t detection_of(tc_span session, const tc_settings *s, tc_span *turn) {
    tc_span input = member(member(session, "audio"), "input"), type;
    tc_json_token token = tc_json_member(input, "turn_detection", turn);
    if (token == TC_JSON_NULL) {
        return TC_TURN_DETECTION_NONE;
    }
    if (token != TC_JSON_OBJECT || tc_json_member(*turn, "type", &type) != TC_JSON_STRING) {
        *turn = (tc_span){0};
        return s->turn_detection;
    }
    return tc_json_is((tc_span){type.at + 1, type.length - 2}, "semantic_vad")
               ? TC_TURN_DETECTION_SEMANTIC_VAD
               : TC_TURN_DETECTION_SERVER_VAD;
}

static bool text_only(tc_span session, const tc_settings *s) {
    tc_json_reader reader;
    tc_span list = member(session, "output_modalities");
    tc_json_begin(&reader, list.at == NULL ? "" : list.at, list.length);
    if (tc_json_next(&reader) == TC_JSON_ARRAY && tc_json_next(&reader) == TC_JSON_STRING) {
        return tc_json_is(reader.span, "text");
    }
    return s->session_modality == TC_SESSION_MODALITY_TEXT;
}

static bool silent(tc_span session, const tc_settings *s) {
    tc_span raw, input = member(member(session, "audio"), "input");
    tc_json_token token = tc_json_member(input, "transcription", &raw);
    return token == TC_JSON_NULL || (token != TC_JSON_OBJECT && s->transcription_model[0] == '\0');
}

/* Who decides when the person has finished is another now. */
static void follow_detection(uint8_t detection) {
    bool open = detection != TC_TURN_DETECTION_NONE;
    bool was_open = LIVE->detection != TC_TURN_DETECTION_NONE;
    LIVE->detection = detection;
    if (open != was_open && tc_self.state == TC_STATE_LIVE) {
        LIVE->hearing = false;
        tc_capture_microphone(open);
    }
}

void session_change_updated(const char *event, size_t length) {
    const tc_settings *s = tc_settings_get();
    tc_span session = member((tc_span){event, length}, "session"), turn;
    follow_detection(detection_of(session, s, &turn));
    LIVE->respond = flag(turn, "create_response", s->turn_respond);
    LIVE->interrupt = flag(turn, "interrupt_response", s->turn_interrupt);
    LIVE->awaiting = LIVE->awaiting && LIVE->respond;
    LIVE->text_only = text_only(session, s);
    tc_history_silent(silent(session, s));
    if (LIVE->tools && !s->tools_enabled && LIVE->active) {
        self.tools_until = LIVE->active_id; /* it may still call them */
    }
    LIVE->tools = s->tools_enabled;
}

bool session_change_runs_tools(void) {
    return LIVE->tools || (self.tools_until != 0 && self.tools_until == LIVE->active_id);
}

/* ---- tool choice ---- */

const char *session_change_tool_choice(uint8_t want) {
    if (want & WANT_GOODBYE) {
        return "none";
    }
    /* Who must call a tool would call it again and again, instead of saying what came of it. */
    const char *chosen = tc_realtime_tool_choice(tc_settings_get());
    bool forced = strcmp(chosen, "auto") != 0 && strcmp(chosen, "none") != 0;
    bool of_the_person = (want & (WANT_SAY | WANT_TURN)) != 0;
    return forced && !of_the_person ? "auto" : NULL;
}

void tc_session_change_stats(tc_json_writer *writer) {
    tc_json_pair_int(writer, "changes", self.sent);
    tc_json_pair_int(writer, "changes_refused", self.refused);
}
