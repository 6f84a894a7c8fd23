#include "capture.h"

#include "../port.h"
#include "board.h"
#include "loudness.h"
#include "playout.h"
#include "sound_tap.h"

#define TICKS_PER_FRAME 960u /* 20 ms at 48 kHz, RFC 7587 section 4.1 */
#define PACKET_SIZE 1276u    /* the longest Opus frame and its TOC, RFC 6716 section 3.4 */
#define GATE_AFTER_MS 200u   /* how long a room still sounds */

/* Written by the core task under the lock. */
static uint32_t peer_id;
static bool microphone_open, muted;

/* Audio task only, but for the timestamp that a new peer begins with. */
static uint32_t timestamp, began_at;
static bool sounding, gated;
static uint64_t gate_until;
static uint32_t sent, refused, failed;

void tc_capture_begin(uint32_t peer) {
    uint32_t start;
    tc_port_random((uint8_t *)&start, sizeof start);
    tc_sound_tap_begin();
    tc_port_lock();
    peer_id = peer;
    microphone_open = false;
    timestamp = began_at = start;
    gated = false;
    tc_port_unlock();
}

void tc_capture_end(void) {
    tc_port_lock();
    peer_id = 0;
    microphone_open = false;
    tc_port_unlock();
}

void tc_capture_microphone(bool open) {
    tc_port_lock();
    microphone_open = open && peer_id != 0;
    tc_port_unlock();
}

void tc_capture_mute(bool mute) {
    tc_port_lock();
    muted = mute;
    tc_port_unlock();
}

bool tc_capture_is(uint32_t peer) {
    tc_port_lock();
    bool same = peer_id != 0 && peer_id == peer;
    tc_port_unlock();
    return same;
}

bool tc_capture_played(const int16_t *pcm) {
    /* By loudness: servers that stream silence between answers must not make the device deaf. */
    sounding = pcm != NULL && tc_mean_square(pcm, TC_FRAME_SAMPLES) >= TC_AUDIBLE_MEAN_SQUARE;
    return sounding;
}

/* Half duplex: without an echo reference the device would answer itself. */
static bool must_gate(uint64_t now_ms) {
    if (TC_BOARD_ECHO) {
        return false;
    }
    if (sounding) {
        gated = true;
        gate_until = now_ms + GATE_AFTER_MS;
    } else if (now_ms >= gate_until) {
        gated = false;
    }
    return gated;
}

void tc_capture_frame(const int16_t *pcm, uint64_t now_ms) {
    static const int16_t silence[TC_FRAME_SAMPLES];
    static uint8_t packet[PACKET_SIZE];
    bool gate = must_gate(now_ms);
    tc_port_lock();
    uint32_t peer = peer_id;
    bool open = microphone_open && !muted;
    uint32_t at = timestamp, since = timestamp - began_at;
    timestamp += TICKS_PER_FRAME;
    tc_port_unlock();
    tc_sound_tap_time(since);
    if (peer == 0 || !open) {
        return;
    }
    int length = tc_port_opus_encode(gate ? silence : pcm, TC_FRAME_SAMPLES, packet, sizeof packet);
    if (length <= 0 || (size_t)length > sizeof packet) {
        failed++;
    } else if (tc_port_peer_send_audio(peer, packet, (size_t)length, at) < 0) {
        refused++;
    } else {
        sent++;
        tc_sound_tap_sent(packet, (size_t)length);
    }
}

void tc_capture_write_stats(tc_json_writer *writer) {
    tc_json_pair_int(writer, "sent", sent);
    tc_json_pair_int(writer, "refused", refused);
    tc_json_pair_int(writer, "failed", failed);
}
