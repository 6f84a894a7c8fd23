/*
 * The port: all that the core may ask of the world. One implementation per world: `virtual/`
 * (imports of a WebAssembly module) and `esp32s3/` (ESP-IDF and libpeer).
 *
 * Three tasks call in here:
 *   core   the task that runs tc_core_step();
 *   audio  the task that moves 20 ms frames: tc_core_audio_in(), tc_core_audio_out();
 *   peer   the task that owns the peer connection: tc_core_rtp().
 * Each function says which task calls it. None of them blocks: what takes time answers later with a
 * posted event (tc_core_post, see core/core.h). Strings are UTF-8 with a NUL; bytes come with a
 * length. Functions that return int return 0 or a length on success and a negative `tc_err`
 * otherwise. Memory passed in is the core's and is valid during the call only.
 */
#ifndef TC_PORT_H
#define TC_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* ---- identity --------------------------------------------------------------------------------
 * core, at init */

/** Writes the SHA-256 of the running application as 64 hex digits and a NUL. */
void tc_port_image_hash(char out[65]);
/** Writes the station MAC address. */
void tc_port_mac(uint8_t out[6]);
/** Why the chip started. */
typedef enum {
    TC_RESET_UNKNOWN = 0,
    TC_RESET_POWER = 1,
    TC_RESET_PIN = 2,
    TC_RESET_SOFTWARE = 3,
    TC_RESET_PANIC = 4,
    TC_RESET_WATCHDOG = 5,
    TC_RESET_BROWNOUT = 6,
} tc_reset_reason;
int tc_port_reset_reason(void);

/* ---- calendar --------------------------------------------------------------------------------
 * core */

/** Seconds since 1970 (UTC), as a time server said; 0 while nobody has. It may step. */
uint32_t tc_port_unix_s(void);

/* ---- random, serial, restart ------------------------------------------------------------------
 * core */

/** Fills `out` from a cryptographic generator. */
void tc_port_random(uint8_t *out, size_t length);
/** Offers bytes to the serial line; returns how many it took (0 when it is full), never waits. */
size_t tc_port_serial_write(const uint8_t *bytes, size_t length);
/** Restarts the chip. Does not return on the chip; in the virtual world the core is not called
 * again. */
void tc_port_restart(void);
/**
 * This image has proven itself: settings are loaded, the network is joined or there is none to join
 * and a host has been answered. A trial boot becomes permanent (ESP-IDF: "App rollback"); what only
 * the port can try, such as its audio hardware, it tries before it believes that. At most once per
 * boot.
 */
void tc_port_boot_good(void);
/** Whether this start is the first of a new image, which has not proven itself yet. */
bool tc_port_on_trial(void);

/* ---- update: a new image in the slot that does not run -----------------------------------------
 * core. The slots are erased as they are written, so a call may take as long as the flash does. The
 * running image stays the one that starts until tc_port_ota_end() has returned 0, whenever the
 * power goes. */

/** Begins; what was begun before is forgotten. TC_ERR_STATE: there is no second slot, or the
 * running image is still on trial. TC_ERR_SIZE: larger than the slot. TC_ERR_STORAGE. */
int tc_port_ota_begin(size_t size);
/** The next bytes of the image. 0, TC_ERR_SIZE, TC_ERR_STATE, TC_ERR_STORAGE. */
int tc_port_ota_write(const uint8_t *bytes, size_t length);
/** All bytes are there. Verifies the image as the boot loader will; it starts next, on trial.
 * TC_ERR_FORMAT: it is no image that this chip starts. TC_ERR_STATE, TC_ERR_STORAGE. */
int tc_port_ota_end(void);
/** Forgets what was begun. */
void tc_port_ota_abort(void);

/* ---- key-value storage: NVS, namespace "tincan" -----------------------------------------------
 * core */

typedef enum {
    TC_KV_U8 = 1,
    TC_KV_U16 = 2,
    TC_KV_U32 = 4,
    TC_KV_TEXT = 0x21,
    TC_KV_BLOB = 0x42
} tc_kv_type;
/**
 * Reads a value: numbers as their 1, 2 or 4 little-endian bytes, text without its NUL.
 * Returns the length; TC_ERR_NOT_FOUND; TC_ERR_SIZE if `capacity` is too small; TC_ERR_STORAGE.
 */
int tc_port_kv_read(const char *key, int type, void *out, size_t capacity);
/** Writes one value; it is whole or not there at all, whenever the power goes. 0, TC_ERR_FULL,
 * TC_ERR_STORAGE. */
int tc_port_kv_write(const char *key, int type, const void *value, size_t length);
/** Removes a value. 0 (also where there was none) or TC_ERR_STORAGE. */
int tc_port_kv_erase(const char *key);

/* ---- network ----------------------------------------------------------------------------------
 * core */

/** Joins a network; an empty password means an open one. Answers: TC_EVENT_WIFI_UP,
 * TC_EVENT_WIFI_DOWN. */
int tc_port_wifi_join(const char *ssid, const char *password);
void tc_port_wifi_leave(void);
/** true: no session, the radio may sleep between beacons; false: it stays awake. */
void tc_port_radio_rest(bool rest);
/** Looks for networks; a joined one stays joined. Answers: TC_EVENT_WIFI_FOUND for each name, the
 * strongest of it, then TC_EVENT_WIFI_SCANNED. TC_ERR_STATE while it joins, or where there is no
 * radio. */
int tc_port_wifi_scan(void);

/**
 * Posts `body` of at most 20,480 bytes (an SDP offer, or a form with one). `headers` are lines
 * "Name: value\r\n". Redirects are not followed; a body over 20,480 bytes is not read to its end.
 * Answer: TC_EVENT_HTTP with the same `id`. One request at a time.
 *
 * `pin` is "" for a server whose certificate and name are verified against the well-known
 * authorities. Else it is the SHA-256 over the DER SubjectPublicKeyInfo of the server's certificate
 * (counted as in RFC 7469, section 2.4) in 64 lower-case hex digits: that key and no other is
 * accepted, whatever chain, name and dates say; with another one the answer is TC_HTTP_PIN. For
 * http URLs it has no meaning.
 */
int tc_port_http_post(uint32_t id, const char *url, const char *pin, const char *headers,
                      const uint8_t *body, size_t length, uint32_t timeout_ms);
/**
 * Gets `url`, of any length; TLS and `pin` as above, no redirects. While the status is 200 the body
 * comes in pieces, TC_EVENT_HTTP_DATA; then TC_EVENT_HTTP, without a body. It shares the one
 * request with tc_port_http_post. A server that sends nothing for `timeout_ms` has timed out.
 */
int tc_port_http_get(uint32_t id, const char *url, const char *pin, uint32_t timeout_ms);
/** Forgets the request; its answer may still come and is recognised by its id. */
void tc_port_http_cancel(uint32_t id);

/* ---- peer connection (WebRTC) ------------------------------------------------------------------
 * core */

/**
 * Makes a peer connection with one Opus track, sendrecv, and one reliable, ordered data channel of
 * this label. `id` is the core's number for it; every event of this connection carries it. Answer:
 * TC_EVENT_PEER_OFFER.
 */
int tc_port_peer_open(uint32_t id, const char *label);
/** Applies the answer. TC_ERR_FORMAT if it is not usable. */
int tc_port_peer_answer(uint32_t id, const char *sdp, size_t length);
/** Queues one text message on the data channel. TC_ERR_FULL: try again at the next step. */
int tc_port_peer_send_text(uint32_t id, const uint8_t *text, size_t length);
/** Closes and frees; no event of this id is posted after it returned. */
void tc_port_peer_close(uint32_t id);
/** Sends one Opus packet; `timestamp` counts samples at 48 kHz. Audio task, which may still have
 * the id of a connection that the core has just closed: TC_ERR_STATE. */
int tc_port_peer_send_audio(uint32_t id, const uint8_t *packet, size_t length, uint32_t timestamp);

/* ---- audio: 16 kHz, mono, signed 16 bit --------------------------------------------------------
 */

/** Switches microphone and loudspeaker on: from now on the audio task calls the core every 20 ms.
 * Core task. */
int tc_port_audio_start(void);
/** Switches them off, and returns when the audio task has left the core: what follows may reset the
 * codec. Core task. */
void tc_port_audio_stop(void);
/** Forgets the state of encoder and decoder. Core task, while audio is off. */
void tc_port_opus_reset(void);
/** Encodes `samples` (320) into one packet; returns its length. Audio task. */
int tc_port_opus_encode(const int16_t *pcm, size_t samples, uint8_t *packet, size_t capacity);
/**
 * Decodes one packet; returns the number of samples. With packet NULL it conceals `capacity`
 * samples of loss. Audio task.
 */
int tc_port_opus_decode(const uint8_t *packet, size_t length, int16_t *pcm, size_t capacity);

/* ---- what people see and hear ------------------------------------------------------------------
 * core */

/** Sets the light: off, or 24-bit RGB. */
void tc_port_light(bool on, uint32_t rgb);
/** Sets the loudness, 0 to 100. */
void tc_port_volume(uint8_t percent);

/* ---- measures ----------------------------------------------------------------------------------
 * core */

/** Heap in bytes; *_low is the lowest since boot. 0 for memory that is not there. */
typedef struct {
    uint32_t internal_free, internal_low;
    uint32_t external_free, external_low;
} tc_memory_stats;
void tc_port_memory(tc_memory_stats *out);

typedef struct {
    char name[16];
    uint32_t stack_free;   /* bytes of the stack that were never used */
    uint32_t cpu_permille; /* share of one processor since the last call */
} tc_task_stats;
/** Fills at most `capacity` of `out`, the task that works most first; returns how many. 0 where the
 * world has no tasks. */
int tc_port_tasks(tc_task_stats *out, size_t capacity);

/* ---- mutual exclusion: short sections, never nested --------------------------------------------
 * any task */

void tc_port_lock(void);
void tc_port_unlock(void);

#endif
