/*
 * Improv over serial (improv-wifi.com/serial): browsers and Home Assistant give the device its
 * Wi-Fi network. Packets share the line with frames and log text; each begins a line. Core task.
 */
#ifndef TC_IMPROV_H
#define TC_IMPROV_H

#include <stdbool.h>

#include "core.h"

void tc_improv_init(void);
/**
 * Takes a piece of the bytes from the line, and returns how many: `*packet` tells whether they
 * belong to a packet, else they are the link's.
 */
size_t tc_improv_feed(const uint8_t *bytes, size_t length, uint64_t now_ms, bool *packet);
/** Takes events of a scan, and of a network that is tried while other settings still miss; false
 * where the event is the session's. */
bool tc_improv_event(const tc_event *event, uint64_t now_ms);
/** Answers when the network is joined, or was not. */
void tc_improv_tick(uint64_t now_ms);

#endif
