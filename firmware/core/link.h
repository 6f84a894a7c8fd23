/*
 * The serial link (shared-protocol/src/link.ts): frames and log text on one wire.
 * Sending is a ring of whole records: a full ring drops the oldest sound first, then log text, then
 * log frames, then metrics, events last; the next frame that leaves says how many of each. The
 * device never waits for the host.
 */
#ifndef TC_LINK_H
#define TC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "json_read.h"
#include "json_write.h"

/* In the order in which they are dropped (DROP_CLASSES). */
typedef enum {
    TC_DROP_SOUND,
    TC_DROP_TEXT,
    TC_DROP_LOG,
    TC_DROP_METRIC,
    TC_DROP_EVENT,
    TC_DROP_CLASSES
} tc_drop_class;

typedef struct {
    uint32_t frames_out, frames_in, frames_broken,
        frames_lost_in;                /* frames_lost_in: gaps in the host's numbers */
    uint32_t dropped[TC_DROP_CLASSES]; /* since boot */
    uint32_t ring_used, ring_high;     /* bytes */
} tc_link_stats;

/** Empties ring and counters; numbers start at 0 again. */
void tc_link_init(void);

/**
 * Opens a frame: writes the envelope of a notification into an internal buffer and returns a writer
 * that stands behind `"params":`, to write exactly one value; or NULL where a frame is already
 * open. Close with tc_link_send.
 */
tc_json_writer *tc_link_notify(const char *method);
/** Likewise for the answer to a request; `id` is the raw JSON of its id. The value to write is the
 * result. */
tc_json_writer *tc_link_answer(tc_span id);
/**
 * Numbers the open frame, adds the CRC and queues it. TC_ERR_SIZE if it did not fit (then nothing
 * is queued); TC_ERR_FULL if it was dropped at once, since only frames of more worth wait (it is
 * counted, and its number shows the gap); TC_ERR_STATE if no frame was open, or its value was not
 * written.
 */
tc_err tc_link_send(tc_drop_class drop);
/**
 * Queues the answer that a request failed; an open frame is thrown away. `data` (a sentence with
 * the hint) may be NULL, and so may be `id.at` where the id could not be read.
 */
void tc_link_fail(tc_span id, int32_t code, const char *message, const char *data);

/** Queues one line of log text (a line break is added; control characters become '?'); a longer one
 * than TC_LINK_MAX_TEXT in pieces. */
void tc_link_text(const char *line, size_t length);

/** Queues bytes that are neither frame nor text: they begin a line, end with LF, and are worth as
 * much as an event. */
void tc_link_raw(const void *bytes, size_t length);

/** Gives the port as many waiting bytes as it takes. Returns whether anything is left. Core task.
 */
bool tc_link_pump(void);

/** Called for each whole and true frame from the host. `json` is valid during the call only. */
typedef void (*tc_link_receiver)(const char *json, size_t length);
/** Takes bytes from the serial line, in any pieces; noise between frames is passed over, broken
 * frames counted. */
void tc_link_feed(const uint8_t *bytes, size_t length, tc_link_receiver receiver);

void tc_link_get_stats(tc_link_stats *out);

/** The codec alone, for the golden vectors: frame `json` with `number` into `out`; returns its
 * length or TC_ERR_SIZE. */
int tc_link_encode(const char *json, size_t length, uint32_t number, uint8_t *out, size_t capacity);

#endif
