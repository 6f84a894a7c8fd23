/* What the device says about itself, and its restart. Core task. */
#ifndef TC_DEVICE_H
#define TC_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "json_write.h"

void tc_device_init(uint64_t now_ms);
/** Time goes on. `sending`: whether something waits for the serial line. Returns whether a restart
 * is near. */
bool tc_device_tick(uint64_t now_ms, bool sending);
/** This image works: it joined its network, or answered a host while there was none to join. Tells
 * the port, once. */
void tc_device_proven(void);
/** Sends the notification `hello`. */
void tc_device_say_hello(void);
/** Hello of shared-protocol/src/link.ts, as an object. */
void tc_device_write_hello(tc_json_writer *writer);
/** All counters, as an object. */
void tc_device_write_stats(tc_json_writer *writer);
/** Restarts when all that waits has left, or after a second. */
void tc_device_reboot(void);

#endif
