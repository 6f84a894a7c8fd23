/* Joining: the networks of the settings in turn, the last good one first; back-off when all of them
 * failed. */
#include <string.h>

#include "../port.h"
#include "device.h"
#include "session_internal.h"

#define JOIN_MS 30000u

typedef struct {
    const char *ssid, *password;
} network;

static network network_of(int index) {
    const tc_settings *s = tc_settings_get();
    const network all[TC_NETWORKS] = {{s->wifi_ssid, s->wifi_password},
                                      {s->wifi2_ssid, s->wifi2_password},
                                      {s->wifi3_ssid, s->wifi3_password}};
    return all[index];
}

/* The next network that was not tried in this round: the last good one, else the first; -1 where
 * none is left. */
static int next_network(void) {
    session_wifi *w = &tc_self.wifi;
    if (w->trial != 0) {
        return w->tried == 0 ? w->trial - 1 : -1;
    }
    if (!(w->tried >> w->good & 1) && network_of(w->good).ssid[0] != '\0') {
        return w->good;
    }
    for (int i = 0; i < TC_NETWORKS; i++) {
        if (!(w->tried >> i & 1) && network_of(i).ssid[0] != '\0') {
            return i;
        }
    }
    return -1;
}

/* A problem in words, but not the same one again for each try. */
static void tell(tc_reason reason) {
    session_wifi *w = &tc_self.wifi;
    if (w->told[w->present] != (uint8_t)reason) {
        w->told[w->present] = (uint8_t)reason;
        session_wifi_problem(reason, network_of(w->present).ssid);
    }
}

/* Asks the port for a network, and where that fails at once for the one after it. False where none
 * is left; `reason` is then why the last one failed. */
static bool ask_next(tc_reason *reason) {
    session_wifi *w = &tc_self.wifi;
    for (int next = next_network(); next >= 0; next = next_network()) {
        network n = network_of(next);
        w->present = (uint8_t)next;
        w->tried |= (uint8_t)(1u << next);
        tc_self.deadline = tc_self.now + JOIN_MS;
        if (tc_port_wifi_join(n.ssid, n.password) >= 0) {
            return true;
        }
        *reason = TC_REASON_WIFI_FAILED;
        tell(*reason);
    }
    return false;
}

static void back_off(tc_reason reason) {
    if (session_trial_failed(reason)) {
        return;
    }
    tc_self.waits_for_wifi = true;
    tc_self.wifi.rounds++;
    session_enter(TC_STATE_BACKOFF, reason, network_of(tc_self.wifi.present).ssid,
                  session_backoff_ms(tc_self.wifi.rounds));
}

/* The first network of a round; the state is joining, and `said` is the reason to give for it. */
static void begin_round(tc_reason said, bool enter) {
    tc_reason reason = TC_REASON_WIFI_FAILED;
    tc_self.wifi.tried = 0;
    int first = next_network();
    const char *ssid = first >= 0 ? network_of(first).ssid : NULL;
    if (enter) {
        session_enter(TC_STATE_JOINING, said, ssid, 0);
    } else {
        session_notify(said, ssid, 0);
    }
    if (!ask_next(&reason)) {
        back_off(reason);
    }
}

void session_wifi_boot(void) {
    begin_round(TC_REASON_BOOT, false);
}

void session_wifi_join(tc_reason reason) {
    begin_round(reason, true);
}

void session_wifi_settings(void) {
    session_wifi_anew(TC_REASON_SETTINGS, 0);
}

void session_wifi_anew(tc_reason reason, uint8_t trial) {
    memset(&tc_self.wifi, 0, sizeof tc_self.wifi);
    tc_self.wifi.trial = trial;
    begin_round(reason, tc_self.state != TC_STATE_JOINING);
}

void session_wifi_failed(tc_reason reason) {
    if (session_trial_again(reason)) {
        tc_self.wifi.tried = 0;
        reason = TC_REASON_RETRY;
    } else {
        tell(reason);
    }
    if (ask_next(&reason)) {
        session_notify(reason, network_of(tc_self.wifi.present).ssid, 0);
    } else {
        back_off(reason);
    }
}

void session_wifi_up(const tc_event *event) {
    bool waiting = tc_self.state == TC_STATE_JOINING ||
                   (tc_self.state == TC_STATE_BACKOFF && tc_self.waits_for_wifi);
    if (!waiting) {
        return;
    }
    char address[48];
    size_t length = event->length < sizeof address - 1 ? event->length : sizeof address - 1;
    if (length > 0) {
        memcpy(address, event->data, length);
    }
    address[length] = '\0';
    session_trial_passed();
    tc_self.wifi.rounds = 0;
    tc_self.wifi.good = tc_self.wifi.present;
    memset(tc_self.wifi.told, 0, sizeof tc_self.wifi.told);
    tc_device_proven();
    session_enter(TC_STATE_READY, TC_REASON_WIFI_UP, address, 0);
    if (tc_self.wanted) {
        session_connect(TC_REASON_RETRY);
    } else if (tc_settings_get()->device_autostart) {
        tc_session_start(TC_REASON_AUTOSTART, tc_self.now);
    }
}

void session_wifi_down(int32_t code) {
    tc_reason reason = code == TC_WIFI_PASSWORD    ? TC_REASON_WIFI_PASSWORD
                       : code == TC_WIFI_NOT_FOUND ? TC_REASON_WIFI_NOT_FOUND
                       : code == TC_WIFI_LOST      ? TC_REASON_WIFI_LOST
                                                   : TC_REASON_WIFI_FAILED;
    if (tc_self.state == TC_STATE_JOINING) {
        session_wifi_failed(reason);
    } else if (tc_self.state != TC_STATE_UNPROVISIONED &&
               !(tc_self.state == TC_STATE_BACKOFF && tc_self.waits_for_wifi)) {
        tell(reason);
        session_tear_down();
        session_wifi_join(reason);
    }
}
