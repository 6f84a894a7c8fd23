/* Events to the server: a queue for the times when the data channel is full, and the copies for the
 * host. */
#include <string.h>

#include "../port.h"
#include "board.h"
#include "link.h"
#include "log.h"
#include "session_internal.h"

#define HOST_LIMIT (2u * TC_LINK_MAX_EVENT) /* 64 KiB wait, and one event more */
#define CAPACITY (HOST_LIMIT + 16384u)      /* the rest is for our own events */
#define STALL_MS 10000u                     /* a channel that takes nothing for so long is dead */

/* Records: length in 4 bytes, then the event. The first is at 0. */
static TC_BIG char queue[CAPACITY];
static size_t used;
static uint32_t high;
static uint64_t stalled_since;
static tc_json_writer writer;

session_id session_hash(tc_span span) {
    if (span.at == NULL) {
        return 0;
    }
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < span.length; i++) {
        hash = (hash ^ (uint8_t)span.at[i]) * 0x100000001b3u;
    }
    return hash == 0 ? 1 : hash;
}

void session_outbox_clear(void) {
    used = 0;
}

bool session_outbox_waits(void) {
    return used > 0;
}

uint32_t session_outbox_high(void) {
    return high;
}

static void write_frame(tc_json_writer *w, const char *event, size_t length, tc_span type,
                        const char *omitted) {
    tc_json_open_object(w);
    if (omitted == NULL) {
        tc_json_key(w, "event");
        tc_json_raw(w, event, length);
    } else {
        if (type.at != NULL) {
            tc_json_key(w, "type");
            tc_json_raw(w, type.at - 1, type.length + 2);
        }
        tc_json_pair_int(w, "bytes", (int64_t)length);
        tc_json_pair_string(w, "omitted", omitted);
    }
    tc_json_close_object(w);
}

static void notify(const char *method, const char *event, size_t length, tc_span type,
                   const char *omitted) {
    tc_json_writer *w = tc_link_notify(method);
    if (w == NULL) {
        return;
    }
    write_frame(w, event, length, type, omitted);
    tc_link_send(TC_DROP_EVENT);
}

/* TC_OK where it is JSON. */
static tc_err json_error(const char *text, size_t length) {
    tc_json_reader reader;
    tc_json_begin(&reader, text, length);
    tc_json_token token;
    do {
        token = tc_json_next(&reader);
    } while (token != TC_JSON_END && token != TC_JSON_ERROR);
    return token == TC_JSON_END ? TC_OK : reader.error;
}

void session_forward(const char *event, size_t length, const tc_event_view *view) {
    tc_span type = view != NULL ? view->type_name : (tc_span){0};
    const char *omitted = NULL;
    if (event == NULL || length > TC_LINK_MAX_EVENT) {
        omitted = "too_large";
    } else if (view == NULL) {
        tc_err error = json_error(event, length);
        omitted = error == TC_OK ? NULL : error == TC_ERR_DEPTH ? "too_deep" : "not_json";
    }
    notify(TC_NOTIFY_REALTIME_EVENT, event, length, type, omitted);
}

tc_json_writer *session_outbox_open(void) {
    tc_self.event_id++;
    size_t start = used + sizeof(uint32_t);
    tc_json_start(&writer, queue + (start < CAPACITY ? start : CAPACITY),
                  start < CAPACITY ? CAPACITY - start : 0);
    return &writer;
}

uint32_t session_outbox_number(void) {
    return tc_self.event_id;
}

static void enqueue(size_t length) {
    uint32_t prefix = (uint32_t)length;
    if (used == 0) {
        stalled_since = tc_self.now;
    }
    memcpy(queue + used, &prefix, sizeof prefix);
    used += sizeof prefix + length;
    if (used > high) {
        high = (uint32_t)used;
    }
    session_outbox_pump();
}

void session_outbox_send(void) {
    if (writer.full) {
        tc_log(TC_LOG_ERROR, "session", "an event to the server did not fit; %u bytes wait",
               (unsigned)used);
        return;
    }
    notify(TC_NOTIFY_REALTIME_SENT, writer.out, writer.length, (tc_span){0}, NULL);
    enqueue(writer.length);
}

tc_err session_outbox_raw(const char *event, size_t length) {
    if (used + sizeof(uint32_t) + length > HOST_LIMIT) {
        return TC_ERR_FULL;
    }
    notify(TC_NOTIFY_REALTIME_SENT, event, length, (tc_span){0}, NULL);
    memcpy(queue + used + sizeof(uint32_t), event, length);
    enqueue(length);
    return TC_OK;
}

bool session_outbox_pump(void) {
    size_t done = 0;
    while (done < used) {
        uint32_t length;
        memcpy(&length, queue + done, sizeof length);
        int error = tc_port_peer_send_text(tc_self.peer_id,
                                           (const uint8_t *)queue + done + sizeof length, length);
        if (error == TC_ERR_FULL) {
            break;
        }
        if (error < 0) {
            tc_log(TC_LOG_ERROR, "session", "the data channel refused an event of %u bytes (%d)",
                   (unsigned)length, error);
        }
        done += sizeof length + length;
    }
    if (done > 0) {
        stalled_since = tc_self.now;
        used -= done;
        memmove(queue, queue + done, used);
    }
    return used > 0;
}

bool session_outbox_stalled(void) {
    return used > 0 && tc_self.now - stalled_since >= STALL_MS;
}
