/* The queue of posted events: copies in one static arena. put: any task; the rest: core task. */
#ifndef TC_INBOX_H
#define TC_INBOX_H

#include <stdbool.h>

#include "core.h"

/** Bytes of the arena: a message of 64 KiB, one that is being read, and more. */
#define TC_INBOX_SIZE 180224u

void tc_inbox_init(void);
/** Queues a copy. TC_ERR_FULL: later. TC_ERR_SIZE: never. TC_ERR_FORMAT: a length without data. */
tc_err tc_inbox_put(const tc_event *event);
/** The oldest event; its data stay valid until tc_inbox_drop, and are never NULL. */
bool tc_inbox_peek(tc_event *out);
void tc_inbox_drop(void);
/** Events that wait. */
uint32_t tc_inbox_count(void);
/** The most bytes that ever waited. */
uint32_t tc_inbox_high(void);

#endif
