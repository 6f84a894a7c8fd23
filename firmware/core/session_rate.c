/* Limits that the server names: our own responses wait until there is room again. */
#include "link.h"
#include "log.h"
#include "session_internal.h"

#define LONGEST_MS 60000u /* they are limits per minute */
#define UNKNOWN_MS 5000u

/* A number of seconds, with or without a fraction; at most LONGEST_MS. */
static uint32_t milliseconds(tc_span span) {
    uint64_t ms = 0;
    uint32_t unit = 1000;
    bool fraction = false;
    for (size_t i = 0; span.at != NULL && i < span.length; i++) {
        char c = span.at[i];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c < '0' || c > '9') {
            return UNKNOWN_MS; /* negative, or with an exponent */
        } else if (!fraction) {
            ms = ms >= LONGEST_MS ? LONGEST_MS : ms * 10 + (uint64_t)(c - '0') * 1000;
        } else if (unit > 1) {
            unit /= 10;
            ms += (uint64_t)(c - '0') * unit;
        }
    }
    return ms < LONGEST_MS ? (uint32_t)ms : LONGEST_MS;
}

static void write_metric(tc_span name, uint32_t ms) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_METRIC);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "name", "rate_limit");
    if (name.at != NULL) {
        tc_json_key(w, "limit");
        tc_json_raw(w, name.at - 1, name.length + 2);
    }
    tc_json_pair_int(w, "ms", ms);
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_METRIC_DROP);
}

void session_rate_limits(const tc_event_view *e) {
    LIVE->rate_until = 0;
    for (int i = 0; i < e->limit_count; i++) {
        int64_t left;
        tc_span remaining = e->limits[i].remaining;
        if (remaining.at == NULL || tc_json_whole(remaining, &left) != TC_OK || left > 0) {
            continue;
        }
        uint32_t ms = milliseconds(e->limits[i].reset);
        uint64_t until = tc_self.now + ms;
        LIVE->rate_until = until > LIVE->rate_until ? until : LIVE->rate_until;
        write_metric(e->limits[i].name, ms);
    }
}

bool session_rate_holds(void) {
    if (tc_self.now >= LIVE->rate_until) {
        LIVE->rate_told = false;
        return false;
    }
    if (!LIVE->rate_told) {
        LIVE->rate_told = true;
        session_notify(TC_REASON_RATE_LIMIT, NULL, 0);
    }
    return true;
}

bool session_rate_failed(const tc_event_view *e) {
    if (!session_is(e, TC_FIELD_RESPONSE_STATUS, "failed") ||
        !session_is(e, TC_FIELD_RESPONSE_ERROR_CODE, "rate_limit_exceeded")) {
        LIVE->rate_retried = false;
        return false;
    }
    if (LIVE->rate_retried || LIVE->ending) {
        return false;
    }
    LIVE->rate_retried = true;
    if (tc_self.now >= LIVE->rate_until) {
        LIVE->rate_until = tc_self.now + UNKNOWN_MS;
    }
    LIVE->want |= WANT_TURN;
    tc_problem(tc_reason_names[TC_REASON_RATE_LIMIT],
               "The server has had too many requests of this account.",
               "The device asks once more when the limit allows it.");
    return true;
}
