#include "fake_port.h"

#include <string.h>

#include "../core/crc32.h"
#include "check.h"

fake_port fake;

static void power_on(void) {
    static fake_entry kept[sizeof fake.kv / sizeof fake.kv[0]];
    memcpy(kept, fake.kv, sizeof kept);
    memset(&fake, 0, sizeof fake);
    memcpy(fake.kv, kept, sizeof kept);
    memset(fake.image_hash, 'a', 64);
    memcpy(fake.mac, "\x24\x6f\x28\x01\x02\x03", 6);
    fake.reset_reason = TC_RESET_POWER;
    fake.random_state = 1;
    fake.serial_room = FAKE_UNLIMITED;
    fake.serial_piece = SIZE_MAX;
    fake.kv_changes_left = FAKE_UNLIMITED;
    fake.texts_left = FAKE_UNLIMITED;
}

void fake_reset(void) {
    memset(fake.kv, 0, sizeof fake.kv);
    power_on();
}

void fake_reboot(void) {
    power_on();
}

static void copy_text(char *out, size_t capacity, const char *text) {
    CHECK(strlen(text) < capacity);
    strcpy(out, text);
}

/* ---- identity, calendar, random, serial, restart ---- */

uint32_t tc_port_unix_s(void) {
    return fake.unix_s;
}

void tc_port_image_hash(char out[65]) {
    memcpy(out, fake.image_hash, 65);
}

void tc_port_mac(uint8_t out[6]) {
    memcpy(out, fake.mac, 6);
}

int tc_port_reset_reason(void) {
    return fake.reset_reason;
}

void tc_port_random(uint8_t *out, size_t length) {
    for (size_t i = 0; i < length; i++) {
        out[i] = (uint8_t)(tc_test_random(&fake.random_state) >> 24);
    }
}

size_t tc_port_serial_write(const uint8_t *bytes, size_t length) {
    size_t taken = length < fake.serial_piece ? length : fake.serial_piece;
    if (fake.serial_room != FAKE_UNLIMITED) {
        taken = taken < (size_t)fake.serial_room ? taken : (size_t)fake.serial_room;
        fake.serial_room -= (long)taken;
    }
    size_t room = sizeof fake.serial - fake.serial_length;
    size_t kept = taken < room ? taken : room;
    memcpy(fake.serial + fake.serial_length, bytes, kept);
    fake.serial_length += kept;
    return taken;
}

void tc_port_restart(void) {
    fake.restarts++;
}

void tc_port_boot_good(void) {
    CHECK_EQ(fake.boots_good, 0); /* at most once */
    fake.boots_good++;
}

bool tc_port_on_trial(void) {
    return fake.on_trial;
}

/* ---- update ---- */

int tc_port_ota_begin(size_t size) {
    fake.ota_begins++;
    fake.ota_size = size;
    fake.ota_length = 0;
    return fake.ota_begin_result;
}

int tc_port_ota_write(const uint8_t *bytes, size_t length) {
    CHECK(fake.ota_begins > fake.ota_ends + fake.ota_aborts);
    for (size_t i = 0; i < length && fake.ota_length + i < sizeof fake.ota_image; i++) {
        fake.ota_image[fake.ota_length + i] = bytes[i];
    }
    fake.ota_length += length;
    CHECK(fake.ota_length <= fake.ota_size);
    return fake.ota_write_result;
}

int tc_port_ota_end(void) {
    CHECK_EQ(fake.ota_length, fake.ota_size);
    fake.ota_ends++;
    return fake.ota_end_result;
}

void tc_port_ota_abort(void) {
    fake.ota_aborts++;
}

/* ---- storage ---- */

fake_entry *fake_kv_find(const char *key) {
    for (size_t i = 0; i < sizeof fake.kv / sizeof fake.kv[0]; i++) {
        if (strcmp(fake.kv[i].key, key) == 0) {
            return &fake.kv[i];
        }
    }
    return NULL;
}

void fake_kv_put(const char *key, int type, const void *value, size_t length) {
    fake_entry *entry = fake_kv_find(key);
    entry = entry == NULL ? fake_kv_find("") : entry;
    CHECK(entry != NULL && length <= sizeof entry->value && strlen(key) <= 15 && key[0] != '\0');
    strcpy(entry->key, key);
    entry->type = type;
    memcpy(entry->value, value, length);
    entry->length = length;
}

void fake_kv_put_text(const char *key, const char *text) {
    fake_kv_put(key, TC_KV_TEXT, text, strlen(text));
}

int tc_port_kv_read(const char *key, int type, void *out, size_t capacity) {
    fake_entry *entry = fake_kv_find(key);
    if (entry == NULL || entry->type != type) {
        return TC_ERR_NOT_FOUND;
    }
    if (entry->length > capacity) {
        return TC_ERR_SIZE;
    }
    memcpy(out, entry->value, entry->length);
    return (int)entry->length;
}

/* Whether the power still lasts for one more change. */
static bool may_change(void) {
    if (fake.kv_changes_left == 0) {
        return false;
    }
    fake.kv_changes_left -= fake.kv_changes_left > 0 ? 1 : 0;
    fake.kv_changes++;
    return true;
}

int tc_port_kv_write(const char *key, int type, const void *value, size_t length) {
    if (fake.kv_failing != NULL && strcmp(key, fake.kv_failing) == 0) {
        return fake.kv_failure;
    }
    if (!may_change()) {
        return TC_ERR_STORAGE;
    }
    fake_kv_put(key, type, value, length);
    return TC_OK;
}

int tc_port_kv_erase(const char *key) {
    fake_entry *entry = fake_kv_find(key);
    if (!may_change()) {
        return TC_ERR_STORAGE;
    }
    if (entry != NULL) {
        memset(entry, 0, sizeof *entry);
    }
    return TC_OK;
}

/* ---- network ---- */

int tc_port_wifi_join(const char *ssid, const char *password) {
    fake.wifi_joins++;
    copy_text(fake.wifi_ssid, sizeof fake.wifi_ssid, ssid);
    copy_text(fake.wifi_password, sizeof fake.wifi_password, password);
    return fake.wifi_result;
}

void tc_port_wifi_leave(void) {
    fake.wifi_leaves++;
}

void tc_port_radio_rest(bool rest) {
    fake.rests += rest != fake.resting ? 1 : 0;
    fake.resting = rest;
}

int tc_port_wifi_scan(void) {
    fake.scans++;
    return fake.scan_result;
}

int tc_port_http_get(uint32_t id, const char *url, const char *pin, uint32_t timeout_ms) {
    fake.http_gets++;
    fake.http_id = id;
    fake.http_timeout = timeout_ms;
    copy_text(fake.http_url, sizeof fake.http_url, url);
    copy_text(fake.http_pin, sizeof fake.http_pin, pin);
    return fake.http_result;
}

int tc_port_http_post(uint32_t id, const char *url, const char *pin, const char *headers,
                      const uint8_t *body, size_t length, uint32_t timeout_ms) {
    fake.http_posts++;
    fake.http_id = id;
    fake.http_timeout = timeout_ms;
    copy_text(fake.http_url, sizeof fake.http_url, url);
    copy_text(fake.http_pin, sizeof fake.http_pin, pin);
    copy_text(fake.http_headers, sizeof fake.http_headers, headers);
    CHECK(length < sizeof fake.http_body);
    memcpy(fake.http_body, body, length);
    fake.http_body[length] = '\0';
    fake.http_length = length;
    return fake.http_result;
}

void tc_port_http_cancel(uint32_t id) {
    fake.http_cancels++;
    fake.http_cancelled = id;
}

/* ---- peer connection ---- */

int tc_port_peer_open(uint32_t id, const char *label) {
    fake.peer_opens++;
    fake.peer_id = id;
    copy_text(fake.peer_label, sizeof fake.peer_label, label);
    return fake.open_result;
}

int tc_port_peer_answer(uint32_t id, const char *sdp, size_t length) {
    CHECK_EQ(id, fake.peer_id);
    CHECK(length < sizeof fake.peer_sdp);
    fake.peer_answers++;
    memcpy(fake.peer_sdp, sdp, length);
    fake.peer_sdp[length] = '\0';
    return fake.answer_result;
}

int tc_port_peer_send_text(uint32_t id, const uint8_t *text, size_t length) {
    if (fake.texts_left == 0) {
        return TC_ERR_FULL;
    }
    if (fake.text_result < 0) {
        return fake.text_result;
    }
    fake.texts_left -= fake.texts_left > 0 ? 1 : 0;
    if (fake.text_count < FAKE_TEXTS && length < sizeof fake.text_bytes - fake.text_used) {
        char *kept = fake.text_bytes + fake.text_used;
        memcpy(kept, text, length);
        kept[length] = '\0';
        fake.text_used += length + 1;
        fake.texts[fake.text_count].id = id;
        fake.texts[fake.text_count].text = kept;
        fake.texts[fake.text_count++].length = length;
    }
    return TC_OK;
}

void tc_port_peer_close(uint32_t id) {
    fake.peer_closes++;
    fake.peer_closed = id;
}

int tc_port_peer_send_audio(uint32_t id, const uint8_t *packet, size_t length, uint32_t timestamp) {
    CHECK(length <= sizeof fake.packet);
    fake.packets++;
    fake.packet_id = id;
    fake.packet_timestamp = timestamp;
    memcpy(fake.packet, packet, length);
    fake.packet_length = length;
    return TC_OK;
}

/* ---- audio: a packet is one sample, and stands for 20 ms of it ---- */

int tc_port_audio_start(void) {
    fake.audio_starts++;
    fake.audio_on = fake.audio_result == TC_OK;
    return fake.audio_result;
}

void tc_port_audio_stop(void) {
    fake.audio_stops++;
    fake.audio_on = false;
}

void tc_port_opus_reset(void) {
    fake.opus_resets++;
}

int tc_port_opus_encode(const int16_t *pcm, size_t samples, uint8_t *packet, size_t capacity) {
    CHECK_EQ(samples, 320);
    CHECK(capacity >= sizeof pcm[0]);
    fake.encoded++;
    memcpy(packet, pcm, sizeof pcm[0]);
    return sizeof pcm[0];
}

int tc_port_opus_decode(const uint8_t *packet, size_t length, int16_t *pcm, size_t capacity) {
    int16_t sample = FAKE_CONCEALED;
    size_t count = packet == NULL || capacity < 320 ? capacity : 320;
    if (fake.decoding != NULL) {
        fake.decoding();
    }
    if (packet == NULL) {
        fake.concealed++;
    } else {
        fake.decoded++;
        if (length != sizeof sample) {
            return TC_ERR_FORMAT;
        }
        memcpy(&sample, packet, sizeof sample);
    }
    for (size_t i = 0; i < count; i++) {
        pcm[i] = sample;
    }
    return (int)count;
}

/* ---- light, volume, measures, lock ---- */

void tc_port_light(bool on, uint32_t rgb) {
    fake.light_on = on;
    fake.light_rgb = rgb;
    fake.light_calls++;
}

void tc_port_volume(uint8_t percent) {
    fake.volume = percent;
    fake.volume_calls++;
}

void tc_port_memory(tc_memory_stats *out) {
    *out = fake.memory;
}

int tc_port_tasks(tc_task_stats *out, size_t capacity) {
    size_t count = fake.task_count < capacity ? fake.task_count : capacity;
    memcpy(out, fake.tasks, count * sizeof *out);
    return (int)count;
}

void tc_port_lock(void) {
    CHECK(!fake.locked); /* sections are never nested */
    fake.locked = true;
}

void tc_port_unlock(void) {
    CHECK(fake.locked);
    fake.locked = false;
    if (fake.unlocked != NULL) {
        fake.unlocked();
    }
}

/* ---- looking at the line ---- */

void fake_serial_clear(void) {
    fake.serial_length = 0;
}

static uint32_t read_hex(const uint8_t *at) {
    static const char digits[] = "0123456789abcdef";
    uint32_t value = 0;
    for (int i = 0; i < 8; i++) {
        const char *digit = memchr(digits, at[i], 16);
        CHECK(digit != NULL);
        value = value << 4 | (uint32_t)(digit - digits);
    }
    return value;
}

bool fake_next_frame(size_t *cursor, tc_span *json, uint32_t *number) {
    const uint8_t *end = fake.serial + fake.serial_length, *at = fake.serial + *cursor;
    const uint8_t *mark = at < end ? memchr(at, 0x1E, (size_t)(end - at)) : NULL;
    const uint8_t *feed = mark == NULL ? NULL : memchr(mark, '\n', (size_t)(end - mark));
    if (feed == NULL) {
        return false;
    }
    CHECK(feed - mark > 18 && feed[-18] == '\t' && feed[-9] == '\t');
    CHECK_EQ(read_hex(feed - 8), tc_crc32(0, mark + 1, (size_t)(feed - 9 - mark - 1)));
    *json = (tc_span){(const char *)mark + 1, (size_t)(feed - 18 - mark - 1)};
    if (number != NULL) {
        *number = read_hex(feed - 17);
    }
    *cursor = (size_t)(feed + 1 - fake.serial);
    return true;
}

static bool holds(const char *text, size_t length, const char *part) {
    size_t size = strlen(part);
    for (size_t at = 0; at + size <= length; at++) {
        if (memcmp(text + at, part, size) == 0) {
            return true;
        }
    }
    return false;
}

const char *fake_last_frame(const char *part) {
    static char found[1 << 17];
    size_t cursor = 0;
    tc_span json;
    found[0] = '\0';
    while (fake_next_frame(&cursor, &json, NULL)) {
        if (holds(json.at, json.length, part)) {
            CHECK(json.length < sizeof found);
            memcpy(found, json.at, json.length);
            found[json.length] = '\0';
        }
    }
    return found;
}

int fake_count_frames(const char *part) {
    size_t cursor = 0;
    tc_span json;
    int count = 0;
    while (fake_next_frame(&cursor, &json, NULL)) {
        count += holds(json.at, json.length, part) ? 1 : 0;
    }
    return count;
}

bool fake_serial_holds(const char *part) {
    return holds((const char *)fake.serial, fake.serial_length, part);
}
