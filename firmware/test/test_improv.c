/* Improv over serial: packets in and out, between frames and log text. */
#include "../core/link.h"
#include "../core/settings.h"
#include "check.h"
#include "world.h"

/* The type and data of packet number `index` on the line, with a good sum and at the start of a
 * line; its length, or -1. */
static int packet(int index, uint8_t *type, uint8_t data[255]) {
    const uint8_t *line = fake.serial;
    for (size_t at = 0; at + 10 <= fake.serial_length; at++) {
        if (memcmp(line + at, "IMPROV\1", 7) != 0 || index-- > 0) {
            continue;
        }
        uint8_t sum = 0;
        size_t length = line[at + 8];
        CHECK(at == 0 || line[at - 1] == '\n');
        for (size_t i = 0; i < 9 + length; i++) {
            sum = (uint8_t)(sum + line[at + i]);
        }
        CHECK_EQ(line[at + 9 + length], sum);
        CHECK_EQ(line[at + 10 + length], '\n');
        *type = line[at + 7];
        memcpy(data, line + at + 9, length);
        return (int)length;
    }
    return -1;
}

static void check_packet(int index, int type, const char *data, int length) {
    uint8_t got[255], kind = 0;
    CHECK_EQ(packet(index, &kind, got), length);
    CHECK_EQ(kind, type);
    CHECK_BYTES(got, data, (size_t)length);
}

static void check_none(int index) {
    uint8_t got[255], kind;
    CHECK_EQ(packet(index, &kind, got), -1);
}

static size_t make(uint8_t *out, uint8_t type, const void *data, size_t length) {
    uint8_t sum = 0;
    memcpy(out, "IMPROV\1", 7);
    out[7] = type;
    out[8] = (uint8_t)length;
    memcpy(out + 9, data, length);
    for (size_t i = 0; i < 9 + length; i++) {
        sum = (uint8_t)(sum + out[i]);
    }
    out[9 + length] = sum;
    out[10 + length] = '\n';
    return 11 + length;
}

static void rpc(uint8_t command, const void *data, size_t length) {
    uint8_t body[255], bytes[270];
    body[0] = command;
    body[1] = (uint8_t)length;
    memcpy(body + 2, data, length);
    fake_serial_clear();
    world_post(TC_EVENT_SERIAL, 0, 0, 0, bytes, make(bytes, 3, body, length + 2));
}

static void begin(void) {
    world_flash();
    world_power_on();
    world_forget();
}

/* Nothing is set: the device waits for somebody like us. */
static void begin_blank(void) {
    fake_reset();
    world_power_on();
    world_forget();
}

TC_TEST(improv_says_who_and_how) {
    begin_blank();
    rpc(2, "", 0);
    check_packet(0, 1, "\2", 1);
    check_none(1);
    rpc(3, "", 0);
    check_packet(0, 4, "\3\x1D\6Tincan\0050.0.0\10ESP32-S3\6tincan", 31);
    rpc(7, "", 0);
    check_packet(0, 4, "\7\2\0012", 4);
    rpc(9, "", 0);
    check_packet(0, 2, "\2", 1);
    CHECK_EQ(fake.boots_good, 1);
}

TC_TEST(improv_joins_and_keeps) {
    begin();
    world_ready();
    rpc(2, "", 0);
    check_packet(0, 1, "\4", 1);
    check_packet(1, 4, "\2\0", 2);
    rpc(1, "\4cafe\011opensesam", 15);
    check_packet(0, 2, "\0", 1);
    check_packet(1, 1, "\3", 1);
    check_none(2);
    CHECK_STR(fake.wifi_ssid, "cafe");
    CHECK_STR(fake.wifi_password, "opensesam");
    CHECK(!fake_serial_holds("opensesam"));
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "10.0.0.9", 8);
    check_packet(2, 1, "\4", 1);
    check_packet(3, 4, "\1\0", 2);
    CHECK_STR(tc_settings_get()->wifi_ssid, "cafe");
}

TC_TEST(improv_tells_a_wrong_password) {
    begin();
    rpc(1, "\4cafe\011wrong one", 15);
    fake_serial_clear();
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_PASSWORD, 0, "", 0);
    check_packet(0, 2, "\3", 1);
    check_packet(1, 1, "\2", 1);
    rpc(1, "\4cafe\0", 6); /* an open network, which is silent */
    world_run(26000);
    check_packet(2, 2, "\3", 1);
}

TC_TEST(improv_joins_though_other_settings_miss) {
    begin_blank();
    rpc(1, "\4cafe\011opensesam", 15);
    CHECK_EQ(tc_session_state(), TC_STATE_UNPROVISIONED);
    CHECK_EQ(fake.wifi_joins, 1);
    fake_serial_clear();
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "10.0.0.9", 8);
    check_packet(0, 1, "\4", 1);
    check_packet(1, 4, "\1\0", 2);
    rpc(2, "", 0);
    check_packet(0, 1, "\4", 1);
    rpc(1, "\4cafe\011wrong one", 15);
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_PASSWORD, 0, "", 0);
    check_packet(2, 2, "\3", 1);
}

TC_TEST(improv_refuses_what_no_setting_takes) {
    begin();
    rpc(1, "\4cafe\5short", 11); /* a passphrase has 8 characters or more */
    check_packet(0, 2, "\1", 1);
    rpc(1, "\0\0", 2);
    check_packet(0, 2, "\1", 1);
    rpc(1,
        "\xff"
        "cafe",
        5);
    check_packet(0, 2, "\1", 1);
    rpc(1, "\4ca\0e\0", 6);
    check_packet(0, 2, "\1", 1);
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
    fake.kv_changes_left = 0;
    rpc(1, "\4cafe\011opensesam", 15);
    check_packet(2, 2, "\xff", 1);
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
}

TC_TEST(improv_scans) {
    begin();
    world_ready();
    rpc(4, "", 0);
    CHECK_EQ(fake.scans, 1);
    check_none(0);
    world_post(TC_EVENT_WIFI_FOUND, 0, -61, 1, "home", 4);
    world_post(TC_EVENT_WIFI_FOUND, 0, -107, 0, "cafe", 4);
    world_post(TC_EVENT_WIFI_SCANNED, 0, 0, 0, "", 0);
    check_packet(0, 4, "\4\15\4home\3-61\3YES", 15);
    check_packet(1, 4, "\4\15\4cafe\4-107\2NO", 15);
    check_packet(2, 4, "\4\0", 2);
    world_post(TC_EVENT_WIFI_FOUND, 0, -61, 1, "late", 4);
    check_none(3);
    fake.scan_result = TC_ERR_STATE;
    rpc(4, "", 0);
    check_packet(0, 2, "\xff", 1);
    fake.scan_result = TC_OK;
    rpc(4, "", 0);
    world_run(16000);
    check_packet(0, 2, "\xff", 1);
}

TC_TEST(improv_names_the_device) {
    begin();
    rpc(6, "Kitchen", 7);
    check_packet(0, 4, "\6\10\7Kitchen", 10);
    CHECK_STR(tc_settings_get()->device_name, "Kitchen");
    rpc(6, "", 0);
    check_packet(0, 4, "\6\10\7Kitchen", 10);
}

TC_TEST(improv_packets_in_any_pieces_and_company) {
    static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"device.hello\"}";
    uint8_t bytes[600];
    size_t length = 0;
    begin();
    memcpy(bytes, "IMPIMPROV\2 IMPRO", 16); /* not one of these */
    length += 16;
    length += make(bytes + length, 3, "\2\0", 2);
    length += (size_t)tc_link_encode(hello, sizeof hello - 1, 0, bytes + length, 300);
    length += make(bytes + length, 3, "\3\0", 2);
    for (size_t i = 0; i < length; i++) {
        world_post(TC_EVENT_SERIAL, 0, 0, 0, bytes + i, 1);
    }
    check_packet(0, 1, "\2", 1);
    CHECK_EQ(fake_count_frames("\"id\":1"), 1);
    uint8_t type, data[255];
    CHECK_EQ(packet(1, &type, data), 31);
    /* A packet may hold the mark of a frame. */
    rpc(6, "\x1e\x1e\x1e\x1e", 4);
    tc_link_stats stats;
    tc_link_get_stats(&stats);
    CHECK_EQ(stats.frames_broken, 0);
}

TC_TEST(improv_broken_packets) {
    uint8_t bytes[300];
    begin();
    size_t length = make(bytes, 3, "\2\0", 2);
    bytes[length - 2] ^= 1;
    world_post(TC_EVENT_SERIAL, 0, 0, 0, bytes, length);
    check_packet(0, 2, "\1", 1);
    fake_serial_clear();
    length = make(bytes, 1, "\2", 1);
    world_post(TC_EVENT_SERIAL, 0, 0, 0, bytes, length);
    check_packet(0, 2, "\1", 1);
    fake_serial_clear();
    length = make(bytes, 3, "\2\7", 2);
    world_post(TC_EVENT_SERIAL, 0, 0, 0, bytes, length);
    check_packet(0, 2, "\1", 1);
    length = make(bytes, 3, "\3\0", 2);
    world_post(TC_EVENT_SERIAL, 0, 0, 0, bytes, length - 4); /* the host died here */
    world_run(1500);
    fake_serial_clear();
    world_request("device.hello", NULL);
    CHECK_EQ(fake_count_frames("\"id\":1"), 1);
}
