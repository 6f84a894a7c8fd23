#include "link.h"

#include <string.h>

#include "../generated/link_gen.h"
#include "../port.h"
#include "board.h"
#include "crc32.h"
#include "text_box.h"

#define TRAILER 18 /* what stands behind the JSON of a frame: TAB, number, TAB, CRC; then LF */
#define BATCH (TC_LINK_TX_RING / 16)

/*
 * The ring holds records: a header, then bytes. Those of a text are a line with its LF; those of a
 * frame are the mark, its JSON and a TAB, and the rest is made when it leaves. A frame is counted
 * when it is queued, and the notices of loss that left before it are added as it leaves: so numbers
 * on the wire only ever rise, a notice can leave before frames that waited longer, and each frame
 * that was dropped is a gap.
 */
typedef struct {
    uint32_t length; /* of the bytes behind this header */
    uint32_t number; /* frames queued before this record */
    uint32_t crc;    /* of the bytes, mark excluded */
    uint8_t drop;    /* tc_drop_class */
    bool frame;
    bool doomed; /* chosen to be dropped, between choosing and closing the gaps */
} record;

static TC_BIG uint8_t ring[TC_LINK_TX_RING];
static uint32_t head, used;    /* bytes [head, head + used) of the ring, going round */
static uint32_t frames_queued; /* dropped ones included */
static uint32_t notices;       /* frames that never were in the ring */
static uint32_t unreported[TC_DROP_CLASSES];

/* What leaves now: the record at the head (or none, for a notice), then `tail`. It is never
 * dropped. */
static struct {
    bool active, in_ring;
    record header;
    uint32_t sent; /* of the record's bytes */
    uint8_t tail[256];
    size_t tail_length, tail_sent;
} leaving;

/* The open frame: mark, JSON, TAB. */
static TC_BIG char frame[1 + TC_LINK_MAX_JSON + 1];
static tc_json_writer frame_writer;
static bool frame_open;

/* The frame that comes in, without its mark and LF. */
static TC_BIG char incoming[TC_LINK_MAX_JSON + TRAILER];
static size_t incoming_length;
static bool incoming_open;
static uint32_t incoming_number; /* of the next frame */

static tc_link_stats stats;

void tc_link_init(void) {
    head = used = frames_queued = notices = 0;
    memset(unreported, 0, sizeof unreported);
    memset(&leaving, 0, sizeof leaving);
    memset(&stats, 0, sizeof stats);
    frame_open = incoming_open = false;
    incoming_length = 0;
    incoming_number = 0;
    tc_text_box_init();
}

/* ---- codec ---- */

static void put_hex(uint8_t *out, uint32_t value) {
    for (int i = 7; i >= 0; i--) {
        out[i] = (uint8_t) "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static bool get_hex(const char *text, uint32_t *out) {
    uint32_t value = 0;
    for (int i = 0; i < 8; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value << 4 | (uint32_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = value;
    return true;
}

/* Writes number, TAB, CRC and LF; `crc` is that of all before them. Returns their length. */
static size_t put_trailer(uint8_t *out, uint32_t number, uint32_t crc) {
    put_hex(out, number);
    out[8] = '\t';
    put_hex(out + 9, tc_crc32(crc, out, 8));
    out[17] = '\n';
    return TRAILER;
}

int tc_link_encode(const char *json, size_t length, uint32_t number, uint8_t *out,
                   size_t capacity) {
    if (length > TC_LINK_MAX_JSON || capacity < length + TRAILER + 2) {
        return TC_ERR_SIZE;
    }
    out[0] = TC_LINK_MARK;
    memcpy(out + 1, json, length);
    out[length + 1] = '\t';
    put_trailer(out + length + 2, number, tc_crc32(0, out + 1, length + 1));
    return (int)(length + TRAILER + 2);
}

/* ---- ring ---- */

static void ring_write(uint32_t offset, const void *bytes, uint32_t length) {
    uint32_t at = (head + offset) % TC_LINK_TX_RING;
    uint32_t first = length < TC_LINK_TX_RING - at ? length : TC_LINK_TX_RING - at;
    memcpy(ring + at, bytes, first);
    memcpy(ring, (const uint8_t *)bytes + first, length - first);
}

static void ring_read(uint32_t offset, void *out, uint32_t length) {
    uint32_t at = (head + offset) % TC_LINK_TX_RING;
    uint32_t first = length < TC_LINK_TX_RING - at ? length : TC_LINK_TX_RING - at;
    memcpy(out, ring + at, first);
    memcpy((uint8_t *)out + first, ring, length - first);
}

/* Moves bytes towards the head, piece by piece where either end of it goes round. */
static void ring_move(uint32_t to, uint32_t from, uint32_t length) {
    while (length > 0) {
        uint32_t target = (head + to) % TC_LINK_TX_RING, source = (head + from) % TC_LINK_TX_RING;
        uint32_t edge = target > source ? target : source;
        uint32_t piece = length < TC_LINK_TX_RING - edge ? length : TC_LINK_TX_RING - edge;
        memmove(ring + target, ring + source, piece);
        to += piece;
        from += piece;
        length -= piece;
    }
}

static uint32_t size_of(const record *header) {
    return (uint32_t)sizeof *header + header->length;
}

/* Where the records begin that may be dropped. */
static uint32_t first_droppable(void) {
    return leaving.active && leaving.in_ring ? size_of(&leaving.header) : 0;
}

static void count_drop(tc_drop_class drop) {
    stats.dropped[drop]++;
    unreported[drop]++;
}

/* Chooses the oldest records of one class until `freed` reaches `wanted`. */
static uint32_t doom(tc_drop_class drop, uint32_t freed, uint32_t wanted) {
    record header;
    for (uint32_t at = first_droppable(); at < used && freed < wanted; at += size_of(&header)) {
        ring_read(at, &header, sizeof header);
        if (header.drop == drop) {
            header.doomed = true;
            ring_write(at, &header, sizeof header);
            freed += size_of(&header);
        }
    }
    return freed;
}

/* Takes the chosen records out of the ring, or chooses them not. */
static void close_gaps(bool keep) {
    record header;
    uint32_t to = first_droppable();
    for (uint32_t at = to; at < used; at += size_of(&header)) {
        ring_read(at, &header, sizeof header);
        if (header.doomed && !keep) {
            count_drop((tc_drop_class)header.drop);
            continue;
        }
        if (header.doomed) {
            header.doomed = false;
            ring_write(at, &header, sizeof header);
        }
        if (to != at) {
            ring_move(to, at, size_of(&header));
        }
        to += size_of(&header);
    }
    used = to;
}

/*
 * Makes room for a record of `size` bytes, by dropping what is not worth more than it. More than
 * needed goes at once, since each time costs a pass over the ring; but no class suffers for that in
 * which nothing had to go.
 */
static bool make_room(tc_drop_class drop, uint32_t size) {
    uint32_t room = TC_LINK_TX_RING - used;
    if (size <= room) {
        return true;
    }
    uint32_t needed = size - room, freed = 0;
    for (int each = TC_DROP_SOUND; each <= (int)drop && freed < needed; each++) {
        freed = doom((tc_drop_class)each, freed, needed + BATCH);
    }
    close_gaps(freed < needed);
    return freed >= needed;
}

static tc_err enqueue(record *header, const void *bytes) {
    header->number = frames_queued;
    frames_queued += header->frame ? 1 : 0;
    if (!make_room((tc_drop_class)header->drop, size_of(header))) {
        count_drop((tc_drop_class)header->drop);
        return TC_ERR_FULL;
    }
    ring_write(used, header, sizeof *header);
    ring_write(used + (uint32_t)sizeof *header, bytes, header->length);
    used += size_of(header);
    stats.ring_high = used > stats.ring_high ? used : stats.ring_high;
    return TC_OK;
}

/* ---- sending ---- */

static bool open_frame(void) {
    if (frame_open) {
        return false;
    }
    frame_open = true;
    frame[0] = TC_LINK_MARK;
    /* One byte is kept back for the brace that tc_link_send adds. */
    tc_json_start(&frame_writer, frame + 1, TC_LINK_MAX_JSON - 1);
    tc_json_open_object(&frame_writer);
    tc_json_pair_string(&frame_writer, "jsonrpc", "2.0");
    return true;
}

static void put_id(tc_span id) {
    tc_json_key(&frame_writer, "id");
    if (id.at == NULL) {
        tc_json_null(&frame_writer);
    } else {
        tc_json_raw(&frame_writer, id.at, id.length);
    }
}

tc_json_writer *tc_link_notify(const char *method) {
    if (!open_frame()) {
        return NULL;
    }
    tc_json_pair_string(&frame_writer, "method", method);
    tc_json_key(&frame_writer, "params");
    return &frame_writer;
}

tc_json_writer *tc_link_answer(tc_span id) {
    if (!open_frame()) {
        return NULL;
    }
    put_id(id);
    tc_json_key(&frame_writer, "result");
    return &frame_writer;
}

/* What other tasks have logged so far goes before what the core says now. */
static void take_texts(void) {
    char line[TC_LINK_MAX_TEXT];
    int length;
    while ((length = tc_text_box_take(line, sizeof line)) >= 0) {
        tc_link_text(line, (size_t)length);
    }
    for (uint32_t lost = tc_text_box_dropped(); lost > 0; lost--) {
        count_drop(TC_DROP_TEXT);
    }
}

tc_err tc_link_send(tc_drop_class drop) {
    take_texts();
    /* Without a comma due, the value of params or result is missing. */
    if (!frame_open || (!frame_writer.comma && !frame_writer.full)) {
        frame_open = false;
        return TC_ERR_STATE;
    }
    frame_open = false;
    frame_writer.capacity++;
    tc_json_close_object(&frame_writer);
    if (frame_writer.full) {
        return TC_ERR_SIZE;
    }
    uint32_t length = (uint32_t)frame_writer.length;
    frame[1 + length] = '\t';
    record header = {.length = length + 2,
                     .crc = tc_crc32(0, frame + 1, length + 1),
                     .drop = (uint8_t)drop,
                     .frame = true};
    return enqueue(&header, frame);
}

void tc_link_fail(tc_span id, int32_t code, const char *message, const char *data) {
    frame_open = false;
    open_frame();
    put_id(id);
    tc_json_key(&frame_writer, "error");
    tc_json_open_object(&frame_writer);
    tc_json_pair_int(&frame_writer, "code", code);
    tc_json_pair_string(&frame_writer, "message", message);
    if (data != NULL) {
        tc_json_pair_string(&frame_writer, "data", data);
    }
    tc_json_close_object(&frame_writer);
    tc_link_send(TC_DROP_EVENT);
}

void tc_link_text(const char *line, size_t length) {
    char clean[TC_LINK_MAX_TEXT + 1];
    do {
        uint32_t piece = length < TC_LINK_MAX_TEXT ? (uint32_t)length : TC_LINK_MAX_TEXT;
        /* A character is not torn at the end of a piece. */
        for (int i = 0; piece < length && i < 3 && ((uint8_t)line[piece] & 0xC0) == 0x80; i++) {
            piece--;
        }
        for (uint32_t i = 0; i < piece; i++) {
            uint8_t c = (uint8_t)line[i];
            clean[i] = c < 0x20 || c == 0x7F ? '?' : (char)c;
        }
        clean[piece] = '\n';
        record header = {.length = piece + 1, .drop = TC_DROP_TEXT};
        enqueue(&header, clean);
        line += piece;
        length -= piece;
    } while (length > 0);
}

void tc_link_raw(const void *bytes, size_t length) {
    record header = {.length = (uint32_t)length, .drop = TC_DROP_EVENT};
    take_texts();
    enqueue(&header, bytes);
}

/* The notice of what was dropped since the last one. */
static void start_notice(uint32_t number) {
    char json[200];
    tc_json_writer writer;
    tc_json_start(&writer, json, sizeof json);
    tc_json_open_object(&writer);
    tc_json_pair_string(&writer, "jsonrpc", "2.0");
    tc_json_pair_string(&writer, "method", TC_NOTIFY_DROPPED);
    tc_json_key(&writer, "params");
    tc_json_open_object(&writer);
    for (int drop = 0; drop < TC_DROP_CLASSES; drop++) {
        tc_json_pair_int(&writer, tc_drop_names[drop], unreported[drop]);
        unreported[drop] = 0;
    }
    tc_json_close_object(&writer);
    tc_json_close_object(&writer);
    leaving.tail_length =
        (size_t)tc_link_encode(json, writer.length, number, leaving.tail, sizeof leaving.tail);
    notices++;
}

static bool start_next(void) {
    bool loss = false;
    for (int drop = 0; drop < TC_DROP_CLASSES; drop++) {
        loss = loss || unreported[drop] > 0;
    }
    if (used == 0 && !loss) {
        return false;
    }
    memset(&leaving, 0, sizeof leaving);
    leaving.active = true;
    leaving.header.number = frames_queued;
    if (used > 0) {
        ring_read(0, &leaving.header, sizeof leaving.header);
    }
    uint32_t number = leaving.header.number + notices;
    if (loss) {
        start_notice(number);
        stats.frames_out++;
        return true;
    }
    leaving.in_ring = true;
    if (leaving.header.frame) {
        leaving.tail_length = put_trailer(leaving.tail, number, leaving.header.crc);
        stats.frames_out++;
    }
    return true;
}

/* Offers the next bytes of what leaves; returns how many were offered, and how many were taken. */
static size_t offer(size_t *taken) {
    uint32_t left = leaving.in_ring ? leaving.header.length - leaving.sent : 0;
    if (left > 0) {
        uint32_t at = (head + (uint32_t)sizeof(record) + leaving.sent) % TC_LINK_TX_RING;
        uint32_t piece = left < TC_LINK_TX_RING - at ? left : TC_LINK_TX_RING - at;
        *taken = tc_port_serial_write(ring + at, piece);
        leaving.sent += (uint32_t)*taken;
        return piece;
    }
    size_t piece = leaving.tail_length - leaving.tail_sent;
    if (piece > 0) {
        *taken = tc_port_serial_write(leaving.tail + leaving.tail_sent, piece);
        leaving.tail_sent += *taken;
    }
    return piece;
}

bool tc_link_pump(void) {
    take_texts();
    while (leaving.active || start_next()) {
        size_t taken = 0, offered = offer(&taken);
        if (taken < offered) {
            return true;
        }
        if (offered == 0) {
            if (leaving.in_ring) {
                head = (head + size_of(&leaving.header)) % TC_LINK_TX_RING;
                used -= size_of(&leaving.header);
            }
            leaving.active = false;
        }
    }
    return false;
}

/* ---- receiving ---- */

/*
 * Counts the frames that the host numbered and that did not come. The first number may be any.
 * Nothing runs backwards or leaps over half the numbers: then the host began anew, at 0.
 */
static void count_gap(uint32_t number) {
    uint32_t ahead = stats.frames_in == 0 ? 0 : number - incoming_number;
    bool anew = ahead != 0 && (number == 0 || ahead >= 0x80000000u);
    stats.frames_lost_in += anew ? number : ahead;
    incoming_number = number + 1;
}

/* The bytes from mark to LF are there. */
static void finish_incoming(tc_link_receiver receiver) {
    uint32_t number, crc;
    size_t length = incoming_length <= TRAILER ? 0 : incoming_length - TRAILER;
    const char *trailer = incoming + length;
    if (length == 0 || trailer[0] != '\t' || trailer[9] != '\t' || !get_hex(trailer + 1, &number) ||
        !get_hex(trailer + 10, &crc) || tc_crc32(0, incoming, length + 9) != crc) {
        stats.frames_broken++;
        return;
    }
    count_gap(number);
    stats.frames_in++;
    receiver(incoming, length);
}

void tc_link_feed(const uint8_t *bytes, size_t length, tc_link_receiver receiver) {
    const uint8_t *at = bytes, *end = bytes + length;
    while (at < end) {
        const uint8_t *mark = memchr(at, TC_LINK_MARK, (size_t)(end - at));
        const uint8_t *stop = mark == NULL ? end : mark;
        if (incoming_open) {
            const uint8_t *feed = memchr(at, '\n', (size_t)(stop - at));
            size_t piece = (size_t)((feed == NULL ? stop : feed) - at);
            if (piece > sizeof incoming - incoming_length) {
                /* Too long for a frame: the rest of it is noise. */
                incoming_open = false;
                stats.frames_broken++;
            } else {
                memcpy(incoming + incoming_length, at, piece);
                incoming_length += piece;
            }
            if (incoming_open && feed != NULL) {
                incoming_open = false;
                finish_incoming(receiver);
            }
            if (incoming_open && mark != NULL) {
                stats.frames_broken++; /* another frame begins inside this one */
            }
            if (feed != NULL) {
                at = feed + 1;
                continue;
            }
        }
        if (mark == NULL) {
            return;
        }
        incoming_open = true;
        incoming_length = 0;
        at = mark + 1;
    }
}

void tc_link_get_stats(tc_link_stats *out) {
    *out = stats;
    out->ring_used = used;
}
