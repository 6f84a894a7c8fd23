#include "guard_world.h"

#include "check.h"
#include "hmac_sha1.h"

const tc_guard_address server = {{192, 0, 2, 1}, 3478}, other = {{192, 0, 2, 2}, 3478},
                       stranger = {{192, 0, 2, 1}, 3479};

void guard_world_init(guard_world *world) {
    const tc_guard_address candidates[] = {server, other};
    memset(world, 0, sizeof *world);
    world->now = 1000000;
    tc_guard_config config = {
        .local_ufrag = LOCAL_UFRAG,
        .local_pwd = LOCAL_PWD,
        .remote_ufrag = REMOTE_UFRAG,
        .remote_pwd = REMOTE_PWD,
        .candidates = candidates,
        .candidate_count = 2,
        .payload_type = PAYLOAD_TYPE,
        .hmac = hmac_sha1,
        .hmac_context = &world->hmacs,
    };
    CHECK_EQ(tc_guard_init(&world->guard, &config, world->now), TC_OK);
}

void guard_world_choose(guard_world *world) {
    uint8_t bytes[TC_STUN_MAX];
    tc_guard_sent_request(&world->guard, guard_id(1), &server, world->now);
    size_t length = server_response(bytes, guard_id(1), REMOTE_PWD);
    CHECK_EQ(guard_verdict(world, &server, bytes, length), TC_GUARD_PASS_STUN_RESPONSE);
    CHECK_EQ(tc_guard_choose(&world->guard, &server), TC_OK);
}

void guard_world_up(guard_world *world) {
    guard_world_choose(world);
    tc_guard_dtls_up(&world->guard);
}

const uint8_t *guard_id(uint8_t id) {
    static uint8_t bytes[TC_STUN_ID];
    memset(bytes, id, sizeof bytes);
    return bytes;
}

size_t server_request(uint8_t *out, const char *ours, const char *pwd) {
    static const uint8_t tie_breaker[8] = {1};
    tc_stun_request fields = {.transaction = guard_id(0x55),
                              .remote_ufrag = ours,
                              .local_ufrag = REMOTE_UFRAG,
                              .remote_pwd = pwd,
                              .tie_breaker = tie_breaker,
                              .hmac = hmac_sha1};
    int length = tc_stun_write_request(&fields, out, TC_STUN_MAX);
    CHECK(length > 0);
    return (size_t)length;
}

size_t server_response(uint8_t *out, const uint8_t *id, const char *pwd) {
    tc_stun_response fields = {.transaction = id,
                               .ip = {198, 51, 100, 7},
                               .port = 50000,
                               .local_pwd = pwd,
                               .hmac = hmac_sha1};
    int length = tc_stun_write_response(&fields, out, TC_STUN_MAX);
    CHECK(length > 0);
    return (size_t)length;
}

size_t dtls_record(uint8_t *out, uint8_t type, uint16_t epoch, uint64_t sequence, size_t fragment,
                   uint8_t first) {
    const uint8_t header[13] = {type,
                                0xFE,
                                0xFD,
                                (uint8_t)(epoch >> 8),
                                (uint8_t)epoch,
                                (uint8_t)(sequence >> 40),
                                (uint8_t)(sequence >> 32),
                                (uint8_t)(sequence >> 24),
                                (uint8_t)(sequence >> 16),
                                (uint8_t)(sequence >> 8),
                                (uint8_t)sequence,
                                (uint8_t)(fragment >> 8),
                                (uint8_t)fragment};
    memcpy(out, header, sizeof header);
    for (size_t i = 0; i < fragment; i++) {
        out[sizeof header + i] = (uint8_t)(first + i);
    }
    return sizeof header + fragment;
}

size_t rtp_packet(uint8_t *out, uint8_t type, uint16_t sequence) {
    memset(out, 0x5A, 60);
    out[0] = 0x80;
    out[1] = type;
    out[2] = (uint8_t)(sequence >> 8);
    out[3] = (uint8_t)sequence;
    return 60;
}

/* A sender report, its index and its tag: RFC 3550 section 6.4.1, RFC 3711 section 3.4. */
size_t rtcp_packet(uint8_t *out) {
    memset(out, 0x5A, 28 + 14);
    out[0] = 0x80;
    out[1] = 200;
    out[2] = 0;
    out[3] = 6;
    return 28 + 14;
}

tc_guard_verdict guard_verdict(guard_world *world, const tc_guard_address *from,
                               const uint8_t *bytes, size_t length) {
    tc_guard *guard = &world->guard;
    uint32_t before = 0, after = 0;
    uint32_t *counters[] = {guard->passed, guard->dropped};
    const size_t counts[] = {TC_GUARD_FIRST_DROP, TC_GUARD_VERDICTS - TC_GUARD_FIRST_DROP};
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < counts[i]; k++) {
            before += counters[i][k];
        }
    }
    tc_guard_verdict verdict = tc_guard_check(guard, from, bytes, length, world->now);
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < counts[i]; k++) {
            after += counters[i][k];
        }
    }
    CHECK_EQ(after, before + 1);
    CHECK(strlen(tc_guard_word(verdict)) > 0);
    return verdict;
}
