/*
 * Updates: a new application comes over the serial link (ota.begin, ota.write, ota.end) or is got
 * by the device itself (ota.fetch), goes into the slot that does not run, and starts on trial.
 * Refused, before anything is changed: an image of another chip or board, and one that is older.
 * Core task.
 */
#ifndef TC_OTA_H
#define TC_OTA_H

#include <stdbool.h>

#include "core.h"
#include "json_read.h"

/* What became of a step; `sentence` is for people, NULL where the code says it all. */
typedef struct {
    int32_t code; /* 0, or a tc_link_error */
    const char *sentence;
} tc_ota_result;

void tc_ota_init(void);
/** Whether an update is under way: meanwhile no session starts. */
bool tc_ota_busy(void);

/** An image of `size` bytes follows; `sha256` holds 64 hex digits. A running session ends.
 * `downgrade`: it may be older than what runs. */
tc_ota_result tc_ota_begin(uint32_t size, tc_span sha256, bool downgrade, uint64_t now_ms);
/** Bytes of the image at `offset`, as the span of a JSON string in base64. */
tc_ota_result tc_ota_write(uint32_t offset, tc_span base64, uint64_t now_ms);
/** Bytes that have been written. */
uint32_t tc_ota_written(void);
/** The image is whole: it is checked, and starts after the restart. */
tc_ota_result tc_ota_end(void);
void tc_ota_abort(void);
/** Gets the image from `url`. `pin` and `sha256` may be empty spans (at == NULL). How it goes is
 * told by `ota` notifications. */
tc_ota_result tc_ota_fetch(tc_span url, tc_span pin, tc_span sha256, bool downgrade,
                           uint64_t now_ms);

/** Takes an event of the request that fetches; false where the event is none of it. */
bool tc_ota_event(const tc_event *event, uint64_t now_ms);
/** Gives up an update of a host that fell silent. */
void tc_ota_tick(uint64_t now_ms);

#endif
