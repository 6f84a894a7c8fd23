/* What the files of the link's methods share: rpc.c takes a request apart and calls the method,
 * which lies in rpc.c or rpc_*.c. */
#ifndef TC_RPC_INTERNAL_H
#define TC_RPC_INTERNAL_H

#include "../generated/link_gen.h"
#include "err.h"
#include "json_read.h"
#include "json_write.h"
#include "rpc.h"

typedef struct {
    tc_span id; /* raw; at == NULL in a notification, which has no answer */
    tc_span method;
    tc_span params; /* raw; at == NULL where absent */
    uint64_t now;
} rpc_request;

/* Answers; to a notification there is none. */

/** `data`, a sentence or a word, may be NULL. */
void rpc_fail(const rpc_request *r, tc_link_error code, const char *data);
/** A writer for the result, or NULL where no answer is wanted; close with rpc_send_answer. */
tc_json_writer *rpc_open_answer(const rpc_request *r);
void rpc_send_answer(const rpc_request *r);
/** {} */
void rpc_answer_empty(const rpc_request *r);
/** {}, or the error of the link that says the same. */
void rpc_answer_or_fail(const rpc_request *r, tc_err error);

/* Members of `params`. */

/** The raw value and its first token; TC_JSON_ERROR where it is not there. */
tc_json_token rpc_param(const rpc_request *r, const char *name, tc_span *raw);
/** The text between the quotes; at == NULL where the member is no string. */
tc_span rpc_text_param(const rpc_request *r, const char *name);
/** -1 where the member is no number of 0 or more. */
int32_t rpc_number_param(const rpc_request *r, const char *name);
bool rpc_flag_param(const rpc_request *r, const char *name);

/* Methods. */

void rpc_settings_get(const rpc_request *r);
void rpc_settings_set(const rpc_request *r);
void rpc_settings_commit(const rpc_request *r);
void rpc_ota_begin(const rpc_request *r);
void rpc_ota_write(const rpc_request *r);
void rpc_ota_end(const rpc_request *r);
void rpc_ota_fetch(const rpc_request *r);
void rpc_tools_serve(const rpc_request *r);
void rpc_tool_result(const rpc_request *r);
void rpc_sound_tap(const rpc_request *r);

#endif
