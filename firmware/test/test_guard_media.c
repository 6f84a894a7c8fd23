/* DTLS records (RFC 6347), RTP and RTCP (RFC 3550, 3711, 5761) before the guard. */
#include "check.h"
#include "guard_world.h"

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };
enum { CLIENT_HELLO = 1, CERTIFICATE = 11 };

static guard_world w;
static uint8_t bytes[2048];

#define VERDICT(length) guard_verdict(&w, &server, bytes, length)

/* One protected record. */
static tc_guard_verdict data(uint64_t sequence, uint8_t first) {
    return VERDICT(dtls_record(bytes, DATA, 1, sequence, 40, first));
}

/* It was opened, too. */
static tc_guard_verdict opened(uint64_t sequence, uint8_t first) {
    tc_guard_verdict verdict = data(sequence, first);
    tc_guard_opened(&w.guard, bytes, 13 + 40);
    return verdict;
}

TC_TEST(guard_dtls_is_early_before_the_choice_and_then_passes) {
    guard_world_init(&w);
    size_t length = dtls_record(bytes, HANDSHAKE, 0, 0, 100, CLIENT_HELLO);
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_EARLY);
    bytes[2] = 0;
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_FORMAT);
    guard_world_choose(&w);
    dtls_record(bytes, HANDSHAKE, 0, 0, 100, CLIENT_HELLO);
    CHECK_EQ(VERDICT(length), TC_GUARD_PASS_DTLS);
    CHECK_EQ(guard_verdict(&w, &other, bytes, length), TC_GUARD_DROP_NOT_CHOSEN);
}

TC_TEST(guard_dtls_handshake_may_be_repeated) {
    guard_world_init(&w);
    guard_world_choose(&w);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(VERDICT(dtls_record(bytes, HANDSHAKE, 0, 4, 100, CERTIFICATE)),
                 TC_GUARD_PASS_DTLS);
    }
    CHECK_EQ(VERDICT(dtls_record(bytes, ALERT, 0, 5, 2, 2)), TC_GUARD_PASS_DTLS);
    bytes[2] = 0xFF; /* the first ClientHello says 1.0 */
    CHECK_EQ(VERDICT(15), TC_GUARD_PASS_DTLS);
}

TC_TEST(guard_dtls_flights_of_several_records_pass_whole) {
    guard_world_init(&w);
    guard_world_choose(&w);
    size_t length = dtls_record(bytes, HANDSHAKE, 0, 3, 60, CERTIFICATE);
    length += dtls_record(bytes + length, HANDSHAKE, 0, 4, 40, 16);
    length += dtls_record(bytes + length, CHANGE_CIPHER_SPEC, 0, 5, 1, 1);
    length += dtls_record(bytes + length, HANDSHAKE, 1, 0, 40, 0x77);
    CHECK_EQ(VERDICT(length), TC_GUARD_PASS_DTLS);
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_REPLAY); /* Finished is in it */
    for (size_t cut = 1; cut < length; cut++) {
        if (cut != 73 && cut != 126 && cut != 140) {
            CHECK_EQ(VERDICT(cut), TC_GUARD_DROP_DTLS_FORMAT);
        }
    }
}

TC_TEST(guard_dtls_headers_are_those_of_rfc_6347) {
    guard_world_init(&w);
    guard_world_choose(&w);
    for (int type = 20; type < 64; type++) {
        size_t length = dtls_record(bytes, (uint8_t)type, 1, (uint64_t)type, 40, 0);
        CHECK_EQ(VERDICT(length), type <= DATA ? TC_GUARD_PASS_DTLS : TC_GUARD_DROP_DTLS_FORMAT);
    }
    size_t length = dtls_record(bytes, DATA, 1, 100, 40, 0);
    for (int version = 0; version < 0x10000; version++) {
        bytes[1] = (uint8_t)(version >> 8);
        bytes[2] = (uint8_t)version;
        if (version != 0xFEFD) {
            CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_FORMAT);
        }
    }
    length = dtls_record(bytes, DATA, 1, 100, 40, 0);
    bytes[12]++; /* longer than the datagram */
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_FORMAT);
    bytes[12] -= 2; /* one byte is left over */
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, DATA, 1, 100, 15, 0)), TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, DATA, 1, 100, 0, 0)), TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, DATA, 1, (uint64_t)1 << 32, 40, 0)),
             TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, DATA, 2, 0, 40, 0)), TC_GUARD_DROP_DTLS_EPOCH);
    CHECK_EQ(VERDICT(dtls_record(bytes, DATA, 0, 9, 40, 0)), TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, CHANGE_CIPHER_SPEC, 0, 9, 2, 1)),
             TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, ALERT, 0, 9, 3, 1)), TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(VERDICT(dtls_record(bytes, HANDSHAKE, 0, 9, 11, 1)), TC_GUARD_DROP_DTLS_FORMAT);
}

TC_TEST(guard_dtls_records_of_a_datagram_count_upwards) {
    guard_world_init(&w);
    guard_world_up(&w);
    size_t length = dtls_record(bytes, DATA, 1, 5, 40, 0);
    length += dtls_record(bytes + length, DATA, 1, 5, 40, 0);
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_FORMAT);
    CHECK_EQ(data(5, 0), TC_GUARD_PASS_DTLS); /* what was dropped is not used up */
    length = 0;
    for (uint64_t i = 0; i < 17; i++) {
        length += dtls_record(bytes + length, DATA, 1, 10 + i, 16, 0);
    }
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_DTLS_FORMAT); /* so many nobody sends */
    CHECK_EQ(VERDICT(length - 29), TC_GUARD_PASS_DTLS);
}

TC_TEST(guard_dtls_protected_records_pass_once) {
    guard_world_init(&w);
    guard_world_up(&w);
    for (uint64_t sequence = 0; sequence < 1000; sequence++) {
        CHECK_EQ(opened(sequence, 1), TC_GUARD_PASS_DTLS);
        CHECK_EQ(data(sequence, 1), TC_GUARD_DROP_DTLS_REPLAY);
        CHECK_EQ(data(sequence, 2), TC_GUARD_DROP_DTLS_REPLAY); /* it is open: no other can be */
    }
    for (uint64_t sequence = 0; sequence < 1000; sequence++) {
        CHECK_EQ(data(sequence, 1), TC_GUARD_DROP_DTLS_REPLAY); /* however old */
    }
    CHECK_EQ(w.guard.passed[TC_GUARD_PASS_DTLS], 1000);
}

TC_TEST(guard_dtls_records_may_overtake_each_other) {
    guard_world_init(&w);
    guard_world_up(&w);
    CHECK_EQ(opened(100, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(opened(163, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(opened(120, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(data(120, 2), TC_GUARD_DROP_DTLS_REPLAY);
    CHECK_EQ(data(100, 2), TC_GUARD_DROP_DTLS_REPLAY);
    CHECK_EQ(data(101, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(data(99, 1), TC_GUARD_DROP_DTLS_REPLAY); /* 64 is the window */
    CHECK_EQ(opened(300, 1), TC_GUARD_PASS_DTLS);
    for (uint64_t old = 164; old <= 236; old++) {
        CHECK_EQ(data(old, 1), TC_GUARD_DROP_DTLS_REPLAY);
    }
    CHECK_EQ(data(237, 1), TC_GUARD_PASS_DTLS);
}

TC_TEST(guard_dtls_forgeries_do_not_shut_out_true_records) {
    guard_world_init(&w);
    guard_world_up(&w);
    CHECK_EQ(opened(10, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(data(11, 0x66), TC_GUARD_PASS_DTLS);         /* forged, and so never opened: */
    CHECK_EQ(data(0xFFFFFFFF, 0x66), TC_GUARD_PASS_DTLS); /* neither the same number */
    CHECK_EQ(opened(11, 1), TC_GUARD_PASS_DTLS);          /* nor a later one is in the way */
    CHECK_EQ(opened(12, 1), TC_GUARD_PASS_DTLS);
}

TC_TEST(guard_dtls_after_the_handshake_only_a_lost_last_flight_is_made_up) {
    guard_world_init(&w);
    guard_world_up(&w);
    CHECK_EQ(VERDICT(dtls_record(bytes, HANDSHAKE, 0, 20, 60, CERTIFICATE)), TC_GUARD_PASS_DTLS);
    CHECK_EQ(VERDICT(dtls_record(bytes, CHANGE_CIPHER_SPEC, 0, 21, 1, 1)), TC_GUARD_PASS_DTLS);
    /* A new handshake on the same port, or an alert that anybody can write. */
    CHECK_EQ(VERDICT(dtls_record(bytes, HANDSHAKE, 0, 22, 60, CLIENT_HELLO)),
             TC_GUARD_DROP_DTLS_EPOCH);
    CHECK_EQ(VERDICT(dtls_record(bytes, ALERT, 0, 22, 2, 2)), TC_GUARD_DROP_DTLS_EPOCH);
    w.now += 30001;
    CHECK_EQ(VERDICT(dtls_record(bytes, HANDSHAKE, 0, 23, 60, CERTIFICATE)),
             TC_GUARD_DROP_DTLS_EPOCH);
    w.now -= 30001;
    CHECK_EQ(opened(1, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(VERDICT(dtls_record(bytes, HANDSHAKE, 0, 24, 60, CERTIFICATE)),
             TC_GUARD_DROP_DTLS_EPOCH);
    CHECK_EQ(VERDICT(dtls_record(bytes, ALERT, 1, 2, 40, 2)), TC_GUARD_PASS_DTLS);
}

TC_TEST(guard_opened_ignores_what_is_no_protected_record) {
    guard_world_init(&w);
    guard_world_up(&w);
    tc_guard_opened(&w.guard, bytes, 0);
    tc_guard_opened(&w.guard, bytes, dtls_record(bytes, HANDSHAKE, 0, 7, 60, CERTIFICATE));
    CHECK_EQ(data(0, 1), TC_GUARD_PASS_DTLS);
    CHECK_EQ(opened(500, 1), TC_GUARD_PASS_DTLS);
    tc_guard_opened(&w.guard, bytes, dtls_record(bytes, DATA, 1, 3, 40, 1)); /* out of the window */
    CHECK_EQ(data(501, 1), TC_GUARD_PASS_DTLS);
}

TC_TEST(guard_rtp_waits_for_dtls) {
    guard_world_init(&w);
    size_t length = rtp_packet(bytes, PAYLOAD_TYPE, 1);
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_EARLY);
    guard_world_choose(&w);
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_EARLY);
    CHECK_EQ(VERDICT(rtcp_packet(bytes)), TC_GUARD_DROP_EARLY);
    tc_guard_dtls_up(&w.guard);
    CHECK_EQ(VERDICT(rtp_packet(bytes, PAYLOAD_TYPE, 1)), TC_GUARD_PASS_RTP);
    CHECK_EQ(VERDICT(rtp_packet(bytes, 0x80 | PAYLOAD_TYPE, 2)), TC_GUARD_PASS_RTP);
    CHECK_EQ(guard_verdict(&w, &other, bytes, length), TC_GUARD_DROP_NOT_CHOSEN);
}

TC_TEST(guard_rtp_and_rtcp_are_told_apart_by_the_type) {
    guard_world_init(&w);
    guard_world_up(&w);
    for (int type = 0; type < 256; type++) {
        size_t length = rtp_packet(bytes, (uint8_t)type, 1);
        bytes[2] = 0, bytes[3] = 6; /* as RTCP: a length that fits */
        CHECK_EQ(VERDICT(length), type >= 192 && type < 224       ? TC_GUARD_PASS_RTCP
                                  : (type & 0x7F) == PAYLOAD_TYPE ? TC_GUARD_PASS_RTP
                                                                  : TC_GUARD_DROP_RTP_TYPE);
    }
}

TC_TEST(guard_rtp_headers_fit_before_the_tag) {
    guard_world_init(&w);
    guard_world_up(&w);
    size_t length = rtp_packet(bytes, PAYLOAD_TYPE, 1);
    for (size_t cut = 1; cut < 22; cut++) {
        CHECK_EQ(VERDICT(cut), TC_GUARD_DROP_RTP_FORMAT);
    }
    CHECK_EQ(VERDICT(22), TC_GUARD_PASS_RTP);
    bytes[0] = 0x8F; /* 15 CSRC: 60 bytes more */
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_RTP_FORMAT);
    CHECK_EQ(VERDICT(81), TC_GUARD_DROP_RTP_FORMAT);
    CHECK_EQ(VERDICT(82), TC_GUARD_PASS_RTP);
    rtp_packet(bytes, PAYLOAD_TYPE, 1);
    bytes[0] = 0x91; /* one CSRC, and an extension of two words */
    bytes[18] = 0, bytes[19] = 2;
    CHECK_EQ(VERDICT(16 + 4 + 8 + 10), TC_GUARD_PASS_RTP);
    CHECK_EQ(VERDICT(16 + 4 + 8 + 9), TC_GUARD_DROP_RTP_FORMAT);
    CHECK_EQ(VERDICT(16 + 3 + 10), TC_GUARD_DROP_RTP_FORMAT);
    bytes[18] = 0xFF;
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_RTP_FORMAT);
}

TC_TEST(guard_rtcp_length_fits_before_index_and_tag) {
    guard_world_init(&w);
    guard_world_up(&w);
    size_t length = rtcp_packet(bytes);
    CHECK_EQ(VERDICT(length), TC_GUARD_PASS_RTCP);
    CHECK_EQ(VERDICT(length + 4), TC_GUARD_PASS_RTCP); /* compound */
    CHECK_EQ(VERDICT(length - 1), TC_GUARD_DROP_RTCP_FORMAT);
    bytes[3] = 0; /* a header without SSRC */
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_RTCP_FORMAT);
    bytes[3] = 1;
    CHECK_EQ(VERDICT(22), TC_GUARD_PASS_RTCP);
    CHECK_EQ(VERDICT(21), TC_GUARD_DROP_RTCP_FORMAT);
}

TC_TEST(guard_passes_no_rtp_that_libpeer_takes_for_stun) {
    static const uint8_t cookie[] = {0x21, 0x12, 0xA4, 0x42};
    guard_world_init(&w);
    guard_world_up(&w);
    size_t length = rtp_packet(bytes, PAYLOAD_TYPE, 1);
    memcpy(bytes + 4, cookie, 4); /* the timestamp */
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_RTP_FORMAT);
    length = rtcp_packet(bytes);
    memcpy(bytes + 4, cookie, 4); /* the SSRC */
    CHECK_EQ(VERDICT(length), TC_GUARD_DROP_RTCP_FORMAT);
}
