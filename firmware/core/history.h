/*
 * What was said in this conversation, as text, over all its sessions: turns of the person and of
 * the assistant, in their order, from events that come late and out of order
 * (shared-protocol/src/realtime/transcript.ts has the rules; golden/transcript.json holds both to
 * them). Bounded: what is oldest is forgotten first. Core task.
 */
#ifndef TC_HISTORY_H
#define TC_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "realtime.h"

#define TC_HISTORY_BYTES 16384u     /* of all texts */
#define TC_HISTORY_TURN_BYTES 4096u /* of one; more is cut off */

/** The conversation is over: all is forgotten. */
void tc_history_clear(void);
/** So many turns are kept, from now on; at most 32. */
void tc_history_limit(uint8_t turns);
/** Whether speech is not written down: then no text of the person is waited for. */
void tc_history_silent(bool silent);
/** One event of the server. */
void tc_history_event(const tc_event_view *event);
/** A text of the person that is on its way to the server. */
void tc_history_said(const char *text, size_t length);

typedef struct {
    uint64_t id;     /* hash of its item_id */
    uint32_t number; /* after tc_history_reopen: of the name by which it is given back */
    bool user, complete;
    const char *text; /* valid until the next call */
    size_t length;
} tc_turn;

/** The turn at `index`, from 0; false where there are not so many. */
bool tc_history_turn(size_t index, tc_turn *out);
/** Whether text of a turn is still to come. */
bool tc_history_open(void);
/** The session is over, another one begins: nothing more comes to the turns; the empty ones go, and
 * so does an answer that broke off at the end; all get names of ours, by which they are given back.
 */
void tc_history_reopen(void);

/** The item_id by which a turn is given back: "tc_turn_<number>". */
void tc_history_name(uint32_t number, char out[20]);

#endif
