/*
 * What test/peer-stacks.test.ts asks: our offer, what we make of a stack's answer, and the guard
 * before a socket over which that stack speaks. Bytes go through the buffer of golden.c.
 */
#include "../peer/guard.h"
#include "../peer/sdp.h"
#include "check.h"
#include "hmac_sha1.h"

char *golden_buffer(void);

static tc_sdp_offer offer;
static tc_sdp_answer answer;
static tc_guard guard;

/** Writes an offer with as many candidates as the buffer holds addresses (4 bytes, and the port in
 * 2). Its length. */
TC_EXPORT("golden_peer_offer") int golden_peer_offer(size_t count);
int golden_peer_offer(size_t count) {
    offer = (tc_sdp_offer){
        .session_id = 20261127,
        .ufrag = "h6vY",
        .pwd = "VOkJxbRl1RmTxUk/WvJxBt",
        .fingerprint = "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:"
                       "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF",
        .opus = 111,
        .ssrc = 20261127,
        .max_message_size = 65536,
        .candidate_count = count,
    };
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = (const uint8_t *)golden_buffer() + 6 * i;
        memcpy(offer.candidates[i].ip, at, 4);
        offer.candidates[i].port = (uint16_t)(at[4] << 8 | at[5]);
    }
    return tc_sdp_write_offer(&offer, golden_buffer(), TC_SDP_OFFER_SIZE);
}

/** Reads the answer in the buffer. The length of what libpeer gets, which is in the buffer then; or
 * of the reason against it, negative. The guard begins. */
TC_EXPORT("golden_peer_answer") int golden_peer_answer(size_t length, unsigned now);
int golden_peer_answer(size_t length, unsigned now) {
    const char *why;
    if (tc_sdp_read_answer(golden_buffer(), length, &offer, &answer, &why) != TC_OK) {
        memcpy(golden_buffer(), why, strlen(why));
        return -(int)strlen(why);
    }
    tc_guard_config config = {
        .local_ufrag = offer.ufrag,
        .local_pwd = offer.pwd,
        .remote_ufrag = answer.ufrag,
        .remote_pwd = answer.pwd,
        .candidates = answer.candidates,
        .candidate_count = answer.candidate_count,
        .payload_type = offer.opus,
        .hmac = hmac_sha1,
    };
    CHECK_EQ(tc_guard_init(&guard, &config, now), TC_OK);
    return tc_sdp_write_for_libpeer(&answer, golden_buffer(), TC_SDP_LIBPEER_SIZE);
}

/** Writes a Binding request to this candidate, of which each byte of the id is `id`. Its length. */
TC_EXPORT("golden_peer_request")
int golden_peer_request(size_t candidate, unsigned id, unsigned now);
int golden_peer_request(size_t candidate, unsigned id, unsigned now) {
    static const uint8_t tie_breaker[8] = {0x7F};
    uint8_t transaction[TC_STUN_ID];
    memset(transaction, (int)id, sizeof transaction);
    tc_stun_request fields = {
        .transaction = transaction,
        .remote_ufrag = answer.ufrag,
        .local_ufrag = offer.ufrag,
        .remote_pwd = answer.pwd,
        .tie_breaker = tie_breaker,
        .use_candidate = true,
        .hmac = hmac_sha1,
    };
    tc_guard_sent_request(&guard, transaction, &answer.candidates[candidate], now);
    return tc_stun_write_request(&fields, (uint8_t *)golden_buffer(), TC_STUN_MAX);
}

/** The guard's verdict on the datagram in the buffer. */
TC_EXPORT("golden_peer_check") int golden_peer_check(size_t candidate, size_t length, unsigned now);
int golden_peer_check(size_t candidate, size_t length, unsigned now) {
    return (int)tc_guard_check(&guard, &answer.candidates[candidate],
                               (const uint8_t *)golden_buffer(), length, now);
}

/** Writes the response to the request in the buffer. Its length. */
TC_EXPORT("golden_peer_response") int golden_peer_response(size_t candidate);
int golden_peer_response(size_t candidate) {
    uint8_t transaction[TC_STUN_ID];
    memcpy(transaction, golden_buffer() + 8, sizeof transaction);
    tc_stun_response fields = {
        .transaction = transaction,
        .port = answer.candidates[candidate].port,
        .local_pwd = offer.pwd,
        .hmac = hmac_sha1,
    };
    memcpy(fields.ip, answer.candidates[candidate].ip, sizeof fields.ip);
    return tc_stun_write_response(&fields, (uint8_t *)golden_buffer(), TC_STUN_MAX);
}

TC_EXPORT("golden_peer_choose") int golden_peer_choose(size_t candidate);
int golden_peer_choose(size_t candidate) {
    return tc_guard_choose(&guard, &answer.candidates[candidate]);
}

/** The reason of a verdict, into the buffer. Its length. */
TC_EXPORT("golden_peer_word") int golden_peer_word(int verdict);
int golden_peer_word(int verdict) {
    const char *word = tc_guard_word((tc_guard_verdict)verdict);
    memcpy(golden_buffer(), word, strlen(word));
    return (int)strlen(word);
}
