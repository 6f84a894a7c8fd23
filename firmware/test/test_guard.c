/* Addresses, kinds, STUN and consent. DTLS, RTP, RTCP: test_guard_media.c; floods:
 * test_guard_flood.c. */
#include "check.h"
#include "guard_world.h"
#include "hmac_sha1.h"

static guard_world w;
static uint8_t bytes[2048];

#define VERDICT(from, length) guard_verdict(&w, from, bytes, length)

TC_TEST(guard_set_up_refuses_what_it_cannot_hold) {
    static char long_pwd[130];
    const tc_guard_address list[TC_GUARD_CANDIDATES + 1] = {{{1, 2, 3, 4}, 5}};
    tc_guard guard;
    const tc_guard_config good = {.local_ufrag = "aaaa",
                                  .local_pwd = LOCAL_PWD,
                                  .remote_ufrag = "bbbb",
                                  .remote_pwd = REMOTE_PWD,
                                  .candidates = list,
                                  .candidate_count = TC_GUARD_CANDIDATES,
                                  .hmac = hmac_sha1};
    memset(long_pwd, 'p', 129);
    CHECK_EQ(tc_guard_init(&guard, &good, 0), TC_OK);
    for (int fault = 0; fault < 6; fault++) {
        tc_guard_config bad = good;
        bad.candidate_count = fault == 0 ? 0 : fault == 1 ? TC_GUARD_CANDIDATES + 1 : 1;
        bad.local_ufrag = fault == 2 ? "" : bad.local_ufrag;
        bad.remote_ufrag = fault == 3 ? long_pwd : bad.remote_ufrag;
        bad.local_pwd = fault == 4 ? long_pwd : bad.local_pwd;
        bad.remote_pwd = fault == 5 ? "" : bad.remote_pwd;
        CHECK_EQ(tc_guard_init(&guard, &bad, 0), TC_ERR_SIZE);
        CHECK_EQ(tc_guard_check(&guard, &list[0], bytes, 20, 0), TC_GUARD_DROP_ADDRESS);
    }
}

TC_TEST(guard_looks_at_the_address_first) {
    guard_world_init(&w);
    size_t length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    const tc_guard_address near[] = {{{192, 0, 2, 1}, 0},
                                     {{192, 0, 2, 3}, 3478},
                                     {{1, 0, 2, 192}, 3478},
                                     {{0, 0, 0, 0}, 0},
                                     stranger};
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        CHECK_EQ(VERDICT(&near[i], length), TC_GUARD_DROP_ADDRESS);
        CHECK_EQ(VERDICT(&near[i], 0), TC_GUARD_DROP_ADDRESS);
    }
    CHECK_EQ(w.hmacs, 0);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST);
    CHECK_EQ(VERDICT(&other, length), TC_GUARD_PASS_STUN_REQUEST);
    CHECK_EQ(w.hmacs, 2);
    guard_world_choose(&w);
    CHECK_EQ(VERDICT(&other, length), TC_GUARD_DROP_NOT_CHOSEN);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST);
}

TC_TEST(guard_tells_kinds_by_the_first_byte) {
    guard_world_init(&w);
    guard_world_up(&w);
    memset(bytes, 0, 100);
    for (int first = 0; first < 256; first++) {
        bytes[0] = (uint8_t)first;
        tc_guard_verdict verdict = VERDICT(&server, 100);
        if (first < 4) {
            CHECK(verdict == TC_GUARD_DROP_STUN_FORMAT || verdict == TC_GUARD_DROP_STUN_TYPE);
        } else if (first >= 20 && first < 64) {
            CHECK_EQ(verdict, TC_GUARD_DROP_DTLS_FORMAT);
        } else if (first >= 128 && first < 192) {
            CHECK_EQ(verdict, TC_GUARD_DROP_RTP_TYPE);
        } else {
            CHECK_EQ(verdict, TC_GUARD_DROP_KIND);
        }
    }
    CHECK_EQ(VERDICT(&server, 0), TC_GUARD_DROP_LENGTH);
    CHECK_EQ(VERDICT(&server, TC_GUARD_DATAGRAM_MAX + 1), TC_GUARD_DROP_LENGTH);
    for (int first = 0; first < 256; first++) { /* a single byte */
        bytes[0] = (uint8_t)first;
        CHECK(VERDICT(&server, 1) >= TC_GUARD_FIRST_DROP);
    }
}

TC_TEST(guard_requests_carry_our_name_and_password) {
    guard_world_init(&w);
    size_t length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST); /* repeated: RFC 8489 6.2.1 */
    CHECK_EQ(w.hmacs, 2);

    length = server_request(bytes, "h6vZ", LOCAL_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_USERNAME);
    length = server_request(bytes, LOCAL_UFRAG "x", LOCAL_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_USERNAME);
    length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    bytes[length - 1] ^= 1;
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_FINGERPRINT);
    CHECK_EQ(w.hmacs, 2); /* all that was for nothing cost no HMAC */

    length = server_request(bytes, LOCAL_UFRAG, REMOTE_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_INTEGRITY);
    CHECK_EQ(w.hmacs, 3);
}

TC_TEST(guard_requests_without_fingerprint_pass_and_without_integrity_do_not) {
    guard_world_init(&w);
    size_t length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD) - 8; /* FINGERPRINT */
    bytes[3] -= 8;
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST);
    length -= 24; /* MESSAGE-INTEGRITY */
    bytes[3] -= 24;
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_INTEGRITY);
    bytes[3] = 0;
    CHECK_EQ(VERDICT(&server, 20), TC_GUARD_DROP_STUN_USERNAME);
}

TC_TEST(guard_responses_answer_what_was_sent_there) {
    guard_world_init(&w);
    size_t length = server_response(bytes, guard_id(7), REMOTE_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_TRANSACTION);
    tc_guard_sent_request(&w.guard, guard_id(7), &server, w.now);
    CHECK_EQ(VERDICT(&other, length), TC_GUARD_DROP_STUN_TRANSACTION);
    CHECK_EQ(w.hmacs, 0);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_RESPONSE);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_TRANSACTION); /* once */

    tc_guard_sent_request(&w.guard, guard_id(8), &server, w.now);
    length = server_response(bytes, guard_id(8), LOCAL_PWD); /* the wrong one of the two */
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_INTEGRITY);
    length = server_response(bytes, guard_id(8), REMOTE_PWD); /* a forgery has not used it up */
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_RESPONSE);

    tc_guard_sent_request(&w.guard, guard_id(9), &server, w.now);
    length = server_response(bytes, guard_id(9), REMOTE_PWD);
    w.now += 30001;
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_TRANSACTION); /* too late */
}

TC_TEST(guard_remembers_sixteen_requests) {
    guard_world_init(&w);
    for (uint8_t id = 0; id < 17; id++) {
        tc_guard_sent_request(&w.guard, guard_id(id), &server, w.now);
        tc_guard_sent_request(&w.guard, guard_id(id), &server, w.now); /* repeated: still one */
    }
    for (uint8_t id = 0; id < 17; id++) {
        size_t length = server_response(bytes, guard_id(id), REMOTE_PWD);
        CHECK_EQ(VERDICT(&server, length),
                 id == 0 ? TC_GUARD_DROP_STUN_TRANSACTION : TC_GUARD_PASS_STUN_RESPONSE);
    }
}

TC_TEST(guard_keeps_the_code_of_an_error_response) {
    static const uint8_t error[] = "\x01\x11\0\x08\x21\x12\xa4\x42"
                                   "\7\7\7\7\7\7\7\7\7\7\7\7"
                                   "\0\x09\0\4\0\0\4\x57"; /* 487, role conflict */
    guard_world_init(&w);
    memcpy(bytes, error, 28);
    CHECK_EQ(VERDICT(&server, 28), TC_GUARD_DROP_STUN_TRANSACTION);
    CHECK_EQ(w.guard.stun_error, 0);
    tc_guard_sent_request(&w.guard, guard_id(7), &server, w.now);
    CHECK_EQ(VERDICT(&server, 28), TC_GUARD_DROP_STUN_ERROR);
    CHECK_EQ(w.guard.stun_error, 487);
    size_t length = server_response(bytes, guard_id(7), REMOTE_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_RESPONSE);
}

TC_TEST(guard_passes_no_other_kind_of_stun) {
    guard_world_init(&w);
    size_t length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    bytes[1] = 0x11; /* an indication, as a keepalive: RFC 8445 section 11 */
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_TYPE);
    bytes[1] = 0x03; /* Allocate */
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_TYPE);
    bytes[1] = 0x01;
    bytes[4] ^= 1; /* RFC 3489 */
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_FORMAT);
}

TC_TEST(guard_chooses_only_who_has_answered) {
    guard_world_init(&w);
    CHECK_EQ(tc_guard_choose(&w.guard, &stranger), TC_ERR_NOT_FOUND);
    CHECK_EQ(tc_guard_choose(&w.guard, &server), TC_ERR_STATE);
    guard_world_choose(&w);
    CHECK_EQ(tc_guard_choose(&w.guard, &server), TC_OK);
    CHECK_EQ(tc_guard_choose(&w.guard, &other), TC_ERR_STATE);
}

TC_TEST(guard_consent_ages_until_it_is_given_again) {
    guard_world_init(&w);
    w.now += 500;
    CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 500); /* since the begin */
    guard_world_choose(&w);
    CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 0);
    w.now += 29999;
    size_t length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST); /* gives none */
    CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 29999);
    tc_guard_sent_request(&w.guard, guard_id(2), &other, w.now);
    length = server_response(bytes, guard_id(2), REMOTE_PWD);
    CHECK_EQ(VERDICT(&other, length), TC_GUARD_DROP_NOT_CHOSEN);
    CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 29999);
    tc_guard_sent_request(&w.guard, guard_id(3), &server, w.now);
    length = server_response(bytes, guard_id(3), REMOTE_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_RESPONSE);
    CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 0);
    CHECK_EQ(tc_guard_consent_age(&w.guard, w.now + ((uint64_t)1 << 40)), UINT32_MAX);
    CHECK_EQ(tc_guard_consent_age(&w.guard, 0), 0); /* the caller's clock was read before */
}

TC_TEST(guard_hmacs_are_rationed_and_ours_are_not_touched_by_theirs) {
    guard_world_init(&w);
    size_t length = server_request(bytes, LOCAL_UFRAG, REMOTE_PWD);
    unsigned paid = 0;
    for (int ms = 0; ms < 2000; ms++, w.now++) {
        for (int i = 0; i < 10; i++) {
            paid += VERDICT(&server, length) == TC_GUARD_DROP_STUN_INTEGRITY;
        }
    }
    CHECK_EQ(paid, w.hmacs);
    CHECK(paid <= 2 * TC_GUARD_REQUESTS_PER_SECOND + TC_GUARD_REQUESTS_PER_SECOND / 4);
    CHECK(paid >= 2 * TC_GUARD_REQUESTS_PER_SECOND);
    VERDICT(&server, length); /* what the last millisecond has brought */
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_DROP_STUN_BUDGET);
    guard_world_choose(&w); /* responses have a budget of their own */
    w.now += 5;
    length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    CHECK_EQ(VERDICT(&server, length), TC_GUARD_PASS_STUN_REQUEST);
}
