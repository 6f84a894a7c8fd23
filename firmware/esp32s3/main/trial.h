/* The first start of a new image, which must prove itself (ESP-IDF, "App rollback"). */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdint.h>

/** Finds out whether this boot is a trial, and tests the sound if it is. After audio_init(). */
void trial_init(void);
/** Goes back to the former image if the trial's time is over. Core task, at each step. */
void trial_tick(uint64_t now_ms);

#endif
