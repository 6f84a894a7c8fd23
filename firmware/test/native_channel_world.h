/*
 * For the channel's tests: a device, a peer of a few lines on the same usrsctp, and a network
 * between them that loses, doubles and reorders by a seed. Time passes only when a test says so
 * (usrsctp's, too).
 */
#ifndef TC_NATIVE_CHANNEL_WORLD_H
#define TC_NATIVE_CHANNEL_WORLD_H

#include "../peer/channel.h"
#include "../peer/channel_association.h"
#include "check.h"

enum { DEVICE, PEER };

typedef struct {
    tc_channel channel;
    uint8_t buffer[65536];
    int opened, closed, texts;
    unsigned expected; /* number of the message that comes next */
    size_t last, large, large_begin;
} channel_device;
extern channel_device device;

typedef struct {
    tc_channel channel; /* its association alone: it knows no DCEP of its own */
    uint8_t buffer[200000];
    int asked, texts, resets, lost;
    bool mute; /* acknowledges no channel */
    unsigned expected;
    size_t last;
    uint32_t ppid;
} channel_peer;
extern channel_peer peer;

typedef struct {
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
} channel_net;
extern channel_net net;

extern uint64_t now;
extern unsigned seed;
/** Of the device; the clock is to be filled in. */
extern const tc_channel_config config;

/** Message number `number`: it says which it is. Valid until the next. */
const uint8_t *message(unsigned number, size_t length);

/** Starts the device, with everything counted anew. */
void open_device(void);
/** Starts the peer, which sends an INIT, too. */
void start_peer(void);
/** Both, until the channel is open. */
void meet(void);
/** Lets time pass, in steps of 5 ms. */
void pass(unsigned ms);
/** Closes both, and drops what is under way. */
void finish(void);

#endif
