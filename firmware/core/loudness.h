/* How loud a frame is. */
#ifndef TC_LOUDNESS_H
#define TC_LOUDNESS_H

#include <stddef.h>
#include <stdint.h>

/** Mean square of -50 dBFS: what is quieter, nobody hears beside the noise of a room. */
#define TC_AUDIBLE_MEAN_SQUARE 10737u

/** Mean of the squares of samples; 2^30 is full scale. `count` is not 0. */
static inline uint32_t tc_mean_square(const int16_t *pcm, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (uint32_t)((int32_t)pcm[i] * pcm[i]);
    }
    return (uint32_t)(sum / count);
}

#endif
