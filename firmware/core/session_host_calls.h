/* Calls of tools that the host runs: told to it, and waited for. */
#ifndef TC_SESSION_HOST_CALLS_H
#define TC_SESSION_HOST_CALLS_H

#include "session_internal.h"

/** The host's answer to a call: `token` and `raw` are the first token and the JSON of its output.
 * TC_ERR_STATE: no such call is open. TC_ERR_SIZE: longer than 16,384 bytes. TC_ERR_FORMAT: no
 * text. TC_ERR_FULL: later. */
tc_err tc_session_tool_result(tc_span call_id, tc_json_token token, tc_span raw, uint64_t now_ms);
/** Calls given to the host, answered by it, and given up, as members of an open object. */
void tc_session_host_stats(tc_json_writer *writer);

/** A session begins: what was open is given up. */
void session_host_calls_begin(void);
/** Gives a call to the host. NULL, or why it cannot have it, for the model. */
const char *session_host_call(tc_span name, tc_span call_id, tc_span arguments);
/** Whether the next response should wait: a call that belongs to the last output is open. */
bool session_host_calls_hold(void);
/** Whether a call is open whose output will be answered. */
bool session_host_calls_open(void);
/** An output of a call of `response` was sent. */
void session_host_calls_answered(session_id response);
/** The server has added an item to the conversation. */
void session_host_calls_added(bool is_output);
/** Whether a response that begins now, by the server itself, has not seen all outputs. */
bool session_host_calls_unseen(void);
/** Its calls are given up. */
void session_host_calls_cancelled(session_id response);
/** The person wanted something else: outputs of what is open are sent, but not answered. */
void session_host_calls_quiet(void);
/** Answers what the host did not. Returns milliseconds until it wants to be called again, at most
 * `wait`. */
uint32_t session_host_calls_tick(uint32_t wait);

#endif
