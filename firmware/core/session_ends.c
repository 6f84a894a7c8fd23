/* How the last sessions ended, for whoever asks later. */
#include <string.h>

#include "session_internal.h"

#define ENDS 10

typedef struct {
    tc_reason reason;
    uint64_t at;
    uint32_t lasted_ms;
    char detail[64];
} session_end;

static session_end ends[ENDS];
static uint32_t count; /* of all ends since boot */

void session_ends_init(void) {
    count = 0;
}

void session_ends_note(tc_reason reason, const char *detail, uint64_t began) {
    session_end *end = &ends[count++ % ENDS];
    uint64_t lasted = tc_self.now - began;
    size_t length = detail == NULL ? 0 : strlen(detail);
    if (length >= sizeof end->detail) {
        length = sizeof end->detail - 1;
        while (length > 0 && ((uint8_t)detail[length] & 0xc0) == 0x80) {
            length--; /* not within a character */
        }
    }
    end->reason = reason;
    end->at = tc_self.now;
    end->lasted_ms = lasted < UINT32_MAX ? (uint32_t)lasted : UINT32_MAX;
    if (length > 0) {
        memcpy(end->detail, detail, length);
    }
    end->detail[length] = '\0';
}

void tc_session_write_ends(tc_json_writer *w, uint64_t started_ms) {
    tc_json_open_array(w);
    for (uint32_t i = count > ENDS ? count - ENDS : 0; i < count; i++) {
        const session_end *end = &ends[i % ENDS];
        tc_json_open_object(w);
        tc_json_pair_string(w, "reason", tc_reason_names[end->reason]);
        tc_json_pair_int(w, "at_ms", (int64_t)(end->at - started_ms));
        tc_json_pair_int(w, "lasted_ms", end->lasted_ms);
        if (end->detail[0] != '\0') {
            tc_json_pair_string(w, "detail", end->detail);
        }
        tc_json_close_object(w);
    }
    tc_json_close_array(w);
}
