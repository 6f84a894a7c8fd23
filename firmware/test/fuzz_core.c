/*
 * The whole core: the input is a list of events, each with its kind, a length, and data, and
 * between them time passes. A provisioned device; half of the events carry the ids of the present
 * connection.
 */
#include "../core/link.h"
#include "../core/session_internal.h"
#include "check.h"
#include "fake_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now;

static void post(int kind, uint32_t id, int32_t code, const uint8_t *bytes, size_t length) {
    tc_event event = {
        .kind = kind, .id = id, .code = code, .data = length > 0 ? bytes : NULL, .length = length};
    CHECK_EQ(tc_core_post(&event), TC_OK);
    CHECK(tc_core_step(now) <= 1000);
}

/* A whole frame with this JSON. */
static void request(const uint8_t *json, size_t length) {
    static uint8_t frame[1024];
    int size = tc_link_encode((const char *)json, length, 0, frame, sizeof frame);
    CHECK(size > 0);
    post(TC_EVENT_SERIAL, 0, 0, frame, (size_t)size);
}

static void good(int kind, const char *text) {
    uint32_t id = kind == TC_EVENT_HTTP ? fake.http_id : fake.peer_id;
    post(kind, id, 201, (const uint8_t *)text, strlen(text));
}

/* One step on the good way, so that also live sessions are tried. */
static void further(void) {
    static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.start\"}";
    switch (tc_session_state()) {
    case TC_STATE_JOINING:
        good(TC_EVENT_WIFI_UP, "10.0.0.1");
        break;
    case TC_STATE_READY:
        request((const uint8_t *)start, sizeof start - 1);
        break;
    case TC_STATE_CONNECTING:
        good(TC_EVENT_PEER_OFFER, "v=0");
        good(TC_EVENT_HTTP, "v=0");
        good(TC_EVENT_PEER_UP, "");
        good(TC_EVENT_CHANNEL_OPEN, "");
        break;
    case TC_STATE_CONFIGURING:
        good(TC_EVENT_PEER_TEXT, "{\"type\":\"session.updated\"}");
        break;
    default:
        now += 500;
        tc_core_step(now);
        break;
    }
}

/* What a server says; the rest of the event is the input's. */
static void say(uint8_t which, const uint8_t *bytes, size_t length) {
    static const char *const events[] = {
        "{\"type\":\"response.created\",\"response\":{\"id\":\"",
        "{\"type\":\"response.done\",\"response\":{\"status\":\"completed\",\"id\":\"",
        "{\"type\":\"response.done\",\"response\":{\"status\":\"cancelled\",\"id\":\"",
        "{\"type\":\"response.done\",\"response\":{\"status\":\"failed\",\"id\":\"",
        "{\"type\":\"output_audio_buffer.started\",\"response_id\":\"",
        "{\"type\":\"output_audio_buffer.stopped\",\"response_id\":\"",
        "{\"type\":\"output_audio_buffer.cleared\",\"response_id\":\"",
        "{\"type\":\"input_audio_buffer.speech_started\",\"item_id\":\"",
        "{\"type\":\"input_audio_buffer.speech_stopped\",\"item_id\":\"",
        "{\"type\":\"error\",\"error\":{\"event_id\":\"tc_2\",\"code\":\"",
        "{\"type\":\"conversation.item.added\",\"item\":{\"type\":\"message\",\"role\":\"user\","
        "\"id\":\"",
        "{\"type\":\"conversation.item.done\",\"previous_item_id\":\"a\",\"item\":{\"type\":"
        "\"message\",\"role\":\"assistant\",\"id\":\"",
        "{\"type\":\"response.output_text.delta\",\"item_id\":\"a\",\"delta\":\"",
        "{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":\"b\","
        "\"transcript\":\"",
        "{\"type\":\"session.updated\",\"session\":{\"expires_at\":1800000100,\"model\":\"",
        "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":"
        "\"set_light\","
        "\"arguments\":\"{}\",\"call_id\":\"",
        "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":"
        "\"end_session\","
        "\"arguments\":\"\",\"call_id\":\"",
        "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":"
        "\"set_volume\","
        "\"call_id\":\"c\",\"arguments\":\"",
    };
    static char text[600];
    const char *event = events[which % (sizeof events / sizeof events[0])];
    size_t start = strlen(event);
    memcpy(text, event, start);
    memcpy(text + start, bytes, length);
    memcpy(text + start + length, "\"}}", 3);
    size_t end = strstr(event, ":{") != NULL ? 3 : 2; /* as many braces as were opened */
    post(TC_EVENT_PEER_TEXT, fake.peer_id, 0, (const uint8_t *)text, start + length + end);
}

static void sound(const uint8_t *bytes, size_t length) {
    static int16_t pcm[320];
    tc_core_rtp(fake.peer_id, bytes, length, now);
    if (fake.audio_on) {
        tc_core_audio_in(pcm, now);
        tc_core_audio_out(pcm);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fake_reset();
    fake_kv_put_text("wifi_ssid", "home");
    fake_kv_put_text("srv_token", "ek_0123456789");
    fake_kv_put_text("wifi2_ssid", "work");
    /* A device that wakes by voice, goes on for ever, renews soon, has a small budget, or not. */
    uint8_t options = size > 0 ? data[size - 1] : 0, on = 1;
    uint16_t minutes = 2;
    if (options & 4) {
        fake_kv_put("renew", TC_KV_U8, &on, 1);
        fake.unix_s = 1800000000;
    }
    if (options & 8) {
        fake_kv_put("budget_min", TC_KV_U16, &minutes, 2);
    }
    if (options & 16) {
        fake_kv_put("srv_body", TC_KV_U8, &on, 1);
    }
    if (options & 1) {
        fake_kv_put("wake", TC_KV_U8, &on, 1);
    }
    if (options & 2) {
        fake_kv_put("autostart", TC_KV_U8, &on, 1);
    }
    now = 1000;
    tc_core_init(now);
    tc_core_step(now);
    for (size_t at = 0; at + 3 <= size;) {
        uint8_t kind = data[at], code = data[at + 1];
        size_t length = size - at - 3 < data[at + 2] ? size - at - 3 : data[at + 2];
        const uint8_t *bytes = data + at + 3;
        uint32_t id = kind & 0x80 ? code : kind % 16 == TC_EVENT_HTTP ? fake.http_id : fake.peer_id;
        at += 3 + length;
        now += kind / 16 * 10;
        if (kind % 16 == 0) {
            request(bytes, length);
        } else if (kind % 16 <= TC_EVENT_MUTE) {
            post(kind % 16, id, (int8_t)code, bytes, length);
        } else if (kind % 16 == 14 && tc_session_state() == TC_STATE_LIVE) {
            say(code, bytes, length);
        } else if (kind % 16 == 15) {
            sound(bytes, length);
        } else {
            further();
        }
        CHECK_EQ(tc_self.count.illegal, 0);
        CHECK_EQ(fake.peer_opens - fake.peer_closes, tc_self.peer_id != 0);
        fake.text_count = 0;
        fake.text_used = 0;
    }
    return 0;
}
