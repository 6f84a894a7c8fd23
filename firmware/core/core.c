#include "core.h"

#include "capture.h"
#include "device.h"
#include "host_tools.h"
#include "improv.h"
#include "inbox.h"
#include "link.h"
#include "log.h"
#include "ota.h"
#include "playout.h"
#include "rpc.h"
#include "rtp.h"
#include "session.h"
#include "settings.h"
#include "sound_tap.h"
#include "wake.h"

#define LINE_FULL_MS 10u /* when to offer the line more bytes, if nobody says that it has room */

static uint64_t now;

void tc_core_init(uint64_t now_ms) {
    now = now_ms;
    tc_log_clock(now_ms);
    tc_inbox_init();
    tc_link_init();
    tc_settings_init();
    tc_host_tools_init();
    tc_sound_tap_init();
    tc_device_init(now_ms);
    tc_session_init();
    tc_ota_init();
    tc_improv_init();
    tc_device_say_hello();
}

tc_err tc_core_post(const tc_event *event) {
    return tc_inbox_put(event);
}

static void receive(const char *json, size_t length) {
    tc_rpc_receive(json, length, now);
}

/* Frames and packets of Improv share the line; the bytes of a packet are hidden from the link,
 * since any of them may look like the mark of a frame. */
static void take_serial(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        bool packet;
        size_t piece = tc_improv_feed(bytes, length, now, &packet);
        if (!packet) {
            tc_link_feed(bytes, piece, receive);
        }
        bytes += piece;
        length -= piece;
    }
}

uint32_t tc_core_step(uint64_t now_ms) {
    tc_event event;
    now = now_ms;
    tc_log_clock(now);
    /* Those that are there now: a poster that is faster than we are must not keep time from
     * passing. */
    for (uint32_t left = tc_inbox_count(); left > 0 && tc_inbox_peek(&event); left--) {
        if (event.kind == TC_EVENT_SERIAL) {
            take_serial(event.data, event.length);
        } else if (!tc_ota_event(&event, now) && !tc_improv_event(&event, now)) {
            tc_session_event(&event, now);
        }
        tc_inbox_drop();
    }
    uint32_t wait = tc_session_tick(now);
    tc_ota_tick(now);
    tc_improv_tick(now);
    wait = tc_sound_tap_tick(now, wait);
    bool sending = tc_link_pump();
    if ((tc_device_tick(now, sending) || sending) && wait > LINE_FULL_MS) {
        wait = LINE_FULL_MS;
    }
    if (tc_inbox_peek(&event)) {
        return 0;
    }
    /* One that is still copied: its poster may need this very processor to finish. */
    return tc_inbox_count() > 0 && wait > 1 ? 1 : wait;
}

void tc_core_audio_in(const int16_t *pcm, uint64_t now_ms) {
    tc_capture_frame(pcm, now_ms);
    tc_wake_frame(pcm);
}

void tc_core_audio_out(int16_t *pcm) {
    bool sound = tc_playout_pull(pcm);
    if (tc_capture_played(sound ? pcm : NULL)) {
        tc_wake_sounding();
    }
}

void tc_core_rtp(uint32_t id, const uint8_t *bytes, size_t length, uint64_t now_ms) {
    tc_rtp_packet packet;
    if (tc_capture_is(id) && tc_rtp_read(bytes, length, &packet) == TC_OK) {
        tc_playout_put(&packet, now_ms);
    }
}
