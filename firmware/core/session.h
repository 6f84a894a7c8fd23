/*
 * The session: the state machine of the device. Legal transitions are a table in session.c; each
 * state has a deadline. It runs on the core task only. Time comes in as a parameter.
 */
#ifndef TC_SESSION_H
#define TC_SESSION_H

#include "../generated/link_gen.h" /* tc_state, tc_activity, tc_reason and their words */
#include "core.h"
#include "err.h"
#include "json_write.h"

void tc_session_init(void);
/** One posted event. */
void tc_session_event(const tc_event *event, uint64_t now_ms);
/** Deadlines and time. Returns milliseconds until it wants to be called again, at most 1000. */
uint32_t tc_session_tick(uint64_t now_ms);

tc_state tc_session_state(void);
/** In `backoff`: whether it is for the network that it waits. */
bool tc_session_waits_for_wifi(void);
/** The settings changed; `effect` is the strongest of TC_EFFECT_NOW, _SESSION, _WIFI. */
void tc_session_settings_changed(int effect, uint64_t now_ms);

/** The network that `changed` (as of tc_settings_commit) is about: 0 to 2, or -1 for none. */
int tc_session_network_of(const uint32_t *changed);
/** The settings on trial are about this network: they are kept as soon as it is joined, and the
 * former ones return where that fails. */
void tc_session_try_network(int network, uint64_t now_ms);
/** The host has something else in mind: a trial that runs ends, and the former settings return. */
void tc_session_end_trial(uint64_t now_ms);

/* Commands of the link and of the buttons; TC_ERR_STATE where they make no sense. */
tc_err tc_session_start(tc_reason reason, uint64_t now_ms);
tc_err tc_session_stop(tc_reason reason, uint64_t now_ms);
tc_err tc_session_say(const char *text, size_t length, uint64_t now_ms);
tc_err tc_session_send(const char *event, size_t length);
tc_err tc_session_talk(bool pressed, uint64_t now_ms);
/** A host lends a token (the span of its text), which ends at `until` (Unix seconds; 0: unknown);
 * an empty one takes it back. TC_ERR_SIZE, _FORMAT; TC_ERR_RANGE where it has ended already. */
tc_err tc_session_lend(tc_span token, uint32_t until, uint64_t now_ms);
/** Asked by the tool end_session: say goodbye, then close. */
void tc_session_end_after_goodbye(void);
void tc_session_write_stats(tc_json_writer *writer);
/** The last ends of sessions, as an array of SessionEnd (link.ts); their times count from
 * `started_ms`. */
void tc_session_write_ends(tc_json_writer *writer, uint64_t started_ms);

#endif
