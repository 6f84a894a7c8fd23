#include "gain.h"

#define HALF_DECIBEL 1013677647u /* 10^(-0.5/20) in units of 2^-30 */
#define OFFSET_SHIFT 8           /* 16000 / (2 pi 2^8) = 10 Hz */

int32_t gain_of_volume(uint8_t percent) {
    if (percent == 0) {
        return 0;
    }
    uint64_t gain = 1u << 30;
    for (; percent < 100; percent++) {
        gain = (gain * HALF_DECIBEL) >> 30;
    }
    return (int32_t)((gain + (1u << 14)) >> 15);
}

static int16_t saturate(int64_t value) {
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

void gain_apply(int16_t *pcm, size_t count, int32_t from, int32_t to) {
    for (size_t i = 0; i < count; i++) {
        int64_t gain = from + (to - from) * (int64_t)(i + 1) / (int64_t)count;
        pcm[i] = saturate((pcm[i] * gain + GAIN_ONE / 2) >> 15);
    }
}

int16_t gain_input_sample(gain_input *input, int32_t sample, unsigned shift) {
    int64_t fine = (int64_t)(sample >> 8) * 65536;
    input->offset += (fine - input->offset) >> OFFSET_SHIFT;
    return saturate((fine - input->offset) >> (24 - shift));
}
