#include "../core/inbox.h"
#include "check.h"
#include "fake_port.h"

static uint8_t bytes[TC_INBOX_SIZE];

static tc_err put(int kind, size_t length) {
    tc_event event = {.kind = kind, .data = bytes, .length = length};
    return tc_inbox_put(&event);
}

TC_TEST(inbox_gives_back_what_was_put) {
    static const uint8_t data[] = {1, 2, 3};
    tc_event event = {.kind = 8, .id = 9, .code = -4, .extra = 5, .data = data, .length = 3};
    fake_reset();
    tc_inbox_init();
    CHECK(!tc_inbox_peek(&event));
    CHECK_EQ(tc_inbox_put(&event), TC_OK);
    tc_event got;
    CHECK(tc_inbox_peek(&got));
    CHECK_EQ(got.kind, 8);
    CHECK_EQ(got.id, 9);
    CHECK_EQ(got.code, -4);
    CHECK_EQ(got.extra, 5);
    CHECK_BYTES(got.data, "\1\2\3", 3);
    tc_inbox_drop();
    CHECK(!tc_inbox_peek(&got));
    event.data = NULL;
    CHECK_EQ(tc_inbox_put(&event), TC_ERR_FORMAT);
}

TC_TEST(inbox_is_full_without_losing_anything) {
    fake_reset();
    tc_inbox_init();
    CHECK_EQ(put(1, TC_INBOX_SIZE), TC_ERR_SIZE);
    CHECK_EQ(put(1, 65536), TC_OK);
    CHECK_EQ(put(2, 65536), TC_OK);
    CHECK_EQ(put(3, 65536), TC_ERR_FULL);
    CHECK_EQ(put(4, 1000), TC_OK);
    CHECK_EQ(tc_inbox_count(), 3);
    tc_event got;
    CHECK(tc_inbox_peek(&got) && got.kind == 1);
    CHECK_EQ(put(5, 65536), TC_ERR_FULL); /* it is still being read */
    tc_inbox_drop();
    CHECK_EQ(put(6, 65000), TC_OK); /* round the end */
    CHECK(tc_inbox_peek(&got) && got.kind == 2);
    tc_inbox_drop();
    CHECK(tc_inbox_peek(&got) && got.kind == 4);
    tc_inbox_drop();
    CHECK(tc_inbox_peek(&got) && got.kind == 6 && got.length == 65000);
    tc_inbox_drop();
    CHECK_EQ(put(7, TC_INBOX_SIZE - 64), TC_OK); /* an empty one takes all that fits */
    CHECK(tc_inbox_high() <= TC_INBOX_SIZE);
}

TC_TEST(inbox_keeps_order_and_bytes_over_many_rounds) {
    unsigned seed = 7;
    uint32_t next_in = 0, next_out = 0;
    fake_reset();
    tc_inbox_init();
    for (int i = 0; i < 20000; i++) {
        size_t length = tc_test_random(&seed) % 4 == 0 ? tc_test_random(&seed) % 70000
                                                       : tc_test_random(&seed) % 50;
        memset(bytes, (int)(next_in & 255), length);
        if (tc_test_random(&seed) % 2) {
            tc_event event = {.kind = 1, .id = next_in, .data = bytes, .length = length};
            tc_err error = tc_inbox_put(&event);
            CHECK(error == TC_OK || error == TC_ERR_FULL);
            next_in += error == TC_OK ? 1 : 0;
        } else {
            tc_event got;
            bool any = tc_inbox_peek(&got);
            CHECK_EQ(any, next_out < next_in);
            if (any) {
                CHECK_EQ(got.id, next_out);
                CHECK(got.length == 0 ||
                      (got.data[0] == (next_out & 255) && got.data[got.length - 1] == got.data[0]));
                tc_inbox_drop();
                next_out++;
            }
        }
        CHECK_EQ(tc_inbox_count(), next_in - next_out);
    }
    CHECK(next_out > 3000);
}

static uint32_t waits[2];
static int steps;

/* The core task runs while another task has reserved its room and not yet copied its data. */
static void preempt(void) {
    fake.unlocked = NULL;
    waits[steps++] = tc_core_step(5000);
}

TC_TEST(inbox_an_event_that_is_still_copied_waits_without_spinning) {
    fake_reset();
    tc_core_init(5000);
    tc_core_step(5000);
    fake.unlocked = preempt;
    tc_event event = {.kind = TC_EVENT_BUTTON, .code = 1, .data = bytes, .length = 64};
    CHECK_EQ(tc_core_post(&event), TC_OK);
    CHECK_EQ(steps, 1);
    CHECK_EQ(waits[0], 1); /* 0 would starve a poster of lower priority on the same core */
    CHECK_EQ(tc_inbox_count(), 1);
    tc_core_step(5000);
    CHECK_EQ(tc_inbox_count(), 0);
}
