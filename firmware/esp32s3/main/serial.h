/* The serial line: a ring from the core to the wire, and bytes from the wire to the core. */
#ifndef SERIAL_H
#define SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Starts the driver and the two tasks. */
void serial_init(void);
/** Waits until what was taken is on the wire, or `ms` have passed, since there may be no host.
 * Whether it all went out. Core task, before a restart. */
bool serial_drain(uint32_t ms);

/* serial_uart.c or serial_usb.c, for serial.c alone. */

void serial_line_init(void);
/** Gives bytes to the driver; returns how many it took. Waits at most as long as a line needs that
 * runs whether somebody listens or not. */
size_t serial_line_write(const uint8_t *bytes, size_t length);
/** Waits for bytes; returns how many came. */
size_t serial_line_read(uint8_t *out, size_t capacity);
/** Waits up to `ms` for the driver's own buffer. */
void serial_line_drain(uint32_t ms);

/* serial_log.c */

/** From now on ESP-IDF's log goes to the host as text of the link. Until then, and in a panic, it
 * goes straight to the line. */
void serial_log_init(void);
/** Passes on what interrupt handlers have printed. Core task, at each step. */
void serial_log_tick(void);

#endif
