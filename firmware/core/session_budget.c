/* What a conversation may cost, in minutes and in cents; and what it has cost so far. */
#include <string.h>

#include "../generated/prices_gen.h"
#include "link.h"
#include "log.h"
#include "session_internal.h"

#define NANO_PER_MICRO 1000u
#define NANO_PER_CENT 10000000u
#define TOKENS_MAX (1 << 24) /* more in one response is no usage, and would overflow */
#define IMPATIENT_MS 60000u  /* an answer that takes longer than this is not waited for */

/* Without the date behind it: gpt-realtime-2.1-2026-08-01. */
static size_t name_length(const char *model) {
    static const char form[] = "-0000-00-00";
    size_t length = strlen(model), size = sizeof form - 1;
    for (size_t i = 0; i < size && length > size; i++) {
        char c = model[length - size + i];
        if (form[i] == '0' ? c < '0' || c > '9' : c != form[i]) {
            return length;
        }
    }
    return length > size ? length - size : length;
}

static bool same_model(const char *one, const char *other) {
    size_t length = name_length(one);
    return length == name_length(other) && memcmp(one, other, length) == 0;
}

/* By the model that the server named: session.model is at most what was asked for. */
static const tc_price *price(void) {
    const char *model = LIVE->model[0] != '\0' ? LIVE->model : tc_settings_get()->session_model;
    for (int i = 0; i < TC_PRICE_COUNT; i++) {
        if (same_model(tc_prices[i].model, model)) {
            return &tc_prices[i];
        }
    }
    return NULL;
}

void session_note_model(tc_span model) {
    const char *wanted = tc_settings_get()->session_model;
    char named[sizeof LIVE->model];
    session_quote(model, named, sizeof named);
    if (named[0] == '\0') {
        return;
    }
    memcpy(LIVE->model, named, sizeof named);
    session_id said = session_hash(model);
    if (wanted[0] != '\0' && !same_model(named, wanted) && said != tc_self.model_said) {
        tc_self.model_said = said;
        tc_log(TC_LOG_INFO, "session",
               "this conversation has the model %s, not %s as session.model says: it was chosen "
               "with the token, or by the server",
               named, wanted);
    }
}

static uint64_t tokens(const tc_event_view *e, tc_field field) {
    int64_t count = 0;
    tc_span span = e->fields[field];
    return span.at != NULL && tc_json_whole(span, &count) == TC_OK && count > 0 &&
                   count <= TOKENS_MAX
               ? (uint64_t)count
               : 0;
}

static uint64_t input(uint64_t count, uint64_t cached, uint32_t fresh_price,
                      uint32_t cached_price) {
    cached = cached < count ? cached : count;
    return (count - cached) * fresh_price + cached * cached_price;
}

/* As costOf of prices.ts; nanodollars. */
static uint64_t cost_of(const tc_event_view *e, const tc_price *p) {
    return input(tokens(e, TC_FIELD_USAGE_TEXT), tokens(e, TC_FIELD_USAGE_CACHED_TEXT), p->text[0],
                 p->text[1]) +
           input(tokens(e, TC_FIELD_USAGE_AUDIO), tokens(e, TC_FIELD_USAGE_CACHED_AUDIO),
                 p->audio[0], p->audio[1]) +
           input(tokens(e, TC_FIELD_USAGE_IMAGE), tokens(e, TC_FIELD_USAGE_CACHED_IMAGE), p->image,
                 p->text[1]) +
           tokens(e, TC_FIELD_USAGE_MADE_TEXT) * p->text[2] +
           tokens(e, TC_FIELD_USAGE_MADE_AUDIO) * p->audio[2];
}

static uint64_t age_ms(void) {
    return tc_self.now - tc_self.talk.began;
}

static void write_metric(void) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_METRIC);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "name", "cost");
    if (price() != NULL) {
        tc_json_pair_int(w, "microdollars", (int64_t)(tc_self.talk.nanodollars / NANO_PER_MICRO));
    }
    tc_json_pair_hundredths(w, "minutes", (int32_t)(age_ms() / 600));
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_METRIC_DROP);
}

void session_budget_response(const tc_event_view *e) {
    const tc_price *p = price();
    if (p != NULL) {
        tc_self.talk.nanodollars += cost_of(e, p);
    } else if (tc_settings_get()->budget_cents > 0 && !tc_self.talk.unpriced) {
        tc_self.talk.unpriced = true;
        tc_problem("budget", "The model has no list price here, so budget.cents does not apply.",
                   "Set budget.minutes.");
    }
    write_metric();
}

void session_budget_tick(void) {
    const tc_settings *s = tc_settings_get();
    bool late = s->budget_minutes > 0 && age_ms() >= (uint64_t)s->budget_minutes * 60000u;
    bool dear = s->budget_cents > 0 &&
                tc_self.talk.nanodollars >= (uint64_t)s->budget_cents * NANO_PER_CENT;
    if ((!late && !dear) || LIVE->ending) {
        LIVE->over_budget = 0;
        return;
    }
    if (LIVE->over_budget == 0) {
        LIVE->over_budget = tc_self.now;
    }
    bool busy = LIVE->hearing || LIVE->awaiting || LIVE->active || LIVE->creating ||
                session_live_sounding();
    if (!busy || tc_self.now - LIVE->over_budget >= IMPATIENT_MS) {
        LIVE->end_reason = TC_REASON_BUDGET;
        tc_session_end_after_goodbye();
        session_goodbye_due();
    }
}
