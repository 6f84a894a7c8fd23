/*
 * Both directions at once. The input is a program: each step is an operation, a length, and bytes.
 * At the end all that waits leaves, and the line must hold only true frames whose gaps are what was
 * dropped.
 */
#include "../core/link.h"
#include "../generated/link_gen.h"
#include "check.h"
#include "fake_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int taken;

static void receive(const char *json, size_t length) {
    CHECK(length > 0 && length <= TC_LINK_MAX_JSON);
    CHECK(memchr(json, '\n', length) == NULL && memchr(json, TC_LINK_MARK, length) == NULL);
    taken++;
}

static void notify(tc_drop_class drop, const uint8_t *bytes, size_t length, size_t times) {
    tc_json_writer *params = tc_link_notify("fuzz");
    CHECK(params != NULL);
    tc_json_open_array(params);
    for (size_t i = 0; i <= times; i++) {
        tc_json_string_n(params, (const char *)bytes, length);
    }
    tc_json_close_array(params);
    tc_err error = tc_link_send(drop);
    CHECK(error == TC_OK || error == TC_ERR_SIZE || error == TC_ERR_FULL);
}

static void feed_frame(const uint8_t *bytes, size_t length, uint32_t number) {
    static uint8_t frame[1024];
    int size = tc_link_encode((const char *)bytes, length, number, frame, sizeof frame);
    CHECK_EQ(size, length + 20);
    tc_link_feed(frame, (size_t)size, receive);
}

static void check_line(void) {
    tc_link_stats stats;
    tc_span json;
    size_t cursor = 0;
    uint32_t number, next = 0, frames = 0;
    tc_link_get_stats(&stats);
    CHECK_EQ(stats.ring_used, 0);
    CHECK_EQ(stats.frames_in, taken);
    if (fake.serial_length == sizeof fake.serial) {
        return; /* the fake line does not hold it all */
    }
    while (fake_next_frame(&cursor, &json, &number)) {
        CHECK(number >= next);
        next = number + 1;
        frames++;
    }
    CHECK_EQ(frames, stats.frames_out);
    CHECK_EQ(next - frames, stats.dropped[TC_DROP_SOUND] + stats.dropped[TC_DROP_LOG] +
                                stats.dropped[TC_DROP_METRIC] + stats.dropped[TC_DROP_EVENT]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const tc_drop_class framed[] = {TC_DROP_SOUND, TC_DROP_LOG, TC_DROP_METRIC,
                                           TC_DROP_EVENT};
    tc_link_init();
    taken = 0;
    fake.serial_length = 0;
    fake.serial_room = 0;
    fake.serial_piece = SIZE_MAX;
    for (size_t at = 0; at + 2 <= size;) {
        uint8_t operation = data[at], argument = data[at + 1];
        at += 2;
        size_t length = size - at < argument ? size - at : argument;
        const uint8_t *bytes = data + at;
        switch (operation % 8) {
        case 0:
        case 1:
            tc_link_feed(bytes, length, receive);
            break;
        case 2:
            if (length > 0 && memchr(bytes, '\n', length) == NULL &&
                memchr(bytes, TC_LINK_MARK, length) == NULL) {
                feed_frame(bytes, length, operation);
            }
            break;
        case 3:
            tc_link_text((const char *)bytes, length);
            break;
        case 4:
        case 5:
            notify(framed[operation / 8 % 4], bytes, length, operation * 8u);
            break;
        case 6:
            tc_link_fail((tc_span){"1", 1}, argument, "m", NULL);
            break;
        default:
            fake.serial_room = argument * 64;
            tc_link_pump();
            continue; /* its argument was a number */
        }
        at += length;
    }
    tc_link_feed((const uint8_t *)"\n", 1, receive);
    fake.serial_room = FAKE_UNLIMITED;
    CHECK(!tc_link_pump());
    /* What was dropped last shows in the number of the next frame. */
    notify(TC_DROP_EVENT, (const uint8_t *)"end", 3, 0);
    CHECK(!tc_link_pump());
    check_line();
    return 0;
}
