#include "improv.h"

#include <string.h>

#include "../generated/link_gen.h"
#include "../port.h"
#include "board.h"
#include "device.h"
#include "json_write.h"
#include "link.h"
#include "log.h"
#include "session.h"
#include "settings.h"

/* Packet: IMPROV, version, type, length, data, sum of all bytes before. */
#define HEAD 9
#define VERSION 1
#define DATA_MAX 255
#define JOIN_MS 25000u /* clients give up after 30 s */
#define SCAN_MS 15000u
#define BROKEN_OFF_MS 1000u /* the rest of a packet does not come any more */

enum { TYPE_STATE = 1, TYPE_ERROR, TYPE_RPC, TYPE_RESULT };
enum { STATE_READY = 2, STATE_PROVISIONING, STATE_PROVISIONED };
enum {
    ERROR_NONE = 0,
    ERROR_PACKET = 1,
    ERROR_COMMAND = 2,
    ERROR_CONNECT = 3,
    ERROR_UNKNOWN = 0xFF,
};
enum {
    RPC_WIFI = 1,
    RPC_STATE = 2,
    RPC_INFO = 3,
    RPC_SCAN = 4,
    RPC_NAME = 6,
    RPC_NETWORK = 7,
};

static const uint8_t start[7] = {'I', 'M', 'P', 'R', 'O', 'V', VERSION};

static struct {
    uint8_t bytes[HEAD + DATA_MAX + 1];
    size_t length;
    uint64_t last; /* when a byte of it came */
    bool trying, scanning, alone;
    /* alone: a network is tried, or joined, while the session lacks other settings */
    bool joined;
    uint64_t until;
} self;

void tc_improv_init(void) {
    memset(&self, 0, sizeof self);
}

/* ---- sending ---- */

typedef struct {
    uint8_t data[DATA_MAX];
    size_t length;
} result;

static void send(uint8_t type, const uint8_t *data, size_t length) {
    uint8_t packet[HEAD + DATA_MAX + 2], sum = 0;
    memcpy(packet, start, sizeof start);
    packet[7] = type;
    packet[8] = (uint8_t)length;
    memcpy(packet + HEAD, data, length);
    for (size_t i = 0; i < HEAD + length; i++) {
        sum = (uint8_t)(sum + packet[i]);
    }
    packet[HEAD + length] = sum;
    packet[HEAD + length + 1] = '\n';
    tc_link_raw(packet, HEAD + length + 2);
}

static bool online(void) {
    tc_state state = tc_session_state();
    if (state == TC_STATE_UNPROVISIONED) {
        return self.alone && self.joined;
    }
    return state != TC_STATE_JOINING && !(state == TC_STATE_BACKOFF && tc_session_waits_for_wifi());
}

static void send_state(void) {
    uint8_t state = self.trying ? STATE_PROVISIONING : online() ? STATE_PROVISIONED : STATE_READY;
    send(TYPE_STATE, &state, 1);
}

static void send_error(uint8_t error) {
    send(TYPE_ERROR, &error, 1);
}

static void begin_result(result *r, uint8_t command) {
    r->data[0] = command;
    r->length = 2;
}

/* A string with its length in front; one that does not fit is left empty. */
static void add(result *r, const char *text) {
    size_t length = strlen(text), room = sizeof r->data - r->length;
    if (room == 0) {
        return;
    }
    length = length < room ? length : 0;
    r->data[r->length++] = (uint8_t)length;
    memcpy(r->data + r->length, text, length);
    r->length += length;
}

static void send_result(result *r) {
    r->data[1] = (uint8_t)(r->length - 2);
    send(TYPE_RESULT, r->data, r->length);
}

static void send_empty(uint8_t command) {
    result r;
    begin_result(&r, command);
    send_result(&r);
}

/* ---- settings ---- */

/* Stages one text as JSON. */
static bool stage(const char *name, const uint8_t *text, size_t length) {
    char json[64 + 6 * 64];
    tc_json_writer w;
    bool kept = false;
    tc_json_start(&w, json, sizeof json);
    tc_json_open_object(&w);
    tc_json_key(&w, name);
    tc_json_string_n(&w, (const char *)text, length);
    tc_json_close_object(&w);
    if (!w.full && memchr(text, 0, length) == NULL) {
        kept = tc_settings_stage((tc_span){json, w.length}, NULL, 0) == TC_OK;
    }
    for (volatile char *at = json; at < json + sizeof json; at++) {
        *at = 0; /* it may be a password */
    }
    return kept;
}

static bool commit(uint64_t now_ms, bool wifi) {
    uint32_t changed[(TC_SETTING_COUNT + 31) / 32];
    if (tc_settings_commit(changed) != TC_OK) {
        return false;
    }
    tc_session_settings_changed(wifi ? TC_EFFECT_WIFI : TC_EFFECT_NOW, now_ms);
    return true;
}

/* ---- commands ---- */

static void end_try(bool joined) {
    self.trying = false;
    if (!joined) {
        send_error(ERROR_CONNECT);
        send_state();
        return;
    }
    send_state();
    send_empty(RPC_WIFI);
}

static void set_wifi(const uint8_t *data, size_t length, uint64_t now_ms) {
    size_t ssid = length > 0 ? data[0] : 0;
    size_t password = length > ssid + 1 ? data[ssid + 1] : 0;
    if (ssid == 0 || length != ssid + password + 2) {
        send_error(ERROR_PACKET);
        return;
    }
    tc_settings_discard();
    if (!stage("wifi.ssid", data + 1, ssid) || !stage("wifi.password", data + 2 + ssid, password)) {
        tc_settings_discard();
        send_error(ERROR_PACKET);
        return;
    }
    self.trying = true;
    self.alone = self.joined = false;
    self.until = now_ms + JOIN_MS;
    send_error(ERROR_NONE);
    send_state();
    if (!commit(now_ms, true)) {
        self.trying = false;
        send_error(ERROR_UNKNOWN);
        send_state();
        return;
    }
    /* A token is not Improv's business, but whether the network takes us is. */
    if (tc_session_state() == TC_STATE_UNPROVISIONED) {
        const tc_settings *s = tc_settings_get();
        self.alone = true;
        if (tc_port_wifi_join(s->wifi_ssid, s->wifi_password) < 0) {
            end_try(false);
        }
    }
}

static void info(void) {
    result r;
    begin_result(&r, RPC_INFO);
    add(&r, "Tincan");
    add(&r, TC_FIRMWARE_VERSION);
    add(&r, "ESP32-S3");
    add(&r, tc_settings_get()->device_name);
    send_result(&r);
}

static void name(const uint8_t *data, size_t length, uint64_t now_ms) {
    result r;
    if (length > 0) {
        tc_settings_discard();
        if (!stage("device.name", data, length) || !commit(now_ms, false)) {
            tc_settings_discard();
            send_error(ERROR_UNKNOWN);
            return;
        }
    }
    begin_result(&r, RPC_NAME);
    add(&r, tc_settings_get()->device_name);
    send_result(&r);
}

static void scan(uint64_t now_ms) {
    if (self.scanning || tc_port_wifi_scan() < 0) {
        send_error(ERROR_UNKNOWN);
        return;
    }
    self.scanning = true;
    self.until = now_ms + SCAN_MS;
}

static void call(const uint8_t *data, size_t length, uint64_t now_ms) {
    if (length < 2 || data[1] != length - 2) {
        send_error(ERROR_PACKET);
        return;
    }
    uint8_t command = data[0];
    data += 2;
    length -= 2;
    if (self.trying && command != RPC_STATE && command != RPC_INFO) {
        send_error(ERROR_UNKNOWN); /* one after the other */
        return;
    }
    if (tc_session_state() == TC_STATE_UNPROVISIONED) {
        tc_device_proven(); /* it cannot do more than answer */
    }
    switch (command) {
    case RPC_WIFI:
        set_wifi(data, length, now_ms);
        break;
    case RPC_STATE:
        send_state();
        if (!self.trying && online()) {
            send_empty(RPC_STATE); /* no address to go on with */
        }
        break;
    case RPC_INFO:
        info();
        break;
    case RPC_SCAN:
        scan(now_ms);
        break;
    case RPC_NAME:
        name(data, length, now_ms);
        break;
    case RPC_NETWORK: {
        result r;
        begin_result(&r, RPC_NETWORK);
        add(&r, online() ? "3" : "2"); /* bit 1: it has Wi-Fi; bit 0: it is connected */
        send_result(&r);
        break;
    }
    default:
        send_error(ERROR_COMMAND);
        break;
    }
}

/* ---- receiving ---- */

static void finish(uint64_t now_ms) {
    uint8_t sum = 0;
    for (size_t i = 0; i + 1 < self.length; i++) {
        sum = (uint8_t)(sum + self.bytes[i]);
    }
    if (sum != self.bytes[self.length - 1] || self.bytes[7] != TYPE_RPC) {
        send_error(ERROR_PACKET);
    } else {
        call(self.bytes + HEAD, self.bytes[8], now_ms);
    }
    memset(self.bytes, 0, sizeof self.bytes); /* a password may have been in it */
    self.length = 0;
}

size_t tc_improv_feed(const uint8_t *bytes, size_t length, uint64_t now_ms, bool *packet) {
    if (self.length > 0 && now_ms - self.last >= BROKEN_OFF_MS) {
        self.length = 0;
    }
    self.last = now_ms;
    *packet = self.length >= sizeof start;
    for (size_t i = 0; i < length; i++) {
        if (self.length < sizeof start) {
            /* No beginning of the mark is in its middle: a byte that breaks it can only begin it.
             */
            bool goes_on = bytes[i] == start[self.length];
            self.length = goes_on ? self.length : 0;
            if (bytes[i] == start[self.length]) {
                self.bytes[self.length++] = bytes[i];
            }
            if (self.length == sizeof start) {
                return i + 1;
            }
            continue;
        }
        self.bytes[self.length++] = bytes[i];
        if (self.length > HEAD && self.length == (size_t)HEAD + self.bytes[8] + 1) {
            finish(now_ms);
            return i + 1;
        }
    }
    return length;
}

/* ---- what happens ---- */

static void found(const tc_event *event) {
    char name[33], rssi[5] = "-";
    uint32_t dbm = event->code < 0 && event->code > -128 ? (uint32_t)-event->code : 0;
    size_t length = event->length < sizeof name ? event->length : sizeof name - 1, at = 1;
    result r;
    memcpy(name, event->data, length);
    name[length] = '\0';
    if (dbm >= 100) {
        rssi[at++] = '1';
    }
    if (dbm >= 10) {
        rssi[at++] = (char)('0' + dbm / 10 % 10);
    }
    rssi[at++] = (char)('0' + dbm % 10);
    rssi[at] = '\0';
    begin_result(&r, RPC_SCAN);
    add(&r, name);
    add(&r, rssi);
    add(&r, event->extra != 0 ? "YES" : "NO");
    send_result(&r);
}

bool tc_improv_event(const tc_event *event, uint64_t now_ms) {
    (void)now_ms;
    if (event->kind == TC_EVENT_WIFI_FOUND || event->kind == TC_EVENT_WIFI_SCANNED) {
        if (self.scanning && event->kind == TC_EVENT_WIFI_FOUND) {
            found(event);
        } else if (self.scanning) {
            self.scanning = false;
            if (event->code != 0) {
                send_error(ERROR_UNKNOWN);
            } else {
                send_empty(RPC_SCAN); /* that was all */
            }
        }
        return true;
    }
    bool wifi = event->kind == TC_EVENT_WIFI_UP || event->kind == TC_EVENT_WIFI_DOWN;
    if (!wifi || !self.alone || tc_session_state() != TC_STATE_UNPROVISIONED) {
        return false;
    }
    self.joined = event->kind == TC_EVENT_WIFI_UP;
    if (self.trying) {
        end_try(self.joined);
    }
    return true;
}

void tc_improv_tick(uint64_t now_ms) {
    if (self.trying && !self.alone) {
        if (online()) {
            end_try(true);
        } else if (tc_session_state() == TC_STATE_BACKOFF) {
            end_try(false);
        }
    }
    if ((self.trying || self.scanning) && now_ms >= self.until) {
        bool trying = self.trying;
        self.scanning = false;
        if (trying) {
            end_try(false);
        } else {
            send_error(ERROR_UNKNOWN);
        }
    }
}
