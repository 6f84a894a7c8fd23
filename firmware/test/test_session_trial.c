/* A network on trial: kept when it was joined, and gone without a trace where it was not. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

static void down(int code) {
    world_post(TC_EVENT_WIFI_DOWN, 0, code, 0, NULL, 0);
}

/* Tries another network, from a device that is on its own. */
static void try_network(void) {
    world_flash();
    world_power_on();
    world_ready();
    world_request("settings.set", "{\"values\":{\"wifi.ssid\":\"barn\",\"wifi.password\":\"a new "
                                  "password\",\"audio.volume\":30}}");
    fake.kv_changes = 0;
    world_request("settings.commit", "{\"trial\":true}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"effect\":\"wifi\",\"trial\":true}"));
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"settings\",\"detail\":\"barn\"");
    CHECK_STR(fake.wifi_ssid, "barn");
    CHECK_STR(fake.wifi_password, "a new password");
    CHECK_EQ(fake.volume, 30);
    CHECK_EQ(fake.kv_changes, 0);
}

static void former_network(void) {
    CHECK_STR(fake.wifi_ssid, "home");
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
    CHECK(strcmp(tc_settings_get()->wifi_password, "a new password") != 0);
    CHECK_EQ(fake.volume, 70);
    CHECK_EQ(fake.kv_changes, 0);
    CHECK(!tc_settings_trial_runs());
}

TC_TEST(trial_keeps_a_network_that_was_joined) {
    try_network();
    world_ready();
    CHECK(!tc_settings_trial_runs());
    CHECK(fake.kv_changes > 0);
    fake_reboot();
    tc_core_init(0);
    CHECK_STR(tc_settings_get()->wifi_ssid, "barn");
    CHECK_STR(tc_settings_get()->wifi_password, "a new password");
    CHECK_EQ(tc_settings_get()->audio_volume, 30);
}

TC_TEST(trial_of_a_wrong_password_ends_at_once_and_the_former_network_is_joined) {
    try_network();
    down(TC_WIFI_PASSWORD);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"wifi_password\",\"detail\":\"home\"");
    former_network();
    CHECK_EQ(fake_count_frames("refused the password (barn)."), 1);
    world_ready();
    CHECK_EQ(fake.kv_changes, 0);
    CHECK(!fake_serial_holds("a new password"));
}

TC_TEST(trial_of_a_network_that_is_not_seen_is_tried_twice) {
    try_network();
    down(TC_WIFI_NOT_FOUND);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"retry\",\"detail\":\"barn\"");
    CHECK_STR(fake.wifi_ssid, "barn");
    down(TC_WIFI_NOT_FOUND);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"wifi_not_found\",\"detail\":\"home\"");
    former_network();
}

TC_TEST(trial_of_a_network_that_says_nothing_ends_after_30_s) {
    try_network();
    world_run(30010);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"wifi_failed\",\"detail\":\"home\"");
    former_network();
}

TC_TEST(trial_is_of_the_new_network_alone_though_others_are_known) {
    world_flash();
    fake_kv_put_text("wifi2_ssid", "work");
    world_power_on();
    world_ready();
    world_request("settings.set", "{\"values\":{\"wifi.password\":\"a new password\"}}");
    world_request("settings.commit", "{\"trial\":true}");
    CHECK_STR(fake.wifi_ssid, "home");
    down(TC_WIFI_PASSWORD);
    CHECK_STR(fake.wifi_ssid, "home"); /* with its former password, and not work */
    CHECK(strcmp(fake.wifi_password, "a new password") != 0);
}

TC_TEST(trial_ends_with_the_power_or_the_next_word_of_the_host) {
    try_network();
    fake_reboot();
    tc_core_init(0);
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");

    try_network();
    world_request("settings.discard", NULL);
    world_check_reason(TC_STATE_JOINING, "\"reason\":\"settings\",\"detail\":\"home\"");
    former_network();

    try_network();
    world_request("settings.set", "{\"values\":{\"audio.volume\":50}}");
    former_network();
    world_request("settings.commit", NULL);
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
    CHECK_EQ(fake.volume, 50);
}

TC_TEST(trial_that_the_flash_does_not_take_leaves_the_former_settings) {
    try_network();
    fake.kv_failing = "journal";
    fake.kv_failure = TC_ERR_STORAGE;
    world_ready();
    CHECK_EQ(fake_count_frames("\"code\":\"storage\""), 1);
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
    CHECK(!tc_settings_trial_runs());
}

TC_TEST(trial_needs_a_network_that_changed_and_one_to_go_back_to) {
    world_flash();
    world_power_on();
    world_ready();
    world_request("settings.set", "{\"values\":{\"audio.volume\":50,\"wifi2.ssid\":null}}");
    world_request("settings.commit", "{\"trial\":true}");
    CHECK(!world_has(fake_last_frame("\"id\":1"), "trial"));
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    world_request("settings.set", "{\"values\":{\"wifi.ssid\":\"barn\",\"server.token\":null}}");
    world_request("settings.commit", "{\"trial\":true}");
    CHECK(!world_has(fake_last_frame("\"id\":1"), "trial"));
    CHECK_EQ(tc_session_state(), TC_STATE_UNPROVISIONED);
    world_request("settings.set", "{\"values\":{\"server.token\":\"ek_1\"}}");
    world_request("settings.commit", "{\"trial\":true}");
    CHECK(!world_has(fake_last_frame("\"id\":1"), "trial"));
    CHECK_STR(fake.wifi_ssid, "barn");
}

TC_TEST(trial_interrupts_what_a_session_does_and_leaves_no_state_behind) {
    world_listening();
    world_request("settings.set", "{\"values\":{\"wifi.ssid\":\"barn\"}}");
    world_request("settings.commit", "{\"trial\":true}");
    CHECK_EQ(tc_session_state(), TC_STATE_JOINING);
    CHECK(!fake.audio_on);
    down(TC_WIFI_LOST); /* the former network's last word */
    CHECK_STR(fake.wifi_ssid, "barn");
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, NULL, 0);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING); /* the session is still wanted */
    CHECK(!tc_settings_trial_runs());
    CHECK_STR(tc_settings_get()->wifi_ssid, "barn");
    CHECK_EQ(tc_self.count.illegal, 0);
}
