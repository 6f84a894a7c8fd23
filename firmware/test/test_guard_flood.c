/* A flood of forged datagrams changes nothing, passes nothing, and costs little. */
#include "check.h"
#include "guard_world.h"

#define FLOOD 100000

static guard_world w, before;
static uint8_t bytes[2048];
#define NOTHING 2047

/* All but what a check may change although it drops: counters, the clock, the budgets. */
static bool unchanged(void) {
    guard_world a = w, b = before;
    guard_world *both[] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        memset(both[i]->guard.dropped, 0, sizeof both[i]->guard.dropped);
        memset(&both[i]->guard.request_budget, 0, sizeof both[i]->guard.request_budget);
        memset(&both[i]->guard.response_budget, 0, sizeof both[i]->guard.response_budget);
        both[i]->guard.now_ms = both[i]->now = both[i]->hmacs = 0;
    }
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The call goes on: one of each kind passes. */
static void alive(uint8_t round) {
    w.now += 1000;
    CHECK_EQ(guard_verdict(&w, &server, bytes, server_request(bytes, LOCAL_UFRAG, LOCAL_PWD)),
             TC_GUARD_PASS_STUN_REQUEST);
    tc_guard_sent_request(&w.guard, guard_id(round), &server, w.now);
    CHECK_EQ(guard_verdict(&w, &server, bytes, server_response(bytes, guard_id(round), REMOTE_PWD)),
             TC_GUARD_PASS_STUN_RESPONSE);
    size_t length = dtls_record(bytes, 23, 1, round, 40, 1);
    CHECK_EQ(guard_verdict(&w, &server, bytes, length), TC_GUARD_PASS_DTLS);
    tc_guard_opened(&w.guard, bytes, length);
    CHECK_EQ(guard_verdict(&w, &server, bytes, rtp_packet(bytes, PAYLOAD_TYPE, round)),
             TC_GUARD_PASS_RTP);
    CHECK_EQ(guard_verdict(&w, &server, bytes, rtcp_packet(bytes)), TC_GUARD_PASS_RTCP);
}

/* 10,000 a second of `length` bytes, of which the one at `vary` is never what it was. */
static void flood(const tc_guard_address *from, size_t length, size_t vary) {
    uint8_t was = bytes[vary];
    memcpy(&before, &w, sizeof w);
    for (unsigned i = 0; i < FLOOD; i++) {
        bytes[vary] = (uint8_t)(was ^ (1 + i % 255));
        w.now += i % 10 == 0;
        CHECK(guard_verdict(&w, from, bytes, length) >= TC_GUARD_FIRST_DROP);
    }
    CHECK(unchanged());
}

TC_TEST(guard_flood_from_strangers) {
    guard_world_init(&w);
    guard_world_up(&w);
    alive(2);
    const tc_guard_address *from[] = {&stranger, &other};
    for (uint8_t i = 0; i < 2; i++) {
        unsigned hmacs = w.hmacs;
        flood(from[i], server_request(bytes, LOCAL_UFRAG, LOCAL_PWD), 90);
        flood(from[i], dtls_record(bytes, 23, 1, 50, 40, 0), 30);
        flood(from[i], rtp_packet(bytes, PAYLOAD_TYPE, 9), 3);
        flood(from[i], rtcp_packet(bytes), 10);
        CHECK_EQ(w.hmacs, hmacs);
        CHECK_EQ(tc_guard_consent_age(&w.guard, w.now), 40000);
        alive((uint8_t)(3 + i));
    }
    CHECK_EQ(w.guard.dropped[TC_GUARD_DROP_ADDRESS - TC_GUARD_FIRST_DROP], 4 * FLOOD);
    CHECK_EQ(w.guard.dropped[TC_GUARD_DROP_NOT_CHOSEN - TC_GUARD_FIRST_DROP], 4 * FLOOD);
}

TC_TEST(guard_flood_of_stun_with_the_servers_address) {
    guard_world_init(&w);
    guard_world_up(&w);
    unsigned hmacs = w.hmacs;
    flood(&server, server_request(bytes, "nope", LOCAL_PWD), 8);          /* name */
    flood(&server, server_request(bytes, LOCAL_UFRAG, LOCAL_PWD), 8);     /* fingerprint */
    flood(&server, server_response(bytes, guard_id(9), REMOTE_PWD), 8);   /* transaction */
    flood(&server, server_request(bytes, LOCAL_UFRAG, LOCAL_PWD) - 4, 8); /* length */
    size_t length = server_request(bytes, LOCAL_UFRAG, LOCAL_PWD);
    bytes[1] = 0x11; /* indications */
    flood(&server, length, 8);
    CHECK_EQ(w.hmacs, hmacs);

    tc_guard_sent_request(&w.guard, guard_id(9), &server, w.now); /* overheard, and answered */
    flood(&server, server_response(bytes, guard_id(9), "a password that is not the one"), NOTHING);
    CHECK(w.hmacs - hmacs <= 10 * TC_GUARD_RESPONSES_PER_SECOND + 25);
    hmacs = w.hmacs;
    flood(&server, server_request(bytes, LOCAL_UFRAG, "a password that is not ours"), NOTHING);
    CHECK(w.hmacs - hmacs <= 10 * TC_GUARD_REQUESTS_PER_SECOND + 100);
    alive(2);
}

TC_TEST(guard_flood_of_media_with_the_servers_address) {
    guard_world_init(&w);
    guard_world_up(&w);
    alive(2);
    flood(&server, dtls_record(bytes, 22, 0, 77, 60, 1), 40);     /* ClientHello */
    flood(&server, dtls_record(bytes, 21, 0, 77, 2, 2), 14);      /* alerts in the clear */
    flood(&server, dtls_record(bytes, 23, 2, 77, 40, 2), 40);     /* another epoch */
    flood(&server, dtls_record(bytes, 23, 1, 2, 40, 1), NOTHING); /* a record that was heard */
    flood(&server, dtls_record(bytes, 23, 1, 2, 40, 1), 50);      /* its number, other bytes */
    flood(&server, dtls_record(bytes, 23, 1, 80, 40, 1) - 1, 40);
    flood(&server, rtp_packet(bytes, 96, 9), 3);
    flood(&server, rtp_packet(bytes, PAYLOAD_TYPE, 9) - 39, 3);
    flood(&server, rtcp_packet(bytes) - 30, 10);
    memset(bytes, 0x41, 1000);
    flood(&server, 1000, 7);
    alive(3);
}

TC_TEST(guard_flood_of_protected_records_shuts_out_no_true_one) {
    guard_world_init(&w);
    guard_world_up(&w);
    alive(2);
    for (unsigned i = 0; i < FLOOD; i++) {
        /* These pass: only the DTLS library can tell them from true ones. */
        size_t length = dtls_record(bytes, 23, 1, 3 + i % 70000, 40, (uint8_t)(i >> 8 | 0x80));
        guard_verdict(&w, &server, bytes, length);
        if (i % 1000 == 999) {
            alive((uint8_t)(3 + i / 1000));
        }
    }
}
