/*
 * Wakes the device when somebody speaks to it, without knowing words: 300 ms of sound that is well
 * above the noise of the room and has the pitch of a voice. Start, stop and heard: core task; frame
 * and sounding: audio task.
 */
#ifndef TC_WAKE_H
#define TC_WAKE_H

#include <stdbool.h>
#include <stdint.h>

/** Listens from now on; the first half second only measures the room. */
void tc_wake_start(void);
void tc_wake_stop(void);
/** Whether a voice was heard since tc_wake_start. */
bool tc_wake_heard(void);
/** 20 ms from the microphone (320 samples). */
void tc_wake_frame(const int16_t *pcm);
/** The loudspeaker plays: what is heard meanwhile, and half a second after it, is the device. */
void tc_wake_sounding(void);

#endif
