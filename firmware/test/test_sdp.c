/* Answers in, descriptions out. What three WebRTC stacks answer to our offer:
 * test/peer-stacks.test.ts. */
#include "../peer/sdp.h"
#include "check.h"

#define FINGERPRINT                                                                                \
    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:"   \
    "CD:EF"

static const tc_sdp_offer offer = {
    .session_id = 0xF123456789ABCDEF,
    .ufrag = "h6vY",
    .pwd = "VOkJxbRl1RmTxUk/WvJxBt",
    .fingerprint = FINGERPRINT,
    .opus = 111,
    .ssrc = 0xFEDCBA98,
    .max_message_size = 65536,
    .candidates = {{{192, 168, 4, 2}, 50000}},
    .candidate_count = 1,
};

/* As the API answers: both sections say all, candidates over UDP and TCP, of components 1 and 2. */
static const char *const like_api =
    "v=0\r\n"
    "o=- 5043546633484176483 1747000000 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=msid-semantic:WMS *\r\n"
    "a=fingerprint:sha-256 "
    "a1:b2:c3:d4:e5:f6:07:18:29:3a:4b:5c:6d:7e:8f:90:a1:b2:c3:d4:e5:f6:07:18:29:3a:4b:5c:6d:7e:8f:"
    "90\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=group:BUNDLE audio data\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=setup:active\r\n"
    "a=mid:audio\r\n"
    "a=ice-ufrag:JjSgfOgzJ+iFmRzP\r\n"
    "a=ice-pwd:YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=ssrc:1617171717 cname:realtimeapi\r\n"
    "a=ssrc:1617171717 msid:realtimeapi audio\r\n"
    "a=ssrc:1617171717 mslabel:realtimeapi\r\n"
    "a=msid:realtimeapi audio\r\n"
    "a=sendrecv\r\n"
    "a=candidate:1 1 udp 2130706431 203.0.113.10 3478 typ host ufrag JjSgfOgzJ+iFmRzP\r\n"
    "a=candidate:1 2 udp 2130706431 203.0.113.10 3478 typ host ufrag JjSgfOgzJ+iFmRzP\r\n"
    "a=candidate:2 1 tcp 1671430143 203.0.113.10 3478 typ host tcptype passive\r\n"
    "a=candidate:2 2 tcp 1671430143 203.0.113.10 3478 typ host tcptype passive\r\n"
    "a=candidate:1 1 udp 2130706431 203.0.113.11 3478 typ host ufrag JjSgfOgzJ+iFmRzP\r\n"
    "a=end-of-candidates\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=setup:active\r\n"
    "a=mid:data\r\n"
    "a=sendrecv\r\n"
    "a=sctp-port:5000\r\n"
    "a=max-message-size:1073741823\r\n"
    "a=ice-ufrag:JjSgfOgzJ+iFmRzP\r\n"
    "a=ice-pwd:YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa\r\n";

static tc_sdp_answer a;
static const char *why;

static tc_err read_n(const char *text, size_t length) {
    return tc_sdp_read_answer(text, length, &offer, &a, &why);
}

static tc_err read(const char *text) {
    return read_n(text, strlen(text));
}

/* The answer above with one piece replaced; `now` may be empty. */
static const char *edited(const char *was, const char *now) {
    static char text[12000];
    const char *at = strstr(like_api, was);
    CHECK(at != NULL);
    size_t before = (size_t)(at - like_api), after = strlen(at + strlen(was));
    CHECK(before + strlen(now) + after < sizeof text);
    memcpy(text, like_api, before);
    memcpy(text + before, now, strlen(now));
    memcpy(text + before + strlen(now), at + strlen(was), after + 1);
    return text;
}

static void refused(const char *was, const char *now, const char *reason) {
    CHECK_EQ(read(edited(was, now)), TC_ERR_FORMAT);
    CHECK_STR(why, reason);
}

static void taken(const char *was, const char *now) {
    tc_err error = read(edited(was, now));
    CHECK_STR(why, "");
    CHECK_EQ(error, TC_OK);
}

TC_TEST(sdp_answer_like_that_of_the_api) {
    CHECK_EQ(read(like_api), TC_OK);
    CHECK_STR(why, "");
    CHECK_STR(a.ufrag, "JjSgfOgzJ+iFmRzP");
    CHECK_STR(a.pwd, "YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa");
    CHECK_STR(a.fingerprint, "A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90:"
                             "A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90");
    CHECK_EQ(a.opus, 111);
    CHECK(a.sends && a.receives);
    CHECK(a.has_ssrc);
    CHECK_EQ(a.ssrc, 1617171717);
    CHECK_EQ(a.candidate_count, 2);
    CHECK_BYTES(a.candidates[0].ip, "\xcb\0\x71\x0a", 4);
    CHECK_EQ(a.candidates[0].port, 3478);
    CHECK_EQ(a.priorities[0], 2130706431);
    CHECK_EQ(a.kinds[0], TC_SDP_HOST);
    CHECK_EQ(a.candidates[1].ip[3], 11);
    CHECK_EQ(a.sctp_port, 5000);
    CHECK_EQ(a.max_message_size, 1073741823);
    CHECK(a.end_of_candidates);
    CHECK(!a.ice_lite);
}

TC_TEST(sdp_lines_end_with_lf_too_and_may_be_of_any_length) {
    static char text[12000];
    size_t length = 0;
    for (const char *at = like_api; *at != '\0'; at++) {
        if (*at != '\r') {
            text[length++] = *at;
        }
    }
    CHECK_EQ(read_n(text, length), TC_OK);
    CHECK_EQ(read_n(text, length - 1), TC_OK); /* no end of line at the end */
    CHECK_EQ(a.candidate_count, 2);

    static char line[8000];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "a=candidate:", 12);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    taken("a=end-of-candidates\r\n", line);
    CHECK(!a.end_of_candidates);
}

TC_TEST(sdp_no_answer_is_read_beyond_its_end) {
    static char text[4096];
    size_t length = strlen(like_api);
    memcpy(text, like_api, length + 1);
    for (size_t cut = 0; cut < length; cut++) {
        tc_err error = read_n(text, cut);
        CHECK(error == TC_OK || (error == TC_ERR_FORMAT && strlen(why) > 0));
        CHECK(error == TC_ERR_FORMAT || cut > (size_t)(strstr(text, "a=mid:data") - text));
    }
    CHECK_EQ(read_n(NULL, 0), TC_ERR_FORMAT);
}

TC_TEST(sdp_answers_that_fit_no_offer_of_ours) {
    refused("v=0", "v=1", "it is no session description");
    refused("v=0\r\n", "{\"error\":{}}\r\n", "it is no session description");
    refused("m=audio", "m=video", "its media are not those of the offer");
    refused("m=application 9", "m=application 0", "the data channel is refused");
    refused("m=audio 9", "m=audio 0", "audio is refused");
    refused("UDP/TLS/RTP/SAVPF", "RTP/AVP", "audio is not SRTP keyed by DTLS");
    refused("UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "the data channel is not SCTP over DTLS over UDP");
    refused("SAVPF 111", "SAVPF 0", "audio is not the offered Opus");
    refused("rtpmap:111", "rtpmap:110", "audio is not the offered Opus");
    refused("opus/48000/2", "opus/16000", "the offered payload type is not Opus");
    refused("a=setup:active", "a=setup:passive",
            "setup is not active, although passive was offered");
    refused("a=setup:active\r\n", "", "setup is not active, although passive was offered");
    refused("a=rtcp-mux\r\n", "", "rtcp-mux is missing");
    refused("BUNDLE audio data", "BUNDLE audio", "its media are not bundled as offered");
    refused("a=mid:data", "a=mid:1", "its media are not bundled as offered");
    refused("a=sendrecv", "a=inactive", "audio is inactive");
    refused("sctp-port:5000", "sctp-port:0", "the SCTP port is none");
    refused("a=ice-ufrag:JjSgfOgzJ+iFmRzP\r\na=ice-pwd", "a=ice-pwd",
            "ice-ufrag is missing or not usable");
    refused("ice-ufrag:JjSgfOgzJ+iFmRzP", "ice-ufrag:Jj:", "ice-ufrag is missing or not usable");
    refused("ice-pwd:YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa", "ice-pwd:YtlUVZJwCkTFmTuRPPGjA",
            "ice-pwd is missing or not usable");
    static char name[80] = "ice-ufrag:", pwd[140] = "ice-pwd:";
    memset(name + 10, 'n', TC_SDP_UFRAG_MAX);
    memset(pwd + 8, 'p', TC_SDP_PWD_MAX);
    taken("ice-ufrag:JjSgfOgzJ+iFmRzP", name);
    taken("ice-pwd:YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa", pwd);
    name[10 + TC_SDP_UFRAG_MAX] = 'n';
    pwd[8 + TC_SDP_PWD_MAX] = 'p';
    refused("ice-ufrag:JjSgfOgzJ+iFmRzP", name, "ice-ufrag is missing or not usable");
    refused("ice-pwd:YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa", pwd, "ice-pwd is missing or not usable");
    refused("sha-256 a1", "sha-1 a1", "there is no SHA-256 fingerprint");
    refused("sha-256 a1:", "sha-256 ", "the fingerprint has another length than SHA-256");
    refused("a1:b2", "a1;b2", "the fingerprint is not hexadecimal");
    refused("a1:b2", "a1:g2", "the fingerprint is not hexadecimal");
    CHECK_EQ(read(edited("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=x")),
             TC_ERR_FORMAT);
    CHECK_STR(why, "it has less media than were offered");
    refused("a=sctp-port:5000\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
            "it has more media than were offered");
}

TC_TEST(sdp_defaults_are_those_of_the_rfcs) {
    taken("a=sctp-port:5000\r\n", "");
    CHECK_EQ(a.sctp_port, 5000);
    taken("a=max-message-size:1073741823\r\n", "");
    CHECK_EQ(a.max_message_size, 65536);
    taken("size:1073741823", "size:0");
    CHECK_EQ(a.max_message_size, UINT32_MAX);
    taken("size:1073741823", "size:99999999999");
    CHECK_EQ(a.max_message_size, UINT32_MAX);
    taken("a=sendrecv\r\na=candidate", "a=candidate");
    CHECK(a.sends && a.receives);
    taken("a=sendrecv\r\na=candidate", "a=sendonly\r\na=candidate");
    CHECK(a.sends && !a.receives);
    taken("a=extmap-allow-mixed", "a=ice-lite\r\na=recvonly");
    CHECK(a.ice_lite);
    CHECK(a.sends && a.receives); /* the section's word counts */
}

TC_TEST(sdp_the_transport_is_that_of_the_bundle) {
    /* In the session alone. */
    taken("t=0 0\r\n", "t=0 0\r\na=ice-ufrag:sess\r\na=ice-pwd:0123456789012345678901\r\n");
    CHECK_STR(a.ufrag, "JjSgfOgzJ+iFmRzP");
    /* Of two fingerprints the first. */
    taken("a=extmap-allow-mixed\r\n", "a=fingerprint:sha-256 " FINGERPRINT "\r\n");
    CHECK(strcmp(a.fingerprint, FINGERPRINT) != 0);
    /* The second section says something else, and is not the bundle's. */
    taken("a=sctp-port:5000\r\n", "a=setup:passive\r\na=fingerprint:sha-256 " FINGERPRINT "\r\n");
    CHECK(strcmp(a.fingerprint, FINGERPRINT) != 0);
    CHECK_STR(a.ufrag, "JjSgfOgzJ+iFmRzP");
    /* It is the one whose mid comes first. */
    static char text[4096];
    const char *swapped = edited("BUNDLE audio data", "BUNDLE data audio");
    memcpy(text, swapped, strlen(swapped) + 1);
    memcpy(strstr(text, "a=ice-ufrag:JjSg"), "a=ice-ufrag:abcd", 16); /* of audio */
    CHECK_EQ(read(text), TC_OK);
    CHECK_STR(a.ufrag, "JjSgfOgzJ+iFmRzP");
}

TC_TEST(sdp_candidates_are_ordered_and_counted_once) {
    static char lines[2000], text[12000];
    size_t used = 0;
    /* Ten of them, from the worst to the best; the fifth once more with a higher priority; and one
     * that is worse than all that there is room for. */
    for (int i = 0; i < 12; i++) {
        char line[] = "a=candidate:1 1 UDP 1000 10.0.0.0 5000 typ srflx raddr 1.2.3.4 rport 9\r\n";
        line[21] = (char)('0' + (i < 10 ? i : i == 10 ? 9 : 0));
        line[22] = i < 10 ? '0' : '5';
        line[32] = (char)('0' + (i < 10 ? i : i == 10 ? 4 : 1));
        memcpy(lines + used, line, sizeof line - 1);
        used += sizeof line - 1;
    }
    lines[used] = '\0';
    const char *base = edited("a=end-of-candidates\r\n", lines);
    memcpy(text, base, strlen(base) + 1);
    /* Not the API's own. */
    for (char *at = text; (at = strstr(at, " typ host")) != NULL;) {
        memcpy(at, " typ nono", 9);
    }
    tc_err error = read(text);
    CHECK_STR(why, "");
    CHECK_EQ(error, TC_OK);
    CHECK_EQ(a.candidate_count, TC_SDP_CANDIDATES);
    static const int last[] = {4, 9, 8, 7, 6, 5, 3, 2};
    for (size_t i = 0; i < TC_SDP_CANDIDATES; i++) {
        CHECK_EQ(a.candidates[i].ip[3], last[i]);
        CHECK_EQ(a.kinds[i], TC_SDP_SRFLX);
        CHECK(i == 0 || a.priorities[i] <= a.priorities[i - 1]);
    }
}

TC_TEST(sdp_candidates_that_cannot_be_used_are_passed_over) {
    static const char *const lines[] = {
        "1 1 tcp 2130706431 10.0.0.1 5000 typ host",
        "1 2 udp 2130706431 10.0.0.1 5000 typ host",
        "1 1 udp 2130706431 fe80::1 5000 typ host",
        "1 1 udp 2130706431 0a7c.local 5000 typ host",
        "1 1 udp 2130706431 10.0.0 5000 typ host",
        "1 1 udp 2130706431 10.0.0.1.1 5000 typ host",
        "1 1 udp 2130706431 10.0.0.256 5000 typ host",
        "1 1 udp 2130706431 10.0.0.01 5000 typ host",
        "1 1 udp 2130706431 0.0.0.0 5000 typ host",
        "1 1 udp 2130706431 224.0.0.1 5000 typ host",
        "1 1 udp 2130706431 255.255.255.255 5000 typ host",
        "1 1 udp 2130706431 10.0.0.1 0 typ host",
        "1 1 udp 2130706431 10.0.0.1 65536 typ host",
        "1 1 udp 0 10.0.0.1 5000 typ host",
        "1 1 udp 2147483648 10.0.0.1 5000 typ host",
        "1 1 udp -1 10.0.0.1 5000 typ host",
        "1 1 udp 2130706431 10.0.0.1 5000 typ prflx",
        "1 1 udp 2130706431 10.0.0.1 5000 host",
        "1 1 udp 2130706431 10.0.0.1 5000 typ",
        "1 1 udp",
        "",
    };
    char line[100] = "a=candidate:";
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        memcpy(line + 12, lines[i], strlen(lines[i]) + 1);
        memcpy(line + strlen(line), "\r\n", 3);
        taken("a=end-of-candidates\r\n", line);
        CHECK_EQ(a.candidate_count, 2);
    }
    taken("a=end-of-candidates", "a=candidate:1  1  Udp 7 10.0.0.1 5000 typ relay x y");
    CHECK_EQ(a.candidate_count, 3);
    CHECK_EQ(a.kinds[2], TC_SDP_RELAY);
}

TC_TEST(sdp_without_candidate_nobody_can_be_reached) {
    static char text[12000];
    memcpy(text, like_api, strlen(like_api) + 1);
    for (char *at = text; (at = strstr(at, " udp ")) != NULL;) {
        memcpy(at, " tcp ", 5);
    }
    CHECK_EQ(read(text), TC_ERR_FORMAT);
    CHECK_STR(why, "there is no candidate with UDP and IPv4");
}

TC_TEST(sdp_for_libpeer) {
    static char text[TC_SDP_LIBPEER_SIZE];
    static const char wanted[] =
        "v=0\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        "a=setup:active\r\n"
        "a=ice-ufrag:JjSgfOgzJ+iFmRzP\r\n"
        "a=ice-pwd:YtlUVZJwCkTFmTuRPPGjAXrSsEHnovAa\r\n"
        "a=fingerprint:sha-256 A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90:"
        "A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90\r\n"
        "a=ssrc:1617171717 cname:tincan\r\n"
        "a=candidate:1 1 UDP 2130706431 203.0.113.10 3478 typ host\r\n"
        "a=candidate:2 1 UDP 2130706431 203.0.113.11 3478 typ host\r\n";
    CHECK_EQ(read(like_api), TC_OK);
    CHECK_EQ(tc_sdp_write_for_libpeer(&a, text, sizeof text), (int)sizeof wanted - 1);
    CHECK_STR(text, wanted);
    for (size_t capacity = 0; capacity < sizeof wanted; capacity++) {
        CHECK_EQ(tc_sdp_write_for_libpeer(&a, text, capacity), TC_ERR_SIZE);
    }
    CHECK_EQ(tc_sdp_write_for_libpeer(&a, text, sizeof wanted), (int)sizeof wanted - 1);

    taken("a=ssrc:1617171717 cname:realtimeapi\r\na=ssrc:1617171717 msid:realtimeapi audio\r\n"
          "a=ssrc:1617171717 mslabel:realtimeapi\r\n",
          "");
    CHECK(!a.has_ssrc);
    CHECK(tc_sdp_write_for_libpeer(&a, text, sizeof text) > 0);
    CHECK(strstr(text, "a=ssrc:1 cname:tincan\r\n") != NULL);
}

TC_TEST(sdp_the_largest_descriptions_fit) {
    static char text[TC_SDP_OFFER_SIZE];
    memset(&a, 0, sizeof a);
    memset(a.ufrag, 'u', TC_SDP_UFRAG_MAX);
    memset(a.pwd, 'p', TC_SDP_PWD_MAX);
    memcpy(a.fingerprint, FINGERPRINT, sizeof FINGERPRINT);
    a.opus = 127;
    a.has_ssrc = true;
    a.ssrc = UINT32_MAX;
    for (size_t i = 0; i < TC_SDP_CANDIDATES; i++) {
        a.candidates[i] = (tc_guard_address){{223, 255, 255, 255}, 65535};
        a.priorities[i] = INT32_MAX;
        a.kinds[i] = TC_SDP_SRFLX;
    }
    a.candidate_count = TC_SDP_CANDIDATES;
    CHECK(tc_sdp_write_for_libpeer(&a, text, TC_SDP_LIBPEER_SIZE) > 0);

    tc_sdp_offer largest = offer;
    memcpy(largest.ufrag, a.ufrag, sizeof a.ufrag);
    memcpy(largest.pwd, a.pwd, sizeof a.pwd);
    memcpy(largest.candidates, a.candidates, sizeof a.candidates);
    largest.session_id = INT64_MAX;
    largest.candidate_count = TC_SDP_CANDIDATES;
    largest.opus = 127;
    largest.ssrc = largest.max_message_size = UINT32_MAX;
    CHECK(tc_sdp_write_offer(&largest, text, sizeof text) > 0);
}

TC_TEST(sdp_offer) {
    static char text[TC_SDP_OFFER_SIZE];
#define TRANSPORT                                                                                  \
    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:h6vY\r\na=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt\r\n"                 \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\na=setup:passive\r\n"
    static const char wanted[] =
        "v=0\r\n"
        "o=- 8152436061464415727 1 IN IP4 0.0.0.0\r\n"
        "s=-\r\n"
        "t=0 0\r\n"
        "a=group:BUNDLE audio data\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" TRANSPORT "a=mid:audio\r\n"
        "a=sendrecv\r\n"
        "a=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\n"
        "a=fmtp:111 minptime=10;useinbandfec=0;stereo=0\r\n"
        "a=ptime:20\r\n"
        "a=msid:tincan voice\r\n"
        "a=ssrc:4275878552 cname:7123456789abcdef\r\n"
        "a=candidate:1 1 UDP 2130706431 192.168.4.2 50000 typ host\r\n"
        "a=end-of-candidates\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TRANSPORT "a=mid:data\r\n"
        "a=sctp-port:5000\r\n"
        "a=max-message-size:65536\r\n";
    int length = tc_sdp_write_offer(&offer, text, sizeof text);
    CHECK_STR(text, wanted);
    CHECK_EQ(length, (int)sizeof wanted - 1);
    for (size_t capacity = 0; capacity < sizeof wanted; capacity++) {
        CHECK_EQ(tc_sdp_write_offer(&offer, text, capacity), TC_ERR_SIZE);
    }
}
