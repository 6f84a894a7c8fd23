/*
 * A microphone, a loudspeaker, or both: 16 kHz, mono, signed 16 bit, in frames of 20 ms. All
 * functions are called by one task at a time.
 */
#ifndef AUDIO_DEVICE_H
#define AUDIO_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define AUDIO_RATE 16000
#define AUDIO_FRAME 320

typedef struct {
    /** Name for the log. */
    const char *name;
    /** Switches power and clocks on; false (and logged why) if it cannot. */
    bool (*open)(void);
    /**
     * Waits for a frame of the microphone, and of what the loudspeaker played meanwhile where the
     * board has an echo reference (else `reference` stays as it is). False if none came in time.
     * NULL: it is no microphone.
     */
    bool (*read)(int16_t *pcm, int16_t *reference);
    /** Queues a frame for the loudspeaker, and waits for room. False if there was none in time.
     * NULL: it is no loudspeaker. */
    bool (*write)(const int16_t *pcm);
    /** Sets the loudness, 0 to 100, as gain.h counts it; false if it was not taken. NULL: frames
     * are written at their loudness. */
    bool (*volume)(uint8_t percent);
    /** Switches power and clocks off, without a noise. */
    void (*close)(void);
} audio_device;

/** Chips of esp_codec_dev on one duplex port: ES8311, AW88298, ES7210. */
extern const audio_device audio_codec;
/** Amplifiers and microphones that speak plain I2S: MAX98357A, INMP441. */
extern const audio_device audio_i2s_speaker, audio_i2s_microphone;
/** A PDM microphone. */
extern const audio_device audio_pdm;
/** The emulated board's: sentences from a flash partition; levels and a checksum in the log. */
extern const audio_device audio_partition;
/** Finds the partition. From a task with an internal stack: mapping stops the cache. */
void audio_partition_init(void);

/* Counted by devices, since boot: 10 ms that the loudspeaker had nothing to play; that nobody took
 * from the microphone. */
extern atomic_uint_least32_t audio_underruns, audio_overruns;

#endif
