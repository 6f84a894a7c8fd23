/*
 * The core: one state machine on one task. Events are posted from anywhere; the core task takes
 * them in tc_core_step(). Nothing here allocates after tc_core_init().
 */
#ifndef TC_CORE_H
#define TC_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

typedef enum {
    TC_EVENT_SERIAL = 1,       /* data: bytes from the serial line */
    TC_EVENT_WIFI_UP = 2,      /* data: address as text */
    TC_EVENT_WIFI_DOWN = 3,    /* code: tc_wifi_reason */
    TC_EVENT_HTTP = 4,         /* id; code: status or tc_http_error; extra; data: body */
    TC_EVENT_PEER_OFFER = 5,   /* id; data: SDP */
    TC_EVENT_PEER_UP = 6,      /* id: ICE and DTLS are up */
    TC_EVENT_CHANNEL_OPEN = 7, /* id */
    TC_EVENT_PEER_TEXT = 8,    /* id; data: one whole message */
    TC_EVENT_PEER_DOWN = 9,    /* id; code: 0 closed by the peer, 1 failed, 2 channel closed */
    TC_EVENT_BUTTON = 10,      /* code: 1 down, 0 up */
    TC_EVENT_PEER_TOO_LARGE =
        11,                   /* id; code: size of a message that was dropped; data: its begin */
    TC_EVENT_MUTE = 12,       /* code: 1 the microphone is muted, 0 it is not; at start it is not */
    TC_EVENT_HTTP_DATA = 13,  /* id; extra: length of the whole, 0 unknown; data: next piece */
    TC_EVENT_WIFI_FOUND = 14, /* code: RSSI in dBm; extra: 1 it has a password; data: SSID */
    TC_EVENT_WIFI_SCANNED = 15, /* code: 0, or a tc_err: then the list is not whole */
} tc_event_kind;

typedef enum {
    TC_WIFI_LOST = 0,
    TC_WIFI_PASSWORD = 1,  /* wrong password */
    TC_WIFI_NOT_FOUND = 2, /* no such network in reach */
    TC_WIFI_FAILED = 3,
} tc_wifi_reason;

typedef enum {
    TC_HTTP_DNS = -1,
    TC_HTTP_TCP = -2,
    TC_HTTP_TLS = -3,
    TC_HTTP_TIMEOUT = -4,
    TC_HTTP_TOO_LARGE = -5,
    TC_HTTP_IO = -6,
    TC_HTTP_PIN = -7, /* TLS, with another key than the pinned one */
} tc_http_error;

typedef struct {
    int kind;    /* tc_event_kind */
    uint32_t id; /* of the request or peer connection, else 0 */
    int32_t code;
    uint32_t extra; /* HTTP: Retry-After in seconds, 0 where there is none */
    const uint8_t *data;
    size_t length;
} tc_event;

/** Starts the core; then it says hello. `now_ms` counts from any point, and never goes back. */
void tc_core_init(uint64_t now_ms);
/** Queues a copy of an event. Any task. TC_ERR_FULL: the poster keeps it and tries again after the
 * next step. */
tc_err tc_core_post(const tc_event *event);
/** Takes all queued events and looks at the time. Returns milliseconds until the next call is due
 * (0 to 1000). */
uint32_t tc_core_step(uint64_t now_ms);

/** 20 ms from the microphone (320 samples). Audio task. */
void tc_core_audio_in(const int16_t *pcm, uint64_t now_ms);
/** 20 ms for the loudspeaker (320 samples). Audio task. */
void tc_core_audio_out(int16_t *pcm);
/** One RTP packet of the peer connection `id`, as it came out of SRTP. Peer task. */
void tc_core_rtp(uint32_t id, const uint8_t *bytes, size_t length, uint64_t now_ms);

#endif
