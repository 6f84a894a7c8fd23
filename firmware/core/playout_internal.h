/* What playout.c (packets in) and playout_pull.c (sound out) share. All of it is guarded by
 * tc_port_lock. */
#ifndef TC_PLAYOUT_INTERNAL_H
#define TC_PLAYOUT_INTERNAL_H

#include "playout.h"

#define PLAYOUT_SLOTS 64u /* divides 65,536: a sequence number has one slot, also over the wrap */
#define PLAYOUT_PACKET 1280u  /* bytes; over 120 ms at 80 kbit/s */
#define PLAYOUT_LONGEST 1920u /* samples: 120 ms, the longest packet (RFC 6716 section 3.2.5) */
#define PLAYOUT_FIFO (PLAYOUT_LONGEST + TC_FRAME_SAMPLES)
#define PLAYOUT_TARGET_START 60u /* ms */
#define PLAYOUT_TARGET_MIN 40u
#define PLAYOUT_TARGET_MAX 200u
#define PLAYOUT_FRAME_MS 20u
#define PLAYOUT_JUMP 5760 /* 120 ms at 48 kHz: timestamps further apart are two talkspurts */

typedef struct {
    bool used;
    uint16_t sequence;
    uint16_t samples; /* at 16 kHz */
    uint16_t length;
    uint32_t timestamp;
    uint8_t bytes[PLAYOUT_PACKET];
} playout_slot;

typedef enum {
    PLAYOUT_IDLE,    /* nothing to play */
    PLAYOUT_PRIMING, /* gathers sound before it starts */
    PLAYOUT_PLAYING,
} playout_mode;

typedef struct {
    bool has_candidate;
    uint32_t candidate_ssrc;

    bool has_source;
    uint32_t ssrc;
    uint16_t next;    /* sequence number that is due */
    uint16_t highest; /* highest that was admitted */
    uint64_t history; /* bit i: next - 1 - i was here */
    uint32_t packets; /* in the slots */
    uint32_t samples; /* in the slots */

    playout_mode mode;
    uint32_t waited;   /* ms of priming */
    uint32_t expected; /* timestamp that continues the talkspurt */
    uint32_t last_samples;
    uint32_t concealed_run; /* samples of concealment since the last packet */
    uint32_t over;          /* pulls in a row with far more sound than the target */
    uint32_t generation;    /* changes when all is thrown away: a decode under way is then void */
    int16_t fifo[PLAYOUT_FIFO];
    size_t fifo_length;

    bool gate;
    uint64_t gate_until;

    bool has_transit;
    uint32_t transit;
    uint32_t last_timestamp;
    uint16_t last_sequence;
    uint64_t last_arrival;
    uint32_t jitter;  /* RFC 3550 A.8: 16 times the estimate, in 48 kHz units */
    uint32_t target;  /* ms */
    uint32_t settled; /* packets since the target last changed */
    tc_playout_stats stats;

    playout_slot candidate;            /* first packet of a source in probation */
    playout_slot slots[PLAYOUT_SLOTS]; /* large: last, so that a reset need not clear their bytes */
} playout;

extern playout tc_playout;

/** Moves on by one sequence number; `here` says whether its packet was. Frees its slot. */
void tc_playout_advance(bool here);

#endif
