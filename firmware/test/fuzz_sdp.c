/*
 * Any text, and a good answer with lines of the input in it: the reader ends; what it takes keeps
 * its promises; and what is written for libpeer is read by a parser like libpeer's (CRLF, 256 bytes
 * a line, places counted from the begin of the line) as what it was.
 */
#include "../peer/sdp.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FINGERPRINT                                                                                \
    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:"   \
    "CD:EF"

static const tc_sdp_offer offer = {
    .ufrag = "h6vY", .pwd = "VOkJxbRl1RmTxUk/WvJxBt", .fingerprint = FINGERPRINT, .opus = 111};

static const char *const good[] = {
    "v=0",
    "a=group:BUNDLE audio data",
    "a=ice-ufrag:JjSg",
    "a=ice-pwd:YtlUVZJwCkTFmTuRPPGjAX",
    "a=fingerprint:sha-256 " FINGERPRINT,
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=setup:active",
    "a=mid:audio",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=candidate:1 1 udp 2130706431 203.0.113.10 3478 typ host",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=mid:data",
};

/* What agent_set_remote_description() and peer_connection_set_remote_description() look at. */
static void check_libpeer(const char *text, size_t length, const tc_sdp_answer *answer) {
    size_t candidates = 0, lines = 0;
    bool ufrag = false, pwd = false, fingerprint = false, ssrc = false, audio = false;
    CHECK_EQ(strlen(text), length);
    while (*text != '\0') {
        const char *end = strstr(text, "\r\n");
        CHECK(end != NULL);
        size_t line = (size_t)(end - text);
        CHECK(line < 200 && memchr(text, '\n', line) == NULL && memchr(text, '\r', line) == NULL);
        if (strncmp(text, "a=ice-ufrag:", 12) == 0) {
            CHECK_TEXT(text + 12, line - 12, answer->ufrag);
            ufrag = true;
        } else if (strncmp(text, "a=ice-pwd:", 10) == 0) {
            CHECK_TEXT(text + 10, line - 10, answer->pwd);
            pwd = true;
        } else if (strncmp(text, "a=fingerprint:", 14) == 0) {
            CHECK_TEXT(text + 22, line - 22, answer->fingerprint);
            fingerprint = true;
        } else if (strncmp(text, "a=candidate:", 12) == 0) {
            CHECK_EQ(text[12], '1' + (int)candidates++); /* its own foundation */
            CHECK_TEXT(text + 13, 7, " 1 UDP ");
        } else if (strncmp(text, "a=ssrc:", 7) == 0) {
            CHECK(audio);
            ssrc = true;
        }
        audio = audio || strncmp(text, "m=audio", 7) == 0;
        lines++;
        text = end + 2;
    }
    CHECK(ufrag && pwd && fingerprint && ssrc);
    CHECK_EQ(candidates, answer->candidate_count);
    CHECK_EQ(lines, 7 + candidates);
}

static void check_answer(const tc_sdp_answer *a) {
    size_t ufrag = strlen(a->ufrag), pwd = strlen(a->pwd);
    CHECK(ufrag >= 4 && ufrag <= TC_SDP_UFRAG_MAX && pwd >= 22 && pwd <= TC_SDP_PWD_MAX);
    CHECK_EQ(strlen(a->fingerprint), TC_SDP_FINGERPRINT);
    CHECK_EQ(a->opus, 111);
    CHECK(a->sends || a->receives);
    CHECK(a->sctp_port != 0 && a->max_message_size != 0);
    CHECK(a->candidate_count > 0 && a->candidate_count <= TC_SDP_CANDIDATES);
    for (size_t i = 0; i < a->candidate_count; i++) {
        CHECK(a->candidates[i].port != 0 && a->candidates[i].ip[0] != 0);
        CHECK(a->priorities[i] > 0 && (i == 0 || a->priorities[i] <= a->priorities[i - 1]));
        for (size_t k = 0; k < i; k++) {
            CHECK(memcmp(a->candidates[i].ip, a->candidates[k].ip, 4) != 0 ||
                  a->candidates[i].port != a->candidates[k].port);
        }
    }
}

static void try(const char *text, size_t length) {
    static char out[TC_SDP_LIBPEER_SIZE];
    static tc_sdp_answer answer;
    const char *why = NULL;
    tc_err error = tc_sdp_read_answer(text, length, &offer, &answer, &why);
    CHECK(error == TC_OK || error == TC_ERR_FORMAT);
    CHECK_EQ(error == TC_OK, strlen(why) == 0);
    CHECK(answer.candidate_count <= TC_SDP_CANDIDATES);
    if (error == TC_OK) {
        check_answer(&answer);
        int written = tc_sdp_write_for_libpeer(&answer, out, sizeof out);
        CHECK(written > 0);
        check_libpeer(out, (size_t)written, &answer);
    }
}

static void add(char *to, size_t *length, const void *bytes, size_t size) {
    memcpy(to + *length, bytes, size);
    *length += size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[9000];
    size_t length = 0, used = 2;
    try((const char *)data, size);
    if (size < 2 || size > 4096) {
        return 0;
    }
    /* The good answer: one line is left out or kept, and before one comes the input. */
    const size_t lines = sizeof good / sizeof good[0];
    for (size_t i = 0; i < lines; i++) {
        if (i == data[0] % (lines + 1)) {
            add(text, &length, data + used, size - used);
            add(text, &length, "\r\n", 2);
        }
        if (i != data[1] % (2 * lines)) {
            add(text, &length, good[i], strlen(good[i]));
            add(text, &length, "\r\n", 2);
        }
    }
    try(text, length);
    /* And one byte of it is another. */
    text[(size_t)(data[0] << 8 | data[1]) % length] ^= (char)data[size - 1];
    try(text, length);
    return 0;
}
