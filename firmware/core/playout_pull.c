/* Sound out: priming, decoding, concealment, and a little less sound where the clocks drift. */
#include <string.h>

#include "../port.h"
#include "playout_internal.h"
#include "sound_tap.h"

#define SAMPLES_PER_MS 16u
#define CONCEAL_LIMIT 1600u /* samples: longer concealment only buzzes */
#define START_PACKETS 48u   /* short packets fill the slots before they fill the target */
#define DRIFT_MS 60u
#define DRIFT_PULLS 100u /* 2 s */
#define QUIET 100        /* RMS of a frame that nobody misses */

/* One step towards a full frame. */
typedef enum { STEP_DECODE, STEP_CONCEAL, STEP_STOP } step;

/* Audio task only. */
static uint8_t packet_bytes[PLAYOUT_PACKET];
static int16_t scratch[PLAYOUT_LONGEST];

static playout_slot *due(void) {
    return &tc_playout.slots[tc_playout.next % PLAYOUT_SLOTS];
}

/* Starts a talkspurt when enough is there, or when it was waited for long enough. */
static bool prime(void) {
    if (tc_playout.packets == 0) {
        tc_playout.mode = PLAYOUT_IDLE;
        return false;
    }
    if (tc_playout.mode == PLAYOUT_IDLE) {
        tc_playout.mode = PLAYOUT_PRIMING;
        tc_playout.waited = 0;
    }
    if (tc_playout.samples < tc_playout.target * SAMPLES_PER_MS &&
        tc_playout.waited < tc_playout.target && tc_playout.packets < START_PACKETS) {
        tc_playout.waited += PLAYOUT_FRAME_MS;
        return false;
    }
    while (!due()->used) {
        tc_playout.stats.lost++;
        tc_playout_advance(false);
    }
    tc_playout.mode = PLAYOUT_PLAYING;
    tc_playout.expected = due()->timestamp;
    tc_playout.concealed_run = 0;
    tc_playout.over = 0;
    return true;
}

/* Decides what comes next. Locked. */
static step choose(size_t *length, uint32_t *samples) {
    playout_slot *slot = due();
    if (slot->used) {
        int32_t gap = (int32_t)(slot->timestamp - tc_playout.expected);
        if (gap > PLAYOUT_JUMP || gap < -PLAYOUT_JUMP) {
            tc_playout.mode = PLAYOUT_PRIMING;
            tc_playout.waited = 0;
            /* What is left of the last talkspurt goes out first. */
            if (tc_playout.fifo_length > 0 || !prime()) {
                return STEP_STOP;
            }
            slot = due();
        }
        *length = slot->length;
        *samples = slot->samples;
        memcpy(packet_bytes, slot->bytes, slot->length);
        tc_playout.expected = slot->timestamp + slot->samples * 3u;
        tc_playout.last_samples = slot->samples;
        tc_playout_advance(true);
        return STEP_DECODE;
    }
    if (tc_playout.packets == 0) {
        tc_playout.mode = PLAYOUT_IDLE;
        return STEP_STOP;
    }
    tc_playout.stats.lost++;
    *samples = tc_playout.last_samples;
    tc_playout.expected += *samples * 3u;
    tc_playout_advance(false);
    return STEP_CONCEAL;
}

/* Fills `scratch` with concealment, then silence. Returns the samples concealed. */
static uint32_t conceal(uint32_t samples, uint32_t run) {
    uint32_t allowed = run < CONCEAL_LIMIT ? CONCEAL_LIMIT - run : 0;
    uint32_t count = samples < allowed ? samples : allowed;
    int got = count > 0 ? tc_port_opus_decode(NULL, 0, scratch, count) : 0;
    uint32_t made = got > 0 ? (uint32_t)got : 0;
    if (made > count) {
        made = count;
    }
    memset(scratch + made, 0, (samples - made) * sizeof scratch[0]);
    return made;
}

/* Decodes until a frame is there. Locked on entry and exit, unlocked while it decodes. */
static void fill(void) {
    while (tc_playout.mode == PLAYOUT_PLAYING && tc_playout.fifo_length < TC_FRAME_SAMPLES) {
        size_t length = 0;
        uint32_t samples = 0;
        step what = choose(&length, &samples);
        if (what == STEP_STOP) {
            return;
        }
        uint32_t generation = tc_playout.generation;
        uint32_t run = tc_playout.concealed_run;
        uint32_t timestamp = tc_playout.expected - samples * 3u;
        tc_port_unlock();

        int got = 0;
        if (what == STEP_DECODE) {
            tc_sound_tap_played(packet_bytes, length, timestamp, samples * 3u);
            got = tc_port_opus_decode(packet_bytes, length, scratch, PLAYOUT_LONGEST);
        }
        bool decoded = got > 0 && (uint32_t)got <= PLAYOUT_LONGEST;
        uint32_t made = 0;
        if (decoded) {
            samples = (uint32_t)got;
        } else {
            made = conceal(samples, run);
        }

        tc_port_lock();
        if (generation != tc_playout.generation) {
            return;
        }
        memcpy(tc_playout.fifo + tc_playout.fifo_length, scratch, samples * sizeof scratch[0]);
        tc_playout.fifo_length += samples;
        if (decoded) {
            tc_playout.stats.played++;
            tc_playout.concealed_run = 0;
        } else {
            tc_playout.concealed_run += samples;
            if (made > 0) {
                tc_playout.stats.concealed++;
            }
        }
    }
}

static void take(size_t samples) {
    tc_playout.fifo_length -= samples;
    memmove(tc_playout.fifo, tc_playout.fifo + samples,
            tc_playout.fifo_length * sizeof tc_playout.fifo[0]);
}

static bool quiet(const int16_t *pcm) {
    int64_t energy = 0;
    for (size_t i = 0; i < TC_FRAME_SAMPLES; i++) {
        energy += (int64_t)pcm[i] * pcm[i];
    }
    return energy < (int64_t)QUIET * QUIET * TC_FRAME_SAMPLES;
}

/* The sender's clock runs faster than ours: sound piles up, and one quiet frame is left out. */
static void correct_drift(void) {
    uint32_t depth = (tc_playout.samples + (uint32_t)tc_playout.fifo_length) / SAMPLES_PER_MS;
    if (depth <= tc_playout.target + DRIFT_MS) {
        tc_playout.over = 0;
        return;
    }
    tc_playout.over++;
    if (tc_playout.over < DRIFT_PULLS || tc_playout.fifo_length < TC_FRAME_SAMPLES ||
        !quiet(tc_playout.fifo)) {
        return;
    }
    take(TC_FRAME_SAMPLES);
    tc_playout.stats.overflow++;
    tc_playout.over = 0;
    fill();
}

bool tc_playout_pull(int16_t *pcm) {
    tc_port_lock();
    if (tc_playout.mode != PLAYOUT_PLAYING) {
        prime();
    }
    fill();
    correct_drift();
    size_t count =
        tc_playout.fifo_length < TC_FRAME_SAMPLES ? tc_playout.fifo_length : TC_FRAME_SAMPLES;
    memcpy(pcm, tc_playout.fifo, count * sizeof pcm[0]);
    memset(pcm + count, 0, (TC_FRAME_SAMPLES - count) * sizeof pcm[0]);
    take(count);
    tc_port_unlock();
    return count > 0;
}
