/* Packets in: admission of sources, order, jitter. RFC 3550 A.1 and A.8, RFC 6716 section 3.1. */
#include <string.h>

#include "../port.h"
#include "board.h"
#include "playout_internal.h"

#define MAX_MISORDER 100 /* RFC 3550 A.1 */
#define GATE_MS 1000u
#define PAUSE_MS 500u /* a longer gap between arrivals is a pause of the sender, not jitter */
#define TICKS_PER_MS 48u
#define WORST_TRANSIT (200u * TICKS_PER_MS)

TC_BIG playout tc_playout;

/* Samples at 16 kHz that an Opus packet holds, 0 where it is malformed. RFC 6716 section 3.1
 * and 3.2. */
static uint32_t opus_samples(const uint8_t *bytes, size_t length) {
    static const uint16_t silk[4] = {160, 320, 640, 960};
    static const uint16_t hybrid[2] = {160, 320};
    static const uint16_t celt[4] = {40, 80, 160, 320};
    if (length == 0) {
        return 0;
    }
    unsigned config = bytes[0] >> 3;
    unsigned code = bytes[0] & 3;
    uint32_t frame = config < 12   ? silk[config & 3]
                     : config < 16 ? hybrid[config & 1]
                                   : celt[config & 3];
    uint32_t count = code == 0 ? 1 : 2;
    if (code == 3) {
        if (length < 2) {
            return 0;
        }
        count = bytes[1] & 0x3f;
    }
    return frame * count <= PLAYOUT_LONGEST ? frame * count : 0;
}

static void fill_slot(playout_slot *slot, const tc_rtp_packet *packet, uint32_t samples) {
    slot->used = true;
    slot->sequence = packet->sequence;
    slot->timestamp = packet->timestamp;
    slot->samples = (uint16_t)samples;
    slot->length = (uint16_t)packet->length;
    memcpy(slot->bytes, packet->payload, packet->length);
}

void tc_playout_advance(bool here) {
    playout_slot *slot = &tc_playout.slots[tc_playout.next % PLAYOUT_SLOTS];
    if (slot->used) {
        slot->used = false;
        tc_playout.packets--;
        tc_playout.samples -= slot->samples;
    }
    tc_playout.history = tc_playout.history << 1 | (here ? 1u : 0u);
    tc_playout.next++;
}

static void discard_all(void) {
    tc_playout.stats.flushed += tc_playout.packets;
    for (size_t i = 0; i < PLAYOUT_SLOTS; i++) {
        tc_playout.slots[i].used = false;
    }
    tc_playout.packets = 0;
    tc_playout.samples = 0;
    tc_playout.fifo_length = 0;
    tc_playout.history = 0;
    tc_playout.mode = PLAYOUT_IDLE;
    tc_playout.over = 0;
    tc_playout.generation++;
}

static void measure_jitter(const tc_rtp_packet *packet, uint32_t samples, uint64_t now_ms) {
    uint32_t transit = (uint32_t)(now_ms * TICKS_PER_MS) - packet->timestamp;
    /* Where the timestamps jump, too, a new talkspurt begins. */
    uint32_t even = tc_playout.last_timestamp +
                    (uint32_t)(int16_t)(packet->sequence - tc_playout.last_sequence) * samples * 3;
    int32_t jump = (int32_t)(packet->timestamp - even);
    bool paused =
        now_ms - tc_playout.last_arrival > PAUSE_MS || jump > PLAYOUT_JUMP || jump < -PLAYOUT_JUMP;
    tc_playout.last_timestamp = packet->timestamp;
    tc_playout.last_sequence = packet->sequence;
    if (tc_playout.has_transit && !paused) {
        int32_t change = (int32_t)(transit - tc_playout.transit);
        uint32_t size = change < 0 ? 0u - (uint32_t)change : (uint32_t)change;
        if (size > WORST_TRANSIT) {
            size = WORST_TRANSIT;
        }
        tc_playout.jitter += size - ((tc_playout.jitter + 8) >> 4);
    }
    tc_playout.has_transit = true;
    tc_playout.transit = transit;
    tc_playout.last_arrival = now_ms;

    /* Deeper at once, shallower slowly: a stall is worse than a little delay. */
    uint32_t wanted = PLAYOUT_TARGET_MIN + 3 * ((tc_playout.jitter >> 4) / TICKS_PER_MS);
    if (wanted > PLAYOUT_TARGET_MAX) {
        wanted = PLAYOUT_TARGET_MAX;
    }
    tc_playout.settled++;
    if (wanted > tc_playout.target) {
        tc_playout.target = wanted;
        tc_playout.settled = 0;
    } else if (wanted < tc_playout.target && tc_playout.settled >= 50) {
        tc_playout.target -= tc_playout.target - wanted < 5 ? tc_playout.target - wanted : 5;
        tc_playout.settled = 0;
    }
}

/* A packet of the admitted source. */
static void admit(const tc_rtp_packet *packet, uint32_t samples) {
    int16_t offset = (int16_t)(packet->sequence - tc_playout.next);
    if ((int16_t)(packet->sequence - tc_playout.highest) > 0) {
        tc_playout.highest = packet->sequence;
    }
    if (tc_playout.gate) {
        tc_playout.stats.flushed++;
        if (offset >= 0) {
            tc_playout.next = (uint16_t)(packet->sequence + 1);
            tc_playout.history = 0;
        }
        return;
    }
    if (offset < 0) {
        bool played = offset >= -64 && (tc_playout.history >> (-offset - 1) & 1);
        if (played) {
            tc_playout.stats.duplicate++;
        } else {
            tc_playout.stats.late++;
        }
        return;
    }
    for (; offset >= (int16_t)PLAYOUT_SLOTS; offset--) { /* no room: the oldest goes */
        bool here = tc_playout.slots[tc_playout.next % PLAYOUT_SLOTS].used;
        if (here) {
            tc_playout.stats.overflow++;
        } else {
            tc_playout.stats.lost++;
        }
        tc_playout_advance(here);
    }
    playout_slot *slot = &tc_playout.slots[packet->sequence % PLAYOUT_SLOTS];
    if (slot->used) {
        tc_playout.stats.duplicate++;
        return;
    }
    fill_slot(slot, packet, samples);
    tc_playout.packets++;
    tc_playout.samples += samples;
}

/* A packet of an unknown source, or far from where the known one is: two in sequence are believed.
 */
static void probe(const tc_rtp_packet *packet, uint32_t samples) {
    playout_slot *first = &tc_playout.candidate;
    bool known = tc_playout.has_candidate && tc_playout.candidate_ssrc == packet->ssrc;
    if (known && packet->sequence == first->sequence) {
        tc_playout.stats.duplicate++;
        return;
    }
    if (!known || packet->sequence != (uint16_t)(first->sequence + 1)) {
        fill_slot(first, packet, samples);
        tc_playout.candidate_ssrc = packet->ssrc;
        tc_playout.has_candidate = true;
        tc_playout.stats.stray++;
        return;
    }
    discard_all();
    tc_playout.has_candidate = false;
    tc_playout.has_source = true;
    tc_playout.ssrc = packet->ssrc;
    tc_playout.next = first->sequence;
    tc_playout.highest = first->sequence;
    tc_playout.has_transit = false;
    tc_playout.stats.stray--;
    tc_rtp_packet held = *packet;
    held.sequence = first->sequence;
    held.timestamp = first->timestamp;
    held.payload = first->bytes;
    held.length = first->length;
    admit(&held, first->samples);
    admit(packet, samples);
}

void tc_playout_init(void) {
    tc_port_lock();
    uint32_t generation = tc_playout.generation;
    memset(&tc_playout, 0, offsetof(playout, candidate));
    for (size_t i = 0; i < PLAYOUT_SLOTS; i++) {
        tc_playout.slots[i].used = false;
    }
    tc_playout.generation = generation + 1;
    tc_playout.target = PLAYOUT_TARGET_START;
    tc_playout.last_samples = TC_FRAME_SAMPLES;
    tc_port_unlock();
}

void tc_playout_put(const tc_rtp_packet *packet, uint64_t now_ms) {
    uint32_t samples = opus_samples(packet->payload, packet->length);
    tc_port_lock();
    tc_playout.stats.received++;
    if (samples == 0 || packet->length > PLAYOUT_PACKET) {
        tc_playout.stats.stray++;
        tc_port_unlock();
        return;
    }
    if (tc_playout.gate && now_ms >= tc_playout.gate_until) {
        tc_playout.gate = false;
    }
    int16_t ahead = (int16_t)(packet->sequence - tc_playout.highest);
    if (!tc_playout.has_source || packet->ssrc != tc_playout.ssrc ||
        ahead >= (int16_t)PLAYOUT_SLOTS || ahead <= -MAX_MISORDER) {
        probe(packet, samples);
    } else {
        measure_jitter(packet, samples, now_ms);
        admit(packet, samples);
    }
    tc_port_unlock();
}

void tc_playout_flush(uint64_t now_ms) {
    tc_port_lock();
    discard_all();
    tc_playout.has_candidate = false;
    if (tc_playout.has_source) {
        tc_playout.next = (uint16_t)(tc_playout.highest + 1);
    }
    tc_playout.gate = true;
    tc_playout.gate_until = now_ms + GATE_MS;
    tc_port_unlock();
}

void tc_playout_open(void) {
    tc_port_lock();
    tc_playout.gate = false;
    tc_port_unlock();
}

bool tc_playout_drained(void) {
    tc_port_lock();
    bool drained = tc_playout.packets == 0 && tc_playout.fifo_length == 0;
    tc_port_unlock();
    return drained;
}

void tc_playout_get_stats(tc_playout_stats *out) {
    tc_port_lock();
    *out = tc_playout.stats;
    out->jitter_ms = (uint16_t)((tc_playout.jitter >> 4) / TICKS_PER_MS);
    out->depth_ms = (uint16_t)((tc_playout.samples + tc_playout.fifo_length) / 16);
    out->target_ms = (uint16_t)tc_playout.target;
    tc_port_unlock();
}
