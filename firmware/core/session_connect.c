/* From ready to configuring: offer, answer, data channel, session.update. */
#include <string.h>

#include "../port.h"
#include "board.h"
#include "capture.h"
#include "link.h"
#include "log.h"
#include "playout.h"
#include "session_internal.h"

#define OFFER_MS 5000u
#define POST_MS 15000u
#define PEER_MS 10000u
#define CHANNEL_MS 5000u
#define ANSWER_LIMIT 20480u
#define FORM_LIMIT 20480u /* port.h */
#define BOUNDARY_SIZE 32u /* with its NUL */

static void reach(connect_stage stage, uint32_t limit_ms) {
    tc_self.stage = stage;
    tc_self.stage_at[stage] = tc_self.now;
    tc_self.deadline = tc_self.now + limit_ms;
}

void session_connect(tc_reason reason) {
    session_tear_down();
    tc_self.peer_id = ++tc_self.last_id;
    session_enter(TC_STATE_CONNECTING, reason, NULL, 0);
    reach(STAGE_OFFER, OFFER_MS);
    if (!session_token_usable()) {
        session_fail(TC_REASON_TOKEN_EXPIRED, NULL,
                     0); /* the server would say so, too, but later */
    } else if (tc_port_peer_open(tc_self.peer_id, tc_settings_get()->server_label) < 0) {
        session_fail(TC_REASON_OFFER_FAILED, NULL, 0);
    }
}

/* Adds text to a line; 0 where it does not fit. */
static size_t add(char *out, size_t capacity, size_t length, const char *text) {
    size_t more = strlen(text);
    if (more >= capacity - length) {
        return 0;
    }
    memcpy(out + length, text, more + 1);
    return length + more;
}

/* The setting may be written in capitals; the port wants small letters. */
static void copy_pin(char out[65], const char *pin) {
    size_t i = 0;
    for (; i < 64 && pin[i] != '\0'; i++) {
        out[i] = pin[i] >= 'A' && pin[i] <= 'F' ? (char)(pin[i] - 'A' + 'a') : pin[i];
    }
    out[i] = '\0';
}

/* A boundary that nobody can foresee, and so nobody can write into the session: RFC 2046, 5.1.1. */
static void make_boundary(char out[BOUNDARY_SIZE]) {
    uint8_t bytes[12];
    tc_port_random(bytes, sizeof bytes);
    memcpy(out, "tincan-", 7);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[7 + 2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[8 + 2 * i] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[BOUNDARY_SIZE - 1] = '\0';
}

/* Offer and session as a form (RFC 7578). Its length, 0 where it does not fit. */
static size_t write_form(char *out, size_t capacity, const tc_event *offer, const char *boundary) {
    static const char sdp[] = "\r\nContent-Disposition: form-data; name=\"sdp\"\r\n"
                              "Content-Type: application/sdp\r\n\r\n";
    static const char session[] = "\r\nContent-Disposition: form-data; name=\"session\"\r\n"
                                  "Content-Type: application/json\r\n\r\n";
    size_t around = 3 * (BOUNDARY_SIZE + 8) + sizeof sdp + sizeof session;
    size_t length = 0;
    if (offer->length >= capacity || capacity - offer->length <= around) {
        return 0;
    }
    length = add(out, capacity, length, "--");
    length = add(out, capacity, length, boundary);
    length = add(out, capacity, length, sdp);
    memcpy(out + length, offer->data, offer->length);
    length += offer->length;
    length = add(out, capacity, length, "\r\n--");
    length = add(out, capacity, length, boundary);
    length = add(out, capacity, length, session);
    tc_json_writer w;
    tc_json_start(&w, out + length, capacity - length - (BOUNDARY_SIZE + 8));
    if (tc_realtime_session(&w, tc_settings_get()) != TC_OK) {
        return 0;
    }
    length += w.length;
    length = add(out, capacity, length, "\r\n--");
    length = add(out, capacity, length, boundary);
    return add(out, capacity, length, "--\r\n");
}

static void post(const tc_event *offer) {
    /* Static: a stack on the chip is small. The token is wiped, so that it lies in session_token.c
     * only. */
    static char url[400];
    static char headers[2400];
    static TC_BIG char form[FORM_LIMIT + 1];
    char pin[65], boundary[BOUNDARY_SIZE] = "";
    const tc_settings *s = tc_settings_get();
    const uint8_t *body = offer->data;
    size_t size = offer->length;
    copy_pin(pin, s->server_pin);
    size_t length = add(url, sizeof url, 0, s->server_url);
    if (s->server_query[0] != '\0') {
        length = add(url, sizeof url, length, "?"); /* a server.url has no query of its own */
        add(url, sizeof url, length, s->server_query);
    }
    bool bearer = s->server_auth == TC_SERVER_AUTH_BEARER;
    bool whole = s->server_body == TC_SERVER_BODY_SESSION;
    if (whole) {
        make_boundary(boundary);
        size = write_form(form, sizeof form, offer, boundary);
        body = (const uint8_t *)form;
        if (size == 0) {
            session_fail(TC_REASON_SESSION_ERROR, "It has no room in a request of 20,480 bytes.",
                         0);
            return;
        }
    }
    length = add(headers, sizeof headers, 0, "Content-Type: ");
    length = add(headers, sizeof headers, length,
                 whole ? "multipart/form-data; boundary=" : "application/sdp");
    length = add(headers, sizeof headers, length, boundary);
    length = add(headers, sizeof headers, length, "\r\nAccept: application/sdp\r\n");
    length = add(headers, sizeof headers, length, bearer ? "Authorization: Bearer " : "api-key: ");
    length = add(headers, sizeof headers, length, session_token_show());
    add(headers, sizeof headers, length, "\r\n");
    /* Where a stray space went, say; the settings keep keys out of the query. */
    tc_log(TC_LOG_INFO, "session", "POST %s (%s, %s token%s, channel %s)", url,
           bearer ? "bearer" : "api-key", session_token_lent() ? "lent" : "stored",
           pin[0] != '\0' ? ", pinned key" : "", s->server_label);
    tc_self.http_id = ++tc_self.last_id;
    reach(STAGE_POST, POST_MS);
    int error = tc_port_http_post(tc_self.http_id, url, pin, headers, body, size, POST_MS);
    memset(headers, 0, sizeof headers);
    if (error < 0) {
        session_fail(TC_REASON_TCP, NULL, 0);
    }
}

static void take_answer(const tc_event *event) {
    tc_self.http_id = 0;
    if (event->code != 200 && event->code != 201) {
        session_fail_http(event);
    } else if (event->length > ANSWER_LIMIT) {
        session_fail(TC_REASON_TOO_LARGE, NULL, 0);
    } else if (event->length < 3 || memcmp(event->data, "v=0", 3) != 0) {
        session_fail_http(event);
    } else if (tc_port_peer_answer(tc_self.peer_id, (const char *)event->data, event->length) < 0) {
        session_fail(TC_REASON_SDP_REJECTED, NULL, 0);
    } else {
        reach(STAGE_PEER, PEER_MS);
    }
}

static void configure(void) {
    tc_self.channel_open = true;
    session_outbox_clear();
    session_enter(TC_STATE_CONFIGURING, TC_REASON_NONE, NULL, 0);
    session_live_begin();
    tc_json_writer *w = session_outbox_open();
    tc_self.update_event = session_outbox_number();
    (void)tc_realtime_session_update(w, tc_self.update_event, tc_settings_get());
    session_outbox_send();
}

static void peer_down(int32_t code) {
    tc_reason reason = code == 1 ? TC_REASON_PEER_FAILED : TC_REASON_CHANNEL_CLOSED;
    if (tc_self.state == TC_STATE_CLOSING) {
        session_close_peer(); /* what was to be played is still played */
    } else {
        session_fail(reason, NULL, 0);
    }
}

void session_connect_event(const tc_event *event) {
    bool connecting = tc_self.state == TC_STATE_CONNECTING;
    switch (event->kind) {
    case TC_EVENT_PEER_OFFER:
        if (connecting && tc_self.stage == STAGE_OFFER && event->length > 0) {
            post(event);
        }
        break;
    case TC_EVENT_HTTP:
        take_answer(event);
        break;
    case TC_EVENT_PEER_UP:
        if (connecting && tc_self.stage == STAGE_PEER) {
            reach(STAGE_CHANNEL, CHANNEL_MS);
        }
        break;
    case TC_EVENT_CHANNEL_OPEN:
        if (connecting && tc_self.stage >= STAGE_PEER) {
            configure();
        }
        break;
    case TC_EVENT_PEER_DOWN:
        peer_down(event->code);
        break;
    default:
        break;
    }
}

void session_connect_late(void) {
    if (tc_self.state == TC_STATE_CONFIGURING) {
        session_fail(TC_REASON_TIMEOUT, "It did not confirm the session in 8 s.", 0);
        return;
    }
    switch (tc_self.stage) {
    case STAGE_OFFER:
        session_fail(TC_REASON_OFFER_FAILED, NULL, 0);
        break;
    case STAGE_POST:
        session_fail(TC_REASON_TIMEOUT, NULL, 0);
        break;
    case STAGE_PEER:
        session_fail(TC_REASON_PEER_FAILED, NULL, 0);
        break;
    case STAGE_CHANNEL:
        session_fail(TC_REASON_TIMEOUT, "The data channel did not open in 5 s.", 0);
        break;
    }
}

static void write_metric(void) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_METRIC);
    if (w == NULL) {
        return;
    }
    const uint64_t *at = tc_self.stage_at;
    tc_json_open_object(w);
    tc_json_pair_string(w, "name", "connect");
    tc_json_pair_int(w, "ms", (int64_t)(tc_self.now - at[STAGE_OFFER]));
    tc_json_pair_int(w, "offer_ms", (int64_t)(at[STAGE_POST] - at[STAGE_OFFER]));
    tc_json_pair_int(w, "post_ms", (int64_t)(at[STAGE_PEER] - at[STAGE_POST]));
    tc_json_pair_int(w, "peer_ms", (int64_t)(tc_self.entered - at[STAGE_PEER]));
    tc_json_pair_int(w, "configure_ms", (int64_t)(tc_self.now - tc_self.entered));
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_METRIC_DROP);
}

void session_go_live(void) {
    write_metric();
    tc_self.count.sessions++;
    tc_self.live.since = tc_self.live.last_word = tc_self.now;
    session_enter(TC_STATE_LIVE, TC_REASON_NONE, NULL, 0);
    bool greeted = session_resume();
    tc_playout_init();
    tc_port_opus_reset();
    tc_capture_begin(tc_self.peer_id);
    tc_self.audio_on = tc_port_audio_start() >= 0;
    if (!tc_self.audio_on) {
        tc_problem("audio", "Microphone and loudspeaker could not be switched on.",
                   "The session goes on in text.");
    }
    bool open = tc_self.live.detection != TC_TURN_DETECTION_NONE;
    tc_capture_microphone(open);
    if (tc_self.pressed && !open) {
        session_live_press(); /* the person speaks already: no greeting */
    } else if (!greeted && LIVE->want == 0 && tc_settings_get()->session_greeting[0] != '\0') {
        LIVE->want = WANT_GREETING;
    }
    session_live_serve();
    session_live_activity();
}
