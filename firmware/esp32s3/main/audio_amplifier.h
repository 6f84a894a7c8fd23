/* The pin that switches the loudspeaker's amplifier, where the board has one. */
#ifndef AUDIO_AMPLIFIER_H
#define AUDIO_AMPLIFIER_H

#include <stdbool.h>

/** Switches it; on while silence is played already, off while it still is: else there is a click.
 */
void amplifier_set(bool on);

#endif
