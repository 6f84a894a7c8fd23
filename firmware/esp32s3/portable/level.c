#include "level.h"

#include "core/crc32.h"

#define RATE 16000u
#define QUIET (LEVEL_QUIET_MS * RATE / 1000u)
#define SOUND 33955u /* (32768 * 10^(-45/20))^2, the mean square at -45 dBFS */
#define TENTHS_PER_OCTAVE                                                                          \
    1972830           /* 100 log10(2), tenths of dB per doubling of power, units of 2^-16 */
#define FULL_SCALE 30 /* log2 of the mean square at 0 dBFS */

/* Binary logarithm in units of 2^-16, for x >= 1: the whole part by counting, the rest bit by bit
 * from squares. */
static int32_t log2_fixed(uint64_t x) {
    int32_t whole = 63 - __builtin_clzll(x);
    uint64_t mantissa = whole >= 31 ? x >> (whole - 31) : x << (31 - whole); /* 1 to 2, 2^-31 */
    int32_t log = whole;
    for (int i = 0; i < 16; i++) {
        mantissa = (mantissa * mantissa) >> 31;
        log *= 2;
        if (mantissa >> 32) {
            mantissa >>= 1;
            log++;
        }
    }
    return log;
}

int level_dbfs(uint64_t squares, uint64_t count) {
    if (squares == 0 || count == 0) {
        return LEVEL_SILENCE;
    }
    int64_t octaves = log2_fixed(squares) - (int64_t)log2_fixed(count) - FULL_SCALE * 65536;
    int64_t tenths = (octaves * TENTHS_PER_OCTAVE) >> 32;
    return tenths < LEVEL_SILENCE ? LEVEL_SILENCE : (int)tenths;
}

static uint64_t sum_of_squares(const int16_t *pcm, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (uint32_t)((int32_t)pcm[i] * pcm[i]);
    }
    return sum;
}

bool level_is_sound(const int16_t *pcm, size_t count) {
    return sum_of_squares(pcm, count) > (uint64_t)SOUND * count;
}

static uint32_t checksum(uint32_t crc, const int16_t *pcm, size_t count) {
    uint8_t bytes[64];
    for (size_t i = 0; i < count;) {
        size_t length = 0;
        for (; i < count && length < sizeof bytes; i++) {
            bytes[length++] = (uint8_t)((uint16_t)pcm[i] & 0xff);
            bytes[length++] = (uint8_t)((uint16_t)pcm[i] >> 8);
        }
        crc = tc_crc32(crc, bytes, length);
    }
    return crc;
}

bool level_stop(level_meter *meter) {
    bool sounded = meter->sounding;
    meter->sounding = false;
    meter->squares = meter->sound_squares;
    meter->count = meter->duration;
    return sounded;
}

level_news level_add(level_meter *meter, const int16_t *pcm, size_t count) {
    uint64_t squares = sum_of_squares(pcm, count);
    bool sound = squares > (uint64_t)SOUND * count;
    if (squares > 0) {
        meter->crc = checksum(meter->crc, pcm, count);
        meter->samples += count;
    }
    if (!meter->sounding) {
        if (!sound) {
            return LEVEL_NO_NEWS;
        }
        meter->sounding = true;
        meter->since = meter->second = meter->duration = 0;
        meter->second_squares = meter->sound_squares = meter->tail_squares = 0;
    }
    meter->since += (uint32_t)count;
    meter->second += (uint32_t)count;
    meter->second_squares += squares;
    meter->tail_squares += squares;
    if (sound) {
        meter->duration = meter->since;
        meter->sound_squares += meter->tail_squares;
        meter->tail_squares = 0;
    }
    if (meter->since - meter->duration >= QUIET) {
        level_stop(meter);
        return LEVEL_END;
    }
    if (meter->second < RATE) {
        return LEVEL_NO_NEWS;
    }
    meter->squares = meter->second_squares;
    meter->count = meter->second;
    meter->second_squares = 0;
    meter->second = 0;
    return LEVEL_SECOND;
}
