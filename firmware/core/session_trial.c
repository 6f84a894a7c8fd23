/* A new network on trial: its settings are in force, and kept only when it was joined. Whatever
 * else happens - it refuses, the power goes, the host thinks again - the former settings are there.
 */
#include "../port.h"
#include "device.h"
#include "log.h"
#include "session_internal.h"

#define TRIES 2 /* one scan may miss a network that is there */

int tc_session_network_of(const uint32_t *changed) {
    static const tc_setting_id of[TC_NETWORKS][2] = {
        {TC_SETTING_WIFI_SSID, TC_SETTING_WIFI_PASSWORD},
        {TC_SETTING_WIFI2_SSID, TC_SETTING_WIFI2_PASSWORD},
        {TC_SETTING_WIFI3_SSID, TC_SETTING_WIFI3_PASSWORD},
    };
    const tc_settings *s = tc_settings_get();
    const char *const ssids[TC_NETWORKS] = {s->wifi_ssid, s->wifi2_ssid, s->wifi3_ssid};
    for (int i = 0; i < TC_NETWORKS; i++) {
        for (int k = 0; k < 2; k++) {
            if ((changed[of[i][k] / 32] >> of[i][k] % 32 & 1) && ssids[i][0] != '\0') {
                return i;
            }
        }
    }
    return -1;
}

void tc_session_try_network(int network, uint64_t now_ms) {
    tc_self.now = now_ms;
    session_follow_settings();
    session_tear_down();
    session_wifi_anew(TC_REASON_SETTINGS, (uint8_t)(network + 1));
}

void tc_session_end_trial(uint64_t now_ms) {
    if (tc_settings_trial_runs()) {
        tc_self.now = now_ms;
        (void)session_trial_failed(TC_REASON_SETTINGS);
    }
}

bool session_trial_again(tc_reason reason) {
    session_wifi *w = &tc_self.wifi;
    bool silent = tc_self.now >= tc_self.deadline; /* it had its 30 s */
    return w->trial != 0 && reason != TC_REASON_WIFI_PASSWORD && !silent &&
           ++w->trial_tries < TRIES;
}

bool session_trial_failed(tc_reason reason) {
    if (tc_self.wifi.trial == 0) {
        return false;
    }
    tc_settings_trial_drop();
    session_follow_settings();
    session_wifi_anew(reason, 0);
    return true;
}

void session_trial_passed(void) {
    if (tc_self.wifi.trial == 0) {
        return;
    }
    tc_self.wifi.trial = 0;
    if (tc_settings_trial_keep() != TC_OK) {
        session_follow_settings();
        tc_problem("storage", "The flash did not take the settings of the new network.",
                   "The former settings return at the next join; provision it anew.");
    }
}
