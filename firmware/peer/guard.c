#include "guard.h"

#include <string.h>

#include "bytes.h"

#define RESPONSE_MS 30000 /* RFC 7675 section 5.1: an answer later than that gives no consent */
#define LAST_FLIGHT_MS 30000
#define MOST_RECORDS 16    /* of one datagram; a flight of the handshake has about six */
#define RECORD_HEADER 13   /* RFC 6347 section 4.1 */
#define LEAST_PROTECTED 16 /* an AEAD tag */
#define SRTP_TAG 10        /* RFC 3711 section 4.2.1 */
#define RTP_HEADER 12
#define RTCP_HEADER 8
#define SRTCP_INDEX 4

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };
enum { CLIENT_HELLO = 1 };

static bool same(const tc_guard_address *a, const tc_guard_address *b) {
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* ---- set up -----------------------------------------------------------------------------------
 */

static bool copy(char *to, size_t capacity, const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length >= capacity) {
        return false;
    }
    memcpy(to, text, length + 1);
    return true;
}

tc_err tc_guard_init(tc_guard *guard, const tc_guard_config *config, uint64_t now_ms) {
    memset(guard, 0, sizeof *guard);
    size_t local = strlen(config->local_ufrag), remote = strlen(config->remote_ufrag);
    if (config->candidate_count == 0 || config->candidate_count > TC_GUARD_CANDIDATES ||
        local == 0 || remote == 0 || local + 1 + remote > TC_STUN_USERNAME_MAX ||
        !copy(guard->local_pwd, sizeof guard->local_pwd, config->local_pwd) ||
        !copy(guard->remote_pwd, sizeof guard->remote_pwd, config->remote_pwd)) {
        return TC_ERR_SIZE;
    }
    memcpy(guard->username, config->local_ufrag, local);
    guard->username[local] = ':';
    memcpy(guard->username + local + 1, config->remote_ufrag, remote);
    guard->username_length = local + 1 + remote;
    memcpy(guard->candidates, config->candidates,
           config->candidate_count * sizeof guard->candidates[0]);
    guard->candidate_count = config->candidate_count;
    guard->payload_type = config->payload_type;
    guard->hmac = config->hmac;
    guard->hmac_context = config->hmac_context;
    guard->request_budget.left = TC_GUARD_REQUESTS_PER_SECOND * 250;
    guard->response_budget.left = TC_GUARD_RESPONSES_PER_SECOND * 250;
    guard->consent_at = guard->now_ms = now_ms;
    return TC_OK;
}

/* Its place in the list, or -1. */
static int find(const tc_guard *guard, const tc_guard_address *address) {
    for (size_t i = 0; i < guard->candidate_count; i++) {
        if (same(&guard->candidates[i], address)) {
            return (int)i;
        }
    }
    return -1;
}

tc_err tc_guard_choose(tc_guard *guard, const tc_guard_address *peer) {
    int candidate = find(guard, peer);
    if (candidate < 0) {
        return TC_ERR_NOT_FOUND;
    }
    if ((guard->answered >> candidate & 1) == 0 || (guard->chosen && !same(&guard->peer, peer))) {
        return TC_ERR_STATE;
    }
    guard->chosen = true;
    guard->peer = *peer;
    return TC_OK;
}

/* ---- STUN -------------------------------------------------------------------------------------
 */

void tc_guard_sent_request(tc_guard *guard, const uint8_t id[TC_STUN_ID],
                           const tc_guard_address *to, uint64_t now_ms) {
    struct tc_guard_request *request = NULL;
    for (size_t i = 0; i < sizeof guard->requests / sizeof guard->requests[0]; i++) {
        if (same(&guard->requests[i].to, to) &&
            memcmp(guard->requests[i].id, id, TC_STUN_ID) == 0) {
            request = &guard->requests[i]; /* repeated */
        }
    }
    if (request == NULL) {
        request = &guard->requests[guard->next_request++ %
                                   (sizeof guard->requests / sizeof guard->requests[0])];
    }
    memcpy(request->id, id, TC_STUN_ID);
    request->to = *to;
    request->at = now_ms;
    request->open = true;
}

static struct tc_guard_request *find_request(tc_guard *guard, const uint8_t *id,
                                             const tc_guard_address *from, uint64_t now_ms) {
    for (size_t i = 0; i < sizeof guard->requests / sizeof guard->requests[0]; i++) {
        struct tc_guard_request *request = &guard->requests[i];
        if (request->open && memcmp(request->id, id, TC_STUN_ID) == 0 && same(&request->to, from) &&
            now_ms - request->at <= RESPONSE_MS) {
            return request;
        }
    }
    return NULL;
}

/* Takes one HMAC out of the bucket, which holds a quarter of a second. */
static bool afford(struct tc_guard_bucket *bucket, uint32_t per_second, uint64_t now_ms) {
    uint64_t elapsed = now_ms - bucket->at;
    uint32_t most = per_second * 250;
    uint32_t more = elapsed > 250 ? most : (uint32_t)elapsed * per_second;
    bucket->left = bucket->left + more > most ? most : bucket->left + more;
    bucket->at = now_ms;
    if (bucket->left < 1000) {
        return false;
    }
    bucket->left -= 1000;
    return true;
}

static tc_guard_verdict check_request(tc_guard *guard, const uint8_t *bytes,
                                      const tc_stun_message *message, uint64_t now_ms) {
    if (message->username_length != guard->username_length ||
        memcmp(message->username, guard->username, guard->username_length) != 0) {
        return TC_GUARD_DROP_STUN_USERNAME;
    }
    if (message->fingerprint != NULL && !tc_stun_fingerprint_ok(bytes, message)) {
        return TC_GUARD_DROP_STUN_FINGERPRINT;
    }
    if (message->integrity == NULL) {
        return TC_GUARD_DROP_STUN_INTEGRITY;
    }
    if (!afford(&guard->request_budget, TC_GUARD_REQUESTS_PER_SECOND, now_ms)) {
        return TC_GUARD_DROP_STUN_BUDGET;
    }
    return tc_stun_integrity_ok(bytes, message, guard->local_pwd, guard->hmac, guard->hmac_context)
               ? TC_GUARD_PASS_STUN_REQUEST
               : TC_GUARD_DROP_STUN_INTEGRITY;
}

static tc_guard_verdict check_response(tc_guard *guard, int candidate, const uint8_t *bytes,
                                       const tc_stun_message *message, uint64_t now_ms) {
    struct tc_guard_request *request =
        find_request(guard, message->id, &guard->candidates[candidate], now_ms);
    if (request == NULL) {
        return TC_GUARD_DROP_STUN_TRANSACTION;
    }
    if (message->type == TC_STUN_ERROR) {
        /* It may come without MESSAGE-INTEGRITY, so it ends nothing; the code helps to see why. */
        guard->stun_error = message->error;
        return TC_GUARD_DROP_STUN_ERROR;
    }
    if (message->fingerprint != NULL && !tc_stun_fingerprint_ok(bytes, message)) {
        return TC_GUARD_DROP_STUN_FINGERPRINT;
    }
    if (message->integrity == NULL) {
        return TC_GUARD_DROP_STUN_INTEGRITY;
    }
    if (!afford(&guard->response_budget, TC_GUARD_RESPONSES_PER_SECOND, now_ms)) {
        return TC_GUARD_DROP_STUN_BUDGET;
    }
    if (!tc_stun_integrity_ok(bytes, message, guard->remote_pwd, guard->hmac,
                              guard->hmac_context)) {
        return TC_GUARD_DROP_STUN_INTEGRITY;
    }
    request->open = false;
    guard->answered |= 1u << candidate;
    guard->consent_at = now_ms;
    return TC_GUARD_PASS_STUN_RESPONSE;
}

static tc_guard_verdict check_stun(tc_guard *guard, int candidate, const uint8_t *bytes,
                                   size_t length, uint64_t now_ms) {
    tc_stun_message message;
    switch (tc_stun_read(bytes, length, &message)) {
    case TC_OK:
        break;
    case TC_ERR_TYPE:
        return TC_GUARD_DROP_STUN_TYPE;
    default:
        return TC_GUARD_DROP_STUN_FORMAT;
    }
    return message.type == TC_STUN_REQUEST
               ? check_request(guard, bytes, &message, now_ms)
               : check_response(guard, candidate, bytes, &message, now_ms);
}

uint32_t tc_guard_consent_age(const tc_guard *guard, uint64_t now_ms) {
    uint64_t age = now_ms < guard->consent_at ? 0 : now_ms - guard->consent_at;
    return age < UINT32_MAX ? (uint32_t)age : UINT32_MAX;
}

/* ---- DTLS 1.2 ---------------------------------------------------------------------------------
 */

typedef struct {
    uint8_t type;
    uint16_t epoch;
    uint64_t sequence;
    const uint8_t *fragment;
    size_t length;
} record;

/* Reads the record at `bytes`; it has at least one byte of fragment. */
static bool read_record(const uint8_t *bytes, size_t length, record *out) {
    if (length < RECORD_HEADER + 1) {
        return false;
    }
    out->type = bytes[0];
    out->epoch = tc_read_u16(bytes + 3);
    out->sequence = 0;
    for (int i = 5; i < 11; i++) {
        out->sequence = out->sequence << 8 | bytes[i];
    }
    out->fragment = bytes + RECORD_HEADER;
    out->length = tc_read_u16(bytes + 11);
    /* No heartbeat (24), no connection id (25): neither is offered. DTLS 1.2, whose first
     * ClientHello may still say 1.0. */
    bool version = bytes[1] == 0xFE && (bytes[2] == 0xFD || (bytes[2] == 0xFF && out->epoch == 0));
    return version && out->type >= CHANGE_CIPHER_SPEC && out->type <= APPLICATION_DATA &&
           out->length > 0 && out->length <= length - RECORD_HEADER;
}

static bool plain_ok(const record *plain) {
    switch (plain->type) {
    case CHANGE_CIPHER_SPEC:
        return plain->length == 1;
    case ALERT:
        return plain->length == 2;
    case HANDSHAKE:
        return plain->length >= 12; /* RFC 6347 section 4.2.2 */
    default:
        return false; /* data is never in the clear */
    }
}

/* The end of a protected record is its tag, which nobody guesses: another record of the same
 * sequence number, which anybody may send, is another one. */
static bool seen_before(const tc_guard *guard, const record *protected) {
    const uint8_t *tail = protected->fragment + protected->length - 8;
    for (unsigned i = 0; i < guard->seen_count; i++) {
        if (guard->seen[i].sequence == protected->sequence &&
            memcmp(guard->seen[i].tail, tail, 8) == 0) {
            return true;
        }
    }
    if (!guard->opened || protected->sequence > guard->opened_top) {
        return false;
    }
    uint64_t age = guard->opened_top - protected->sequence;
    return age >= 64 || (guard->opened_below >> age & 1) != 0;
}

static tc_guard_verdict check_record(const tc_guard *guard, const record *this, uint64_t now_ms) {
    if (this->epoch > 1) {
        return TC_GUARD_DROP_DTLS_EPOCH; /* renegotiation is not offered */
    }
    if (this->sequence >> 32 != 0) {
        return TC_GUARD_DROP_DTLS_FORMAT; /* they count from 0 */
    }
    if (this->epoch == 1) {
        if (this->length < LEAST_PROTECTED) {
            return TC_GUARD_DROP_DTLS_FORMAT;
        }
        return seen_before(guard, this) ? TC_GUARD_DROP_DTLS_REPLAY : TC_GUARD_PASS_DTLS;
    }
    if (!plain_ok(this)) {
        return TC_GUARD_DROP_DTLS_FORMAT;
    }
    if (guard->dtls_up) {
        bool flight = this->type == CHANGE_CIPHER_SPEC ||
                      (this->type == HANDSHAKE && this->fragment[0] != CLIENT_HELLO);
        if (!flight || guard->opened || now_ms - guard->dtls_up_at > LAST_FLIGHT_MS) {
            return TC_GUARD_DROP_DTLS_EPOCH;
        }
    }
    return TC_GUARD_PASS_DTLS;
}

static void keep_seen(tc_guard *guard, const record *protected) {
    const unsigned room = sizeof guard->seen / sizeof guard->seen[0];
    struct tc_guard_record *kept = &guard->seen[guard->next_seen++ % room];
    kept->sequence = protected->sequence;
    memcpy(kept->tail, protected->fragment + protected->length - 8, 8);
    if (guard->seen_count < room) {
        guard->seen_count++;
    }
}

static tc_guard_verdict check_dtls(tc_guard *guard, const uint8_t *bytes, size_t length,
                                   uint64_t now_ms) {
    record records[MOST_RECORDS];
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        record *this = &records[count];
        if (count == MOST_RECORDS || !read_record(bytes + at, length - at, this)) {
            return TC_GUARD_DROP_DTLS_FORMAT;
        }
        if (count > 0 && (this->epoch < this[-1].epoch ||
                          (this->epoch == this[-1].epoch && this->sequence <= this[-1].sequence))) {
            return TC_GUARD_DROP_DTLS_FORMAT; /* a sender counts upwards */
        }
        tc_guard_verdict verdict = check_record(guard, this, now_ms);
        if (verdict != TC_GUARD_PASS_DTLS) {
            return verdict;
        }
        at += RECORD_HEADER + this->length;
        count++;
    }
    if (!guard->chosen) {
        return TC_GUARD_DROP_EARLY;
    }
    for (size_t i = 0; i < count; i++) {
        if (records[i].epoch == 1) {
            keep_seen(guard, &records[i]);
        }
    }
    return TC_GUARD_PASS_DTLS;
}

void tc_guard_dtls_up(tc_guard *guard) {
    guard->dtls_up = true;
    guard->dtls_up_at = guard->now_ms;
}

void tc_guard_opened(tc_guard *guard, const uint8_t *bytes, size_t length) {
    record first;
    if (!read_record(bytes, length, &first) || first.epoch != 1) {
        return;
    }
    if (!guard->opened) {
        guard->opened = true;
        guard->opened_top = first.sequence;
        guard->opened_below = 1;
    } else if (first.sequence > guard->opened_top) {
        uint64_t step = first.sequence - guard->opened_top;
        guard->opened_below = step < 64 ? guard->opened_below << step | 1 : 1;
        guard->opened_top = first.sequence;
    } else if (guard->opened_top - first.sequence < 64) {
        guard->opened_below |= (uint64_t)1 << (guard->opened_top - first.sequence);
    }
}

/* ---- SRTP, SRTCP ------------------------------------------------------------------------------
 */

static bool cookie_at_4(const uint8_t *bytes) {
    static const uint8_t cookie[4] = {0x21, 0x12, 0xA4, 0x42};
    return memcmp(bytes + 4, cookie, sizeof cookie) == 0;
}

static tc_guard_verdict check_rtp(const tc_guard *guard, const uint8_t *bytes, size_t length) {
    if (length < RTP_HEADER + SRTP_TAG) {
        return TC_GUARD_DROP_RTP_FORMAT;
    }
    if ((bytes[1] & 0x7F) != guard->payload_type) {
        return TC_GUARD_DROP_RTP_TYPE;
    }
    size_t header = RTP_HEADER + 4u * (bytes[0] & 0x0F), end = length - SRTP_TAG;
    if (header > end) {
        return TC_GUARD_DROP_RTP_FORMAT;
    }
    if ((bytes[0] & 0x10) != 0) { /* extension: RFC 3550 section 5.3.1 */
        if (end - header < 4 || 4u * tc_read_u16(bytes + header + 2) > end - header - 4) {
            return TC_GUARD_DROP_RTP_FORMAT;
        }
    }
    /* A timestamp that is the magic cookie: libpeer would take the packet for STUN, and copy it
     * into 256 bytes. */
    return cookie_at_4(bytes) ? TC_GUARD_DROP_RTP_FORMAT : TC_GUARD_PASS_RTP;
}

/* Only the first eight bytes are in the clear (RFC 3711 section 3.4). */
static tc_guard_verdict check_rtcp(const uint8_t *bytes, size_t length) {
    if (length < RTCP_HEADER + SRTCP_INDEX + SRTP_TAG) {
        return TC_GUARD_DROP_RTCP_FORMAT;
    }
    size_t first = 4u * (tc_read_u16(bytes + 2) + 1u);
    if (first < RTCP_HEADER || first > length - SRTCP_INDEX - SRTP_TAG) {
        return TC_GUARD_DROP_RTCP_FORMAT;
    }
    return cookie_at_4(bytes) ? TC_GUARD_DROP_RTCP_FORMAT : TC_GUARD_PASS_RTCP;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static tc_guard_verdict judge(tc_guard *guard, const tc_guard_address *from, const uint8_t *bytes,
                              size_t length, uint64_t now_ms) {
    int candidate = find(guard, from);
    if (candidate < 0) {
        return TC_GUARD_DROP_ADDRESS;
    }
    if (guard->chosen && !same(&guard->peer, from)) {
        return TC_GUARD_DROP_NOT_CHOSEN;
    }
    if (bytes == NULL || length == 0 || length > TC_GUARD_DATAGRAM_MAX) {
        return TC_GUARD_DROP_LENGTH;
    }
    uint8_t first = bytes[0]; /* RFC 7983 section 7 */
    if (first < 4) {
        return check_stun(guard, candidate, bytes, length, now_ms);
    }
    if (first >= 20 && first < 64) {
        return check_dtls(guard, bytes, length, now_ms);
    }
    if (first < 128 || first >= 192) {
        return TC_GUARD_DROP_KIND;
    }
    if (!guard->dtls_up || !guard->chosen) {
        return TC_GUARD_DROP_EARLY;
    }
    if (length < 2) {
        return TC_GUARD_DROP_RTP_FORMAT;
    }
    /* RFC 5761 section 4 */
    return bytes[1] >= 192 && bytes[1] < 224 ? check_rtcp(bytes, length)
                                             : check_rtp(guard, bytes, length);
}

tc_guard_verdict tc_guard_check(tc_guard *guard, const tc_guard_address *from, const uint8_t *bytes,
                                size_t length, uint64_t now_ms) {
    guard->now_ms = now_ms;
    tc_guard_verdict verdict = judge(guard, from, bytes, length, now_ms);
    if (verdict < TC_GUARD_FIRST_DROP) {
        guard->passed[verdict]++;
    } else {
        guard->dropped[verdict - TC_GUARD_FIRST_DROP]++;
    }
    return verdict;
}

const char *tc_guard_word(tc_guard_verdict verdict) {
    static const char *const words[TC_GUARD_VERDICTS] = {
        "STUN request", "STUN response", "DTLS",        "RTP",         "RTCP",        "address",
        "not chosen",   "early",         "length",      "kind",        "STUN format", "STUN type",
        "STUN error",   "username",      "transaction", "fingerprint", "budget",      "integrity",
        "DTLS format",  "epoch",         "replay",      "RTP format",  "RTP type",    "RTCP format",
    };
    return (unsigned)verdict < TC_GUARD_VERDICTS ? words[verdict] : "";
}
