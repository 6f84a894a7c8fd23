#include "sound_tap.h"

#include <string.h>

#include "../generated/link_gen.h"
#include "../port.h"
#include "base64.h"
#include "board.h"
#include "link.h"

#define RING 16384u
#define PACKET_LIMIT 1280u
#define PER_FRAME 5
#define TICKS_PER_PACKET 960u /* 20 ms */
#define FRAME_MS 100u
#define ASTRAY 9600 /* 200 ms: the time of a packet that is further from now is made anew */

enum { MICROPHONE, LOUDSPEAKER, VOICES };

typedef struct {
    uint32_t at;
    uint16_t length, samples;
    uint8_t voice;
} record;

/* One byte, read by the audio task without the lock: it may be a packet late. */
static volatile bool on;

/* Records with their bytes, one behind the other, going round. Guarded by tc_port_lock. */
static TC_BIG uint8_t ring[RING];
static uint32_t head, used, dropped;
static bool fresh; /* a session began */

/* Audio task only. */
static uint32_t now_at;
static uint32_t offset, end; /* of the loudspeaker: from its timestamps to our time; its last end */
static bool anchored;

/* Core task only: what waits to become a frame. A packet of length 0 is missing. */
typedef struct {
    uint32_t at, next;
    int count;
    bool whole; /* nothing can follow in the same frame */
    uint64_t since;
    uint16_t lengths[PER_FRAME];
    uint8_t packets[PER_FRAME][PACKET_LIMIT];
} batch;
static TC_BIG batch batches[VOICES];
static uint32_t frames_sent, packets_sent;

void tc_sound_tap_init(void) {
    on = false;
    head = used = dropped = 0;
    frames_sent = packets_sent = 0;
    fresh = true;
    for (int voice = 0; voice < VOICES; voice++) {
        batches[voice].count = 0;
    }
}

/* ---- in ---- */

static void copy_in(const void *bytes, uint32_t length) {
    uint32_t at = (head + used) % RING;
    uint32_t first = length < RING - at ? length : RING - at;
    memcpy(ring + at, bytes, first);
    memcpy(ring, (const uint8_t *)bytes + first, length - first);
    used += length;
}

static void put(uint8_t voice, const uint8_t *packet, size_t length, uint32_t at,
                uint32_t samples) {
    record r = {.voice = voice, .at = at, .length = (uint16_t)length, .samples = (uint16_t)samples};
    tc_port_lock();
    if (length > 0 && length <= PACKET_LIMIT && used + sizeof r + length <= RING) {
        copy_in(&r, sizeof r);
        copy_in(packet, (uint32_t)length);
    } else {
        dropped++;
    }
    tc_port_unlock();
}

void tc_sound_tap_time(uint32_t at) {
    now_at = at;
}

void tc_sound_tap_sent(const uint8_t *packet, size_t length) {
    if (on) {
        put(MICROPHONE, packet, length, now_at, TICKS_PER_PACKET);
    }
}

void tc_sound_tap_played(const uint8_t *packet, size_t length, uint32_t timestamp,
                         uint32_t samples) {
    if (!on) {
        return;
    }
    tc_port_lock();
    bool began = fresh;
    fresh = false;
    tc_port_unlock();
    if (began) {
        anchored = false;
        end = 0;
    }
    int32_t astray = (int32_t)(timestamp + offset - now_at);
    if (!anchored || astray > ASTRAY || astray < -ASTRAY) {
        anchored = true;
        offset = now_at - timestamp;
    }
    if ((int32_t)(timestamp + offset - end) < 0) {
        offset = end - timestamp; /* one voice does not speak over itself */
    }
    end = timestamp + offset + samples;
    put(LOUDSPEAKER, packet, length, timestamp + offset, samples);
}

/* ---- out ---- */

static void copy_out(void *bytes, uint32_t length) {
    uint32_t first = length < RING - head ? length : RING - head;
    memcpy(bytes, ring + head, first);
    memcpy((uint8_t *)bytes + first, ring, length - first);
    head = (head + length) % RING;
    used -= length;
}

static void flush(int voice) {
    static const char *const names[] = {"microphone", "loudspeaker"};
    static TC_BIG char text[TC_BASE64_LENGTH(PACKET_LIMIT)];
    batch *b = &batches[voice];
    tc_json_writer *w = b->count > 0 ? tc_link_notify(TC_NOTIFY_SOUND) : NULL;
    int count = b->count;
    b->count = 0;
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "from", names[voice]);
    tc_json_pair_int(w, "at", b->at);
    tc_json_key(w, "packets");
    tc_json_open_array(w);
    for (int i = 0; i < count; i++) {
        if (b->lengths[i] == 0) {
            tc_json_null(w);
            continue;
        }
        tc_json_string_n(w, text, tc_base64_encode(b->packets[i], b->lengths[i], text));
        packets_sent++;
    }
    tc_json_close_array(w);
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_SOUND_DROP);
    frames_sent++;
}

/* Puts a packet where it belongs in time: behind the others, with what is missing in between, or
 * into a frame of its own. */
static void add(const record *r, const uint8_t *packet, uint64_t now_ms) {
    batch *b = &batches[r->voice];
    uint32_t gap = r->at - b->next;
    uint32_t missing = gap / TICKS_PER_PACKET;
    if (b->whole || gap % TICKS_PER_PACKET != 0 ||
        missing + (uint32_t)b->count >= (uint32_t)PER_FRAME) {
        flush(r->voice);
    }
    if (b->count == 0) {
        b->at = b->next = r->at;
        b->since = now_ms;
    }
    for (; b->next != r->at; b->next += TICKS_PER_PACKET) {
        b->lengths[b->count++] = 0;
    }
    b->lengths[b->count] = r->length;
    memcpy(b->packets[b->count++], packet, r->length);
    b->next += r->samples;
    b->whole = r->samples != TICKS_PER_PACKET; /* a reader takes 20 ms for each */
    if (b->count == PER_FRAME) {
        flush(r->voice);
    }
}

static void drain(uint64_t now_ms) {
    static TC_BIG uint8_t packet[PACKET_LIMIT];
    for (;;) {
        record r;
        tc_port_lock();
        bool some = used > 0;
        if (some) {
            copy_out(&r, sizeof r);
            copy_out(packet, r.length);
        }
        tc_port_unlock();
        if (!some) {
            return;
        }
        add(&r, packet, now_ms);
    }
}

void tc_sound_tap_set(bool wanted) {
    on = wanted;
}

void tc_sound_tap_begin(void) {
    for (int voice = 0; voice < VOICES; voice++) {
        flush(voice);
    }
    tc_port_lock();
    fresh = true;
    tc_port_unlock();
}

uint32_t tc_sound_tap_tick(uint64_t now_ms, uint32_t wait) {
    drain(now_ms);
    bool wanted = on;
    for (int voice = 0; voice < VOICES; voice++) {
        batch *b = &batches[voice];
        if (b->count > 0 && (now_ms - b->since >= FRAME_MS || !wanted)) {
            flush(voice);
        }
    }
    return wanted && wait > FRAME_MS ? FRAME_MS : wait;
}

void tc_sound_tap_stats(tc_json_writer *writer) {
    tc_port_lock();
    uint32_t lost = dropped;
    tc_port_unlock();
    tc_json_pair_int(writer, "frames", frames_sent);
    tc_json_pair_int(writer, "packets", packets_sent);
    tc_json_pair_int(writer, "dropped", lost);
}
