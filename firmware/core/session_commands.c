/* What the button and the host do in a live session. */
#include "../port.h"
#include "capture.h"
#include "history.h"
#include "session_host_calls.h"

#define SHORTEST_TURN_MS 100u /* the server refuses a shorter one */

/* ---- the button ---- */

static void send_simple(tc_err (*write)(tc_json_writer *w, uint32_t event_id)) {
    tc_json_writer *w = session_outbox_open();
    (void)write(w, session_outbox_number());
    session_outbox_send();
}

static void interrupt(void) {
    bool responding = LIVE->active || LIVE->creating;
    if (!responding && !session_live_sounding()) {
        return;
    }
    tc_self.count.interruptions++;
    if (responding) { /* before the clear: what is not cancelled goes on sounding */
        send_simple(tc_realtime_response_cancel);
    }
    if (!LIVE->text_only || session_live_sounding()) {
        send_simple(tc_realtime_output_clear);
    }
    session_live_silence();
    LIVE->cancel_next = LIVE->creating; /* what still comes of it is not to be heard, either */
    LIVE->cancelled_id = LIVE->active ? LIVE->active_id : 0;
    LIVE->want &= WANT_GOODBYE;
    session_host_calls_quiet();
}

void session_live_press(void) {
    LIVE->last_word = tc_self.now;
    LIVE->prompting = false;
    tc_self.pressed_at = tc_self.now;
    interrupt();
    if (LIVE->detection == TC_TURN_DETECTION_NONE && !tc_self.muted) {
        session_goodbye_revoke(); /* who talks has not finished */
        send_simple(tc_realtime_input_clear);
        tc_capture_microphone(true);
        LIVE->hearing = true;
    }
    session_live_activity();
}

void session_live_release(void) {
    if (LIVE->detection == TC_TURN_DETECTION_NONE && LIVE->hearing) {
        tc_capture_microphone(false);
        LIVE->hearing = false;
        if (tc_self.now - tc_self.pressed_at < SHORTEST_TURN_MS) {
            send_simple(tc_realtime_input_clear);
        } else {
            send_simple(tc_realtime_input_commit);
            LIVE->heard_at = tc_self.now;
            LIVE->want |= LIVE->respond ? WANT_TURN : 0; /* else the host asks for the answer */
        }
    }
    session_live_serve();
    session_live_activity();
}

void session_live_mute(void) {
    if (LIVE->detection == TC_TURN_DETECTION_NONE) {
        session_live_release(); /* what was said so far is the turn */
    } else if (LIVE->hearing) {
        /* The server would wait for the end of the sentence: it forgets its begin. */
        send_simple(tc_realtime_input_clear);
        LIVE->hearing = false;
        session_live_activity();
    }
}

/* ---- texts and events of the host ---- */

tc_err tc_session_say(const char *text, size_t length, uint64_t now_ms) {
    tc_self.now = now_ms;
    if (tc_self.state != TC_STATE_LIVE || LIVE->ending) {
        return TC_ERR_STATE;
    }
    if (LIVE->want & WANT_SAY) {
        return TC_ERR_FULL;
    }
    tc_json_writer *w = session_outbox_open();
    tc_err error = tc_realtime_user_text(w, session_outbox_number(), text, length);
    if (error != TC_OK) {
        return TC_ERR_FULL; /* what rpc.c lets through fits into an empty queue */
    }
    session_outbox_send();
    tc_history_said(text, length);
    LIVE->last_word = now_ms;
    LIVE->prompting = false;
    LIVE->heard_at = now_ms;
    LIVE->want |= WANT_SAY;
    session_live_serve();
    session_live_activity();
    return TC_OK;
}

tc_err tc_session_send(const char *event, size_t length) {
    tc_event_view view;
    if (!tc_self.channel_open ||
        (tc_self.state != TC_STATE_CONFIGURING && tc_self.state != TC_STATE_LIVE)) {
        return TC_ERR_STATE;
    }
    if (length > TC_LINK_MAX_EVENT) {
        return TC_ERR_SIZE;
    }
    if (tc_realtime_read(event, length, &view) != TC_OK) {
        return TC_ERR_FORMAT;
    }
    tc_err error = session_outbox_raw(event, length);
    if (error == TC_OK && tc_self.state == TC_STATE_LIVE) {
        LIVE->last_word = tc_self.now;
        LIVE->prompting = false;
        if (tc_json_is(view.type_name, "response.create")) {
            LIVE->creating = true;
            LIVE->creating_since = tc_self.now;
            LIVE->create_event = 0;
            LIVE->create_kind = 0;
        }
        session_live_activity();
    }
    return error;
}
