/* What went wrong, in words, and what follows. */
#include <string.h>

#include "../port.h"
#include "log.h"
#include "session_internal.h"

#define FIRST_MS 1000u
#define LONGEST_MS 60000u
#define TRIES 5
#define SLOW_MS 600000u  /* between tries of what only a person can mend */
#define STEADY_MS 10000u /* a session of this length makes up for the failures before it */
#define LONGEST_WAIT_S 86400u

typedef struct {
    const char *message, *hint;
    bool retry;
} failure;

static const failure failures[TC_REASON_COUNT] = {
    [TC_REASON_WIFI_LOST] = {"The Wi-Fi network was lost.", "The device joins it again by itself.",
                             true},
    [TC_REASON_WIFI_PASSWORD] = {"The Wi-Fi network refused the password.",
                                 "Set it again: tincan provision.", true},
    [TC_REASON_WIFI_NOT_FOUND] = {"The Wi-Fi network is not in reach.",
                                  "Check wifi.ssid; the chip knows 2.4 GHz networks only.", true},
    [TC_REASON_WIFI_FAILED] = {"The Wi-Fi network could not be joined.",
                               "Check wifi.ssid and wifi.password.", true},
    [TC_REASON_OFFER_FAILED] = {"The device could not make an offer.", "Restart the device.", true},
    [TC_REASON_DNS] = {"The name of the server was not found.",
                       "Check server.url, and the network's name server.", true},
    [TC_REASON_TCP] = {"The server could not be reached.",
                       "Check server.url, and that the server runs.", true},
    [TC_REASON_TLS] = {"The certificate of the server was not accepted.",
                       "Check server.url: the certificate must hold its name.", true},
    [TC_REASON_TIMEOUT] = {"The server did not answer in time.",
                           "Check the network, and server.url.", true},
    [TC_REASON_HTTP_400] = {"The server did not understand the offer",
                            "Check server.url, server.query and session.model.", false},
    [TC_REASON_HTTP_401] = {"The server refused the token",
                            "Give the device a new token: tincan provision.", false},
    [TC_REASON_HTTP_403] = {"The server forbids it", "Check what the token is allowed to do.",
                            false},
    [TC_REASON_HTTP_404] = {"The server has nothing at this address", "Check server.url.", false},
    [TC_REASON_HTTP_429] = {"The server has had too many requests",
                            "Wait, or check the limits of the account.", true},
    [TC_REASON_HTTP_5XX] = {"The server failed", "Look into the log of the server.", true},
    [TC_REASON_HTTP_STATUS] = {"The server answered without an SDP", "Check server.url.", true},
    [TC_REASON_HTTP_REDIRECT] = {"The server sends the device elsewhere",
                                 "Set server.url to the final address.", true},
    [TC_REASON_NOT_SDP] = {"The server's answer is not SDP.", "Check server.url.", true},
    [TC_REASON_TOO_LARGE] = {"The server's answer is larger than 20,480 bytes.",
                             "Check server.url.", true},
    [TC_REASON_SDP_REJECTED] = {"The server's SDP answer could not be used.",
                                "Check that server.url is a Realtime server with WebRTC.", true},
    [TC_REASON_PEER_FAILED] = {"The peer connection failed.",
                               "Check that UDP to the server is not blocked.", true},
    [TC_REASON_CHANNEL_CLOSED] = {"The server closed the connection.",
                                  "The device connects again by itself.", true},
    [TC_REASON_SESSION_ERROR] = {"The server refused the session.",
                                 "Check the settings session.*, turn.* and "
                                 "transcription.*: tincan config.",
                                 false},
    [TC_REASON_TOKEN_EXPIRED] = {"The token has ended.",
                                 "Give the device a new one: tincan provision, or lend it one "
                                 "while tincan tail runs.",
                                 false},
    [TC_REASON_SESSION_EXPIRED] = {"The session reached the longest time that the server allows.",
                                   "The device connects again by itself.", true},
};

/* ---- text ---- */

typedef struct {
    char at[400];
    size_t length;
} sentence;

static void add_n(sentence *s, const char *text, size_t length) {
    size_t room = sizeof s->at - 1 - s->length;
    if (length > room) {
        length = room;
    }
    memcpy(s->at + s->length, text, length);
    s->length += length;
    s->at[s->length] = '\0';
}

static void add(sentence *s, const char *text) {
    add_n(s, text, strlen(text));
}

static void add_number(sentence *s, uint32_t value) {
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add_n(s, digits + at, sizeof digits - at);
}

/* Hides every piece of a token, 8 characters or longer, and a shorter token as a whole: servers
 * like to quote the key that they refuse. */
static void hide_token(char *text, size_t length, const char *token) {
    size_t token_length = strlen(token);
    size_t piece = token_length < 8 ? token_length : 8;
    for (size_t i = 0; piece > 0 && i + piece <= length; i++) {
        size_t longest = 0;
        for (size_t j = 0; j + piece <= token_length; j++) {
            size_t same = 0;
            while (i + same < length && j + same < token_length &&
                   text[i + same] == token[j + same]) {
                same++;
            }
            longest = same > longest ? same : longest;
        }
        if (longest >= piece) {
            memset(text + i, '*', longest);
            i += longest - 1;
        }
    }
}

void session_quote(tc_span span, char *out, size_t capacity) {
    static char text[2048]; /* a longer message is not for people */
    out[0] = '\0';
    int length = span.at == NULL ? 0 : tc_json_text(span, text, sizeof text);
    if (length <= 0) {
        return;
    }
    hide_token(text, (size_t)length, session_token_shown());
    hide_token(text, (size_t)length, session_token());
    hide_token(text, (size_t)length, tc_settings_get()->server_token);
    size_t end = (size_t)length < capacity - 1 ? (size_t)length : capacity - 1;
    while (end > 0 && end < (size_t)length && ((uint8_t)text[end] & 0xc0) == 0x80) {
        end--; /* not within a character */
    }
    for (size_t i = 0; i < end; i++) {
        out[i] = (uint8_t)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    }
    out[end] = '\0';
}

/* Finds error.message, or error where it is a string, in an answer's JSON body. */
static tc_span find_message(const char *body, size_t length) {
    tc_json_reader r;
    tc_span found = {0}, raw;
    bool in_error = false;
    tc_json_begin(&r, body, length);
    if (tc_json_next(&r) != TC_JSON_OBJECT) {
        return found;
    }
    for (;;) {
        tc_json_token token = tc_json_next(&r);
        if (token != TC_JSON_KEY) {
            if (token == TC_JSON_OBJECT_END && in_error) {
                in_error = false;
                continue;
            }
            return token == TC_JSON_OBJECT_END ? found : (tc_span){0};
        }
        bool error = !in_error && tc_json_is(r.span, "error");
        bool message = in_error && tc_json_is(r.span, "message");
        token = tc_json_next(&r);
        if (error && token == TC_JSON_OBJECT) {
            in_error = true;
            continue;
        }
        if ((error || message) && token == TC_JSON_STRING) {
            found = r.span;
        }
        if (tc_json_skip(&r, token, &raw) != TC_OK) {
            return (tc_span){0};
        }
    }
}

/* ---- what follows ---- */

/* Up to a quarter more by chance: many devices that lost one server must not come back at once. */
static uint32_t spread(uint32_t ms) {
    uint32_t chance;
    tc_port_random((uint8_t *)&chance, sizeof chance);
    return ms + chance % (ms / 4 + 1);
}

uint32_t session_backoff_ms(uint32_t tries) {
    uint32_t ms = FIRST_MS;
    while (--tries > 0 && ms < LONGEST_MS) {
        ms *= 2;
    }
    if (ms > LONGEST_MS) {
        ms = LONGEST_MS;
    }
    return spread(ms);
}

bool session_failure_passes(tc_reason reason) {
    return failures[reason].retry;
}

void session_say_problem(tc_reason reason) {
    tc_problem(tc_reason_names[reason], failures[reason].message, failures[reason].hint);
}

static void fail(tc_reason reason, const char *message, const char *hint, const char *said,
                 uint32_t retry_after_s, bool retry) {
    if (tc_self.state == TC_STATE_CLOSING) {
        session_close_peer();
        return;
    }
    tc_self.count.failures++;
    if (tc_self.state == TC_STATE_LIVE && tc_self.now - tc_self.live.since >= STEADY_MS) {
        tc_self.tries = 0;
    }
    size_t length = said != NULL ? strlen(said) : 0;
    length = length < sizeof tc_self.detail ? length : 0;
    memcpy(tc_self.detail, length > 0 ? said : "", length);
    tc_self.detail[length] = '\0';

    /* A device that stands alone goes on for ever; it says the same problem a few times only. */
    bool alone = tc_self.wanted && tc_settings_get()->device_autostart;
    tc_self.tries += tc_self.tries < UINT8_MAX ? 1 : 0;
    if (tc_self.tries <= TRIES || reason != tc_self.told) {
        tc_problem(tc_reason_names[reason], message, hint);
    }
    tc_self.told = reason;
    tc_self.after.reason = reason;
    tc_self.after.retry_ms = 0;
    if (tc_self.wanted && retry && (alone || tc_self.tries < TRIES)) {
        tc_self.after.state = TC_STATE_BACKOFF;
        uint32_t wait_s = retry_after_s < LONGEST_WAIT_S ? retry_after_s : LONGEST_WAIT_S;
        uint32_t ms = session_backoff_ms(tc_self.tries);
        tc_self.after.retry_ms = ms > wait_s * 1000 ? ms : wait_s * 1000;
    } else if (alone) {
        tc_self.after.state = TC_STATE_BACKOFF;
        tc_self.after.retry_ms = spread(SLOW_MS);
    } else {
        tc_self.after.state = TC_STATE_READY;
        tc_self.wanted = false;
        tc_self.tries = 0;
    }
    if (tc_self.state == TC_STATE_LIVE) { /* what has arrived is still played */
        session_close_peer();
        session_enter(TC_STATE_CLOSING, reason, tc_self.detail, 0);
    } else {
        session_after_close();
    }
}

void session_fail(tc_reason reason, const char *said, uint32_t retry_after_s) {
    sentence message = {.length = 0};
    add(&message, failures[reason].message);
    if (said != NULL && said[0] != '\0') {
        add(&message, " ");
        add(&message, said);
    }
    fail(reason, message.at, failures[reason].hint, said, retry_after_s, failures[reason].retry);
}

static tc_reason reason_of_status(int32_t status) {
    switch (status) {
    case TC_HTTP_DNS:
        return TC_REASON_DNS;
    case TC_HTTP_TLS:
    case TC_HTTP_PIN:
        return TC_REASON_TLS;
    case TC_HTTP_TIMEOUT:
        return TC_REASON_TIMEOUT;
    case TC_HTTP_TOO_LARGE:
        return TC_REASON_TOO_LARGE;
    case 200:
    case 201:
        return TC_REASON_NOT_SDP;
    case 400:
        return TC_REASON_HTTP_400;
    case 401:
        return TC_REASON_HTTP_401;
    case 403:
        return TC_REASON_HTTP_403;
    case 404:
        return TC_REASON_HTTP_404;
    case 429:
        return TC_REASON_HTTP_429;
    default:
        break;
    }
    if (status < 0) {
        return TC_REASON_TCP;
    }
    if (status >= 300 && status < 400) {
        return TC_REASON_HTTP_REDIRECT;
    }
    return status >= 500 && status < 600 ? TC_REASON_HTTP_5XX : TC_REASON_HTTP_STATUS;
}

static bool is_web_page(const tc_event *event) {
    size_t i = 0;
    while (i < event->length &&
           (event->data[i] <= ' ' || event->data[i] >= 0x80)) { /* a byte order mark, too */
        i++;
    }
    return i < event->length && event->data[i] == '<';
}

void session_fail_http(const tc_event *event) {
    static const char web_page[] =
        "The server answered with a web page, not SDP; is server.url right?";
    tc_reason reason = reason_of_status(event->code);
    sentence message = {.length = 0};
    char said[160] = "";
    if (event->code > 0 && event->length > 0) {
        session_quote(find_message((const char *)event->data, event->length), said, sizeof said);
    }

    const char *text = failures[reason].message, *hint = failures[reason].hint;
    bool retry = failures[reason].retry;
    if (reason == TC_REASON_HTTP_401) {
        bool was_lent;
        retry = session_token_refused(&was_lent);
        if (was_lent) {
            text = "The server refused the token that was lent";
            hint = "Lend another one, or give the device its own: tincan provision.";
        }
    } else if (reason == TC_REASON_NOT_SDP && is_web_page(event)) {
        text = web_page;
    } else if (event->code == TC_HTTP_PIN) {
        text = "The server has another key than the pinned one.";
        hint = "Set server.pin anew; tincan gateway --tls prints it.";
    } else if (reason == TC_REASON_TLS && tc_settings_get()->server_pin[0] != '\0') {
        text = "TLS with the server failed before it showed its key.";
        hint = "Check server.url, and that a server with TLS is there.";
    }
    add(&message, text);
    if (event->code > 0 && reason != TC_REASON_NOT_SDP) {
        add(&message, " (");
        add_number(&message, (uint32_t)event->code);
        add(&message, ").");
    }
    if (said[0] != '\0') {
        add(&message, " It says: ");
        add(&message, said);
    }
    fail(reason, message.at, hint, said, event->extra, retry);
}

void session_wifi_problem(tc_reason reason, const char *ssid) {
    sentence message = {.length = 0};
    add_n(&message, failures[reason].message, strlen(failures[reason].message) - 1);
    add(&message, " (");
    add(&message, ssid);
    add(&message, ").");
    tc_problem(tc_reason_names[reason], message.at, failures[reason].hint);
}
