/*
 * A conversation outlives its sessions: one is renewed in a pause before the server ends it, and
 * whatever way a new one comes about, it is given what was said.
 */
#include <string.h>

#include "../port.h"
#include "history.h"
#include "log.h"
#include "session_host_calls.h"
#include "session_internal.h"

#define MINUTE_MS 60000u
#define LONGEST_MIN 59u   /* of the hour that a server grants */
#define PAUSE_MS 1500u    /* nothing was heard or played for so long */
#define WORDS_MS 5000u    /* that transcripts may take */
#define HEARING_MS 20000u /* a person who speaks just then may finish, and is answered */
#define MARGIN_S 300u     /* before the end that the server named: a pause will come */
#define LAST_S 30u        /* and at the latest */
#define SHORTEST_S 60u    /* an end that is nearer, or */
#define LONGEST_S 86400u  /* further away, is not believed */
#define FORGOTTEN_MS 3600000u
#define ASK_TIMES 2 /* for the answer to one turn, after sessions that ended over it */

void session_conversation_begin(void) {
    memset(&tc_self.talk, 0, sizeof tc_self.talk);
    tc_history_clear();
}

/* ---- when ---- */

/* From the session's `expires_at` (Unix seconds). */
static void note_end(tc_span span) {
    int64_t ends;
    uint32_t unix_s = tc_port_unix_s();
    if (span.at == NULL || unix_s == 0 || tc_json_whole(span, &ends) != TC_OK) {
        return;
    }
    int64_t left = ends - unix_s;
    if (left < SHORTEST_S || left > LONGEST_S) {
        return;
    }
    uint32_t margin = left / 10 < MARGIN_S ? (uint32_t)(left / 10) : MARGIN_S;
    uint32_t last = left / 20 < LAST_S ? (uint32_t)(left / 20) : LAST_S;
    LIVE->renew_from = tc_self.now + (uint64_t)(left - margin) * 1000u;
    LIVE->renew_by = tc_self.now + (uint64_t)(left - last) * 1000u;
}

void session_note_session(const tc_event_view *e) {
    session_note_model(e->fields[TC_FIELD_SESSION_MODEL]);
    if (e->type == TC_RT_SESSION_CREATED) {
        note_end(e->fields[TC_FIELD_SESSION_EXPIRES_AT]);
    }
}

static bool mid_response(void) {
    return LIVE->active || LIVE->creating || LIVE->want != 0 || session_live_sounding() ||
           LIVE->ending || session_host_calls_open();
}

void session_renew_tick(void) {
    uint32_t minutes = tc_settings_get()->session_renew;
    uint64_t from = LIVE->since + (uint64_t)minutes * MINUTE_MS;
    uint64_t by = LIVE->since + (uint64_t)LONGEST_MIN * MINUTE_MS;
    from = LIVE->renew_from != 0 && LIVE->renew_from < from ? LIVE->renew_from : from;
    by = LIVE->renew_by != 0 && LIVE->renew_by < by ? LIVE->renew_by : by;
    if (tc_self.now < from || mid_response()) {
        return;
    }
    uint64_t quiet = tc_self.now - LIVE->last_word;
    bool pause = tc_self.activity == TC_ACTIVITY_LISTENING && quiet >= PAUSE_MS &&
                 !tc_self.pressed && !session_outbox_waits() &&
                 (!tc_history_open() || quiet >= WORDS_MS);
    bool speech = LIVE->hearing || LIVE->awaiting; /* no text of it has come */
    bool must = tc_self.now >= by && (!speech || tc_self.now >= by + HEARING_MS);
    if (!pause && !must) {
        return;
    }
    if (!session_token_usable()) { /* while it lasts, this session is better than none */
        if (!LIVE->renew_told) {
            LIVE->renew_told = true;
            session_say_problem(TC_REASON_TOKEN_EXPIRED);
        }
        return;
    }
    tc_self.talk.renewing = true;
    tc_self.talk.last_word = LIVE->last_word;
    tc_self.tries = 0;
    tc_self.after.state = TC_STATE_CONNECTING;
    tc_self.after.reason = TC_REASON_RENEWAL;
    tc_self.detail[0] = '\0';
    session_enter(TC_STATE_CLOSING, TC_REASON_RENEWAL, NULL, 0);
    session_after_close();
}

/* ---- giving back ---- */

static void give_back(const tc_turn *turn) {
    char name[20];
    tc_json_writer *w = session_outbox_open();
    tc_history_name(turn->number, name);
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", "conversation.item.create");
    tc_json_key(w, "item");
    tc_json_open_object(w);
    tc_json_pair_string(w, "id", name);
    tc_json_pair_string(w, "type", "message");
    tc_json_pair_string(w, "role", turn->user ? "user" : "assistant");
    tc_json_key(w, "content");
    tc_json_open_array(w);
    tc_json_open_object(w);
    tc_json_pair_string(w, "type", turn->user ? "input_text" : "output_text");
    tc_json_key(w, "text");
    tc_json_string_n(w, turn->text, turn->length);
    tc_json_close_object(w);
    tc_json_close_array(w);
    tc_json_close_object(w);
    tc_json_close_object(w);
    session_outbox_send();
}

/* The answer to the last turn is still owed. A server that ends each session over the same turn
 * would be asked, and paid, for ever. */
static void ask_again(session_id asked) {
    if (asked != tc_self.talk.asked) {
        tc_self.talk.asked = asked;
        tc_self.talk.asked_times = 0;
    }
    if (tc_self.talk.asked_times < ASK_TIMES) {
        tc_self.talk.asked_times++;
        LIVE->want |= WANT_TURN;
    } else {
        tc_problem("answer_lost", "The session ended each time before the answer came.",
                   "Say it again, or something else.");
    }
}

bool session_resume(void) {
    uint64_t gap = tc_self.now - tc_self.talk.left;
    tc_turn turn = {0};
    session_id last = 0;
    bool unanswered = false;
    uint32_t turns = 0;
    if (tc_self.talk.began == 0 || gap >= FORGOTTEN_MS) {
        session_conversation_begin();
    }
    tc_history_limit(tc_settings_get()->session_history);
    if (tc_self.talk.began == 0) {
        tc_self.talk.began = tc_self.now > 0 ? tc_self.now : 1;
        return false;
    }
    tc_history_reopen();
    for (; tc_history_turn(turns, &turn); turns++) {
        unanswered = turn.user;
        last = session_hash((tc_span){turn.text, turn.length});
        give_back(&turn);
    }
    if (tc_self.talk.renewing) {
        LIVE->last_word = tc_self.talk.last_word; /* silence counts on */
    }
    tc_self.talk.renewing = false;
    if (unanswered && tc_self.talk.owed) {
        ask_again(last);
    }
    tc_log(TC_LOG_INFO, "session", "%u turns of the conversation were given back", (unsigned)turns);
    return tc_self.talk.greeted;
}
