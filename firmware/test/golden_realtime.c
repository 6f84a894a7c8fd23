/* What realtime.test.ts asks of the core. Bytes go through the buffer of golden.c. */
#include "../core/host_tools.h"
#include "../core/realtime.h"
#include "check.h"

#define BUFFER_SIZE (1u << 18)

char *golden_buffer(void);

static char out[BUFFER_SIZE];

static void text(tc_json_writer *w, tc_span span) {
    tc_json_raw(w, span.at - 1, span.length + 2);
}

static void pair(tc_json_writer *w, const char *key, tc_span span) {
    if (span.at == NULL) {
        return;
    }
    tc_json_key(w, key);
    text(w, span);
}

/* A number, as the text that it is written with. */
static void number_pair(tc_json_writer *w, const char *key, tc_span span) {
    if (span.at != NULL) {
        tc_json_key(w, key);
        tc_json_string_n(w, span.at, span.length);
    }
}

static int give(const tc_json_writer *w) {
    CHECK(!w->full);
    memcpy(golden_buffer(), out, w->length);
    return (int)w->length;
}

/** Reads the event in the buffer; its view as JSON goes into the buffer. Its length, or an error.
 */
TC_EXPORT("golden_event") int golden_event(size_t length);
int golden_event(size_t length) {
    tc_event_view view;
    tc_json_writer w;
    tc_err error = tc_realtime_read(golden_buffer(), length, &view);
    if (error != TC_OK) {
        return error;
    }
    tc_json_start(&w, out, sizeof out);
    tc_json_open_object(&w);
    tc_json_pair_int(&w, "type", view.type);
    pair(&w, "type_name", view.type_name);
    tc_json_key(&w, "fields");
    tc_json_open_object(&w);
    for (int i = 0; i < TC_FIELD_COUNT; i++) {
        static char number[3];
        number[0] = (char)('0' + i / 10);
        number[1] = (char)('0' + i % 10);
        if (i < TC_FIELD_NUMBERS) {
            pair(&w, number, view.fields[i]);
        } else {
            number_pair(&w, number, view.fields[i]);
        }
    }
    tc_json_close_object(&w);
    tc_json_key(&w, "calls");
    tc_json_open_array(&w);
    for (int i = 0; i < view.call_count; i++) {
        tc_json_open_object(&w);
        pair(&w, "name", view.calls[i].name);
        pair(&w, "call_id", view.calls[i].call_id);
        pair(&w, "arguments", view.calls[i].arguments);
        tc_json_close_object(&w);
    }
    tc_json_close_array(&w);
    tc_json_pair_bool(&w, "calls_truncated", view.calls_truncated);
    tc_json_key(&w, "parts");
    tc_json_open_array(&w);
    for (int i = 0; i < view.part_count; i++) {
        tc_json_open_object(&w);
        pair(&w, "type", view.parts[i].type);
        pair(&w, "text", view.parts[i].text);
        pair(&w, "transcript", view.parts[i].transcript);
        tc_json_close_object(&w);
    }
    tc_json_close_array(&w);
    tc_json_key(&w, "limits");
    tc_json_open_array(&w);
    for (int i = 0; i < view.limit_count; i++) {
        tc_json_open_object(&w);
        pair(&w, "name", view.limits[i].name);
        number_pair(&w, "remaining", view.limits[i].remaining);
        number_pair(&w, "reset_seconds", view.limits[i].reset);
        tc_json_close_object(&w);
    }
    tc_json_close_array(&w);
    if (view.first) {
        tc_json_pair_bool(&w, "first", true);
    }
    tc_json_close_object(&w);
    return give(&w);
}

/** Writes the session that is posted into the buffer. Its length. */
TC_EXPORT("golden_session") int golden_session(void);
int golden_session(void) {
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    CHECK_EQ(tc_realtime_session(&w, tc_settings_get()), TC_OK);
    return give(&w);
}

/** Writes the session.update of the settings in force into the buffer. Its length. */
TC_EXPORT("golden_session_update") int golden_session_update(uint32_t event_id);
int golden_session_update(uint32_t event_id) {
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    CHECK_EQ(tc_realtime_session_update(&w, event_id, tc_settings_get()), TC_OK);
    return give(&w);
}

/** The host serves the tools in the buffer, a JSON array. 0, or 1 where they are refused. */
TC_EXPORT("golden_serve") int golden_serve(size_t length);
int golden_serve(size_t length) {
    return tc_host_tools_serve((tc_span){golden_buffer(), length}, 1000) != NULL;
}

static tc_session_told told;

/** A server is told the settings in force, and the tools. */
TC_EXPORT("golden_told") void golden_told(void);
void golden_told(void) {
    tc_realtime_session_told(&told, tc_settings_get(), TC_PARTS_ALL);
}

/** Writes what has changed since then into the buffer. Its length; 0 where it is nothing. */
TC_EXPORT("golden_change") int golden_change(uint32_t event_id, int spoken);
int golden_change(uint32_t event_id, int spoken) {
    const tc_settings *s = tc_settings_get();
    uint32_t parts =
        tc_realtime_session_differs(&told, s) & ~tc_realtime_session_fixed(s, spoken != 0);
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    CHECK_EQ(tc_realtime_session_change(&w, event_id, s, parts), TC_OK);
    return parts == 0 ? 0 : give(&w);
}

/** What has changed, but cannot be told: 1 the model, 2 the voice, 4 the reasoning. */
TC_EXPORT("golden_waits") int golden_waits(int spoken);
int golden_waits(int spoken) {
    const tc_settings *s = tc_settings_get();
    uint32_t parts =
        tc_realtime_session_differs(&told, s) & tc_realtime_session_fixed(s, spoken != 0);
    return (int)((parts >> TC_PART_MODEL & 1) | (parts >> TC_PART_VOICE & 1) << 1 |
                 (parts >> TC_PART_REASONING & 1) << 2);
}
