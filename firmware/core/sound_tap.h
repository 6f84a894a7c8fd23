/*
 * The sound tap (sound.tap): copies of the Opus packets of both voices for the host, as `sound`
 * notifications. Off, it costs one comparison per packet. The audio task puts packets into a small
 * ring; the core task takes them out and sends them on, five in a frame.
 *
 * Times count samples of 48 kHz since the session began: those of the microphone are when it was
 * heard, those of the loudspeaker when it is played, by the packets' own RTP timestamps in between.
 */
#ifndef TC_SOUND_TAP_H
#define TC_SOUND_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_write.h"

/* core task */

void tc_sound_tap_init(void);
void tc_sound_tap_set(bool on);
/** A session begins: times start at 0. */
void tc_sound_tap_begin(void);
/** Sends what is due. Returns milliseconds until it wants to be called again, at most `wait`. */
uint32_t tc_sound_tap_tick(uint64_t now_ms, uint32_t wait);
/** Frames sent, packets in them, and packets for which the ring had no room, as members of an open
 * object. */
void tc_sound_tap_stats(tc_json_writer *writer);

/* audio task */

/** The frame that is heard now begins at `at`. */
void tc_sound_tap_time(uint32_t at);
/** A packet of that frame was sent. */
void tc_sound_tap_sent(const uint8_t *packet, size_t length);
/** A packet of `samples` (48 kHz) with this RTP timestamp is decoded. */
void tc_sound_tap_played(const uint8_t *packet, size_t length, uint32_t timestamp,
                         uint32_t samples);

#endif
