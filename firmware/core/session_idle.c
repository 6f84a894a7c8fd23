/* What the device does while there is no session: listens for a voice where it should, and lets the
 * radio rest. */
#include "../port.h"
#include "log.h"
#include "session_internal.h"
#include "wake.h"

#define REST_AFTER_MS 5000u /* somebody who has just ended a session often begins another */
#define LISTEN_POLL_MS 40u

static void rest(bool resting) {
    if (resting != tc_self.idle.resting) {
        tc_self.idle.resting = resting;
        tc_port_radio_rest(resting);
    }
}

static void listen(bool on) {
    if (on == tc_self.idle.listening) {
        return;
    }
    tc_self.idle.listening = on;
    if (!on) {
        tc_wake_stop();
        tc_port_audio_stop();
        return;
    }
    tc_wake_start();
    if (tc_port_audio_start() < 0) {
        tc_wake_stop();
        tc_self.idle.listening = false;
        tc_self.idle.deaf = true;
        tc_problem("audio", "The microphone could not be switched on.",
                   "The button still starts a session.");
    }
}

void session_idle_end(void) {
    listen(false);
    tc_self.idle.deaf = false;
    rest(false);
}

uint32_t session_idle_tick(uint32_t wait) {
    bool ready = tc_self.state == TC_STATE_READY;
    bool idle = ready || (tc_self.state == TC_STATE_BACKOFF && !tc_self.waits_for_wifi);
    if (!idle) {
        return wait;
    }
    uint64_t age = tc_self.now - tc_self.entered;
    rest(age >= REST_AFTER_MS);
    if (age < REST_AFTER_MS && REST_AFTER_MS - age < wait) {
        wait = (uint32_t)(REST_AFTER_MS - age);
    }
    bool wanted = tc_settings_get()->device_wake == TC_DEVICE_WAKE_VOICE;
    listen(ready && wanted && !tc_self.muted && !tc_self.idle.deaf);
    if (!tc_self.idle.listening) {
        return wait;
    }
    if (tc_wake_heard()) {
        (void)tc_session_start(TC_REASON_VOICE, tc_self.now);
        return 0;
    }
    return wait < LISTEN_POLL_MS ? wait : LISTEN_POLL_MS;
}
