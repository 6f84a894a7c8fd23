/*
 * Playout: the jitter buffer between RTP and the loudspeaker. It admits a source after two packets
 * in sequence (RFC 3550 A.1), orders, drops what is late or twice, waits for a few frames before it
 * starts, adapts that depth to the jitter it sees, conceals loss, and gives 20 ms of sound for each
 * call of tc_playout_pull. put: peer task; pull: audio task; the rest: core task. tc_port_lock
 * guards the buffer.
 */
#ifndef TC_PLAYOUT_H
#define TC_PLAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp.h"

#define TC_FRAME_SAMPLES 320 /* 20 ms at 16 kHz */

typedef struct {
    uint32_t received, played, concealed, late, duplicate, lost, flushed, overflow, stray;
    uint16_t jitter_ms; /* interarrival jitter, RFC 3550 A.8 */
    uint16_t depth_ms;  /* sound in the buffer */
    uint16_t target_ms; /* sound it waits for */
} tc_playout_stats;

void tc_playout_init(void);
/** Takes one packet that arrived at `now_ms`. */
void tc_playout_put(const tc_rtp_packet *packet, uint64_t now_ms);
/** Fills 320 samples: sound, concealment, or silence. Returns whether there was sound. */
bool tc_playout_pull(int16_t *pcm);
/**
 * Interruption: drops all that is buffered at once, and whatever arrives until tc_playout_open (or
 * 1000 ms have passed), since packets of the old answer may still be on their way.
 */
void tc_playout_flush(uint64_t now_ms);
/** A new answer begins: packets are welcome again. */
void tc_playout_open(void);
/** Whether nothing is left to play. */
bool tc_playout_drained(void);
void tc_playout_get_stats(tc_playout_stats *out);

#endif
