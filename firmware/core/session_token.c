/* The token: that of the settings, or one that a host lends; and whether it has ended. */
#include <string.h>

#include "../port.h"
#include "board.h"
#include "session_internal.h"
#include "settings_check.h"

#define TOKEN_SIZE sizeof(((tc_settings *)0)->server_token)

static TC_BIG char lent[TOKEN_SIZE];
static uint32_t lent_until; /* Unix seconds, 0 for unknown */
/* What the last request showed, until the next one: its answer may quote it, whatever has become of
 * it meanwhile. */
static TC_BIG char shown[TOKEN_SIZE];
static bool shown_lent;

static bool over(uint32_t until) {
    uint32_t now = tc_port_unix_s();
    return until != 0 && now != 0 && now >= until;
}

void session_token_forget(void) {
    memset(lent, 0, sizeof lent);
    lent_until = 0;
}

bool session_token_lent(void) {
    if (over(lent_until)) {
        session_token_forget();
    }
    return lent[0] != '\0';
}

const char *session_token(void) {
    return session_token_lent() ? lent : tc_settings_get()->server_token;
}

const char *session_token_show(void) {
    shown_lent = session_token_lent();
    memcpy(shown, session_token(), sizeof shown);
    return shown;
}

const char *session_token_shown(void) {
    return shown;
}

bool session_token_refused(bool *was_lent) {
    *was_lent = shown_lent;
    if (strcmp(lent, shown) == 0) {
        session_token_forget();
    }
    return session_token_usable() && strcmp(session_token(), shown) != 0;
}

bool session_token_usable(void) {
    const tc_settings *s = tc_settings_get();
    return session_token_lent() || (s->server_token[0] != '\0' && !over(s->server_token_expires));
}

bool session_complete(void) {
    return tc_settings_complete() || (session_token_lent() && tc_settings_complete_but_token());
}

tc_err tc_session_lend(tc_span token, uint32_t until, uint64_t now_ms) {
    static TC_BIG char text[TOKEN_SIZE];
    uint32_t number;
    tc_self.now = now_ms;
    tc_err error = tc_setting_read(&tc_setting_table[TC_SETTING_SERVER_TOKEN], TC_JSON_STRING,
                                   token, text, &number);
    if (error == TC_OK && text[0] != '\0' && over(until)) {
        error = TC_ERR_RANGE;
    }
    if (error == TC_OK) {
        memcpy(lent, text, sizeof lent);
        lent_until = text[0] != '\0' ? until : 0;
    }
    memset(text, 0, sizeof text);
    if (error != TC_OK || !session_token_lent()) {
        return error;
    }
    if (tc_self.state == TC_STATE_UNPROVISIONED) {
        if (session_complete()) {
            session_follow_settings();
            session_wifi_settings();
        }
    } else {
        session_mended();
    }
    return TC_OK;
}
