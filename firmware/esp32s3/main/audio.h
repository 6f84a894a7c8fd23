/*
 * Sound: the audio task, which moves 20 ms frames between the board's microphone and loudspeaker
 * and the core. It calls the device that the board has through audio_device.h.
 */
#ifndef AUDIO_H
#define AUDIO_H

#include <stdbool.h>

/** Sets up the I2C bus with what hangs on it, Opus, the echo canceller, and the audio task; the
 * audio stays off. */
void audio_init(void);
/** Opens and closes the audio device, and says whether it answered, and all chips on the I2C bus
 * with it. Core task, while audio is off. */
bool audio_self_test(void);

#endif
