/*
 * A loudspeaker that nobody hears, measured: how long it sounded, how loud, and a checksum of what
 * it played, so that two runs can be compared.
 */
#ifndef LEVEL_H
#define LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEVEL_SILENCE (-999) /* tenths of dBFS that stand for no sound at all */

/** RMS of `count` samples whose squares have this sum, in tenths of dBFS (0 = an amplitude of
 * 32768 all the time), rounded down; LEVEL_SILENCE where that is less. */
int level_dbfs(uint64_t squares, uint64_t count);
/** Whether these samples are sound: an RMS above -45 dBFS. */
bool level_is_sound(const int16_t *pcm, size_t count);

typedef enum {
    LEVEL_NO_NEWS,
    LEVEL_SECOND, /* it has sounded for one second more */
    LEVEL_END,    /* it has been quiet for LEVEL_QUIET_MS after it sounded */
} level_news;

#define LEVEL_QUIET_MS 700

/* The caller's memory, zero at start. */
typedef struct {
    bool sounding;
    uint32_t crc;      /* CRC-32 (IEEE 802.3) of all frames but those of zeros, little endian */
    uint64_t samples;  /* as many as went into it */
    uint32_t duration; /* samples since this sound began, up to the last that is sound */
    uint64_t squares;  /* of the news: the last second, or the whole sound at its end */
    uint64_t count;
    /* inner state */
    uint32_t since, second;
    uint64_t second_squares, sound_squares, tail_squares;
} level_meter;

/**
 * Takes a frame of at most 320 samples, 16 kHz. After LEVEL_SECOND, `squares` and `count` are those
 * of the last second; after LEVEL_END those of the whole sound, `duration` its length.
 */
level_news level_add(level_meter *meter, const int16_t *pcm, size_t count);
/** Ends a sound at once, with the figures of LEVEL_END; false if there is none. */
bool level_stop(level_meter *meter);

#endif
