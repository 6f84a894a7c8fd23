/* Descriptions out; in: sdp.c. */
#include "sdp.h"

#include <string.h>

typedef struct {
    char *out;
    size_t capacity, length;
    bool full;
} writer;

static void put(writer *to, const char *text) {
    size_t length = strlen(text);
    if (to->full || length >= to->capacity - to->length) {
        to->full = true;
        return;
    }
    memcpy(to->out + to->length, text, length + 1);
    to->length += length;
}

static void put_number(writer *to, uint64_t value) {
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(to, digits + at);
}

static void put_hex(writer *to, uint64_t value) {
    char digits[17];
    for (int i = 15; i >= 0; i--, value >>= 4) {
        digits[i] = "0123456789abcdef"[value & 15];
    }
    digits[16] = '\0';
    put(to, digits);
}

/* A line of text, number and text again. */
static void put_line(writer *to, const char *before, uint64_t number, const char *after) {
    put(to, before);
    put_number(to, number);
    put(to, after);
    put(to, "\r\n");
}

static void put_text(writer *to, const char *before, const char *text) {
    put(to, before);
    put(to, text);
    put(to, "\r\n");
}

static void put_candidate(writer *to, size_t foundation, uint32_t priority,
                          const tc_guard_address *address, const char *kind) {
    put(to, "a=candidate:");
    put_number(to, foundation);
    put(to, " 1 UDP ");
    put_number(to, priority);
    for (int i = 0; i < 4; i++) {
        put(to, i == 0 ? " " : ".");
        put_number(to, address->ip[i]);
    }
    put(to, " ");
    put_number(to, address->port);
    put_text(to, " typ ", kind);
}

static int end(const writer *to) {
    return to->full ? TC_ERR_SIZE : (int)to->length;
}

static writer begin(char *out, size_t capacity) {
    return (writer){.out = out, .capacity = capacity, .full = capacity == 0};
}

/*
 * libpeer cuts at CRLF, copies each line into 256 bytes, looks for the fingerprint 22 characters
 * into its line and compares it with upper case, takes the SSRC that follows m=audio, and forgets
 * all but the first candidate of a foundation.
 */
int tc_sdp_write_for_libpeer(const tc_sdp_answer *answer, char *out, size_t capacity) {
    static const char *const kinds[] = {"host", "srflx", "relay"};
    writer to = begin(out, capacity);
    put(&to, "v=0\r\n");
    put_line(&to, "m=audio 9 UDP/TLS/RTP/SAVPF ", answer->opus, "");
    put(&to, "a=setup:active\r\n");
    put_text(&to, "a=ice-ufrag:", answer->ufrag);
    put_text(&to, "a=ice-pwd:", answer->pwd);
    put_text(&to, "a=fingerprint:sha-256 ", answer->fingerprint);
    put_line(&to, "a=ssrc:", answer->has_ssrc ? answer->ssrc : 1, " cname:tincan");
    for (size_t i = 0; i < answer->candidate_count; i++) {
        put_candidate(&to, i + 1, answer->priorities[i], &answer->candidates[i],
                      kinds[answer->kinds[i]]);
    }
    return end(&to);
}

/* The transport is the bundle's, so both sections say the same (RFC 9143 section 7.2). */
static void put_transport(writer *to, const tc_sdp_offer *offer) {
    put(to, "c=IN IP4 0.0.0.0\r\n");
    put_text(to, "a=ice-ufrag:", offer->ufrag);
    put_text(to, "a=ice-pwd:", offer->pwd);
    put_text(to, "a=fingerprint:sha-256 ", offer->fingerprint);
    put(to, "a=setup:passive\r\n");
}

int tc_sdp_write_offer(const tc_sdp_offer *offer, char *out, size_t capacity) {
    writer to = begin(out, capacity);
    uint64_t session = offer->session_id & INT64_MAX;
    put_line(&to, "v=0\r\no=- ", session, " 1 IN IP4 0.0.0.0");
    put(&to, "s=-\r\nt=0 0\r\na=group:BUNDLE " TC_SDP_MID_AUDIO " " TC_SDP_MID_DATA "\r\n");

    put_line(&to, "m=audio 9 UDP/TLS/RTP/SAVPF ", offer->opus, "");
    put_transport(&to, offer);
    put(&to, "a=mid:" TC_SDP_MID_AUDIO "\r\na=sendrecv\r\na=rtcp-mux\r\n");
    put_line(&to, "a=rtpmap:", offer->opus, " opus/48000/2");
    put_line(&to, "a=fmtp:", offer->opus, " minptime=10;useinbandfec=0;stereo=0");
    put(&to, "a=ptime:20\r\na=msid:tincan voice\r\na=ssrc:");
    put_number(&to, offer->ssrc);
    put(&to, " cname:");
    put_hex(&to, session);
    put(&to, "\r\n");
    for (size_t i = 0; i < offer->candidate_count && i < TC_SDP_CANDIDATES; i++) {
        /* RFC 8445 section 5.1.2.1: type preference 126, local preferences downwards from 65535 */
        uint32_t priority = 126u << 24 | (65535u - (uint32_t)i) << 8 | 255u;
        put_candidate(&to, i + 1, priority, &offer->candidates[i], "host");
    }
    put(&to, "a=end-of-candidates\r\n");

    put(&to, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
    put_transport(&to, offer);
    put(&to, "a=mid:" TC_SDP_MID_DATA "\r\na=sctp-port:5000\r\n");
    put_line(&to, "a=max-message-size:", offer->max_message_size, "");
    return end(&to);
}
