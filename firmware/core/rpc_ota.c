/* Methods ota.*: a new image over the link, or from a server. */
#include "ota.h"
#include "rpc_internal.h"

static void answer_ota(const rpc_request *r, tc_ota_result result) {
    if (result.code != 0) {
        rpc_fail(r, (tc_link_error)result.code, result.sentence);
    } else {
        rpc_answer_empty(r);
    }
}

void rpc_ota_begin(const rpc_request *r) {
    int32_t size = rpc_number_param(r, "size");
    answer_ota(r, tc_ota_begin(size < 0 ? 0 : (uint32_t)size, rpc_text_param(r, "sha256"),
                               rpc_flag_param(r, "downgrade"), r->now));
}

void rpc_ota_write(const rpc_request *r) {
    int32_t offset = rpc_number_param(r, "offset");
    tc_span data = rpc_text_param(r, "data");
    if (offset < 0 || data.at == NULL) {
        rpc_fail(r, TC_LINK_ERR_PARAMS, "offset is a number of bytes, data is base64.");
        return;
    }
    tc_ota_result result = tc_ota_write((uint32_t)offset, data, r->now);
    tc_json_writer *w = result.code == 0 ? rpc_open_answer(r) : NULL;
    if (result.code != 0) {
        rpc_fail(r, (tc_link_error)result.code, result.sentence);
    } else if (w != NULL) {
        tc_json_open_object(w);
        tc_json_pair_int(w, "written", tc_ota_written());
        tc_json_close_object(w);
        rpc_send_answer(r);
    }
}

void rpc_ota_end(const rpc_request *r) {
    answer_ota(r, tc_ota_end());
}

void rpc_ota_fetch(const rpc_request *r) {
    answer_ota(r,
               tc_ota_fetch(rpc_text_param(r, "url"), rpc_text_param(r, "pin"),
                            rpc_text_param(r, "sha256"), rpc_flag_param(r, "downgrade"), r->now));
}
