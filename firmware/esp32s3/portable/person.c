#include "person.h"

#include <string.h>

#define HEADER 12u
#define VERSION 1u

static uint32_t get_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Reads where the sentence at `offset` begins and how long it is. */
static bool look(person *who, size_t offset) {
    uint8_t bytes[4];
    if (!who->read(who->context, offset, bytes, sizeof bytes)) {
        return false;
    }
    who->samples = get_u32(bytes);
    who->offset = offset + sizeof bytes;
    who->spoken = 0;
    return true;
}

/* Whether all sentences lie within `size` bytes. */
static tc_err check(person *who, uint32_t count, size_t size) {
    size_t at = HEADER;
    for (uint32_t i = 0; i < count; i++) {
        if (size - at < 4) {
            return TC_ERR_FORMAT;
        }
        if (!look(who, at)) {
            return TC_ERR_IO;
        }
        at += 4;
        if (who->samples == 0 || who->samples > (size - at) / 2) {
            return TC_ERR_FORMAT;
        }
        at += (size_t)who->samples * 2;
    }
    return TC_OK;
}

tc_err person_open(person *who, person_read *read, void *context, size_t size) {
    uint8_t header[HEADER];
    memset(who, 0, sizeof *who);
    who->read = read;
    who->context = context;
    if (size < HEADER) {
        return TC_ERR_FORMAT;
    }
    if (!read(context, 0, header, HEADER)) {
        return TC_ERR_IO;
    }
    if (memcmp(header, "TCMC", 4) != 0 || get_u32(header + 4) != VERSION) {
        return TC_ERR_FORMAT;
    }
    tc_err err = check(who, get_u32(header + 8), size);
    if (err == TC_OK && get_u32(header + 8) > 0 && !look(who, HEADER)) {
        err = TC_ERR_IO;
    }
    if (err == TC_OK) {
        who->count = get_u32(header + 8);
    }
    return err;
}

void person_active(person *who, bool on, uint64_t now_ms) {
    who->on = on;
    who->on_since = now_ms;
    who->opening = on;
    who->heard = false;
    who->speaking = false;
    who->spoken = 0;
}

/* Begins to speak where it is time. */
static void listen(person *who, uint64_t now_ms) {
    bool finished = who->heard && now_ms - who->heard_at >= PERSON_QUIET_MS;
    bool tired =
        who->opening && !who->heard && who->on && now_ms - who->on_since >= PERSON_PATIENCE_MS;
    if ((finished || tired) && who->index < who->count) {
        who->speaking = true;
        who->opening = false;
    }
}

static tc_err speak(person *who, int16_t *pcm) {
    uint8_t bytes[PERSON_FRAME * 2];
    uint32_t count = who->samples - who->spoken;
    if (count > PERSON_FRAME) {
        count = PERSON_FRAME;
    }
    if (!who->read(who->context, who->offset + (size_t)who->spoken * 2, bytes, count * 2u)) {
        return TC_ERR_IO;
    }
    for (uint32_t i = 0; i < count; i++) {
        pcm[i] = (int16_t)(uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
    }
    who->spoken += count;
    if (who->spoken < who->samples) {
        return TC_OK;
    }
    who->index++;
    who->speaking = false;
    who->heard = false;
    bool more = who->index < who->count;
    return !more || look(who, who->offset + (size_t)who->samples * 2) ? TC_OK : TC_ERR_IO;
}

tc_err person_frame(person *who, uint64_t now_ms, bool sound, int16_t *pcm) {
    memset(pcm, 0, PERSON_FRAME * sizeof *pcm);
    if (sound) {
        who->heard = true;
        who->heard_at = now_ms;
    }
    if (!who->speaking) {
        listen(who, now_ms);
    }
    return who->speaking ? speak(who, pcm) : TC_OK;
}
