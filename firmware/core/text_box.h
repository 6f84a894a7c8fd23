/*
 * Log lines on their way from any task to the core task, which owns the link's ring. A small box: a
 * line that has no room is dropped and counted.
 */
#ifndef TC_TEXT_BOX_H
#define TC_TEXT_BOX_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the box; each line takes two more than its length. */
#define TC_TEXT_BOX_SIZE 8192u

void tc_text_box_init(void);
/** Puts a copy of a line, which is cut to TC_LINK_MAX_TEXT bytes. Any task, but no interrupt. */
void tc_text_box_put(const char *line, size_t length);
/** Takes the oldest line; returns its length, or -1 where there is none. Core task. */
int tc_text_box_take(char *line, size_t capacity);
/** Lines that were dropped since the last call. Core task. */
uint32_t tc_text_box_dropped(void);

#endif
