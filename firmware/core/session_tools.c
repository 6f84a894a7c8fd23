/* Function calls, and the goodbye that one of them asks for. */
#include <string.h>

#include "host_tools.h"
#include "link.h"
#include "log.h"
#include "session_change.h"
#include "session_host_calls.h"
#include "tools.h"

#define ARGUMENTS_LIMIT 2048u
#define GOODBYE_MS 8000u
#define ENDING_MS 30000u

/* The calls of a response come as items, and the first eight once more at its end: those beyond are
 * not kept, so that they push none of the first out. */
static bool seen(session_id call) {
    for (size_t i = 0; i < sizeof LIVE->calls / sizeof LIVE->calls[0]; i++) {
        if (LIVE->calls[i] == call) {
            return true;
        }
    }
    if (LIVE->calls_in_response >= TC_CALLS_PER_EVENT) {
        return false;
    }
    LIVE->calls[LIVE->call_next] = call;
    LIVE->call_next =
        (uint8_t)((LIVE->call_next + 1) % (sizeof LIVE->calls / sizeof LIVE->calls[0]));
    return false;
}

static void refuse(tc_json_writer *output, const char *why) {
    tc_json_open_object(output);
    tc_json_pair_string(output, "error", why);
    tc_json_close_object(output);
}

/* Runs the tool, or writes why not. `text` receives the arguments, unescaped. */
static void run(const char *tool, tc_span arguments, char *text, tc_json_writer *output) {
    int length = arguments.at == NULL ? 0 : tc_json_text(arguments, text, ARGUMENTS_LIMIT + 1);
    if (length == 0) { /* some servers write no arguments as nothing */
        memcpy(text, "{}", 3);
        length = 2;
    }
    if (length < 0) {
        text[0] = '\0';
    }
    if (LIVE->calls_in_response > TC_CALLS_PER_EVENT) {
        refuse(output, "too many calls in one response; eight are run");
    } else if (length == TC_ERR_SIZE) {
        refuse(output, "the arguments are longer than 2048 bytes");
    } else if (length < 0) {
        refuse(output, "the arguments are not JSON");
    } else {
        (void)tc_tools_run(tool, text, (size_t)length, output);
    }
}

static void write_arguments(tc_json_writer *w, const char *text) {
    tc_json_reader reader;
    tc_json_token token;
    tc_json_begin(&reader, text, strlen(text));
    do {
        token = tc_json_next(&reader);
    } while (token != TC_JSON_END && token != TC_JSON_ERROR);
    tc_json_key(w, "arguments");
    if (token == TC_JSON_END) {
        tc_json_raw(w, text, strlen(text));
    } else {
        tc_json_string(w, text);
    }
}

static void notify(tc_span name, tc_span call_id, const char *arguments,
                   const tc_json_writer *output) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_TOOL);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_key(w, "name");
    if (name.at != NULL) {
        tc_json_raw(w, name.at - 1, name.length + 2); /* with its quotes, as it came */
    } else {
        tc_json_string(w, "");
    }
    tc_json_key(w, "call_id");
    tc_json_raw(w, call_id.at - 1, call_id.length + 2);
    write_arguments(w, arguments);
    tc_json_key(w, "output");
    tc_json_raw(w, output->out, output->length);
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_TOOL_DROP);
}

void session_call(tc_span name, tc_span call_id, tc_span arguments) {
    static char text[ARGUMENTS_LIMIT + 1];
    static char result[1024];
    tc_json_writer output;
    char tool[65];
    if (name.at == NULL || tc_json_text(name, tool, sizeof tool) < 0) {
        tool[0] = '\0'; /* no tool has that name */
    }
    bool of_host = tc_host_tools_have(tool);
    if (!of_host && !session_change_runs_tools()) {
        return; /* whoever told the server of it answers it */
    }
    if (call_id.at == NULL) {
        tc_log(TC_LOG_WARN, "tools", "a call without call_id cannot be answered");
        return;
    }
    if (seen(session_hash(call_id))) {
        return;
    }
    LIVE->calls_in_response += LIVE->calls_in_response < UINT8_MAX ? 1 : 0;
    tc_self.count.calls++;
    tc_json_start(&output, result, sizeof result);
    if (of_host && LIVE->calls_in_response <= TC_CALLS_PER_EVENT) {
        const char *why = session_host_call(name, call_id, arguments);
        if (why == NULL) {
            return; /* its output comes later */
        }
        text[0] = '\0';
        refuse(&output, why);
    } else {
        bool ending = LIVE->ending;
        run(tool, arguments, text, &output);
        LIVE->revocable = LIVE->revocable || (LIVE->ending && !ending);
    }
    if (output.full || output.length == 0) {
        tc_json_start(&output, result, sizeof result);
        refuse(&output, "the tool's output was too large");
    }
    tc_json_writer *w = session_outbox_open();
    (void)tc_realtime_call_output(w, session_outbox_number(), call_id, output.out, output.length);
    session_outbox_send();
    notify(name, call_id, text, &output);
    session_host_calls_answered(LIVE->active_id);
}

void tc_session_end_after_goodbye(void) {
    if (LIVE->ending) {
        return;
    }
    LIVE->ending = true;
    LIVE->want = 0; /* the goodbye answers all */
    LIVE->ending_since = tc_self.now;
    session_goodbye_moves();
}

void session_goodbye_moves(void) {
    LIVE->goodbye_until = tc_self.now + GOODBYE_MS;
}

bool session_goodbye_late(void) {
    if (!LIVE->ending) {
        return false;
    }
    if (LIVE->audible && LIVE->audible_id != LIVE->goodbye_id) {
        session_goodbye_moves(); /* the answer before it still sounds */
    }
    return tc_self.now >= LIVE->goodbye_until || tc_self.now - LIVE->ending_since >= ENDING_MS;
}

void session_goodbye_revoke(void) {
    if (!LIVE->ending || !LIVE->revocable) {
        return;
    }
    LIVE->ending = LIVE->revocable = false;
    LIVE->goodbye_sent = LIVE->goodbye_heard = false;
    LIVE->goodbye_id = 0;
    LIVE->want &= (uint8_t)~WANT_GOODBYE;
}

void session_goodbye_due(void) {
    if (!LIVE->ending || LIVE->goodbye_sent || LIVE->active) {
        return;
    }
    if (tc_settings_get()->session_goodbye[0] == '\0') {
        session_close(LIVE->end_reason);
        return;
    }
    LIVE->want = WANT_GOODBYE;
    session_goodbye_moves();
}
