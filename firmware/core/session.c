#include <string.h>

#include "../port.h"
#include "capture.h"
#include "history.h"
#include "link.h"
#include "log.h"
#include "ota.h"
#include "playout.h"
#include "session_internal.h"
#include "wake.h"

#define CONFIGURE_MS 8000u
#define CLOSE_MS 3000u
#define DRAIN_MIN_MS 200u /* packets that are still on their way */
#define DRAIN_MAX_MS 2000u
#define LONGEST_STEP 1000u

#define TO(state) (1u << TC_STATE_##state)

/* From each state, where it may go. */
static const uint16_t legal[TC_STATE_COUNT] = {
    [TC_STATE_UNPROVISIONED] = TO(JOINING),
    [TC_STATE_JOINING] = TO(READY) | TO(BACKOFF) | TO(UNPROVISIONED),
    [TC_STATE_READY] = TO(CONNECTING) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_CONNECTING] =
        TO(CONFIGURING) | TO(BACKOFF) | TO(READY) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_CONFIGURING] = TO(LIVE) | TO(BACKOFF) | TO(READY) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_LIVE] = TO(CLOSING) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_CLOSING] = TO(CONNECTING) | TO(READY) | TO(BACKOFF) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_BACKOFF] = TO(CONNECTING) | TO(JOINING) | TO(READY) | TO(UNPROVISIONED),
};

session_data tc_self;

/* ---- states ---- */

void session_notify(tc_reason reason, const char *detail, uint32_t retry_ms) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_STATE);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "state", tc_state_names[tc_self.state]);
    if (tc_self.state == TC_STATE_LIVE) {
        tc_json_pair_string(w, "activity", tc_activity_names[tc_self.activity]);
    }
    tc_json_pair_string(w, "reason", tc_reason_names[reason]);
    if (detail != NULL && detail[0] != '\0') {
        tc_json_pair_string(w, "detail", detail);
    }
    if (tc_self.state == TC_STATE_BACKOFF) {
        tc_json_pair_int(w, "retry_ms", retry_ms);
    }
    if (tc_self.muted) {
        tc_json_pair_bool(w, "muted", true);
    }
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_STATE_DROP);
}

static bool in_session(tc_state state) {
    return state == TC_STATE_CONNECTING || state == TC_STATE_CONFIGURING ||
           state == TC_STATE_LIVE || state == TC_STATE_CLOSING;
}

void session_enter(tc_state state, tc_reason reason, const char *detail, uint32_t retry_ms) {
    static const uint32_t limit[TC_STATE_COUNT] = {
        [TC_STATE_CONFIGURING] = CONFIGURE_MS,
        [TC_STATE_CLOSING] = CLOSE_MS,
    };
    tc_state before = tc_self.state;
    if (!(legal[before] >> state & 1)) {
        tc_self.count.illegal++;
        tc_log(TC_LOG_ERROR, "session", "%s to %s is not in the table",
               tc_state_names[tc_self.state], tc_state_names[state]);
    }
    tc_log(TC_LOG_INFO, "session", "%s -> %s (%s)", tc_state_names[tc_self.state],
           tc_state_names[state], tc_reason_names[reason]);
    if (state != TC_STATE_READY && state != TC_STATE_BACKOFF) {
        session_idle_end();
    }
    bool renewed = before == TC_STATE_CLOSING && state == TC_STATE_CONNECTING;
    if (in_session(before) && (!in_session(state) || renewed)) {
        /* The detail of joining is a network, and tells nothing of the session. */
        session_ends_note(reason, state == TC_STATE_JOINING ? NULL : detail, tc_self.session_began);
    }
    if ((!in_session(before) || renewed) && in_session(state)) {
        tc_self.session_began = tc_self.now;
    }
    if (before == TC_STATE_LIVE) {
        tc_self.talk.left = tc_self.now;
        tc_self.talk.owed = session_live_owes();
    }
    if (!tc_self.wanted && !in_session(state)) {
        session_conversation_begin(); /* the one before is over for good */
    }
    tc_self.state = state;
    tc_self.activity = TC_ACTIVITY_LISTENING;
    tc_self.entered = tc_self.now;
    uint32_t ms = state == TC_STATE_BACKOFF ? retry_ms : limit[state];
    tc_self.deadline = ms > 0 ? tc_self.now + ms : 0;
    session_notify(reason, detail, retry_ms);
}

/* ---- closing ---- */

void session_close_peer(void) {
    if (tc_self.http_id != 0) {
        tc_port_http_cancel(tc_self.http_id);
    }
    if (tc_self.peer_id != 0) {
        tc_port_peer_close(tc_self.peer_id);
    }
    tc_self.http_id = 0;
    tc_self.peer_id = 0;
    tc_self.channel_open = false;
    tc_capture_end();
    session_outbox_clear();
}

void session_tear_down(void) {
    session_close_peer();
    if (tc_self.audio_on) {
        tc_port_audio_stop();
    }
    tc_self.audio_on = false;
}

void session_after_close(void) {
    if (tc_self.after.state == TC_STATE_CONNECTING) {
        session_connect(tc_self.after.reason);
        return;
    }
    session_tear_down();
    tc_self.waits_for_wifi = false;
    session_enter(tc_self.after.state, tc_self.after.reason, tc_self.detail,
                  tc_self.after.retry_ms);
}

void session_mended(void) {
    bool waits = tc_self.state == TC_STATE_BACKOFF && !tc_self.waits_for_wifi;
    if (waits && !session_failure_passes(tc_self.told)) {
        tc_self.tries = 0;
        session_connect(TC_REASON_RETRY);
    }
}

static void plan_ready(tc_reason reason) {
    tc_self.wanted = false;
    tc_self.tries = 0;
    tc_self.after.state = TC_STATE_READY;
    tc_self.after.reason = reason;
    tc_self.detail[0] = '\0';
}

void session_close(tc_reason reason) {
    plan_ready(reason);
    tc_capture_microphone(false);
    session_enter(TC_STATE_CLOSING, reason, NULL, 0);
}

static void closing_tick(void) {
    uint64_t age = tc_self.now - tc_self.entered;
    if ((tc_playout_drained() && age >= DRAIN_MIN_MS) || age >= DRAIN_MAX_MS) {
        session_after_close();
    }
}

/* ---- time ---- */

static void deadline_passed(void) {
    switch (tc_self.state) {
    case TC_STATE_JOINING:
        session_wifi_failed(TC_REASON_WIFI_FAILED);
        break;
    case TC_STATE_BACKOFF:
        if (tc_self.waits_for_wifi) {
            session_wifi_join(TC_REASON_RETRY);
        } else {
            session_connect(TC_REASON_RETRY);
        }
        break;
    case TC_STATE_CONNECTING:
    case TC_STATE_CONFIGURING:
        session_connect_late();
        break;
    case TC_STATE_CLOSING:
        session_after_close();
        break;
    default:
        break;
    }
}

void tc_session_init(void) {
    memset(&tc_self, 0, sizeof tc_self);
    session_token_forget();
    session_conversation_begin();
    tc_self.state = session_complete() ? TC_STATE_JOINING : TC_STATE_UNPROVISIONED;
    tc_self.autostart = tc_settings_get()->device_autostart;
    tc_self.volume = tc_settings_get()->audio_volume;
    tc_port_volume(tc_self.volume);
    session_outbox_clear();
    session_ends_init();
    tc_playout_init();
    tc_capture_end();
    tc_capture_mute(false);
    tc_wake_stop();
}

static void boot(void) {
    tc_self.booted = true;
    tc_self.entered = tc_self.now;
    if (tc_self.state == TC_STATE_JOINING) {
        session_wifi_boot();
    } else {
        session_notify(TC_REASON_BOOT, NULL, 0);
    }
}

static uint32_t until(uint64_t time) {
    if (time <= tc_self.now) {
        return 0;
    }
    return time - tc_self.now < LONGEST_STEP ? (uint32_t)(time - tc_self.now) : LONGEST_STEP;
}

uint32_t tc_session_tick(uint64_t now_ms) {
    tc_self.now = now_ms;
    if (!tc_self.booted) {
        boot();
    }
    if (tc_self.deadline != 0 && now_ms >= tc_self.deadline) {
        deadline_passed();
    }
    uint32_t wait = LONGEST_STEP;
    if (tc_self.channel_open && session_outbox_pump()) {
        wait = 20;
        if (session_outbox_stalled()) {
            session_fail(TC_REASON_CHANNEL_CLOSED, "The data channel takes no more events.", 0);
        }
    }
    if (tc_self.state == TC_STATE_CLOSING) {
        closing_tick();
    }
    if (tc_self.state == TC_STATE_LIVE) {
        uint32_t live = session_live_tick();
        wait = live < wait ? live : wait;
    }
    if (tc_self.state == TC_STATE_CLOSING) {
        wait = 20;
    }
    wait = session_idle_tick(wait);
    if (tc_self.deadline != 0 && until(tc_self.deadline) < wait) {
        wait = until(tc_self.deadline);
    }
    return wait;
}

static void mute(bool on) {
    if (on == tc_self.muted) {
        return;
    }
    tc_self.muted = on;
    tc_capture_mute(on);
    if (on && tc_self.state == TC_STATE_LIVE) {
        session_live_mute();
    }
    session_notify(TC_REASON_NONE, NULL,
                   tc_self.deadline > tc_self.now ? (uint32_t)(tc_self.deadline - tc_self.now) : 0);
}

void tc_session_event(const tc_event *event, uint64_t now_ms) {
    tc_self.now = now_ms;
    if (!tc_self.booted) {
        boot();
    }
    switch (event->kind) {
    case TC_EVENT_WIFI_UP:
        session_wifi_up(event);
        break;
    case TC_EVENT_WIFI_DOWN:
        session_wifi_down(event->code);
        break;
    case TC_EVENT_BUTTON:
        (void)tc_session_talk(event->code != 0, now_ms);
        break;
    case TC_EVENT_MUTE:
        mute(event->code != 0);
        break;
    case TC_EVENT_HTTP:
        if (tc_self.http_id != 0 && event->id == tc_self.http_id) {
            session_connect_event(event);
        }
        break;
    default:
        if (tc_self.peer_id == 0 || event->id != tc_self.peer_id) {
            break; /* of a connection that is gone */
        }
        if (event->kind == TC_EVENT_PEER_TEXT || event->kind == TC_EVENT_PEER_TOO_LARGE) {
            session_live_text(event);
        } else {
            session_connect_event(event);
        }
        break;
    }
}

tc_state tc_session_state(void) {
    return tc_self.state;
}

bool tc_session_waits_for_wifi(void) {
    return tc_self.state == TC_STATE_BACKOFF && tc_self.waits_for_wifi;
}

/* ---- commands ---- */

void session_follow_settings(void) {
    const tc_settings *s = tc_settings_get();
    tc_self.autostart = s->device_autostart;
    if (s->audio_volume != tc_self.volume) {
        tc_port_volume(s->audio_volume);
    }
    tc_self.volume = s->audio_volume;
    tc_history_limit(s->session_history);
}

void tc_session_settings_changed(int effect, uint64_t now_ms) {
    bool autostart = tc_settings_get()->device_autostart && !tc_self.autostart;
    tc_self.now = now_ms;
    session_follow_settings();
    if (!tc_self.booted) {
        boot();
    }
    if (!session_complete()) {
        if (tc_self.state == TC_STATE_UNPROVISIONED) {
            return;
        }
        session_tear_down();
        tc_self.wanted = false;
        tc_port_wifi_leave();
        session_enter(TC_STATE_UNPROVISIONED, TC_REASON_SETTINGS, NULL, 0);
    } else if (tc_self.state == TC_STATE_UNPROVISIONED) {
        session_wifi_settings();
    } else if (effect == TC_EFFECT_WIFI) {
        session_tear_down();
        session_wifi_settings();
    } else if (autostart && tc_self.state == TC_STATE_READY) {
        (void)tc_session_start(TC_REASON_AUTOSTART, now_ms);
    } else if (effect == TC_EFFECT_SESSION) {
        session_mended();
    }
}

tc_err tc_session_start(tc_reason reason, uint64_t now_ms) {
    tc_self.now = now_ms;
    bool ready = tc_self.state == TC_STATE_READY ||
                 (tc_self.state == TC_STATE_BACKOFF && !tc_self.waits_for_wifi);
    if (!ready || tc_ota_busy()) {
        return TC_ERR_STATE;
    }
    tc_self.wanted = true;
    tc_self.tries = 0;
    session_connect(reason);
    return TC_OK;
}

tc_err tc_session_stop(tc_reason reason, uint64_t now_ms) {
    bool wanted = tc_self.wanted;
    tc_self.now = now_ms;
    switch (tc_self.state) {
    case TC_STATE_JOINING: /* a session that waits for the network */
        tc_self.wanted = false;
        return wanted ? TC_OK : TC_ERR_STATE;
    case TC_STATE_BACKOFF:
        if (tc_self.waits_for_wifi) {
            tc_self.wanted = false;
            return wanted ? TC_OK : TC_ERR_STATE;
        }
        break;
    case TC_STATE_LIVE:
        session_close(reason);
        tc_playout_flush(now_ms);
        break;
    case TC_STATE_CONNECTING:
    case TC_STATE_CONFIGURING:
    case TC_STATE_CLOSING:
        break;
    default:
        return TC_ERR_STATE;
    }
    plan_ready(reason);
    session_after_close();
    return TC_OK;
}

tc_err tc_session_talk(bool pressed, uint64_t now_ms) {
    tc_self.now = now_ms;
    if (pressed == tc_self.pressed) {
        return TC_OK;
    }
    tc_self.pressed = pressed;
    if (tc_self.state == TC_STATE_LIVE) {
        if (pressed) {
            session_live_press();
        } else {
            session_live_release();
        }
        return TC_OK;
    }
    if (pressed && tc_self.state == TC_STATE_CLOSING && tc_self.after.state == TC_STATE_READY) {
        session_after_close(); /* the goodbye is not waited for any more */
    }
    if (!pressed || tc_self.state == TC_STATE_CONNECTING || tc_self.state == TC_STATE_CONFIGURING) {
        return TC_OK;
    }
    return tc_session_start(TC_REASON_BUTTON, now_ms);
}

void tc_session_write_stats(tc_json_writer *writer) {
    tc_json_open_object(writer);
    tc_json_pair_string(writer, "state", tc_state_names[tc_self.state]);
    tc_json_pair_int(writer, "sessions", tc_self.count.sessions);
    tc_json_pair_int(writer, "failures", tc_self.count.failures);
    tc_json_pair_int(writer, "responses", tc_self.count.responses);
    tc_json_pair_int(writer, "calls", tc_self.count.calls);
    tc_json_pair_int(writer, "interruptions", tc_self.count.interruptions);
    tc_json_pair_int(writer, "events_in", tc_self.count.events_in);
    tc_json_pair_int(writer, "events_bad", tc_self.count.events_bad);
    tc_json_pair_int(writer, "events_large", tc_self.count.events_large);
    tc_json_pair_int(writer, "illegal", tc_self.count.illegal);
    tc_json_pair_int(writer, "outbox_high", session_outbox_high());
    tc_json_pair_bool(writer, "muted", tc_self.muted);
    tc_json_close_object(writer);
}
