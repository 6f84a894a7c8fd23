/* Loudness of what goes out, and level of what comes in: samples of 16 bits, integer arithmetic. */
#ifndef GAIN_H
#define GAIN_H

#include <stddef.h>
#include <stdint.h>

#define GAIN_ONE 32768 /* a gain of 0 dB */

/**
 * Gain for a loudness of 0 to 100, in units of 1/GAIN_ONE: 0 is silence, each percent is half a
 * decibel (as ears count), 100 is GAIN_ONE. More than 100 is taken as 100.
 */
int32_t gain_of_volume(uint8_t percent);
/** Multiplies in place; the gain goes evenly from `from` to `to`, since a step can be heard. */
void gain_apply(int16_t *pcm, size_t count, int32_t from, int32_t to);

/* What a microphone without codec needs; the caller's memory, zero at start. */
typedef struct {
    int64_t offset; /* its DC, 24-bit samples in units of 2^-16 */
} gain_input;

/**
 * Takes one sample, signed and left-aligned in 32 bits; removes the DC (first order, corner at
 * about 10 Hz with 16 kHz) and amplifies by 2^`shift` (0 to 8). What is too loud saturates.
 */
int16_t gain_input_sample(gain_input *input, int32_t sample, unsigned shift);

#endif
