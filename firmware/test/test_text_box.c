/* Log lines of other tasks, on their way to the link. */
#include "../core/link.h"
#include "../core/log.h"
#include "../core/settings.h"
#include "../core/text_box.h"
#include "../generated/link_gen.h"
#include "check.h"
#include "fake_port.h"

TC_TEST(text_box_gives_lines_in_order_round_its_end) {
    char line[TC_LINK_MAX_TEXT], got[TC_LINK_MAX_TEXT];
    uint32_t chance = 7;
    fake_reset();
    tc_text_box_init();
    for (uint32_t round = 0; round < 2000; round++) {
        size_t length = tc_test_random(&chance) % sizeof line;
        memset(line, (int)('a' + round % 26), sizeof line);
        tc_text_box_put(line, length);
        tc_text_box_put("next", 4);
        CHECK_EQ(tc_text_box_take(got, sizeof got), length);
        CHECK(memcmp(got, line, length) == 0);
        CHECK_EQ(tc_text_box_take(got, sizeof got), 4);
        CHECK(memcmp(got, "next", 4) == 0);
    }
    CHECK_EQ(tc_text_box_take(got, sizeof got), -1);
    CHECK_EQ(tc_text_box_dropped(), 0);
}

TC_TEST(text_box_drops_what_has_no_room_and_says_how_many) {
    char line[2000], got[TC_LINK_MAX_TEXT];
    fake_reset();
    tc_link_init();
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 20; i++) {
        tc_text_box_put(line, sizeof line); /* each is cut to TC_LINK_MAX_TEXT */
    }
    for (int i = 0; i < 15; i++) {
        CHECK_EQ(tc_text_box_take(got, sizeof got), TC_LINK_MAX_TEXT);
    }
    CHECK_EQ(tc_text_box_take(got, sizeof got), -1);
    CHECK_EQ(tc_text_box_dropped(), 5);
    CHECK_EQ(tc_text_box_dropped(), 0);
}

TC_TEST(text_box_lines_leave_before_what_the_core_says_after_them) {
    tc_link_stats stats;
    fake_reset();
    tc_link_init();
    tc_settings_init();
    tc_log(TC_LOG_INFO, "peer", "one");
    tc_json_writer *w = tc_link_notify("metric");
    tc_json_open_object(w);
    tc_json_close_object(w);
    CHECK_EQ(tc_link_send(TC_DROP_METRIC), TC_OK);
    tc_log(TC_LOG_INFO, "peer", "two");
    CHECK(!tc_link_pump());
    const char *line = (const char *)fake.serial;
    CHECK(memcmp(line, "I (0) peer: one\n\x1e", 17) == 0);
    CHECK(memcmp(line + fake.serial_length - 16, "I (0) peer: two\n", 16) == 0);
    for (int i = 0; i < 1000; i++) {
        tc_log(TC_LOG_INFO, "peer", "too many");
    }
    tc_link_pump();
    tc_link_get_stats(&stats);
    CHECK(stats.dropped[TC_DROP_TEXT] > 500);
    CHECK(fake_serial_holds("\"method\":\"dropped\""));
}
