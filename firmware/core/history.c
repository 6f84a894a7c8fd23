#include "history_store.h"

/* Whether speech is not written down. */
static bool silent;

void tc_history_silent(bool is_silent) {
    silent = is_silent;
}

/* ---- which items there are ---- */

/* The first text in an item of the event. */
static tc_span text_in(const tc_event_view *e) {
    for (int i = 0; i < e->part_count; i++) {
        tc_span text = e->parts[i].text.at != NULL ? e->parts[i].text : e->parts[i].transcript;
        if (text.at != NULL) {
            return text;
        }
    }
    return (tc_span){0};
}

static uint8_t role_in(const tc_event_view *e) {
    tc_span type = e->fields[TC_FIELD_ITEM_TYPE], role = e->fields[TC_FIELD_ITEM_ROLE];
    if (type.at == NULL || role.at == NULL || !tc_json_is(type, "message")) {
        return ROLE_OTHER;
    }
    return tc_json_is(role, "user")        ? ROLE_USER
           : tc_json_is(role, "assistant") ? ROLE_ASSISTANT
                                           : ROLE_OTHER;
}

/* What we sent comes back, with the server's name where it does not take ours. */
static void adopt(uint64_t id, const tc_event_view *e) {
    uint8_t role = role_in(e);
    tc_span text = text_in(e);
    for (size_t i = 0; text.at != NULL && i < history_count(); i++) {
        history_item *one = history_at(i);
        if (!one->ours || one->role != role || !history_same_text(one, text)) {
            continue;
        }
        for (size_t k = 0; k < history_count(); k++) {
            if (history_at(k)->placed && history_at(k)->previous == one->id) {
                history_at(k)->previous = id;
            }
        }
        one->id = id;
        return;
    }
}

/* Those who came before their predecessor, which is there now, in the order in which they came. */
static void gather(uint64_t id) {
    static uint64_t waits[TC_HISTORY_ITEMS];
    size_t waiters = 0;
    for (size_t i = 0; i < history_count(); i++) {
        if (history_at(i)->placed && history_at(i)->previous == id) {
            waits[waiters++] = history_at(i)->id;
        }
    }
    for (size_t i = 0; i < waiters; i++) {
        history_follow(waits[i]);
    }
}

/* Makes an item known, and puts it where it belongs as soon as somebody says where. */
static history_item *know(uint64_t id, const tc_event_view *e) {
    tc_span before = e->fields[TC_FIELD_PREVIOUS_ITEM_ID];
    uint64_t previous = history_hash(before);
    bool front = e->first || (previous != 0 && tc_json_is(before, "root"));
    bool placed = front || (previous != 0 && previous != id);
    history_item *known = history_find(id);
    if (known == NULL) {
        adopt(id, e);
        known = history_find(id);
    }
    if (known == NULL) {
        history_item fresh = {.id = id};
        history_item *waiting = history_find_aside(id);
        if (waiting != NULL) {
            fresh = history_take_aside(waiting);
        }
        fresh.placed = placed;
        fresh.previous = front || !placed ? 0 : previous;
        history_insert(&fresh);
        gather(id);
    } else {
        known->ours = false;
        if (!known->placed && placed) {
            known->placed = true;
            known->previous = front ? 0 : previous;
            history_follow(id);
        }
    }
    return history_find(id);
}

/* ---- events ---- */

/* A user's message is complete when all its sound is written down. */
static void heard(history_item *one, bool has_content) {
    if (has_content && (silent || (one->spoken & ~one->whole) == 0)) {
        one->complete = true;
    }
}

/* What an item holds. `done`: an answer gets no more. */
static void take_content(uint64_t id, const tc_event_view *e, bool done) {
    history_item *one = history_find(id);
    if (one == NULL || one->complete) {
        return;
    }
    one->role = one->role == ROLE_UNKNOWN ? role_in(e) : one->role;
    for (unsigned i = 0; history_is_turn(one) && i < e->part_count && i < TC_HISTORY_PARTS; i++) {
        tc_span span = e->parts[i].text;
        span = span.at != NULL && span.length > 0 ? span : e->parts[i].transcript;
        bool empty = span.at == NULL || span.length == 0;
        if (empty && e->parts[i].type.at != NULL && tc_json_is(e->parts[i].type, "input_audio")) {
            one->spoken |= (uint8_t)(1u << i);
        }
        if (!empty) { /* an answer that was interrupted comes back without its text */
            history_set(id, i, span, false, true);
            one = history_find(id);
        }
    }
    tc_span status = e->fields[TC_FIELD_ITEM_STATUS];
    if (one->role == ROLE_ASSISTANT) {
        one->complete = done || (status.at != NULL && (tc_json_is(status, "completed") ||
                                                       tc_json_is(status, "incomplete")));
    } else if (one->role == ROLE_USER) {
        heard(one, e->part_count > 0);
    }
}

static void take_item(const tc_event_view *e, bool done) {
    uint64_t id = history_hash(e->fields[TC_FIELD_ITEM_OBJECT_ID]);
    if (id != 0) {
        (void)know(id, e);
        take_content(id, e, done);
        history_trim();
    }
}

static void take_output(const tc_event_view *e, bool done) {
    uint64_t id = history_hash(e->fields[TC_FIELD_ITEM_OBJECT_ID]);
    history_item *one = history_find(id);
    if (one != NULL && e->fields[TC_FIELD_RESPONSE_ID].at != NULL) {
        one->response = history_hash(e->fields[TC_FIELD_RESPONSE_ID]);
    }
    take_content(id, e, done);
}

static void committed(const tc_event_view *e) {
    uint64_t id = history_hash(e->fields[TC_FIELD_ITEM_ID]);
    if (id == 0) {
        return;
    }
    history_item *one = know(id, e);
    one->role = one->role == ROLE_UNKNOWN ? ROLE_USER : one->role;
    if (one->role == ROLE_USER && (silent || one->whole != 0)) {
        one->complete = true;
    }
    history_trim();
}

static void delete_item(uint64_t id) {
    history_item *one = history_find(id);
    history_item gone = one != NULL ? *one : (history_item){0};
    history_forget(id);
    for (size_t i = 0; one != NULL && i < history_count(); i++) {
        history_item *other = history_at(i);
        if (other->placed && other->previous == id) {
            other->previous = gone.previous;
            other->placed = gone.placed;
        }
    }
}

static void response_done(const tc_event_view *e) {
    uint64_t id = history_hash(e->fields[TC_FIELD_RESPONSE_OBJECT_ID]);
    for (int i = 0; i < e->output_count; i++) {
        history_item *one = history_find(history_hash(e->outputs[i]));
        if (one != NULL && one->role == ROLE_ASSISTANT) {
            one->complete = true;
        }
    }
    for (size_t i = 0; id != 0 && i < history_count(); i++) {
        history_at(i)->complete = history_at(i)->complete || history_at(i)->response == id;
    }
}

typedef enum { PIECE, WHOLE, NOTHING } come;

/* Text of an item; `role` is whose it must be. */
static void take_text(const tc_event_view *e, uint8_t role, come how, tc_span span) {
    uint64_t id = history_hash(e->fields[TC_FIELD_ITEM_ID]);
    int64_t index = 0;
    history_item *one = history_find(id);
    one = one != NULL ? one : history_find_aside(id);
    if (id == 0) {
        return;
    }
    if (one == NULL) {
        one = history_add_aside(id);
    }
    if (one->complete || (one->role != ROLE_UNKNOWN && one->role != role)) {
        return;
    }
    one->role = role;
    if (role == ROLE_ASSISTANT && e->fields[TC_FIELD_RESPONSE_ID].at != NULL) {
        one->response = history_hash(e->fields[TC_FIELD_RESPONSE_ID]);
    }
    if (e->fields[TC_FIELD_CONTENT_INDEX].at == NULL) {
        while (index < TC_HISTORY_PARTS && !(one->spoken >> index & 1)) {
            index++;
        }
        index = index < TC_HISTORY_PARTS ? index : 0;
    } else if (tc_json_whole(e->fields[TC_FIELD_CONTENT_INDEX], &index) != TC_OK || index < 0 ||
               index >= TC_HISTORY_PARTS) {
        return;
    }
    if (how == PIECE) {
        if (!(one->whole >> index & 1)) {
            history_set(id, (unsigned)index, span, true, false);
        }
        return;
    }
    history_set(id, (unsigned)index, how == NOTHING ? (tc_span){0} : span, false, true);
    one = history_find(id);
    if (role == ROLE_USER && one != NULL) {
        heard(one, true);
    }
}

void tc_history_event(const tc_event_view *e) {
    const tc_span *f = e->fields;
    switch (e->type) {
    case TC_RT_CONVERSATION_ITEM_ADDED:
    case TC_RT_CONVERSATION_ITEM_CREATED:
        take_item(e, false);
        break;
    case TC_RT_CONVERSATION_ITEM_DONE:
        take_item(e, true);
        break;
    case TC_RT_CONVERSATION_ITEM_RETRIEVED:
    case TC_RT_RESPONSE_OUTPUT_ITEM_ADDED:
        take_output(e, false);
        break;
    case TC_RT_RESPONSE_OUTPUT_ITEM_DONE:
        take_output(e, true);
        break;
    case TC_RT_INPUT_AUDIO_BUFFER_COMMITTED:
        committed(e);
        break;
    case TC_RT_CONVERSATION_ITEM_DELETED:
        delete_item(history_hash(f[TC_FIELD_ITEM_ID]));
        break;
    case TC_RT_CONVERSATION_ITEM_TRUNCATED: {
        history_item *one = history_find(history_hash(f[TC_FIELD_ITEM_ID]));
        if (one != NULL) {
            one->complete = true;
        }
        break;
    }
    case TC_RT_RESPONSE_DONE:
        response_done(e);
        break;
    case TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_DELTA:
        take_text(e, ROLE_USER, PIECE, f[TC_FIELD_DELTA]);
        break;
    case TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_COMPLETED:
        take_text(e, ROLE_USER, WHOLE, f[TC_FIELD_TRANSCRIPT]);
        break;
    case TC_RT_CONVERSATION_ITEM_INPUT_AUDIO_TRANSCRIPTION_FAILED:
        take_text(e, ROLE_USER, NOTHING, (tc_span){0});
        break;
    case TC_RT_RESPONSE_OUTPUT_TEXT_DELTA:
    case TC_RT_RESPONSE_OUTPUT_AUDIO_TRANSCRIPT_DELTA:
        take_text(e, ROLE_ASSISTANT, PIECE, f[TC_FIELD_DELTA]);
        break;
    case TC_RT_RESPONSE_OUTPUT_TEXT_DONE:
        take_text(e, ROLE_ASSISTANT, WHOLE, f[TC_FIELD_TEXT]);
        break;
    case TC_RT_RESPONSE_OUTPUT_AUDIO_TRANSCRIPT_DONE:
        take_text(e, ROLE_ASSISTANT, WHOLE, f[TC_FIELD_TRANSCRIPT]);
        break;
    default:
        break;
    }
}
