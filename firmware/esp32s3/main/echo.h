/* Taking the device's own voice out of what its microphone hears, on boards whose converter records
 * the loudspeaker's signal as a reference. */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>
#include <stdint.h>

/** Makes the canceller; false, and logged, where memory does not suffice. Once. */
bool echo_init(void);
/** Forgets the sound of the last session, but not what was learned of the room. Audio task. */
void echo_reset(void);
/** Replaces 320 samples of the microphone by as many without echo, 28 ms late. Does nothing where
 * echo_init() failed. Audio task. */
void echo_cancel(int16_t *pcm, const int16_t *reference);

#endif
