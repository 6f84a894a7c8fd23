#include "session_host_calls.h"

#include <string.h>

#include "board.h"
#include "host_tools.h"
#include "link.h"

#define CALLS 8
#define ID_LIMIT 128u
#define ARGUMENTS_LIMIT 16384u
#define OUTPUT_LIMIT 16384u
#define RETRY_MS 20u

typedef struct {
    bool open, quiet;
    char id[ID_LIMIT + 2]; /* raw, with its quotes */
    size_t id_length;
    session_id response;
    uint64_t deadline;
} host_call;

static TC_BIG host_call calls[CALLS];
static session_id last_response; /* of the last output */
static uint8_t unseen;           /* outputs of which the server has not said that it has them */
static bool tells;               /* it does say so */
static struct { uint32_t given, answered, late, dropped; } count;

/* Arguments on their way to the host, or an output on its way to the server. */
static TC_BIG char text[OUTPUT_LIMIT + 1];

static tc_span id_of(const host_call *call) {
    return (tc_span){call->id + 1, call->id_length - 2};
}

void session_host_calls_begin(void) {
    for (int i = 0; i < CALLS; i++) {
        count.dropped += calls[i].open ? 1 : 0;
        calls[i].open = false;
    }
    last_response = 0;
    unseen = 0;
    tells = false;
}

/* ---- to the host ---- */

static bool is_object(const char *json, size_t length) {
    tc_json_reader reader;
    tc_json_begin(&reader, json, length);
    tc_json_token token = tc_json_next(&reader);
    bool object = token == TC_JSON_OBJECT;
    while (token != TC_JSON_END && token != TC_JSON_ERROR) {
        token = tc_json_next(&reader);
    }
    return object && token == TC_JSON_END;
}

static void notify(tc_span name, const host_call *call, size_t length) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_TOOL_CALL);
    if (w == NULL) {
        return; /* then its time runs out */
    }
    tc_json_open_object(w);
    tc_json_key(w, "name");
    tc_json_raw(w, name.at - 1, name.length + 2);
    tc_json_key(w, "call_id");
    tc_json_raw(w, call->id, call->id_length);
    tc_json_key(w, "arguments");
    tc_json_raw(w, text, length);
    tc_json_pair_int(w, "timeout_ms", tc_host_tools_timeout());
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_TOOL_CALL_DROP);
}

const char *session_host_call(tc_span name, tc_span call_id, tc_span arguments) {
    host_call *call = NULL;
    for (int i = 0; i < CALLS && call == NULL; i++) {
        call = calls[i].open ? NULL : &calls[i];
    }
    int length = arguments.at == NULL ? 0 : tc_json_text(arguments, text, ARGUMENTS_LIMIT + 1);
    if (length == 0) { /* some servers write no arguments as nothing */
        memcpy(text, "{}", 3);
        length = 2;
    }
    if (call == NULL) {
        return "too many calls at once; wait for the outputs of the eight that run";
    }
    if (call_id.length > ID_LIMIT) {
        return "the call_id is too long";
    }
    if (length == TC_ERR_SIZE) {
        return "the arguments are longer than 16384 bytes";
    }
    if (length < 0 || !is_object(text, (size_t)length)) {
        return "the arguments are not a JSON object";
    }
    call->open = true;
    call->quiet = false;
    call->id_length = call_id.length + 2;
    memcpy(call->id, call_id.at - 1, call->id_length);
    call->response = LIVE->active_id;
    call->deadline = tc_self.now + tc_host_tools_timeout();
    count.given++;
    notify(name, call, (size_t)length);
    return NULL;
}

/* ---- to the server ---- */

/* Whether it was sent; if not, the queue is full. */
static bool send_output(host_call *call, const char *output, size_t length) {
    tc_json_writer *w = session_outbox_open();
    if (tc_realtime_call_output(w, session_outbox_number(), id_of(call), output, length) != TC_OK) {
        return false;
    }
    session_outbox_send();
    call->open = false;
    if (!call->quiet) {
        session_host_calls_answered(call->response);
    }
    return true;
}

tc_err tc_session_tool_result(tc_span call_id, tc_json_token token, tc_span raw, uint64_t now_ms) {
    char id[ID_LIMIT + 1];
    host_call *call = NULL;
    const char *output = raw.at;
    int length = (int)raw.length;
    if (tc_self.state != TC_STATE_LIVE || tc_json_text(call_id, id, sizeof id) < 0) {
        return TC_ERR_STATE;
    }
    for (int i = 0; i < CALLS && call == NULL; i++) {
        call = calls[i].open && tc_json_is(id_of(&calls[i]), id) ? &calls[i] : NULL;
    }
    if (call == NULL) {
        return TC_ERR_STATE;
    }
    if (token == TC_JSON_STRING) { /* a text goes as it is, all else as its JSON */
        output = text;
        length = tc_json_text((tc_span){raw.at + 1, raw.length - 2}, text, sizeof text);
    }
    if (length < 0 || (size_t)length > OUTPUT_LIMIT) {
        return length == TC_ERR_FORMAT ? TC_ERR_FORMAT : TC_ERR_SIZE;
    }
    tc_self.now = now_ms;
    if (!send_output(call, output, (size_t)length)) {
        return TC_ERR_FULL;
    }
    count.answered++;
    session_live_serve();
    session_live_activity();
    return TC_OK;
}

void session_host_calls_answered(session_id response) {
    last_response = response;
    unseen += unseen < UINT8_MAX ? 1 : 0;
    if (!LIVE->ending) {
        LIVE->want |= WANT_TOOL;
    }
}

void session_host_calls_added(bool is_output) {
    tells = true;
    unseen -= is_output && unseen > 0 ? 1 : 0;
}

bool session_host_calls_unseen(void) {
    return tells && unseen > 0;
}

/* ---- what is open ---- */

bool session_host_calls_hold(void) {
    for (int i = 0; i < CALLS; i++) {
        if (calls[i].open && !calls[i].quiet && calls[i].response == last_response) {
            return true;
        }
    }
    return false;
}

bool session_host_calls_open(void) {
    for (int i = 0; i < CALLS; i++) {
        if (calls[i].open && !calls[i].quiet) {
            return true;
        }
    }
    return false;
}

void session_host_calls_cancelled(session_id response) {
    for (int i = 0; i < CALLS; i++) {
        if (calls[i].open && calls[i].response == response) {
            calls[i].open = false;
            count.dropped++;
        }
    }
}

void session_host_calls_quiet(void) {
    for (int i = 0; i < CALLS; i++) {
        calls[i].quiet = true;
    }
}

uint32_t session_host_calls_tick(uint32_t wait) {
    static const char late[] = "{\"error\":\"the host did not answer in time\"}";
    for (int i = 0; i < CALLS; i++) {
        host_call *call = &calls[i];
        if (!call->open) {
            continue;
        }
        uint64_t left = call->deadline > tc_self.now ? call->deadline - tc_self.now : 0;
        if (left == 0 && send_output(call, late, sizeof late - 1)) {
            count.late++;
            continue;
        }
        left = left == 0 ? RETRY_MS : left;
        wait = left < wait ? (uint32_t)left : wait;
    }
    return wait;
}

void tc_session_host_stats(tc_json_writer *writer) {
    tc_json_pair_int(writer, "host_calls", count.given);
    tc_json_pair_int(writer, "host_answered", count.answered);
    tc_json_pair_int(writer, "host_late", count.late);
    tc_json_pair_int(writer, "host_dropped", count.dropped);
}
