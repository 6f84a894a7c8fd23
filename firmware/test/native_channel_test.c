/*
 * The data channel against a peer on the same usrsctp. What other SCTP stacks say is in
 * test/channel.test.ts.
 */
#include <malloc.h>
#include <stdio.h>

#include "native_channel_world.h"

/* ---- coming up ---- */

TC_TEST(opens_when_both_sides_begin_at_once) {
    meet();
    CHECK(tc_channel_is_open(&device.channel));
    CHECK_EQ(tc_channel_end(&device.channel), TC_CHANNEL_RUNS);
    CHECK_EQ(device.closed, 0);
    finish();
}

TC_TEST(opens_although_the_first_packets_are_lost) {
    start_peer();
    net.drop_next = 3;
    open_device();
    net.drop_next = 3;
    pass(10000);
    CHECK_EQ(device.opened, 1);
    finish();
}

TC_TEST(the_first_message_opens_where_the_acknowledgement_is_missing) {
    start_peer();
    peer.mute = true;
    open_device();
    pass(300);
    CHECK_EQ(device.opened, 0);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 5), 5), TC_ERR_STATE);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(0, 5), 5), 5);
    pass(100);
    CHECK_EQ(device.opened, 1);
    CHECK_EQ(device.texts, 1);
    finish();
}

TC_TEST(says_when_nobody_answers) {
    uint64_t begin = now;
    open_device();
    while (device.closed == 0 && now - begin < 60000) {
        pass(100);
    }
    CHECK_EQ(tc_channel_end(&device.channel), TC_CHANNEL_UNANSWERED);
    CHECK(now - begin > 15000 && now - begin < 30000);
    fprintf(stderr, "  no answer: known after %llu ms\n", (unsigned long long)(now - begin));
    finish();
}

TC_TEST(refuses_a_bad_config) {
    static const struct {
        size_t buffer;
        uint16_t stream;
        const char *label;
        tc_err error;
    } rows[] = {
        {4095, 1, "x", TC_ERR_SIZE},
        {4096, 16, "x", TC_ERR_RANGE},
        {4096, 1, NULL, TC_ERR_SIZE},
        {4096, 1, "00000000001111111111222222222233333333334444444444555555555566666", TC_ERR_SIZE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tc_channel_config with = config;
        with.buffer_size = rows[i].buffer;
        with.stream = rows[i].stream;
        with.label = rows[i].label;
        CHECK_EQ(tc_channel_open(&device.channel, &with), rows[i].error);
    }
    tc_channel_config with = config;
    with.send = NULL;
    CHECK_EQ(tc_channel_open(&device.channel, &with), TC_ERR_RANGE);
}

/* ---- messages ---- */

TC_TEST(carries_500_messages_each_way_over_a_bad_network) {
    meet();
    net.lose = 5;
    net.twice = 5;
    net.late = 10;
    unsigned out = 0, in = 0;
    while ((device.texts < 500 || peer.texts < 500) && now < 1000000 + 600000) {
        while (out < 500) {
            size_t length = 1 + out * 7919 % 12000;
            if (tc_channel_send_text(&device.channel, message(out, length), length) != TC_OK) {
                break;
            }
            out++;
        }
        while (in < 500) {
            size_t length = 1 + in * 6007 % 12000;
            if (tc_association_send(&peer.channel, 1, 51, message(in, length), length) < 0) {
                break;
            }
            in++;
        }
        pass(5);
    }
    CHECK_EQ(device.texts, 500);
    CHECK_EQ(peer.texts, 500);
    CHECK(net.late_count > 100);
    CHECK(net.longest <= TC_CHANNEL_PACKET && net.longest > TC_CHANNEL_PACKET - 8);
    pass(5000);
    CHECK_EQ(tc_channel_buffered(&device.channel), 0);
    fprintf(stderr, "  500 messages each way in %llu ms\n", (unsigned long long)(now - 1000200));
    finish();
}

TC_TEST(takes_a_message_as_long_as_its_buffer_and_reports_a_longer_one) {
    meet();
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(0, 65536), 65536), 65536);
    pass(2000);
    CHECK_EQ(device.texts, 1);
    CHECK_EQ(device.last, 65536);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(1, 65537), 65537), 65537);
    pass(2000);
    CHECK_EQ(device.large, 65537);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(2, 102400), 102400), 102400);
    pass(3000);
    CHECK_EQ(device.texts, 1);
    CHECK_EQ(device.large, 102400);
    CHECK_EQ(device.large_begin, TC_CHANNEL_BEGIN);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(3, 9), 9), 9);
    pass(100);
    CHECK_EQ(device.texts, 2);
    CHECK_EQ(tc_channel_get_stats(&device.channel).too_large, 2);
    finish();
}

TC_TEST(takes_a_message_of_any_length_around_the_edges_of_its_reads) {
    static const size_t lengths[] = {1,    511,  512,  513,  1024, 1025, 1155,
                                     1156, 1157, 3583, 3584, 3585, 4095, 4096};
    tc_channel_config with = config;
    with.buffer_size = 4096;
    start_peer();
    with.now_ms = now;
    CHECK_EQ(tc_channel_open(&device.channel, &with), TC_OK);
    pass(200);
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(i, lengths[i]), lengths[i]),
                 lengths[i]);
        pass(100);
        CHECK_EQ(device.texts, i + 1);
        CHECK_EQ(device.last, lengths[i]);
    }
    finish();
}

TC_TEST(queues_a_message_whole_or_not_at_all) {
    meet();
    net.cut = true;
    unsigned sent = 0;
    tc_err error;
    while ((error = tc_channel_send_text(&device.channel, message(sent, 12000), 12000)) == TC_OK) {
        sent++;
    }
    CHECK_EQ(error, TC_ERR_FULL);
    CHECK_EQ(sent, TC_CHANNEL_WINDOW / 12000);
    CHECK_EQ(tc_channel_buffered(&device.channel), sent * 12000);
    net.cut = false;
    pass(5000);
    CHECK_EQ(peer.texts, sent);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(sent, 65536), 65536), TC_OK);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 65537), 65537), TC_ERR_SIZE);
    pass(2000);
    CHECK_EQ(peer.texts, sent + 1);
    CHECK_EQ(peer.last, 65536);
    CHECK_EQ(peer.ppid, 51);
    finish();
}

TC_TEST(keeps_to_the_limit_of_the_peer) {
    start_peer();
    tc_channel_config with = config;
    with.peer_limit = 1000;
    with.now_ms = now;
    CHECK_EQ(tc_channel_open(&device.channel, &with), TC_OK);
    pass(200);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 1000), 1000), TC_OK);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 1001), 1001), TC_ERR_SIZE);
    finish();
}

TC_TEST(sends_and_takes_empty_messages) {
    meet();
    CHECK_EQ(tc_channel_send_text(&device.channel, NULL, 0), TC_OK);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 56, "", 1), 1);
    pass(200);
    CHECK_EQ(peer.texts, 1);
    CHECK_EQ(peer.ppid, 56);
    CHECK_EQ(device.texts, 1);
    CHECK_EQ(device.last, 0);
    finish();
}

TC_TEST(counts_what_is_no_text) {
    meet();
    static const uint32_t ppids[] = {53, 57, 52, 54, 0, 99};
    for (size_t i = 0; i < sizeof ppids / sizeof ppids[0]; i++) {
        CHECK_EQ(tc_association_send(&peer.channel, 1, ppids[i], "abc", 3), 3);
    }
    CHECK_EQ(tc_association_send(&peer.channel, 2, 51, "abc", 3), 3);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 50, "\7", 1), 1);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(0, 3), 3), 3);
    pass(300);
    CHECK_EQ(device.texts, 1);
    CHECK_EQ(tc_channel_get_stats(&device.channel).ignored, 8);
    CHECK_EQ(device.closed, 0);
    finish();
}

/* ---- other channels, and the end ---- */

static const char their_open[] = "\3\0\1\0\0\0\0\0\0\1\0\0x";

TC_TEST(refuses_a_channel_of_the_peer_by_a_reset) {
    meet();
    struct sctp_event event = {.se_type = SCTP_STREAM_RESET_EVENT, .se_on = 1};
    CHECK_EQ(
        usrsctp_setsockopt(peer.channel.socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event), 0);
    CHECK_EQ(tc_association_send(&peer.channel, 2, 50, their_open, 13), 13);
    CHECK_EQ(tc_association_send(&peer.channel, 4, 50, their_open, 13), 13);
    pass(3000);
    CHECK_EQ(tc_channel_get_stats(&device.channel).refused, 2);
    CHECK(peer.resets >= 1);
    CHECK_EQ(device.closed, 0);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 3), 3), TC_OK);
    pass(100);
    CHECK_EQ(peer.texts, 1);
    finish();
}

TC_TEST(ends_when_the_peer_takes_our_number) {
    start_peer();
    peer.mute = true;
    open_device();
    pass(200);
    CHECK_EQ(tc_association_send(&peer.channel, 1, 50, their_open, 13), 13);
    pass(100);
    CHECK_EQ(tc_channel_end(&device.channel), TC_CHANNEL_REFUSED);
    finish();
}

TC_TEST(ends_when_the_peer_resets_the_stream) {
    meet();
    struct sctp_event event = {.se_type = SCTP_STREAM_RESET_EVENT, .se_on = 1};
    CHECK_EQ(
        usrsctp_setsockopt(peer.channel.socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event), 0);
    tc_association_reset(&peer.channel, 1);
    pass(500);
    CHECK_EQ(device.closed, 1);
    CHECK_EQ(tc_channel_end(&device.channel), TC_CHANNEL_RESET);
    CHECK(peer.resets >= 1);
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 3), 3), TC_ERR_STATE);
    pass(1000);
    CHECK_EQ(device.closed, 1);
    finish();
}

TC_TEST(ends_when_the_peer_aborts) {
    meet();
    tc_association_stop(&peer.channel);
    pass(100);
    CHECK_EQ(device.closed, 1);
    CHECK_EQ(tc_channel_end(&device.channel), TC_CHANNEL_ABORTED);
    finish();
}

TC_TEST(tells_the_peer_when_it_closes) {
    meet();
    tc_channel_close(&device.channel);
    pass(50);
    CHECK(peer.lost > 0);
    CHECK_EQ(device.closed, 0);
    finish();
}

static uint64_t until_lost(bool busy) {
    meet();
    net.cut = true;
    uint64_t begin = now;
    if (busy) {
        CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 3000), 3000), TC_OK);
    }
    while (device.closed == 0 && now - begin < 120000) {
        pass(100);
    }
    CHECK_EQ(tc_channel_end(&device.channel), TC_CHANNEL_LOST);
    net.cut = false;
    finish();
    return now - begin;
}

TC_TEST(knows_that_the_peer_is_gone) {
    uint64_t busy = until_lost(true), idle = until_lost(false);
    fprintf(stderr, "  a peer that is gone: known after %llu ms with data, %llu ms without\n",
            (unsigned long long)busy, (unsigned long long)idle);
    CHECK(busy >= 15000 && busy <= 30000);
    CHECK(idle >= 15000 && idle <= 60000);
}

TC_TEST(survives_a_gap_of_ten_seconds) {
    meet();
    net.cut = true;
    CHECK_EQ(tc_channel_send_text(&device.channel, message(0, 3000), 3000), TC_OK);
    pass(10000);
    net.cut = false;
    pass(4000);
    CHECK_EQ(peer.texts, 1);
    CHECK_EQ(device.closed, 0);
    finish();
}

static void one_association(unsigned i) {
    start_peer();
    open_device();
    pass(100);
    CHECK_EQ(device.opened, 1);
    for (unsigned n = 0; n < 5; n++) {
        CHECK_EQ(tc_channel_send_text(&device.channel, message(n, 9000), 9000), TC_OK);
        CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(n, 9000), 9000), 9000);
    }
    pass(i % 3 == 0 ? 400 : 25); /* sometimes in the middle of it all */
    if (i % 4 == 0) {
        tc_association_stop(&peer.channel);
        pass(50);
    }
    finish();
}

/* There in a build with the address sanitizer. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap(void) {
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

TC_TEST(leaves_nothing_behind_after_300_associations) {
    for (unsigned i = 0; i < 200; i++) { /* usrsctp remembers tags in 32 small tables */
        one_association(i);
    }
    size_t before = heap();
    for (unsigned i = 0; i < 100; i++) {
        one_association(i);
    }
    size_t after = heap();
    fprintf(stderr, "  heap in use after 200 associations: %zu bytes, after 300: %zu bytes\n",
            before, after);
    CHECK(after <= before);
}

TC_TEST(survives_garbage) {
    meet();
    static uint8_t bytes[1500];
    for (unsigned i = 0; i < 20000; i++) {
        size_t length = tc_test_random(&seed) % sizeof bytes;
        for (size_t k = 0; k < length; k++) {
            bytes[k] = (uint8_t)tc_test_random(&seed);
        }
        if (length >= 4 && i % 2 == 0) { /* the right ports */
            memcpy(bytes, "\x13\x88\x13\x88", 4);
        }
        tc_channel_receive(&device.channel, bytes, length);
    }
    CHECK_EQ(tc_association_send(&peer.channel, 1, 51, message(0, 3), 3), 3);
    pass(300);
    CHECK_EQ(device.texts, 1);
    finish();
}
