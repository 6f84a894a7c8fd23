/*
 * The guard between the socket and what parses its datagrams. It looks at the source address first,
 * then at headers, then at the HMAC; what it drops has changed nothing but a counter.
 *
 * Who can send what: anybody can send to our port; a neighbour can also forge the address of the
 * server and copy what he overhears. So nothing that is not authenticated moves a window, uses up a
 * transaction, or makes a true datagram look like a repeated one.
 *
 * One task calls all functions of a guard.
 */
#ifndef TC_GUARD_H
#define TC_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"
#include "stun.h"

#define TC_GUARD_CANDIDATES 8
/** Longest datagram that passes, bytes: an Ethernet frame's worth. */
#define TC_GUARD_DATAGRAM_MAX 1500
/** Longest ICE password, characters. */
#define TC_GUARD_PWD_MAX 128
/** HMACs a second that Binding requests may cost, and those that responses may cost. */
#define TC_GUARD_REQUESTS_PER_SECOND 400
#define TC_GUARD_RESPONSES_PER_SECOND 100

typedef enum {
    TC_GUARD_PASS_STUN_REQUEST,  /* a Binding request made with our password */
    TC_GUARD_PASS_STUN_RESPONSE, /* a success response to a request of ours */
    TC_GUARD_PASS_DTLS,
    TC_GUARD_PASS_RTP,
    TC_GUARD_PASS_RTCP,
    TC_GUARD_DROP_ADDRESS,       /* from none of the candidates */
    TC_GUARD_DROP_NOT_CHOSEN,    /* from a candidate that is not the chosen one */
    TC_GUARD_DROP_EARLY,         /* DTLS before the choice; RTP, RTCP before DTLS is up */
    TC_GUARD_DROP_LENGTH,        /* empty, or longer than TC_GUARD_DATAGRAM_MAX */
    TC_GUARD_DROP_KIND,          /* the first byte is of no protocol of ours (RFC 7983) */
    TC_GUARD_DROP_STUN_FORMAT,   /* see tc_stun_read() */
    TC_GUARD_DROP_STUN_TYPE,     /* no Binding request or response: also a keepalive indication */
    TC_GUARD_DROP_STUN_ERROR,    /* an error response to a request of ours: guard->stun_error */
    TC_GUARD_DROP_STUN_USERNAME, /* a request whose USERNAME is not local:remote */
    TC_GUARD_DROP_STUN_TRANSACTION, /* answers nothing that was sent to where it comes from */
    TC_GUARD_DROP_STUN_FINGERPRINT, /* FINGERPRINT is wrong */
    TC_GUARD_DROP_STUN_BUDGET,      /* this second's HMACs are used up */
    TC_GUARD_DROP_STUN_INTEGRITY,   /* MESSAGE-INTEGRITY is missing or wrong */
    TC_GUARD_DROP_DTLS_FORMAT,      /* a record header that RFC 6347 does not allow */
    TC_GUARD_DROP_DTLS_EPOCH,       /* a record of an epoch that is not, or no longer, in use */
    TC_GUARD_DROP_DTLS_REPLAY,      /* a protected record that passed before, or is too old */
    TC_GUARD_DROP_RTP_FORMAT,       /* a header that RFC 3550 does not allow, no room for the tag */
    TC_GUARD_DROP_RTP_TYPE,         /* another payload type than the negotiated one */
    TC_GUARD_DROP_RTCP_FORMAT,
    TC_GUARD_VERDICTS
} tc_guard_verdict;

#define TC_GUARD_FIRST_DROP TC_GUARD_DROP_ADDRESS

typedef struct {
    uint8_t ip[4];
    uint16_t port; /* host order */
} tc_guard_address;

/** Copied by tc_guard_init(). */
typedef struct {
    const char *local_ufrag, *local_pwd;
    const char *remote_ufrag, *remote_pwd;
    const tc_guard_address *candidates; /* where the server may be */
    size_t candidate_count;
    uint8_t payload_type; /* of the negotiated codec */
    tc_hmac_sha1 *hmac;
    void *hmac_context;
} tc_guard_config;

/** In the caller's memory, about 2.5 KB. Counters may be read; the rest is the guard's own. */
typedef struct {
    uint32_t passed[TC_GUARD_FIRST_DROP];
    uint32_t
        dropped[TC_GUARD_VERDICTS - TC_GUARD_FIRST_DROP]; /* by verdict - TC_GUARD_FIRST_DROP */
    uint16_t stun_error; /* code of the last error response to a request of ours; 0: none */

    char username[TC_STUN_USERNAME_MAX + 1];
    size_t username_length;
    char local_pwd[TC_GUARD_PWD_MAX + 1];
    char remote_pwd[TC_GUARD_PWD_MAX + 1];
    tc_guard_address candidates[TC_GUARD_CANDIDATES];
    size_t candidate_count;
    uint8_t payload_type;
    tc_hmac_sha1 *hmac;
    void *hmac_context;

    struct tc_guard_request {
        uint8_t id[TC_STUN_ID];
        tc_guard_address to;
        uint64_t at;
        bool open;
    } requests[16];
    unsigned next_request;
    struct tc_guard_bucket {
        uint32_t left; /* thousandths of an HMAC */
        uint64_t at;
    } request_budget, response_budget;
    uint32_t answered; /* a bit for each candidate that a verified response came from */
    bool chosen;
    tc_guard_address peer;
    uint64_t consent_at;

    uint64_t now_ms; /* of the last check */
    bool dtls_up;
    uint64_t dtls_up_at;
    bool opened;           /* a protected record was authenticated: */
    uint64_t opened_top;   /* the highest sequence number of those, */
    uint64_t opened_below; /* and which of the 64 up to it: bit 0 is the highest */
    struct tc_guard_record {
        uint64_t sequence;
        uint8_t tail[8];
    } seen[64]; /* protected records that passed last */
    unsigned seen_count, next_seen;
} tc_guard;

/** TC_ERR_SIZE: no candidate or too many, a credential that is empty or too long. Then nothing
 * passes. */
tc_err tc_guard_init(tc_guard *guard, const tc_guard_config *config, uint64_t now_ms);

/**
 * A Binding request goes out. A response passes once for each call, from `to`, within 30 s. The
 * same id may go to several addresses; the last 16 requests are remembered.
 */
void tc_guard_sent_request(tc_guard *guard, const uint8_t id[TC_STUN_ID],
                           const tc_guard_address *to, uint64_t now_ms);

/**
 * Judges a datagram and counts the verdict. `now_ms` is monotonic.
 *
 * Protected DTLS records (epoch 1) pass once. Of epoch 0 everything passes until
 * tc_guard_dtls_up(), since a handshake repeats its flights and nothing in them can be told from a
 * forgery; afterwards only what a client repeats that has missed our last flight (RFC 6347
 * section 4.2.4), and this until the first record of its is opened, or 30 s long.
 *
 * DTLS that is dropped as TC_GUARD_DROP_EARLY may be kept and judged again after the choice: a
 * server may begin before its response has arrived, and repeats itself after a second only.
 */
tc_guard_verdict tc_guard_check(tc_guard *guard, const tc_guard_address *from, const uint8_t *bytes,
                                size_t length, uint64_t now_ms);

/**
 * Fixes the pair: nothing from elsewhere passes any more. TC_ERR_NOT_FOUND: no candidate;
 * TC_ERR_STATE: no verified response came from there, or another one is chosen.
 */
tc_err tc_guard_choose(tc_guard *guard, const tc_guard_address *peer);

/** The DTLS handshake is over: RTP and RTCP may pass. */
void tc_guard_dtls_up(tc_guard *guard);

/**
 * The DTLS library has authenticated the first record of this datagram that passed: moves the
 * replay window (RFC 6347 section 4.1.2.6). Without this call a record is known again only among
 * the last 64 that passed.
 */
void tc_guard_opened(tc_guard *guard, const uint8_t *bytes, size_t length);

/**
 * Milliseconds since the last verified response, of the chosen pair once there is one; since
 * tc_guard_init() where there was none. Consent is gone at 30,000 (RFC 7675 section 5.1).
 */
uint32_t tc_guard_consent_age(const tc_guard *guard, uint64_t now_ms);

/** The verdict in a word or two, for the log: "replay". */
const char *tc_guard_word(tc_guard_verdict verdict);

#endif
