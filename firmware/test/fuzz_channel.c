/*
 * The input is a list of chunks lists, each behind its length. Each becomes an SCTP packet with the
 * right ports, tag and checksum, since DTLS lets through only what the peer made; some reach the
 * channel while it comes up, some when it is open.
 */
#include <stdlib.h>
#include <sys/time.h>

#include "../peer/channel.h"
#include "../peer/channel_association.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buffer[8192];
static tc_channel device, peer;
static uint64_t now = 1000000;
static struct {
    uint8_t bytes[64][1300];
    size_t length[64], count;
    int to[64];
} net;
static uint8_t tag[4]; /* that the device wants to see */

/* For the same input the same time, in the library as well. */
int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    (void)zone;
    out->tv_sec = (time_t)(now / 1000);
    out->tv_usec = (suseconds_t)(now % 1000 * 1000);
    return 0;
}

static void on_send(void *context, const uint8_t *packet, size_t length) {
    CHECK(length <= TC_CHANNEL_PACKET);
    if (context == &device && length >= 20 && packet[12] == 1) { /* INIT: its tag */
        memcpy(tag, packet + 16, sizeof tag);
    }
    if (net.count < sizeof net.length / sizeof net.length[0]) {
        memcpy(net.bytes[net.count], packet, length);
        net.length[net.count] = length;
        net.to[net.count++] = context == &device;
    }
}

static void on_event(void *context) {
    (void)context;
}

static void on_text(void *context, const uint8_t *text, size_t length) {
    (void)context;
    CHECK(length <= sizeof buffer && text == buffer);
    if (length > 0 && text[0] == '!') {
        tc_channel_close(&device);
    }
}

static void on_too_large(void *context, size_t size, const uint8_t *begin, size_t length) {
    (void)context;
    CHECK(size > sizeof buffer && begin == buffer && length == TC_CHANNEL_BEGIN);
}

static void exchange(void) {
    for (size_t i = 0; i < net.count; i++) { /* more may come while it runs */
        if (!net.to[i]) {
            tc_channel_receive(&device, net.bytes[i], net.length[i]);
        } else if (peer.socket != NULL) {
            tc_association_input(&peer, net.bytes[i], net.length[i]);
        }
    }
    net.count = 0;
}

static void put_u32(uint8_t *at, uint32_t value) {
    memcpy(at, &value, sizeof value); /* usrsctp's checksum is in the order of the wire */
}

static void inject(const uint8_t *chunks, size_t length) {
    uint8_t packet[12 + 256] = {TC_CHANNEL_PORT >> 8, TC_CHANNEL_PORT & 0xff, TC_CHANNEL_PORT >> 8,
                                TC_CHANNEL_PORT & 0xff};
    if (length > 0 && chunks[0] != 1) { /* an INIT has the tag 0 */
        memcpy(packet + 4, tag, sizeof tag);
    }
    memcpy(packet + 12, chunks, length);
    put_u32(packet + 8, usrsctp_crc32c(packet, 12 + length));
    tc_channel_receive(&device, packet, 12 + length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tc_channel_config config = {.context = &device,
                                .send = on_send,
                                .on_open = on_event,
                                .on_text = on_text,
                                .on_too_large = on_too_large,
                                .on_closed = on_event,
                                .label = "oai-events",
                                .stream = 1,
                                .buffer = buffer,
                                .buffer_size = sizeof buffer,
                                .now_ms = now};
    bool with_peer = size > 0 && data[0] & 1;
    net.count = 0;
    CHECK_EQ(tc_channel_open(&device, &config), TC_OK);
    if (with_peer) {
        memset(&peer, 0, sizeof peer);
        peer.config = config;
        peer.config.context = &peer;
        CHECK_EQ(tc_association_start(&peer), TC_OK);
        exchange();
        exchange();
    }
    for (size_t at = 1; at + 2 <= size;) {
        uint8_t what = data[at];
        size_t length = size - at - 2 < data[at + 1] ? size - at - 2 : data[at + 1];
        inject(data + at + 2, length);
        at += 2 + length;
        if (what & 1) {
            now += (uint64_t)what * 20;
            tc_channel_tick(&device, now);
        }
        if (what & 2) {
            exchange();
        }
        if (what & 4) {
            (void)tc_channel_send_text(&device, data, what);
        }
        if (what & 8 && with_peer) {
            (void)tc_association_send(&peer, what >> 4, 50 + (what >> 5), data,
                                      size < 2000 ? size : 2000);
        }
    }
    tc_channel_close(&device);
    tc_association_stop(&peer);
    now += 1000;
    return 0;
}
