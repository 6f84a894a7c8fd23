#include "../core/link.h"
#include "../core/log.h"
#include "../core/settings.h"
#include "../generated/link_gen.h"
#include "check.h"
#include "fake_port.h"

static void start(void) {
    fake_reset();
    tc_link_init();
    tc_settings_init();
}

static void check_line(const char *wanted) {
    tc_link_pump();
    CHECK_TEXT((const char *)fake.serial, fake.serial_length, wanted);
    fake_serial_clear();
}

TC_TEST(log_lines_look_as_those_of_esp_idf) {
    start();
    tc_log_clock(1234);
    tc_log(TC_LOG_INFO, "wifi", "%s has %d dB, %u channels, %x, 100 %%", "net", (int32_t)-51, 13u,
           0xBEEFu);
    check_line("I (1234) wifi: net has -51 dB, 13 channels, beef, 100 %\n");
    tc_log(TC_LOG_ERROR, "a", "%d %u %d", INT32_MIN, UINT32_MAX, 0);
    check_line("E (1234) a: -2147483648 4294967295 0\n");
    const char *volatile nothing = NULL; /* not seen by the compiler */
    tc_log(TC_LOG_WARN, "a", "%s|", nothing);
    check_line("W (1234) a: (null)|\n");
}

TC_TEST(log_keeps_to_the_level_of_the_settings) {
    start();
    tc_log(TC_LOG_DEBUG, "a", "hidden");
    check_line("");
    uint8_t level = TC_DEVICE_LOG_LEVEL_DEBUG;
    fake_kv_put("log_level", TC_KV_U8, &level, 1);
    tc_settings_init();
    tc_log(TC_LOG_DEBUG, "a", "seen");
    check_line("D (0) a: seen\n");
    level = TC_DEVICE_LOG_LEVEL_ERROR;
    fake_kv_put("log_level", TC_KV_U8, &level, 1);
    tc_settings_init();
    tc_log(TC_LOG_WARN, "a", "hidden");
    tc_log(TC_LOG_ERROR, "a", "seen");
    check_line("E (0) a: seen\n");
}

TC_TEST(log_lines_have_their_limit_and_hold_no_line_break) {
    char text[2000];
    start();
    memset(text, 'x', sizeof text);
    text[3] = '\n';
    text[sizeof text - 1] = '\0';
    tc_log(TC_LOG_INFO, "a", "%s", text);
    tc_link_pump();
    CHECK_EQ(fake.serial_length, TC_LINK_MAX_TEXT + 1);
    CHECK_EQ(fake.serial[11 + 1], '?');
}

TC_TEST(problem_is_a_notification_and_a_log_line) {
    start();
    tc_problem("wifi_password", "the network refused the password", "Set wifi.password.");
    tc_link_pump();
    CHECK_STR(fake_last_frame("problem"),
              "{\"jsonrpc\":\"2.0\",\"method\":\"problem\",\"params\":{\"code\":\"wifi_password\","
              "\"message\":\"the network refused the password\",\"hint\":\"Set wifi.password.\"}}");
    CHECK(fake_serial_holds(
        "E (0) wifi_password: the network refused the password; Set wifi.password.\n"));
}
