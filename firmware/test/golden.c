/* What core.test.ts asks of the core: golden vectors and oracles. Bytes go through one buffer. */
#include "../core/json_read.h"
#include "../core/link.h"
#include "../core/playout.h"
#include "../core/settings.h"
#include "../core/wake.h"
#include "check.h"
#include "fake_port.h"

static char buffer[1 << 18];
static char *answer_at;

TC_EXPORT("golden_buffer") char *golden_buffer(void);
char *golden_buffer(void) {
    return buffer;
}

/** Lets the device listen to `samples` of 16 kHz in the buffer; returns the millisecond at which it
 * wakes, or -1. */
TC_EXPORT("golden_wake") int golden_wake(size_t samples);
int golden_wake(size_t samples) {
    int16_t frame[TC_FRAME_SAMPLES];
    tc_wake_start();
    for (size_t at = 0; at + TC_FRAME_SAMPLES <= samples; at += TC_FRAME_SAMPLES) {
        memcpy(frame, buffer + at * sizeof frame[0], sizeof frame);
        tc_wake_frame(frame);
        if (tc_wake_heard()) {
            return (int)(at / 16) + 20;
        }
    }
    return -1;
}

/** Error with which the JSON in the buffer is read to its end. */
TC_EXPORT("golden_json") int golden_json(size_t length);
int golden_json(size_t length) {
    tc_json_reader reader;
    tc_json_token token;
    tc_json_begin(&reader, buffer, length);
    do {
        token = tc_json_next(&reader);
    } while (token != TC_JSON_END && token != TC_JSON_ERROR);
    return reader.error;
}

/** Unescapes the JSON string in the buffer, quotes included, in place. Its length, or an error. */
TC_EXPORT("golden_text") int golden_text(size_t length);
int golden_text(size_t length) {
    static char text[sizeof buffer];
    int got = tc_json_text((tc_span){buffer + 1, length - 2}, text, sizeof text);
    if (got > 0) {
        memcpy(buffer, text, (size_t)got);
    }
    return got;
}

/** Writes the bytes in the buffer as a JSON string, in place. Its length. */
TC_EXPORT("golden_string") int golden_string(size_t length);
int golden_string(size_t length) {
    static char text[sizeof buffer];
    tc_json_writer writer;
    tc_json_start(&writer, text, sizeof text);
    tc_json_string_n(&writer, buffer, length);
    memcpy(buffer, text, writer.length);
    return writer.full ? TC_ERR_SIZE : (int)writer.length;
}

/** Frames the JSON in the buffer, in place. Its length, or an error. */
TC_EXPORT("golden_encode") int golden_encode(size_t length, uint32_t number);
int golden_encode(size_t length, uint32_t number) {
    static uint8_t bytes[sizeof buffer];
    int got = tc_link_encode(buffer, length, number, bytes, sizeof bytes);
    if (got > 0) {
        memcpy(buffer, bytes, (size_t)got);
    }
    return got;
}

static void keep_line(const char *json, size_t length) {
    memcpy(answer_at, json, length);
    answer_at[length] = '\n';
    answer_at += length + 1;
}

/** Feeds the buffer to the link, `piece` bytes at a time; the JSON of each frame goes into the
 * buffer, a line each. */
TC_EXPORT("golden_decode") int golden_decode(size_t length, size_t piece);
int golden_decode(size_t length, size_t piece) {
    static uint8_t bytes[sizeof buffer];
    memcpy(bytes, buffer, length);
    answer_at = buffer;
    tc_link_init();
    for (size_t at = 0; at < length; at += piece) {
        tc_link_feed(bytes + at, length - at < piece ? length - at : piece, keep_line);
    }
    return (int)(answer_at - buffer);
}

/** Counters since golden_decode: 0 frames, 1 broken ones, 2 missing ones. */
TC_EXPORT("golden_counter") uint32_t golden_counter(int which);
uint32_t golden_counter(int which) {
    tc_link_stats stats;
    tc_link_get_stats(&stats);
    return which == 0 ? stats.frames_in : which == 1 ? stats.frames_broken : stats.frames_lost_in;
}

/** Stages and commits the JSON object in the buffer, on a new device; an error of
 * tc_settings_stage. */
TC_EXPORT("golden_set") int golden_set(size_t length);
int golden_set(size_t length) {
    uint32_t changed[(TC_SETTING_COUNT + 31) / 32];
    fake_reset();
    tc_link_init();
    tc_settings_init();
    tc_err error = tc_settings_stage((tc_span){buffer, length}, NULL, 0);
    return error == TC_OK ? tc_settings_commit(changed) : error;
}

/**
 * Writes the setting whose number is `id` into the buffer as JSON; a secret as what is stored. Its
 * length.
 */
TC_EXPORT("golden_get") int golden_get(int id);
int golden_get(int id) {
    const tc_setting_info *info = &tc_setting_table[id];
    tc_json_writer writer;
    tc_json_start(&writer, buffer, sizeof buffer);
    if (info->secret) {
        tc_json_string(&writer, (const char *)tc_settings_get() + info->offset);
    } else {
        tc_settings_write(&writer, (tc_setting_id)id);
    }
    return (int)writer.length;
}
