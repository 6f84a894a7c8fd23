/*
 * Where the history's turns lie (history.c): items in order, and their texts in one arena without
 * gaps.
 */
#ifndef TC_HISTORY_STORE_H
#define TC_HISTORY_STORE_H

#include "history.h"

#define TC_HISTORY_ITEMS 96 /* turns, and what stands between them: calls and system messages */
#define TC_HISTORY_PARTS 4  /* of one message that have text */

enum { ROLE_UNKNOWN, ROLE_USER, ROLE_ASSISTANT, ROLE_OTHER };

typedef struct {
    uint64_t id, previous, response; /* hashes; 0 is none */
    uint32_t number;
    uint16_t at; /* where its text lies, part by part */
    uint16_t lengths[TC_HISTORY_PARTS];
    uint8_t whole, spoken; /* bit per part: it came whole; it is sound without text */
    uint8_t role;
    bool placed; /* somebody said what is before it: `previous`, or nothing */
    bool complete;
    bool ours; /* sent by us, the server has not confirmed it */
} history_item;

uint64_t history_hash(tc_span span);
bool history_is_turn(const history_item *one);

/** How many are known. */
size_t history_count(void);
/** Of the known ones, in order. */
history_item *history_at(size_t index);
/** NULL where it is not known. Valid until something is added, moved or forgotten. */
history_item *history_find(uint64_t id);
/** One of which only a text has come. */
history_item *history_find_aside(uint64_t id);
/** Keeps a new one aside. */
history_item *history_add_aside(uint64_t id);
/** Takes it from there; it keeps its text. */
history_item history_take_aside(history_item *waiting);
/** Forgets it with its text; from both places. */
void history_forget(uint64_t id);
/** Puts one where it belongs. */
void history_insert(const history_item *one);
/** Moves one behind its predecessor, with all that stands behind it because of their own. */
void history_follow(uint64_t id);
/** Keeps to the limit of turns. */
void history_trim(void);

/** Sets the text of a part, or adds to it. */
void history_set(uint64_t id, unsigned index, tc_span span, bool append, bool whole);
/** Whether all text of an item is this. */
bool history_same_text(const history_item *one, tc_span span);

#endif
