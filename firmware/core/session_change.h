/* A running session follows the settings, and the device follows what the server says of it. */
#ifndef TC_SESSION_CHANGE_H
#define TC_SESSION_CHANGE_H

#include "session_internal.h"

/* For rpc.c. */

/** Settings or the host's tools have changed: a running session is told what is new for it. */
void tc_session_change(uint64_t now_ms);
/** Whether the present value of this setting holds for the next session only, while one runs. */
bool tc_session_setting_waits(tc_setting_id id);
/** Changes sent to servers, and refused by them, as members of an open object. */
void tc_session_change_stats(tc_json_writer *writer);

/* For the session. */

/** A server is told the whole session, as the settings are now. */
void session_change_begin(void);
/** session.updated has come: what it says of the session is so. */
void session_change_updated(const char *event, size_t length);
/** The server plays a voice: from now on it is fixed. */
void session_change_spoken(void);
/** An error of the server about our event `number`: whether it was a change. Then it is told. */
bool session_change_refused(uint32_t number, const char *message);
/** Tries again what had to wait. */
void session_change_tick(void);
/** Whether calls of the device's tools are ours to run. */
bool session_change_runs_tools(void);
/** The tool choice of a response that answers this (WANT_…); NULL where the session's stands. */
const char *session_change_tool_choice(uint8_t want);

#endif
