/* Posting events to the core. */
#ifndef POST_H
#define POST_H

#include <stdbool.h>

#include "core/core.h"

/** Names the task that runs the core, and which post_event() wakes. main.c, once, before others
 * post. */
void post_init(void);
/**
 * Queues a copy of an event and wakes the core task. While the core's queue is full it waits 1 ms
 * and tries again; an event that can never fit is logged and dropped. Any task but the core's,
 * which would wait for itself.
 */
void post_event(const tc_event *event);
/** The same without waiting: false if the queue is full (then nothing was queued). Any task. */
bool post_try(const tc_event *event);
/** Wakes the core task, since the world has changed: room in the serial ring. Any task. */
void post_wake(void);

#endif
