/*
 * Tools of the host: lists, results and calls of any bytes, while time passes, in a live session.
 * Whatever comes, all that is sent to server and host is JSON, and what is offered is what was
 * taken.
 */
#include "../core/host_tools.h"
#include "../core/link.h"
#include "../core/session_internal.h"
#include "check.h"
#include "fake_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now;
static char json[8192];

static void post(int kind, int32_t code, const void *bytes, size_t length) {
    uint32_t id = kind == TC_EVENT_HTTP ? fake.http_id : fake.peer_id;
    tc_event event = {.kind = kind, .id = id, .code = code, .data = bytes, .length = length};
    CHECK_EQ(tc_core_post(&event), TC_OK);
    CHECK(tc_core_step(now) <= 1000);
}

static void request(size_t length) {
    static uint8_t frame[sizeof json + 64];
    int size = tc_link_encode(json, length, 0, frame, sizeof frame);
    CHECK(size > 0);
    post(TC_EVENT_SERIAL, 0, frame, (size_t)size);
}

static size_t put(size_t at, const char *text) {
    size_t length = strlen(text);
    memcpy(json + at, text, length);
    return at + length;
}

static size_t put_bytes(size_t at, const uint8_t *bytes, size_t length) {
    memcpy(json + at, bytes, length);
    return at + length;
}

static void go_live(void) {
    static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.start\"}";
    fake_reset();
    fake_kv_put_text("wifi_ssid", "home");
    fake_kv_put_text("srv_token", "ek_0123456789");
    fake_kv_put_text("greeting", "");
    now = 1000;
    tc_core_init(now);
    tc_core_step(now);
    post(TC_EVENT_WIFI_UP, 0, "10.0.0.1", 8);
    request(put(0, start));
    post(TC_EVENT_PEER_OFFER, 0, "v=0", 3);
    post(TC_EVENT_HTTP, 201, "v=0", 3);
    post(TC_EVENT_PEER_UP, 0, NULL, 0);
    post(TC_EVENT_CHANNEL_OPEN, 0, NULL, 0);
    post(TC_EVENT_PEER_TEXT, 0, "{\"type\":\"session.updated\"}", 26);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

static void check_json(const char *text, size_t length) {
    tc_json_reader reader;
    tc_json_token token;
    tc_json_begin(&reader, text, length);
    do {
        token = tc_json_next(&reader);
        CHECK(token != TC_JSON_ERROR);
    } while (token != TC_JSON_END);
}

static void check_all(void) {
    tc_span frame;
    size_t cursor = 0;
    for (int i = 0; i < fake.text_count; i++) {
        check_json(fake.texts[i].text, fake.texts[i].length);
    }
    while (fake_next_frame(&cursor, &frame, NULL)) {
        check_json(frame.at, frame.length);
    }
    fake.text_count = 0;
    fake.text_used = 0;
    fake_serial_clear();
    CHECK(tc_host_tools_count() <= TC_HOST_TOOLS_MAX);
    CHECK(tc_host_tools().length <= TC_HOST_TOOLS_JSON);
    CHECK(!tc_host_tools_have("set_light"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char serve[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools.serve\","
                                "\"params\":{\"timeout_ms\":500,\"tools\":";
    static const char result[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tool.result\","
                                 "\"params\":{\"call_id\":\"c\",\"output\":";
    static const char call[] = "{\"type\":\"response.output_item.done\",\"item\":{\"type\":"
                               "\"function_call\",\"name\":\"a\",\"call_id\":\"c\",\"arguments\":";
    static const char update[] = "{\"type\":\"session.updated\",\"session\":";
    static const char known[] = "[{\"type\":\"function\",\"name\":\"a\"}]}}";
    go_live();
    size_t known_length = put(put(0, serve), known);
    request(known_length);
    for (size_t at = 0; at + 2 <= size;) {
        uint8_t what = data[at];
        size_t length = size - at - 2 < data[at + 1] ? size - at - 2 : data[at + 1];
        const uint8_t *bytes = data + at + 2;
        at += 2 + length;
        now += what / 8 * 20;
        switch (what % 8) {
        case 0:
            request(put(put_bytes(put(0, serve), bytes, length), "}}"));
            break;
        case 1:
            request(put(put_bytes(put(0, result), bytes, length), "}}"));
            break;
        case 2:
            post(TC_EVENT_PEER_TEXT, 0, json, put(put_bytes(put(0, call), bytes, length), "}}"));
            break;
        case 3:
            post(TC_EVENT_PEER_TEXT, 0, json, put(put_bytes(put(0, update), bytes, length), "}"));
            break;
        case 4: /* a call with an id of the input */
            post(TC_EVENT_PEER_TEXT, 0, json,
                 put(put_bytes(put(0, "{\"type\":\"response.output_item.done\",\"item\":{\"type\":"
                                      "\"function_call\",\"name\":\"a\",\"arguments\":\"{}\","
                                      "\"call_id\":\""),
                               bytes, length),
                     "\"}}"));
            break;
        case 5: /* and its result */
            request(put(put_bytes(put(0, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tool.result\","
                                         "\"params\":{\"output\":{},\"call_id\":\""),
                                  bytes, length),
                        "\"}}"));
            break;
        case 6:
            post(TC_EVENT_PEER_TEXT, 0, json,
                 put(0, length % 2 ? "{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}"
                                   : "{\"type\":\"response.done\",\"response\":{\"id\":\"r\","
                                     "\"status\":\"completed\"}}"));
            break;
        default:
            tc_core_step(now);
            break;
        }
        check_all();
        if (tc_session_state() != TC_STATE_LIVE) {
            return 0;
        }
    }
    return 0;
}
