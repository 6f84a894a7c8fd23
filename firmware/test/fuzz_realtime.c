/* Any bytes as an event: what is accepted is JSON, and every span lies within it. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    tc_event_view view;
    if (tc_realtime_read(text, size, &view) != TC_OK) {
        return 0;
    }
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
    return 0;
}
