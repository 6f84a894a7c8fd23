/*
 * A port for tests: it does what the test says, and writes down what the core asked. fake_reset()
 * brings it to the state after power-on with an empty flash; fake_reboot() keeps the flash.
 */
#ifndef TC_FAKE_PORT_H
#define TC_FAKE_PORT_H

#include "../core/json_read.h"
#include "../port.h"

#define FAKE_UNLIMITED (-1)
#define FAKE_TEXTS 256
#define FAKE_CONCEALED 7 /* each sample of concealed sound */

typedef struct {
    char key[16]; /* empty: a free place */
    int type;
    uint8_t value[9216]; /* the longest journal */
    size_t length;
} fake_entry;

typedef struct {
    /* What the world is like: a test sets it. */
    char image_hash[65];
    uint8_t mac[6];
    int reset_reason;
    uint32_t unix_s;        /* the calendar; 0: nobody has said */
    long serial_room;       /* bytes that the line still takes, or FAKE_UNLIMITED */
    size_t serial_piece;    /* most that it takes at once */
    long kv_changes_left;   /* writes and erasures until the power fails, or FAKE_UNLIMITED */
    const char *kv_failing; /* writes to this key fail with kv_failure, or NULL */
    int kv_failure;
    int ota_begin_result, ota_write_result, ota_end_result, scan_result;
    int wifi_result, http_result, open_result, answer_result, audio_result, text_result;
    tc_memory_stats memory;
    tc_task_stats tasks[16];
    size_t task_count;
    long texts_left;        /* texts until the channel is full, or FAKE_UNLIMITED */
    void (*decoding)(void); /* what other tasks do meanwhile, or NULL */
    void (*unlocked)(void); /* another task that runs as soon as a lock is free, or NULL */

    /* What the core asked for: a test looks at it. */
    uint8_t serial[1 << 20]; /* what was written to the line; later bytes fall off */
    size_t serial_length;
    uint32_t random_state;
    int restarts, boots_good;
    bool on_trial;
    int ota_begins, ota_ends, ota_aborts;
    size_t ota_size, ota_length;
    uint8_t ota_image[70000]; /* what was written; later bytes fall off */
    bool resting;             /* the radio */
    int rests;                /* how often that changed */
    fake_entry kv[64];
    int kv_changes;
    int wifi_joins, wifi_leaves;
    char wifi_ssid[64], wifi_password[128];
    int scans;
    int http_posts, http_gets, http_cancels;
    uint32_t http_id, http_cancelled, http_timeout;
    char http_url[512], http_pin[80], http_headers[4096], http_body[20481];
    size_t http_length;
    int peer_opens, peer_answers, peer_closes;
    uint32_t peer_id, peer_closed;
    char peer_label[64], peer_sdp[20481];
    struct {
        uint32_t id;
        const char *text; /* with a NUL */
        size_t length;
    } texts[FAKE_TEXTS]; /* what was sent on the data channel; later texts fall off */
    int text_count;
    char text_bytes[1 << 19];
    size_t text_used;
    int packets; /* of audio, sent */
    uint32_t packet_id, packet_timestamp;
    uint8_t packet[1500];
    size_t packet_length;
    bool audio_on;
    int audio_starts, audio_stops, opus_resets, encoded, decoded, concealed;
    bool light_on;
    uint32_t light_rgb;
    int light_calls;
    uint8_t volume;
    int volume_calls;
    bool locked;
} fake_port;

extern fake_port fake;

void fake_reset(void);
/** Power comes (back): everything but the flash is as after fake_reset(). */
void fake_reboot(void);

/** An entry of the flash, or NULL. */
fake_entry *fake_kv_find(const char *key);
void fake_kv_put(const char *key, int type, const void *value, size_t length);
void fake_kv_put_text(const char *key, const char *text);

/** Forgets what was written to the serial line. */
void fake_serial_clear(void);
/**
 * The next frame at or behind `*cursor` (0 at first) on the serial line; false where there is none.
 * Checks its CRC. `number` may be NULL.
 */
bool fake_next_frame(size_t *cursor, tc_span *json, uint32_t *number);
/** The last frame on the line that holds `part`, as a string with a NUL; "" where there is none. */
const char *fake_last_frame(const char *part);
/** How many frames on the line hold `part`. */
int fake_count_frames(const char *part);
/** Whether the line's bytes hold `part`. */
bool fake_serial_holds(const char *part);

#endif
