/*
 * A channel against a peer of a few lines on the same usrsctp. The network between them loses,
 * doubles and reorders by a seed, and time passes only when a test says so (usrsctp's, too). What
 * other SCTP stacks say is in test/channel.test.ts.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "../peer/channel.h"
#include "../peer/channel_association.h"
#include "check.h"

enum { DEVICE, PEER };

static struct {
    tc_channel channel;
    uint8_t buffer[65536];
    int opened, closed, texts;
    unsigned expected; /* number of the message that comes next */
    size_t last, large, large_begin;
} device;

static struct {
    tc_channel channel; /* its association alone: it knows no DCEP of its own */
    uint8_t buffer[200000];
    int asked, texts, resets, lost;
    bool mute; /* acknowledges no channel */
    unsigned expected;
    size_t last;
    uint32_t ppid;
} peer;

static struct {
    struct {
        uint8_t *bytes;
        size_t length;
        uint64_t at;
        int to;
    } waiting[4096];
    size_t count, longest, late_count;
    unsigned lose, twice, late; /* percent */
    int drop_next;
    bool cut;
} net;

static uint64_t now = 1000000;
static unsigned seed = 20251127;

/* usrsctp measures with it, in the library as well. */
int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    (void)zone;
    out->tv_sec = (time_t)(now / 1000);
    out->tv_usec = (suseconds_t)(now % 1000 * 1000);
    return 0;
}

static bool chance(unsigned percent) {
    return percent > 0 && tc_test_random(&seed) % 100 < percent;
}

static void carry(int to, const uint8_t *bytes, size_t length, uint64_t at) {
    CHECK(net.count < sizeof net.waiting / sizeof net.waiting[0]);
    net.waiting[net.count].bytes = malloc(length);
    memcpy(net.waiting[net.count].bytes, bytes, length);
    net.waiting[net.count].length = length;
    net.waiting[net.count].at = at;
    net.waiting[net.count++].to = to;
}

static void on_send(void *context, const uint8_t *bytes, size_t length) {
    int to = context == &device ? PEER : DEVICE;
    net.longest = length > net.longest ? length : net.longest;
    if (net.drop_next > 0) {
        net.drop_next--;
        return;
    }
    if (net.cut || chance(net.lose)) {
        return;
    }
    bool late = chance(net.late);
    net.late_count += late;
    carry(to, bytes, length, now + 10 + (late ? 5 + tc_test_random(&seed) % 40 : 0));
    if (chance(net.twice)) {
        carry(to, bytes, length, now + 15);
    }
}

/* ---- messages: each says which it is ---- */

static uint8_t content(unsigned number, size_t at) {
    return (uint8_t)(number * 31 + at * 7 + at / 251);
}

static const uint8_t *message(unsigned number, size_t length) {
    static uint8_t bytes[200000];
    for (size_t i = 0; i < length; i++) {
        bytes[i] = content(number, i);
    }
    return bytes;
}

static void check_message(unsigned number, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        CHECK_EQ(bytes[i], content(number, i));
    }
}

/* ---- the device ---- */

static void on_open(void *context) {
    (void)context;
    device.opened++;
}

static void on_text(void *context, const uint8_t *text, size_t length) {
    (void)context;
    check_message(device.expected++, text, length);
    device.texts++;
    device.last = length;
}

static void on_too_large(void *context, size_t size, const uint8_t *begin, size_t length) {
    (void)context;
    check_message(device.expected++, begin, length);
    device.large = size;
    device.large_begin = length;
}

static void on_closed(void *context) {
    (void)context;
    device.closed++;
}

static const tc_channel_config config = {.context = &device,
                                         .send = on_send,
                                         .on_open = on_open,
                                         .on_text = on_text,
                                         .on_too_large = on_too_large,
                                         .on_closed = on_closed,
                                         .label = "oai-events",
                                         .stream = 1,
                                         .buffer = device.buffer,
                                         .buffer_size = sizeof device.buffer};

static void open_device(void) {
    tc_channel_close(&device.channel);
    device.opened = device.closed = device.texts = 0;
    device.expected = 0;
    device.large = 0;
    tc_channel_config with = config;
    with.now_ms = now;
    CHECK_EQ(tc_channel_open(&device.channel, &with), TC_OK);
}

/* ---- the peer ---- */

static void start_peer(void) {
    tc_association_stop(&peer.channel);
    memset(&peer, 0, sizeof peer);
    peer.channel.config = config;
    peer.channel.config.context = &peer;
    tc_channel_global_init();
    CHECK_EQ(tc_association_start(&peer.channel), TC_OK);
}

static void take_as_peer(uint16_t stream, uint32_t ppid, size_t length) {
    if (ppid == 50 && peer.buffer[0] == 3) {
        CHECK_EQ(length, 12 + strlen("oai-events"));
        CHECK_BYTES(peer.buffer, "\3\0\1\0\0\0\0\0\0\12\0\0oai-events", length);
        peer.asked++;
        if (!peer.mute) {
            CHECK_EQ(tc_association_send(&peer.channel, stream, 50, "\2", 1), 1);
        }
        return;
    }
    check_message(peer.expected++, peer.buffer, ppid == 56 ? 0 : length);
    peer.texts++;
    peer.last = length;
    peer.ppid = ppid;
}

static void run_peer(void) {
    static size_t used;
    struct sctp_rcvinfo info;
    for (;;) {
        socklen_t size = sizeof info;
        unsigned type;
        int flags = 0;
        if (peer.channel.socket == NULL) {
            used = 0;
            return;
        }
        ssize_t got =
            usrsctp_recvv(peer.channel.socket, peer.buffer + used, sizeof peer.buffer - used, NULL,
                          NULL, &info, &size, &type, &flags);
        if (got <= 0) {
            peer.lost += got == 0 || errno == ECONNRESET;
            return;
        }
        if (flags & MSG_NOTIFICATION) {
            union sctp_notification what;
            memcpy(&what, peer.buffer + used,
                   sizeof what < (size_t)got ? sizeof what : (size_t)got);
            peer.resets += what.sn_header.sn_type == SCTP_STREAM_RESET_EVENT &&
                           (what.sn_header.sn_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0;
            continue;
        }
        used += (size_t)got;
        if (flags & MSG_EOR) {
            size_t length = used;
            used = 0;
            take_as_peer(info.rcv_sid, ntohl(info.rcv_ppid), length);
        }
    }
}

/* ---- the world ---- */

static void deliver(void) {
    for (size_t i = 0; i < net.count;) {
        if (net.waiting[i].at > now) {
            i++;
            continue;
        }
        uint8_t *bytes = net.waiting[i].bytes;
        size_t length = net.waiting[i].length;
        int to = net.waiting[i].to;
        memmove(net.waiting + i, net.waiting + i + 1, (--net.count - i) * sizeof net.waiting[0]);
        if (to == DEVICE) {
            tc_channel_receive(&device.channel, bytes, length);
        } else if (peer.channel.socket != NULL) {
            tc_association_input(&peer.channel, bytes, length);
            run_peer();
        }
        free(bytes);
        i = 0;
    }
}

static void pass(unsigned ms) {
    for (unsigned i = 0; i < ms; i += 5) {
        now += 5;
        deliver();
        tc_channel_tick(&device.channel, now);
        run_peer();
    }
}

static void meet(void) {
    start_peer();
    open_device();
    pass(200);
    CHECK_EQ(device.opened, 1);
    CHECK_EQ(peer.asked, 1);
}

static void finish(void) {
    tc_channel_close(&device.channel);
    tc_association_stop(&peer.channel);
    while (net.count > 0) {
        free(net.waiting[--net.count].bytes);
    }
}

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
