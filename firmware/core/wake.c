#include "wake.h"

#include <string.h>

#include "../port.h"
#include "loudness.h"
#include "playout.h"

#define HALF (TC_FRAME_SAMPLES / 2) /* samples of a frame at 8 kHz */
#define LAG_MIN 20                  /* 400 Hz at 8 kHz, a child's voice */
#define LAG_MAX 100                 /* 80 Hz, a man's */
#define SETTLE_FRAMES 25u           /* 500 ms that only measure the room */
#define WINDOW 40u                  /* frames, 800 ms: words have gaps */
#define NEEDED 15u                  /* voiced ones in the window, 300 ms */
#define ABOVE_FLOOR 8u              /* times the energy of the room, 9 dB */
#define QUIETEST 3600u              /* mean square, -55 dBFS: below it is no speech to a device */
#define FLOOR_MIN 16u

/* Guarded by tc_port_lock. */
static bool listening, heard, fresh;

/* Audio task only. */
static struct {
    uint32_t settle;        /* frames that are not judged */
    uint32_t floor;         /* energy of the room */
    uint64_t history;       /* bit i: the frame i before was voiced */
    int32_t low, last, out; /* filters */
    int16_t wave[2 * HALF]; /* the last 40 ms at 8 kHz */
} ear;

void tc_wake_start(void) {
    tc_port_lock();
    listening = true;
    heard = false;
    fresh = true;
    tc_port_unlock();
}

void tc_wake_stop(void) {
    tc_port_lock();
    listening = heard = false;
    tc_port_unlock();
}

bool tc_wake_heard(void) {
    tc_port_lock();
    bool now = heard;
    tc_port_unlock();
    return now;
}

void tc_wake_sounding(void) {
    ear.history = 0;
    ear.settle = SETTLE_FRAMES;
}

/* Takes away what is below a voice (a high-pass of first order at about 80 Hz, with a microphone's
 * offset), halves the rate, and keeps the last 40 ms. Returns the energy of the new 20 ms. */
static uint32_t take(const int16_t *pcm) {
    memmove(ear.wave, ear.wave + HALF, HALF * sizeof ear.wave[0]);
    for (size_t i = 0; i < HALF; i++) {
        int32_t both = ((int32_t)pcm[2 * i] + pcm[2 * i + 1]) / 2;
        ear.out = (ear.out - ear.out / 16) + both - ear.last;
        ear.last = both;
        int32_t sample = ear.out > INT16_MAX   ? INT16_MAX
                         : ear.out < INT16_MIN ? INT16_MIN
                                               : ear.out;
        ear.wave[HALF + i] = (int16_t)sample;
    }
    return tc_mean_square(ear.wave + HALF, HALF);
}

/* Down at once, up slowly (3 dB in a second): speech is no noise, a fan is. */
static void follow(uint32_t energy) {
    if (energy < ear.floor) {
        ear.floor -= (ear.floor - energy) / 8;
    } else {
        uint32_t step = ear.floor / 64 + 1;
        ear.floor += energy - ear.floor < step ? energy - ear.floor : step;
    }
    if (ear.floor < FLOOR_MIN) {
        ear.floor = FLOOR_MIN;
    }
}

/* Whether the last 40 ms repeat themselves at the pitch of a voice: the normalised correlation of
 * 20 ms with those before them reaches one half. Noise and clicks do not. */
static bool has_pitch(void) {
    const int16_t *now = ear.wave + LAG_MAX;
    const size_t span = 2 * HALF - LAG_MAX;
    int64_t own = 1;
    for (size_t i = 0; i < span; i++) {
        own += (int32_t)now[i] * now[i];
    }
    for (size_t lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        int64_t both = 0, before = 1;
        for (size_t i = 0; i < span; i++) {
            int32_t old = now[(ptrdiff_t)i - (ptrdiff_t)lag];
            both += now[i] * old;
            before += old * old;
        }
        /* Squares without overflow: energies have at most 38 bits. */
        if (both > 0 && (both >> 8) * (both >> 8) * 4 >= (own >> 8) * (before >> 8)) {
            return true;
        }
    }
    return false;
}

static uint32_t count_bits(uint64_t bits) {
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

void tc_wake_frame(const int16_t *pcm) {
    tc_port_lock();
    bool on = listening, begin = fresh;
    fresh = false;
    tc_port_unlock();
    if (!on) {
        return;
    }
    if (begin) {
        memset(&ear, 0, sizeof ear);
        ear.settle = SETTLE_FRAMES;
    }
    uint32_t energy = take(pcm);
    if (ear.settle > 0) {
        ear.settle--;
        /* The quickest way to the room's own noise: somewhere in half a second nobody speaks. */
        ear.floor = ear.settle == SETTLE_FRAMES - 1 || energy < ear.floor ? energy : ear.floor;
        return;
    }
    uint32_t floor = ear.floor > FLOOR_MIN ? ear.floor : FLOOR_MIN;
    bool loud = energy >= QUIETEST && energy / ABOVE_FLOOR >= floor;
    ear.history = ear.history << 1 | (loud && has_pitch() ? 1u : 0u);
    ear.history &= ((uint64_t)1 << WINDOW) - 1;
    follow(energy);
    if (count_bits(ear.history) >= NEEDED) {
        ear.history = 0;
        tc_port_lock();
        heard = listening;
        tc_port_unlock();
    }
}
