/*
 * A call under fire: the input is a list of steps, each a kind, a length, and bytes; datagrams as
 * they are, and true ones with an edit. Whatever passes has the form that the parsers behind the
 * guard rely on, comes from where it may, and, once protected, passes once.
 */
#include "check.h"
#include "guard_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAW, REQUEST, RESPONSE, SENT, DATA, FLIGHT, RTP, RTCP, CHOOSE, UP, WAIT, KINDS };

static guard_world w;
static uint8_t datagram[2048];
static struct {
    uint64_t sequence;
    uint8_t tail[8];
} passed[64]; /* protected records */
static unsigned passed_count;
static bool chosen, up;

static unsigned u16(const uint8_t *at) {
    return (unsigned)(at[0] << 8 | at[1]);
}

static void check_stun(const uint8_t *bytes, size_t length, unsigned type) {
    CHECK(length >= 20 && length <= 256);
    CHECK_EQ(u16(bytes), type);
    CHECK_EQ(u16(bytes + 2) + 20, length);
    CHECK_BYTES(bytes + 4, "\x21\x12\xa4\x42", 4);
    size_t at = 20;
    bool integrity = false;
    while (at < length) {
        CHECK(at + 4 + u16(bytes + at + 2) <= length);
        integrity = integrity || u16(bytes + at) == 8;
        at += 4 + (u16(bytes + at + 2) + 3u) / 4 * 4;
    }
    CHECK_EQ(at, length);
    CHECK(integrity);
}

static void check_protected(const uint8_t *record, size_t fragment) {
    uint64_t sequence = 0;
    for (int i = 5; i < 11; i++) {
        sequence = sequence << 8 | record[i];
    }
    const uint8_t *tail = record + 13 + fragment - 8;
    for (unsigned i = 0; i < passed_count && i < 64; i++) {
        CHECK(passed[i].sequence != sequence || memcmp(passed[i].tail, tail, 8) != 0);
    }
    passed[passed_count % 64].sequence = sequence;
    memcpy(passed[passed_count++ % 64].tail, tail, 8);
}

static void check_dtls(const uint8_t *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        CHECK(at + 13 < length);
        unsigned epoch = u16(bytes + at + 3);
        size_t fragment = u16(bytes + at + 11);
        CHECK(bytes[at] >= 20 && bytes[at] <= 23 && epoch <= 1 && bytes[at + 1] == 0xFE);
        CHECK(epoch == 1 || bytes[at] != 23);
        CHECK(fragment > 0 && at + 13 + fragment <= length);
        CHECK(!up || epoch == 1 || (bytes[at] != 21 && !(bytes[at] == 22 && bytes[at + 13] == 1)));
        if (epoch == 1) {
            check_protected(bytes + at, fragment);
        }
        at += 13 + fragment;
    }
    CHECK_EQ(at, length);
}

static void check(const tc_guard_address *from, size_t length) {
    tc_guard before = w.guard;
    tc_guard_verdict verdict = guard_verdict(&w, from, datagram, length);
    if (verdict >= TC_GUARD_FIRST_DROP) {
        CHECK_EQ(w.guard.consent_at, before.consent_at);
        CHECK_EQ(w.guard.answered, before.answered);
        CHECK_EQ(memcmp(w.guard.requests, before.requests, sizeof before.requests), 0);
        CHECK_EQ(w.guard.next_seen, before.next_seen);
        return;
    }
    CHECK(from == &server || (from == &other && !chosen));
    CHECK(length > 0 && length <= TC_GUARD_DATAGRAM_MAX);
    switch (verdict) {
    case TC_GUARD_PASS_STUN_REQUEST:
        check_stun(datagram, length, 0x0001);
        break;
    case TC_GUARD_PASS_STUN_RESPONSE:
        check_stun(datagram, length, 0x0101);
        CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 0);
        break;
    case TC_GUARD_PASS_DTLS:
        CHECK(chosen);
        check_dtls(datagram, length);
        break;
    case TC_GUARD_PASS_RTP:
        CHECK(chosen && up && length >= 22 && (datagram[1] & 0x7F) == PAYLOAD_TYPE);
        CHECK(memcmp(datagram + 4, "\x21\x12\xa4\x42", 4) != 0);
        break;
    default:
        CHECK(chosen && up && length >= 22 && datagram[1] >= 192 && datagram[1] < 224);
        CHECK(4 * (u16(datagram + 2) + 1) + 14 <= length);
        CHECK(memcmp(datagram + 4, "\x21\x12\xa4\x42", 4) != 0);
        break;
    }
}

/* A true datagram of this kind; the first byte of the input says which. */
static size_t make(int kind, uint8_t which, const uint8_t *bytes, size_t size) {
    switch (kind) {
    case REQUEST:
        return server_request(datagram, which & 1 ? "nope" : LOCAL_UFRAG,
                              which & 2 ? REMOTE_PWD : LOCAL_PWD);
    case RESPONSE:
        return server_response(datagram, guard_id(which & 7), which & 8 ? LOCAL_PWD : REMOTE_PWD);
    case DATA:
        return dtls_record(datagram, (uint8_t)(20 + which % 4), which >> 7 ? 0 : 1, which % 32, 40,
                           which & 64);
    case FLIGHT: {
        size_t length = dtls_record(datagram, 22, 0, which, 20, which & 15);
        return length + dtls_record(datagram + length, 20, 0, which + 1u, 1, 1) +
               dtls_record(datagram + length + 14, 22, 1, which, 40, 7);
    }
    case RTP:
        return rtp_packet(datagram, (uint8_t)(which & 1 ? 0x80 | PAYLOAD_TYPE : PAYLOAD_TYPE),
                          which);
    case RTCP:
        return rtcp_packet(datagram);
    default:
        memcpy(datagram, bytes, size);
        return size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const tc_guard_address *const from[] = {&server, &other, &stranger, &server};
    guard_world_init(&w);
    passed_count = 0;
    chosen = up = false;
    for (size_t at = 0; at + 3 <= size;) {
        int kind = data[at] % 16 % KINDS;
        const tc_guard_address *address = from[data[at] / 16 % 4];
        uint8_t which = data[at + 1];
        size_t length = size - at - 3 < data[at + 2] ? size - at - 3 : data[at + 2];
        const uint8_t *bytes = data + at + 3;
        at += 3 + length;
        w.now += which;
        if (kind == SENT) {
            tc_guard_sent_request(&w.guard, guard_id(which & 7), address, w.now);
        } else if (kind == CHOOSE) {
            chosen = tc_guard_choose(&w.guard, &server) == TC_OK;
        } else if (kind == UP) {
            tc_guard_dtls_up(&w.guard);
            up = true;
        } else if (kind == WAIT) {
            w.now += (uint64_t)which << 8;
        } else {
            size_t made = make(kind, which, bytes, length);
            /* Edits: pairs of a place and what is added there. */
            for (size_t i = 0; kind != RAW && i + 2 <= length; i += 2) {
                datagram[bytes[i] % made] += bytes[i + 1];
            }
            uint32_t before = w.guard.passed[TC_GUARD_PASS_DTLS];
            check(address, made);
            if (w.guard.passed[TC_GUARD_PASS_DTLS] > before && up && which % 3 == 0) {
                tc_guard_opened(&w.guard, datagram, made);
            }
        }
    }
    return 0;
}
