/* Several networks: which is tried when, and what is said about it. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

static void begin(void) {
    world_flash();
    fake_kv_put_text("wifi2_ssid", "work");
    fake_kv_put_text("wifi2_pass", "also long enough");
    fake_kv_put_text("wifi3_ssid", "cafe");
    world_power_on();
    CHECK(world_has(world_state(), "\"reason\":\"boot\",\"detail\":\"home\""));
    CHECK_STR(fake.wifi_ssid, "home");
}

static void down(int code) {
    world_post(TC_EVENT_WIFI_DOWN, 0, code, 0, NULL, 0);
}

TC_TEST(wifi_networks_are_tried_in_turn_before_any_pause) {
    begin();
    down(TC_WIFI_NOT_FOUND);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"wifi_not_found\",\"detail\":\"work\"");
    CHECK_STR(fake.wifi_ssid, "work");
    CHECK_STR(fake.wifi_password, "also long enough");
    down(TC_WIFI_PASSWORD);
    CHECK_STR(fake.wifi_ssid, "cafe");
    CHECK_STR(fake.wifi_password, "");
    world_run(29990); /* each has 30 s */
    CHECK_EQ(tc_session_state(), TC_STATE_JOINING);
    world_run(20);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"wifi_failed\",\"detail\":\"cafe\"");
    CHECK_EQ(fake.wifi_joins, 3);
    CHECK(!fake_serial_holds("also long enough"));
    uint32_t wait = world_retry_ms();
    CHECK(wait >= 1000 && wait <= 1250);
    world_run(wait + 10);
    CHECK_EQ(tc_session_state(), TC_STATE_JOINING);
    CHECK_STR(fake.wifi_ssid, "home");
}

TC_TEST(wifi_each_network_s_fault_is_told_once) {
    begin();
    for (int round = 0; round < 5; round++) {
        down(TC_WIFI_NOT_FOUND);
        down(TC_WIFI_PASSWORD);
        down(TC_WIFI_NOT_FOUND);
        CHECK_EQ(tc_session_state(), TC_STATE_BACKOFF);
        CHECK_EQ(fake_count_frames("\"method\":\"problem\""), 3);
        world_run(world_retry_ms() + 10);
    }
    CHECK_EQ(fake_count_frames("(home)."), 1);
    CHECK_EQ(fake_count_frames("\"message\":\"The Wi-Fi network refused the password (work).\""),
             1);
    down(TC_WIFI_PASSWORD); /* another fault is news */
    CHECK_EQ(fake_count_frames("(home)."), 2);
    down(TC_WIFI_PASSWORD);
    CHECK_EQ(fake_count_frames("(work)."), 1);
    world_ready();
    down(TC_WIFI_LOST);
    CHECK_EQ(fake_count_frames("\"code\":\"wifi_lost\""), 1);
}

TC_TEST(wifi_the_last_good_network_is_tried_first) {
    begin();
    down(TC_WIFI_NOT_FOUND);
    world_ready();
    down(TC_WIFI_LOST);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"wifi_lost\",\"detail\":\"work\"");
    CHECK_STR(fake.wifi_ssid, "work");
    down(TC_WIFI_NOT_FOUND);
    CHECK_STR(fake.wifi_ssid, "home");
    down(TC_WIFI_NOT_FOUND);
    CHECK_STR(fake.wifi_ssid, "cafe");
    down(TC_WIFI_NOT_FOUND);
    CHECK_EQ(tc_session_state(), TC_STATE_BACKOFF);
}

TC_TEST(wifi_a_port_that_refuses_is_asked_for_the_next_and_then_left_alone) {
    world_flash();
    fake_kv_put_text("wifi3_ssid", "cafe");
    fake.wifi_result = TC_ERR_IO;
    world_power_on();
    CHECK_EQ(fake.wifi_joins, 2); /* the second has no name */
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"wifi_failed\"");
}

TC_TEST(wifi_another_network_in_the_settings_is_tried_at_once) {
    begin();
    down(TC_WIFI_NOT_FOUND);
    down(TC_WIFI_NOT_FOUND);
    down(TC_WIFI_NOT_FOUND);
    world_request("settings.set", "{\"values\":{\"wifi2.ssid\":\"barn\",\"wifi3.ssid\":null}}");
    world_request("settings.commit", NULL);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"settings\",\"detail\":\"home\"");
    down(TC_WIFI_NOT_FOUND);
    CHECK_STR(fake.wifi_ssid, "barn");
    down(TC_WIFI_NOT_FOUND);
    CHECK(world_retry_ms() <= 1250); /* and the pauses begin anew */
}
