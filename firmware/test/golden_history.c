/* What history.test.ts asks of the core. Bytes go through the buffer of golden.c. */
#include "../core/history.h"
#include "check.h"

#define BUFFER_SIZE (1u << 18)

char *golden_buffer(void);

static char out[BUFFER_SIZE];

/** Takes the events in the buffer, one a line; the turns, as JSON, go into the buffer. Its length.
 */
TC_EXPORT("golden_history") int golden_history(size_t length, uint32_t limit);
int golden_history(size_t length, uint32_t limit) {
    const char *events = golden_buffer();
    tc_json_writer w;
    tc_turn turn;
    tc_history_clear();
    tc_history_limit((uint8_t)limit);
    tc_history_silent(false);
    for (size_t at = 0; at < length;) {
        const char *end = memchr(events + at, '\n', length - at);
        size_t size = end == NULL ? length - at : (size_t)(end - events) - at;
        tc_event_view view;
        if (tc_realtime_read(events + at, size, &view) == TC_OK) {
            tc_history_event(&view);
        }
        at += size + 1;
    }
    tc_json_start(&w, out, sizeof out);
    tc_json_open_array(&w);
    for (size_t i = 0; tc_history_turn(i, &turn); i++) {
        char id[17];
        for (int digit = 0; digit < 16; digit++) {
            id[digit] = "0123456789abcdef"[turn.id >> (60 - 4 * digit) & 15];
        }
        id[16] = '\0';
        tc_json_open_object(&w);
        tc_json_pair_string(&w, "item_id", id);
        tc_json_pair_string(&w, "role", turn.user ? "user" : "assistant");
        tc_json_key(&w, "text");
        tc_json_string_n(&w, turn.text, turn.length);
        tc_json_pair_bool(&w, "complete", turn.complete);
        tc_json_close_object(&w);
    }
    tc_json_close_array(&w);
    CHECK(!w.full);
    memcpy(golden_buffer(), out, w.length);
    return (int)w.length;
}
