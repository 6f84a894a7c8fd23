/* Any bytes as events, one a line: what is accepted is JSON, every span lies within it, and the
 * history stays within its bounds. */
#include "../core/history.h"
#include "../core/realtime.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_number(tc_span span, const char *text, size_t length) {
    CHECK(span.at == NULL ||
          (span.at > text && span.length > 0 && span.at + span.length < text + length));
}

static void check_span(tc_span span, const char *text, size_t length) {
    /* Between quotes, both of which are in the text. */
    CHECK(span.at == NULL || (span.at > text && span.at + span.length < text + length));
    CHECK(span.at == NULL || (span.at[-1] == '"' && span.at[span.length] == '"'));
}

static void check_history(void) {
    tc_turn turn;
    size_t bytes = 0;
    for (size_t i = 0; tc_history_turn(i, &turn); i++) {
        CHECK(i < 5);
        bytes += turn.length;
    }
    CHECK(bytes <= TC_HISTORY_BYTES + 64);
}

static void take(const char *text, size_t size) {
    tc_event_view view;
    if (tc_realtime_read(text, size, &view) != TC_OK) {
        return;
    }
    tc_history_event(&view);
    check_history();
    tc_json_reader reader;
    tc_json_token token;
    tc_json_begin(&reader, text, size);
    do {
        token = tc_json_next(&reader);
        CHECK(token != TC_JSON_ERROR);
    } while (token != TC_JSON_END);
    CHECK(view.type_name.at != NULL && view.type < TC_RT_COUNT &&
          view.call_count <= TC_CALLS_PER_EVENT);
    check_span(view.type_name, text, size);
    for (int i = 0; i < TC_FIELD_COUNT; i++) {
        if (i < TC_FIELD_NUMBERS) {
            check_span(view.fields[i], text, size);
        } else {
            check_number(view.fields[i], text, size);
        }
    }
    CHECK(view.part_count <= TC_PARTS_PER_EVENT && view.limit_count <= TC_LIMITS_PER_EVENT);
    CHECK(view.output_count <= TC_OUTPUTS_PER_EVENT);
    for (int i = 0; i < view.output_count; i++) {
        check_span(view.outputs[i], text, size);
    }
    for (int i = 0; i < view.part_count; i++) {
        check_span(view.parts[i].type, text, size);
        check_span(view.parts[i].text, text, size);
        check_span(view.parts[i].transcript, text, size);
    }
    for (int i = 0; i < view.limit_count; i++) {
        check_span(view.limits[i].name, text, size);
        check_number(view.limits[i].remaining, text, size);
        check_number(view.limits[i].reset, text, size);
    }
    for (int i = 0; i < view.call_count; i++) {
        check_span(view.calls[i].name, text, size);
        check_span(view.calls[i].call_id, text, size);
        check_span(view.calls[i].arguments, text, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tc_history_clear();
    tc_history_limit(5);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - data) - at;
        take((const char *)data + at, length);
        at += length + 1;
    }
    tc_history_reopen();
    check_history();
    return 0;
}
