#include "native_channel_world.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>

channel_device device;

channel_peer peer;

channel_net net;

uint64_t now = 1000000;
unsigned seed = 20251127;

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

const uint8_t *message(unsigned number, size_t length) {
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

const tc_channel_config config = {.context = &device,
                                  .send = on_send,
                                  .on_open = on_open,
                                  .on_text = on_text,
                                  .on_too_large = on_too_large,
                                  .on_closed = on_closed,
                                  .label = "oai-events",
                                  .stream = 1,
                                  .buffer = device.buffer,
                                  .buffer_size = sizeof device.buffer};

void open_device(void) {
    tc_channel_close(&device.channel);
    device.opened = device.closed = device.texts = 0;
    device.expected = 0;
    device.large = 0;
    tc_channel_config with = config;
    with.now_ms = now;
    CHECK_EQ(tc_channel_open(&device.channel, &with), TC_OK);
}

/* ---- the peer ---- */

void start_peer(void) {
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

void pass(unsigned ms) {
    for (unsigned i = 0; i < ms; i += 5) {
        now += 5;
        deliver();
        tc_channel_tick(&device.channel, now);
        run_peer();
    }
}

void meet(void) {
    start_peer();
    open_device();
    pass(200);
    CHECK_EQ(device.opened, 1);
    CHECK_EQ(peer.asked, 1);
}

void finish(void) {
    tc_channel_close(&device.channel);
    tc_association_stop(&peer.channel);
    while (net.count > 0) {
        free(net.waiting[--net.count].bytes);
    }
}
