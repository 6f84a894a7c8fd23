/* What happens in a live session: speech, responses, interruption, silence. */
#include <string.h>

#include "history.h"
#include "link.h"
#include "log.h"
#include "playout.h"
#include "session_change.h"
#include "session_host_calls.h"

#define AWAIT_MS 20000u    /* no response will come any more */
#define CREATE_MS 15000u   /* nor an answer to response.create */
#define RESPONSE_MS 60000u /* nor the end of a response that says nothing */
#define SILENT_MS 10000u   /* nor the end of a response that is not to be heard */
#define TAIL_EXTRA_MS 200u
#define TAIL_MAX_MS 2000u
#define POLL_MS 20u

void session_live_begin(void) {
    const tc_settings *s = tc_settings_get();
    memset(LIVE, 0, sizeof *LIVE);
    LIVE->detection = s->turn_detection;
    LIVE->respond = s->turn_respond;
    LIVE->interrupt = s->turn_interrupt;
    LIVE->text_only = s->session_modality == TC_SESSION_MODALITY_TEXT;
    LIVE->tools = s->tools_enabled;
    LIVE->end_reason = TC_REASON_END_SESSION;
    session_change_begin();
    session_host_calls_begin();
}

/* ---- activity ---- */

bool session_live_sounding(void) {
    return LIVE->audible || LIVE->tail || !tc_playout_drained();
}

static tc_activity activity_now(void) {
    if (LIVE->audible || LIVE->tail || (LIVE->writing && LIVE->active)) {
        return TC_ACTIVITY_SPEAKING;
    }
    if (LIVE->hearing) {
        return TC_ACTIVITY_HEARING;
    }
    return session_live_owes() ? TC_ACTIVITY_THINKING : TC_ACTIVITY_LISTENING;
}

void session_live_activity(void) {
    if (tc_self.state != TC_STATE_LIVE) {
        return;
    }
    tc_activity activity = activity_now();
    if (!LIVE->prompting &&
        (activity != TC_ACTIVITY_LISTENING || tc_self.activity != TC_ACTIVITY_LISTENING)) {
        LIVE->last_word = tc_self.now;
    }
    if (activity == tc_self.activity) {
        return;
    }
    tc_self.activity = activity;
    session_notify(TC_REASON_NONE, NULL, 0);
}

bool session_live_owes(void) {
    return LIVE->awaiting || LIVE->active || LIVE->creating || LIVE->want != 0 ||
           session_host_calls_open();
}

void session_live_silence(void) {
    tc_playout_flush(tc_self.now);
    LIVE->audible = false;
    LIVE->tail = false;
}

/* ---- responses ---- */

static void create(uint8_t kind, const char *instructions) {
    tc_json_writer *w = session_outbox_open();
    LIVE->create_event = session_outbox_number();
    LIVE->create_kind = kind;
    LIVE->cancel_next = false;
    LIVE->creating = true;
    LIVE->creating_since = tc_self.now;
    (void)tc_realtime_response_create(w, LIVE->create_event, instructions,
                                      session_change_tool_choice(kind));
    session_outbox_send();
}

void session_live_serve(void) {
    const tc_settings *s = tc_settings_get();
    uint8_t want = LIVE->want;
    if (session_host_calls_hold()) {
        want &= (uint8_t)~WANT_TOOL;
    }
    if (want == 0 || LIVE->active || LIVE->creating || session_rate_holds()) {
        return;
    }
    if (want & WANT_GOODBYE) {
        LIVE->want = 0;
        LIVE->goodbye_sent = true;
        create(WANT_GOODBYE, s->session_goodbye);
    } else if (!LIVE->hearing && !LIVE->awaiting) {
        /* Else a response to what is said now follows anyway. */
        LIVE->want &= (uint8_t)~want;
        create(want, want & WANT_GREETING ? s->session_greeting : NULL);
    }
}

static void response_created(const tc_event_view *e) {
    if (!LIVE->creating && !LIVE->active) {
        /* The server began it by itself; the outputs of calls were there before, unless it says
         * else. A text may have come too late. */
        LIVE->want &= (uint8_t) ~(session_host_calls_unseen() ? WANT_TURN : WANT_TOOL | WANT_TURN);
    }
    LIVE->active = true;
    LIVE->active_id = session_hash(e->fields[TC_FIELD_RESPONSE_OBJECT_ID]);
    LIVE->active_since = tc_self.now;
    LIVE->creating = false;
    LIVE->awaiting = false;
    LIVE->writing = false;
    LIVE->calls_in_response = 0;
    tc_self.count.responses++;
    tc_self.talk.greeted = true;
    if (LIVE->cancel_next) {
        LIVE->cancelled_id = LIVE->active_id;
    } else {
        tc_playout_open();
    }
    LIVE->cancel_next = false;
    if (LIVE->goodbye_sent && LIVE->goodbye_id == 0) {
        LIVE->goodbye_id = LIVE->active_id;
        session_goodbye_moves();
    }
}

/* A response ended: a goodbye that will not be heard is over with it. */
static void goodbye_done(const tc_event_view *e, session_id id) {
    if (!LIVE->goodbye_sent || LIVE->goodbye_id == 0 || id != LIVE->goodbye_id) {
        return;
    }
    bool completed = session_is(e, TC_FIELD_RESPONSE_STATUS, "completed");
    bool incomplete = session_is(e, TC_FIELD_RESPONSE_STATUS, "incomplete");
    if (LIVE->text_only || !(completed || (incomplete && LIVE->goodbye_heard))) {
        session_close(LIVE->end_reason);
    }
}

static void response_done(const tc_event_view *e) {
    session_id id = session_hash(e->fields[TC_FIELD_RESPONSE_OBJECT_ID]);
    if (LIVE->active && LIVE->active_id != 0 && id != 0 && id != LIVE->active_id) {
        return; /* an old one */
    }
    LIVE->active = false;
    LIVE->writing = false;
    bool cancelled = session_is(e, TC_FIELD_RESPONSE_STATUS, "cancelled");
    bool failed = session_is(e, TC_FIELD_RESPONSE_STATUS, "failed");
    session_budget_response(e);
    if (!session_rate_failed(e) && failed) {
        char code[64];
        session_quote(e->fields[TC_FIELD_RESPONSE_ERROR_CODE], code, sizeof code);
        tc_problem("response_failed", "The server could not make its answer.",
                   code[0] != '\0' ? code : NULL);
    }
    if (cancelled) {
        LIVE->want &= (uint8_t)~WANT_TOOL; /* the person wanted something else */
        session_host_calls_cancelled(id);
    } else if (!failed && !session_is(e, TC_FIELD_RESPONSE_STATUS, "incomplete")) {
        for (int i = 0; i < e->call_count; i++) {
            session_call(e->calls[i].name, e->calls[i].call_id, e->calls[i].arguments);
        }
    }
    goodbye_done(e, id);
    if (tc_self.state == TC_STATE_LIVE) {
        session_goodbye_due();
    }
}

/* ---- sound ---- */

static void write_reply_metric(void) {
    if (LIVE->heard_at == 0) {
        return;
    }
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_METRIC);
    if (w != NULL) {
        tc_json_open_object(w);
        tc_json_pair_string(w, "name", "reply");
        tc_json_pair_int(w, "ms", (int64_t)(tc_self.now - LIVE->heard_at));
        tc_json_close_object(w);
        tc_link_send(TC_NOTIFY_METRIC_DROP);
    }
    LIVE->heard_at = 0;
}

static void output_started(session_id id) {
    session_change_spoken();
    if (id != 0 && id == LIVE->cancelled_id) {
        return; /* it began before the server read that it should not */
    }
    LIVE->audible = true;
    LIVE->audible_id = id;
    LIVE->sound_at = tc_self.now;
    LIVE->tail = false;
    tc_playout_open();
    write_reply_metric();
    if (LIVE->goodbye_id != 0 && id == LIVE->goodbye_id) {
        LIVE->goodbye_heard = true;
        session_goodbye_moves();
    }
}

static void output_ended(session_id id, bool cleared) {
    if (LIVE->audible && id != 0 && LIVE->audible_id != 0 && id != LIVE->audible_id) {
        return; /* an old one */
    }
    /* One that was silenced long ago: what began since goes on. */
    bool stale = !LIVE->audible && LIVE->active && id != 0 && id != LIVE->active_id;
    if (cleared && !stale) {
        session_live_silence();
    } else if (LIVE->audible) {
        tc_playout_stats stats;
        tc_playout_get_stats(&stats);
        uint32_t rest = stats.depth_ms + TAIL_EXTRA_MS;
        LIVE->audible = false;
        LIVE->tail = true;
        LIVE->tail_until = tc_self.now + (rest < TAIL_MAX_MS ? rest : TAIL_MAX_MS);
    }
    if (LIVE->goodbye_id != 0 && id == LIVE->goodbye_id) {
        session_close(LIVE->end_reason);
    }
}

static void speech_started(void) {
    LIVE->prompting = false;
    if (LIVE->detection == TC_TURN_DETECTION_NONE) {
        return; /* it is the button that says when the person speaks */
    }
    LIVE->hearing = true;
    LIVE->awaiting = false;
    if (LIVE->interrupt && session_live_sounding()) {
        tc_self.count.interruptions++;
        session_live_silence();
    }
}

static void speech_stopped(void) {
    if (LIVE->detection == TC_TURN_DETECTION_NONE) {
        return;
    }
    LIVE->hearing = false;
    LIVE->heard_at = tc_self.now;
    LIVE->awaiting = LIVE->respond;
    LIVE->awaiting_since = tc_self.now;
}

/* ---- errors ---- */

/* The number in "tc_<number>", 0 where it is not an id of ours. */
static uint32_t own_event(tc_span id) {
    uint32_t number = 0;
    if (id.at == NULL || id.length < 4 || id.length > 12 || memcmp(id.at, "tc_", 3) != 0) {
        return 0;
    }
    for (size_t i = 3; i < id.length; i++) {
        if (id.at[i] < '0' || id.at[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint32_t)(id.at[i] - '0');
    }
    return number;
}

static void create_refused(bool busy) {
    uint8_t kind = LIVE->create_kind;
    LIVE->creating = LIVE->cancel_next = false;
    LIVE->create_event = 0;
    if (kind == WANT_GOODBYE && !busy) {
        session_close(LIVE->end_reason);
        return;
    }
    if (kind == WANT_GOODBYE) {
        LIVE->goodbye_sent = false;
        LIVE->goodbye_id = 0;
    }
    if (!busy) {
        return;
    }
    LIVE->want |= kind; /* again, after the response that is in the way */
    if (!LIVE->active) {
        LIVE->active = true;
        LIVE->active_id = 0;
        LIVE->active_since = tc_self.now;
    }
}

static void server_error(const tc_event_view *e) {
    char message[200];
    uint32_t number = own_event(e->fields[TC_FIELD_ERROR_EVENT_ID]);
    session_quote(e->fields[TC_FIELD_ERROR_MESSAGE], message, sizeof message);
    if (session_is(e, TC_FIELD_ERROR_CODE, "session_expired")) {
        session_fail(TC_REASON_SESSION_EXPIRED, NULL, 0);
        return;
    }
    if (tc_self.state == TC_STATE_CONFIGURING) {
        if (number != 0 && number == tc_self.update_event) {
            session_fail(TC_REASON_SESSION_ERROR, message, 0);
        } else {
            tc_log(TC_LOG_WARN, "realtime", "error of the server: %s", message);
        }
        return;
    }
    if (session_change_refused(number, message)) {
        return;
    }
    /* Nothing to cancel: the response ended while our event was on its way. */
    bool harmless = session_is(e, TC_FIELD_ERROR_CODE, "response_cancel_not_active");
    bool busy = session_is(e, TC_FIELD_ERROR_CODE, "conversation_already_has_active_response");
    tc_log(harmless || busy ? TC_LOG_DEBUG : TC_LOG_WARN, "realtime", "error of the server: %s",
           message);
    if ((number != 0 && number == LIVE->create_event) || (number == 0 && busy && LIVE->creating)) {
        create_refused(busy);
    }
}

/* ---- events ---- */

static void handle(const tc_event_view *e) {
    tc_history_event(e);
    session_id response = session_hash(e->fields[TC_FIELD_RESPONSE_ID]);
    if (LIVE->active && response != 0 && response == LIVE->active_id) {
        LIVE->active_since = tc_self.now;
    }
    switch (e->type) {
    case TC_RT_ERROR:
        server_error(e);
        break;
    case TC_RT_RESPONSE_CREATED:
        response_created(e);
        break;
    case TC_RT_RESPONSE_DONE:
        response_done(e);
        break;
    case TC_RT_RESPONSE_OUTPUT_ITEM_DONE:
        /* Of a response that broke off, the item is incomplete, and so may be its arguments. */
        if (session_is(e, TC_FIELD_ITEM_TYPE, "function_call") &&
            !session_is(e, TC_FIELD_ITEM_STATUS, "incomplete")) {
            session_call(e->fields[TC_FIELD_ITEM_NAME], e->fields[TC_FIELD_ITEM_CALL_ID],
                         e->fields[TC_FIELD_ITEM_ARGUMENTS]);
        }
        break;
    case TC_RT_SESSION_CREATED:
    case TC_RT_SESSION_UPDATED:
        session_note_session(e);
        break;
    case TC_RT_RATE_LIMITS_UPDATED:
        session_rate_limits(e);
        break;
    case TC_RT_RESPONSE_OUTPUT_TEXT_DELTA:
        LIVE->writing = LIVE->text_only;
        break;
    case TC_RT_CONVERSATION_ITEM_ADDED:
        session_host_calls_added(session_is(e, TC_FIELD_ITEM_TYPE, "function_call_output"));
        break;
    case TC_RT_OUTPUT_AUDIO_BUFFER_STARTED:
        output_started(response);
        break;
    case TC_RT_OUTPUT_AUDIO_BUFFER_STOPPED:
        output_ended(response, false);
        break;
    case TC_RT_OUTPUT_AUDIO_BUFFER_CLEARED:
        output_ended(response, true);
        break;
    case TC_RT_INPUT_AUDIO_BUFFER_SPEECH_STARTED:
        speech_started();
        break;
    case TC_RT_INPUT_AUDIO_BUFFER_SPEECH_STOPPED:
        speech_stopped();
        break;
    case TC_RT_INPUT_AUDIO_BUFFER_COMMITTED:
        if (LIVE->hearing) {
            speech_stopped();
        }
        break;
    case TC_RT_INPUT_AUDIO_BUFFER_CLEARED:
        LIVE->awaiting = false;
        LIVE->hearing = LIVE->hearing && LIVE->detection == TC_TURN_DETECTION_NONE;
        break;
    case TC_RT_INPUT_AUDIO_BUFFER_TIMEOUT_TRIGGERED:
        LIVE->prompting = true; /* turn.idle: the model speaks to a silent room */
        break;
    default: /* for the host only */
        break;
    }
}

void session_live_text(const tc_event *event) {
    tc_event_view view;
    tc_self.count.events_in++;
    if (event->kind == TC_EVENT_PEER_TOO_LARGE) {
        tc_self.count.events_large++;
        tc_log(TC_LOG_WARN, "realtime", "an event of %d bytes was too large", (int)event->code);
        memset(&view, 0, sizeof view);
        tc_realtime_peek_type((const char *)event->data, event->length, &view.type_name);
        session_forward(NULL, event->code > 0 ? (size_t)event->code : 0, &view);
        if (tc_self.state == TC_STATE_LIVE && tc_json_is(view.type_name, "response.done")) {
            response_done(&view); /* of what it holds, the calls came before as items */
        }
        if (tc_self.state == TC_STATE_LIVE) {
            session_live_serve();
            session_live_activity();
        }
        return;
    }
    bool readable = tc_realtime_read((const char *)event->data, event->length, &view) == TC_OK;
    session_forward((const char *)event->data, event->length, readable ? &view : NULL);
    if (!readable) {
        tc_self.count.events_bad++;
        tc_log(TC_LOG_WARN, "realtime", "a message of %u bytes is not an event",
               (unsigned)event->length);
        return;
    }
    if (tc_self.state == TC_STATE_CONFIGURING &&
        (view.type == TC_RT_SESSION_CREATED || view.type == TC_RT_SESSION_UPDATED)) {
        session_note_session(&view);
    }
    bool runs = tc_self.state == TC_STATE_CONFIGURING || tc_self.state == TC_STATE_LIVE;
    if (runs && view.type == TC_RT_SESSION_UPDATED) {
        session_change_updated((const char *)event->data, event->length);
    }
    if (tc_self.state == TC_STATE_CONFIGURING && view.type == TC_RT_SESSION_UPDATED) {
        session_go_live();
    } else if (tc_self.state == TC_STATE_CONFIGURING && view.type == TC_RT_ERROR) {
        server_error(&view);
    } else if (tc_self.state == TC_STATE_LIVE) {
        handle(&view);
    }
    if (tc_self.state == TC_STATE_LIVE) {
        session_live_serve();
        session_live_activity();
    }
}

/* ---- time ---- */

static bool past(bool waiting, uint64_t since, uint32_t limit) {
    return waiting && tc_self.now - since >= limit;
}

uint32_t session_live_tick(void) {
    if (LIVE->tail && (tc_playout_drained() || tc_self.now >= LIVE->tail_until)) {
        LIVE->tail = false;
    }
    if (!tc_playout_drained()) {
        LIVE->sound_at = tc_self.now;
    }
    if (past(LIVE->audible, LIVE->sound_at, SILENT_MS)) {
        LIVE->audible = false;
    }
    if (past(LIVE->awaiting, LIVE->awaiting_since, AWAIT_MS)) {
        LIVE->awaiting = false;
    }
    if (past(LIVE->creating, LIVE->creating_since, CREATE_MS)) {
        LIVE->creating = false;
    }
    if (past(LIVE->active && !LIVE->audible, LIVE->active_since, RESPONSE_MS)) {
        LIVE->active = false;
    }
    if (session_goodbye_late()) {
        session_close(LIVE->end_reason);
        return 0;
    }
    session_change_tick();
    uint32_t wait = session_host_calls_tick(LIVE->tail || LIVE->ending ? POLL_MS : 250u);
    session_live_serve();
    session_live_activity();
    session_budget_tick();
    if (tc_self.state != TC_STATE_LIVE) {
        return 0;
    }
    uint32_t limit_s = tc_settings_get()->device_idle_limit;
    if (limit_s > 0 && tc_self.activity == TC_ACTIVITY_LISTENING &&
        tc_self.now - LIVE->last_word >= (uint64_t)limit_s * 1000u) {
        session_close(TC_REASON_IDLE);
        return 0;
    }
    session_renew_tick();
    return wait;
}
