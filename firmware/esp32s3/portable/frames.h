/*
 * Between the 20 ms that the core works in and the block of another length that a signal processor
 * wants: 320 samples go in and 320 come out with each call, whatever happened in between.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define FRAMES_IN 320
#define FRAMES_BLOCK 512
/*
 * Samples by which the output is late. 320 n mod 512 never exceeds 448, so that with this many of
 * silence ahead the output never runs dry.
 */
#define FRAMES_DELAY 448

/** Works on FRAMES_BLOCK samples of `near` and `far`; writes as many to `out`. All three are
 * aligned to 16 bytes. */
typedef void frames_process(int16_t *near, int16_t *far, int16_t *out, void *context);

/* The caller's memory; 16 bytes of alignment are what vector instructions want. */
typedef struct {
    _Alignas(16) int16_t near[FRAMES_BLOCK + FRAMES_IN];
    _Alignas(16) int16_t far[FRAMES_BLOCK + FRAMES_IN];
    _Alignas(16) int16_t block[FRAMES_BLOCK];
    int16_t out[FRAMES_DELAY + FRAMES_BLOCK + FRAMES_IN];
    size_t in_count, out_count;
} frames;

/** Begins anew, with FRAMES_DELAY samples of silence ahead. */
void frames_reset(frames *bridge);
/** Takes FRAMES_IN samples of `near` and `far`, and replaces those of `near` by as many that were
 * processed. */
void frames_run(frames *bridge, int16_t *near, const int16_t *far, frames_process *process,
                void *context);

#endif
