/*
 * Capture: microphone -> Opus -> peer. Begin, end, microphone and mute: core task; frame and
 * played: audio task. Timestamps go on also while nothing is sent, so that the server sees a gap in
 * time and no loss.
 */
#ifndef TC_CAPTURE_H
#define TC_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "json_write.h"

/** From now on frames belong to this peer connection; the microphone is closed. */
void tc_capture_begin(uint32_t peer);
/** Nothing is sent any more. */
void tc_capture_end(void);
/** Whether what is heard is sent. */
void tc_capture_microphone(bool open);
/** Whether this peer connection is the one whose sound we send and play. Any task. */
bool tc_capture_is(uint32_t peer);
/** 20 ms from the microphone (320 samples). */
void tc_capture_frame(const int16_t *pcm, uint64_t now_ms);
/** Whether a person has muted the microphone; then nothing is sent, whatever else is said. */
void tc_capture_mute(bool mute);
/** The 20 ms that the loudspeaker plays now, NULL for none. Returns whether they are to be heard
 * (-50 dBFS): a board without echo reference then sends silence. */
bool tc_capture_played(const int16_t *pcm);
/** Packets sent, not sent for lack of room, and not encoded, as members of an open object. */
void tc_capture_write_stats(tc_json_writer *writer);

#endif
