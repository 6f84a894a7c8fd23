/* Bytes of a host that speaks Improv, or nearly: in pieces, with packets whose sum is right, while
 * networks come and go. */
#include "../core/link.h"
#include "../core/session_internal.h"
#include "check.h"
#include "fake_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now;

static void post(int kind, int32_t code, const uint8_t *bytes, size_t length) {
    tc_event event = {
        .kind = kind, .code = code, .data = length > 0 ? bytes : NULL, .length = length};
    CHECK_EQ(tc_core_post(&event), TC_OK);
    CHECK(tc_core_step(now) <= 1000);
}

static void call(const uint8_t *data, size_t length) {
    uint8_t packet[268], sum = 0;
    memcpy(packet, "IMPROV\1\3", 8);
    packet[8] = (uint8_t)length;
    memcpy(packet + 9, data, length);
    for (size_t i = 0; i < 9 + length; i++) {
        sum = (uint8_t)(sum + packet[i]);
    }
    packet[9 + length] = sum;
    post(TC_EVENT_SERIAL, 0, packet, 10 + length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fake_reset();
    if (size > 0 && (data[size - 1] & 1)) {
        fake_kv_put_text("wifi_ssid", "home");
        fake_kv_put_text("srv_token", "ek_0123456789");
    }
    now = 1000;
    tc_core_init(now);
    tc_core_step(now);
    for (size_t at = 0; at + 2 <= size;) {
        uint8_t kind = data[at];
        size_t length = size - at - 2 < data[at + 1] ? size - at - 2 : data[at + 1];
        const uint8_t *bytes = data + at + 2;
        at += 2 + length;
        now += kind / 8 * 50;
        switch (kind % 8) {
        case 0:
            post(TC_EVENT_SERIAL, 0, bytes, length);
            break;
        case 1:
            post(TC_EVENT_WIFI_UP, 0, bytes, length);
            break;
        case 2:
            post(TC_EVENT_WIFI_DOWN, (int32_t)(length % 4), NULL, 0);
            break;
        case 3:
            post(TC_EVENT_WIFI_FOUND, length > 0 ? (int8_t)bytes[0] : 0, bytes, length);
            break;
        case 4:
            post(TC_EVENT_WIFI_SCANNED, -(int32_t)(length % 2), NULL, 0);
            break;
        default:
            call(bytes, length);
            break;
        }
        CHECK_EQ(tc_self.count.illegal, 0);
    }
    return 0;
}
