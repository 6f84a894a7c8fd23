/* Time that only ever goes on. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/** Milliseconds since boot. Never steps, whatever SNTP does to the calendar. Any task. */
uint64_t clock_ms(void);

#endif
