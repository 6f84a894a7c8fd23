#include "../core/link.h"
#include "../generated/link_gen.h"
#include "check.h"
#include "fake_port.h"

static char received[1 << 17];
static size_t received_length;
static int received_count;

static void receive(const char *json, size_t length) {
    received_count++;
    received_length = length;
    memcpy(received, json, length);
    received[length] = '\0';
}

static void start(void) {
    fake_reset();
    tc_link_init();
    received_count = 0;
}

static tc_span span_of(const char *text) {
    return (tc_span){text, strlen(text)};
}

/* Queues a notification "x" whose params are `tag` and a text of `size` letters. */
static tc_err notify(tc_drop_class drop, int tag, size_t size) {
    static char letters[TC_LINK_MAX_JSON];
    tc_json_writer *params = tc_link_notify("x");
    memset(letters, 'a', sizeof letters);
    CHECK(params != NULL);
    tc_json_open_object(params);
    tc_json_pair_int(params, "tag", tag);
    tc_json_key(params, "fill");
    tc_json_string_n(params, letters, size);
    tc_json_close_object(params);
    return tc_link_send(drop);
}

static void feed(const char *text, size_t length) {
    tc_link_feed((const uint8_t *)text, length, receive);
}

/* Feeds a frame of the host. */
static void feed_frame(const char *json, uint32_t number) {
    uint8_t bytes[256];
    int length = tc_link_encode(json, strlen(json), number, bytes, sizeof bytes);
    CHECK(length > 0);
    feed((const char *)bytes, (size_t)length);
}

static tc_link_stats stats(void) {
    tc_link_stats now;
    tc_link_get_stats(&now);
    return now;
}

static int32_t int_at(tc_span json, const char *name) {
    tc_json_reader reader;
    tc_json_token token;
    int32_t value = -1;
    tc_json_begin(&reader, json.at, json.length);
    while ((token = tc_json_next(&reader)) != TC_JSON_END) {
        CHECK(token != TC_JSON_ERROR);
        if (token == TC_JSON_KEY && tc_json_is(reader.span, name)) {
            CHECK_EQ(tc_json_next(&reader), TC_JSON_NUMBER);
            CHECK_EQ(tc_json_int(reader.span, &value), TC_OK);
        }
    }
    return value;
}

TC_TEST(link_frames_are_numbered_and_leave_in_order) {
    tc_span json;
    uint32_t number;
    size_t cursor = 0;
    start();
    CHECK_EQ(notify(TC_DROP_EVENT, 1, 3), TC_OK);
    tc_json_raw(tc_link_answer(span_of("\"id-7\"")), "{\"ok\":true}", 11);
    CHECK_EQ(tc_link_send(TC_DROP_EVENT), TC_OK);
    tc_link_fail(span_of("8"), TC_LINK_ERR_METHOD, "no such method", "hint");
    tc_link_fail((tc_span){NULL, 0}, TC_LINK_ERR_PARSE, "not JSON", NULL);
    CHECK(!tc_link_pump());
    CHECK(fake_next_frame(&cursor, &json, &number));
    CHECK_TEXT(json.at, json.length,
               "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"tag\":1,\"fill\":\"aaa\"}}");
    CHECK_EQ(number, 0);
    CHECK(fake_next_frame(&cursor, &json, &number));
    CHECK_TEXT(json.at, json.length,
               "{\"jsonrpc\":\"2.0\",\"id\":\"id-7\",\"result\":{\"ok\":true}}");
    CHECK_EQ(number, 1);
    CHECK(fake_next_frame(&cursor, &json, &number));
    CHECK_TEXT(json.at, json.length,
               "{\"jsonrpc\":\"2.0\",\"id\":8,\"error\":{\"code\":-32601,"
               "\"message\":\"no such method\",\"data\":\"hint\"}}");
    CHECK(fake_next_frame(&cursor, &json, &number));
    CHECK_TEXT(
        json.at, json.length,
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"not JSON\"}}");
    CHECK_EQ(number, 3);
    CHECK(!fake_next_frame(&cursor, &json, &number));
    CHECK_EQ(stats().frames_out, 4);
    CHECK_EQ(stats().ring_used, 0);
}

TC_TEST(link_text_is_a_line_without_control_characters) {
    start();
    tc_link_text("I (1) a: b\x1E\x1B\n\x7F\xC3\xA9", 16);
    tc_link_text("", 0);
    tc_link_pump();
    CHECK_TEXT((const char *)fake.serial, fake.serial_length, "I (1) a: b????\xC3\xA9\n\n");
}

TC_TEST(link_long_text_is_cut_between_characters) {
    char line[TC_LINK_MAX_TEXT + 10];
    start();
    memset(line, 'x', sizeof line);
    memcpy(line + TC_LINK_MAX_TEXT - 1, "\xE2\x82\xAC", 3);
    tc_link_text(line, sizeof line);
    tc_link_pump();
    CHECK_EQ(fake.serial[TC_LINK_MAX_TEXT - 1], '\n');
    CHECK_EQ(fake.serial[TC_LINK_MAX_TEXT], 0xE2);
    CHECK_EQ(fake.serial_length, sizeof line + 2);
}

TC_TEST(link_opens_one_frame_at_a_time) {
    start();
    CHECK(tc_link_notify("x") != NULL);
    CHECK(tc_link_notify("y") == NULL);
    CHECK(tc_link_answer(span_of("1")) == NULL);
    CHECK_EQ(tc_link_send(TC_DROP_EVENT), TC_ERR_STATE); /* no params were written */
    CHECK_EQ(tc_link_send(TC_DROP_EVENT), TC_ERR_STATE);
    CHECK(tc_link_answer(span_of("1")) != NULL);
    tc_link_fail(span_of("1"), -1, "m", NULL); /* takes the place of the open answer */
    CHECK_EQ(notify(TC_DROP_EVENT, 1, 0), TC_OK);
    tc_link_pump();
    CHECK_EQ(stats().frames_out, 2);
    CHECK_STR(fake_last_frame("error"),
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"m\"}}");
}

TC_TEST(link_a_frame_has_its_limit) {
    const size_t envelope =
        strlen("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"tag\":1,\"fill\":\"\"}}");
    tc_span json;
    size_t cursor = 0;
    start();
    CHECK_EQ(notify(TC_DROP_EVENT, 1, TC_LINK_MAX_JSON - envelope + 1), TC_ERR_SIZE);
    CHECK_EQ(stats().ring_used, 0);
    CHECK_EQ(notify(TC_DROP_EVENT, 1, TC_LINK_MAX_JSON - envelope), TC_OK);
    tc_link_pump();
    CHECK(fake_next_frame(&cursor, &json, NULL));
    CHECK_EQ(json.length, TC_LINK_MAX_JSON);
}

TC_TEST(link_never_waits_and_goes_on_where_it_stopped) {
    start();
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(notify(TC_DROP_EVENT, i, 40), TC_OK);
        tc_link_text("between", 7);
    }
    fake.serial_piece = 3;
    for (int i = 0; i < 5000; i++) {
        fake.serial_room = i % 5;
        tc_link_pump();
    }
    fake.serial_room = FAKE_UNLIMITED;
    fake.serial_piece = SIZE_MAX;
    CHECK(!tc_link_pump());
    CHECK_EQ(fake_count_frames("\"method\":\"x\""), 20);
    CHECK_EQ(stats().ring_used, 0);
}

TC_TEST(link_full_ring_drops_oldest_sound_then_text_then_logs_then_metrics_then_events) {
    static const tc_drop_class classes[] = {TC_DROP_EVENT, TC_DROP_METRIC, TC_DROP_LOG,
                                            TC_DROP_SOUND};
    uint32_t before[TC_DROP_CLASSES] = {0};
    start();
    fake.serial_room = 0;
    for (int i = 0; i < 200; i++) {
        tc_link_text("some text that nobody reads", 27);
        for (int c = 0; c < 4; c++) {
            CHECK_EQ(notify(classes[c], i, 50), TC_OK);
        }
    }
    CHECK_EQ(stats().dropped[TC_DROP_SOUND], 0);
    for (int tag = 1000; stats().dropped[TC_DROP_EVENT] == 0; tag++) {
        CHECK_EQ(notify(TC_DROP_EVENT, tag, 1000), TC_OK);
        tc_link_stats now = stats();
        CHECK(now.ring_used <= TC_LINK_TX_RING && now.ring_high <= TC_LINK_TX_RING);
        /* A class is touched only when the one before it is gone. The head (an event) may be
         * leaving. */
        if (now.dropped[TC_DROP_TEXT] > before[TC_DROP_TEXT]) {
            CHECK_EQ(now.dropped[TC_DROP_SOUND], 200);
        }
        if (now.dropped[TC_DROP_LOG] > before[TC_DROP_LOG]) {
            CHECK_EQ(now.dropped[TC_DROP_TEXT], 200);
        }
        if (now.dropped[TC_DROP_METRIC] > before[TC_DROP_METRIC]) {
            CHECK_EQ(now.dropped[TC_DROP_LOG], 200);
        }
        if (now.dropped[TC_DROP_EVENT] > before[TC_DROP_EVENT]) {
            CHECK_EQ(now.dropped[TC_DROP_METRIC], 200);
        }
        memcpy(before, now.dropped, sizeof before);
    }
}

TC_TEST(link_says_what_was_dropped_in_the_next_frame_and_numbers_show_each_loss) {
    static const tc_drop_class frames[] = {TC_DROP_SOUND, TC_DROP_LOG, TC_DROP_METRIC,
                                           TC_DROP_EVENT};
    tc_span json;
    uint32_t number, next = 0, lost = 0;
    size_t cursor = 0;
    int32_t said[TC_DROP_CLASSES] = {0};
    unsigned state = 7;
    start();
    for (int i = 0; i < 20000; i++) {
        unsigned roll = tc_test_random(&state);
        if (roll % 3 == 0) {
            tc_link_text("some text", 9);
        } else {
            tc_err error = notify(frames[roll / 8 % 4], i, roll / 64 % 3000);
            CHECK(error == TC_OK || error == TC_ERR_FULL);
        }
        fake.serial_room = (long)(roll / 128 % 900);
        tc_link_pump();
        if (fake.serial_length > sizeof fake.serial / 2 || i == 19999) {
            if (i == 19999) {
                fake.serial_room = FAKE_UNLIMITED;
                CHECK(!tc_link_pump());
                /* What was dropped last shows in the number of the next frame. */
                CHECK_EQ(notify(TC_DROP_EVENT, i, 0), TC_OK);
                CHECK(!tc_link_pump());
            }
            while (fake_next_frame(&cursor, &json, &number)) {
                CHECK(number >= next);
                lost += number - next;
                next = number + 1;
                if (int_at(json, "text") >= 0) {
                    for (int drop = 0; drop < TC_DROP_CLASSES; drop++) {
                        said[drop] += int_at(json, tc_drop_names[drop]);
                    }
                }
            }
            /* The rest of a frame that is not whole yet. */
            memmove(fake.serial, fake.serial + cursor, fake.serial_length - cursor);
            fake.serial_length -= cursor;
            cursor = 0;
        }
    }
    tc_link_stats end = stats();
    CHECK(end.dropped[TC_DROP_SOUND] > 0 && end.dropped[TC_DROP_TEXT] > 0 &&
          end.dropped[TC_DROP_LOG] > 0 && end.dropped[TC_DROP_METRIC] > 0);
    CHECK_EQ(lost, end.dropped[TC_DROP_SOUND] + end.dropped[TC_DROP_LOG] +
                       end.dropped[TC_DROP_METRIC] + end.dropped[TC_DROP_EVENT]);
    for (int drop = 0; drop < TC_DROP_CLASSES; drop++) {
        CHECK_EQ(said[drop], end.dropped[drop]);
    }
    CHECK_EQ(end.ring_used, 0);
    CHECK_EQ(end.frames_out, next - lost);
}

TC_TEST(link_a_record_partly_sent_is_never_dropped) {
    start();
    tc_link_text("the first line is long enough to be cut", 39);
    fake.serial_room = 10;
    CHECK(tc_link_pump());
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(notify(TC_DROP_EVENT, i, 60000), TC_OK);
    }
    fake.serial_room = FAKE_UNLIMITED;
    CHECK(!tc_link_pump());
    CHECK_TEXT((const char *)fake.serial, 40, "the first line is long enough to be cut\n");
    CHECK(fake_count_frames("\"dropped\"") > 0);
}

/* Fills the ring with events until less than `room` bytes are left. Returns their number. */
static int fill(uint32_t room) {
    int events = 0;
    for (size_t size = 1000; size > 0; size /= 2) {
        while (stats().ring_used + size + 100 < TC_LINK_TX_RING) {
            CHECK_EQ(notify(TC_DROP_EVENT, events++, size), TC_OK);
        }
    }
    CHECK(TC_LINK_TX_RING - stats().ring_used < room);
    return events;
}

TC_TEST(link_text_never_pushes_out_a_frame) {
    start();
    fake.serial_room = 0;
    int events = fill(110);
    for (int i = 0; i < 1000; i++) {
        tc_link_text(
            "a line that has no room, since there is too little left for it, whatever it says; "
            "and no other line is there that could go in its place",
            136);
    }
    CHECK_EQ(stats().dropped[TC_DROP_TEXT], 1000);
    CHECK_EQ(notify(TC_DROP_LOG, 1, 100), TC_ERR_FULL);
    CHECK_EQ(notify(TC_DROP_METRIC, 1, 100), TC_ERR_FULL);
    CHECK_EQ(stats().dropped[TC_DROP_EVENT], 0);
    fake.serial_room = FAKE_UNLIMITED;
    tc_link_pump();
    CHECK_EQ(fake_count_frames("\"method\":\"x\""), events);
}

TC_TEST(link_drops_in_batches_but_no_class_suffers_for_that) {
    static char line[400];
    memset(line, 'x', sizeof line);
    start();
    fake.serial_room = 0;
    for (int i = 0; i < 200; i++) {
        tc_link_text(line, sizeof line);
    }
    fill(110);
    CHECK_EQ(stats().dropped[TC_DROP_TEXT], 0);
    CHECK_EQ(notify(TC_DROP_EVENT, 1, 200), TC_OK);
    uint32_t first = stats().dropped[TC_DROP_TEXT];
    CHECK(first > 10 && first < 100);
    /* Now there is room for many. */
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(notify(TC_DROP_EVENT, 1, 200), TC_OK);
    }
    CHECK_EQ(stats().dropped[TC_DROP_TEXT], first);
    /* The last text is enough for a small frame, though not for a batch. */
    start();
    fake.serial_room = 0;
    tc_link_text(line, sizeof line);
    tc_link_text(line, sizeof line);
    fill(110);
    CHECK_EQ(notify(TC_DROP_EVENT, 1, 200), TC_OK);
    CHECK_EQ(stats().dropped[TC_DROP_TEXT], 2);
    CHECK_EQ(stats().dropped[TC_DROP_EVENT], 0);
}

TC_TEST(link_feed_takes_frames_in_any_pieces) {
    uint8_t bytes[128];
    const char *json = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"device.hello\"}";
    int length = tc_link_encode(json, strlen(json), 0, bytes, sizeof bytes);
    for (int piece = 1; piece <= length; piece++) {
        start();
        for (int at = 0; at < length; at += piece) {
            feed((const char *)bytes + at, (size_t)(length - at < piece ? length - at : piece));
        }
        CHECK_EQ(received_count, 1);
        CHECK_STR(received, json);
    }
}

TC_TEST(link_feed_passes_over_noise_and_counts_broken_frames) {
    start();
    feed("noise\n\xFF\0more", 12);
    feed("\x1E{\"cut\":", 8);
    feed_frame("{\"a\":1}", 0);
    CHECK_EQ(received_count, 1);
    CHECK_EQ(stats().frames_broken, 1);
    feed("\x1E{}\t00000000\t00000000\n", 22);
    feed("\x1E\n", 2);
    feed("\x1E\t00000000\t00000000\n", 20);
    CHECK_EQ(stats().frames_broken, 4);
    feed_frame("{\"b\":1}", 1);
    CHECK_STR(received, "{\"b\":1}");
    CHECK_EQ(stats().frames_in, 2);
    CHECK_EQ(stats().frames_lost_in, 0);
}

TC_TEST(link_feed_counts_gaps_and_sees_a_host_that_began_anew) {
    start();
    feed_frame("{}", 5);
    feed_frame("{}", 6);
    CHECK_EQ(stats().frames_lost_in, 0);
    feed_frame("{}", 9);
    CHECK_EQ(stats().frames_lost_in, 2);
    feed_frame("{}", 0);
    feed_frame("{}", 1);
    CHECK_EQ(stats().frames_lost_in, 2);
    feed_frame("{}", 50);
    CHECK_EQ(stats().frames_lost_in, 50);
    feed_frame("{}", 3); /* backwards: it began anew, and 0 to 2 are missing */
    CHECK_EQ(stats().frames_lost_in, 53);
    CHECK_EQ(received_count, 7);
}

TC_TEST(link_feed_is_bounded) {
    static char flood[3 * TC_LINK_MAX_JSON];
    start();
    memset(flood, 'x', sizeof flood);
    flood[0] = 0x1E;
    feed(flood, sizeof flood);
    feed(flood + 1, sizeof flood - 1);
    CHECK_EQ(stats().frames_broken, 1);
    feed_frame("{\"a\":1}", 0);
    CHECK_EQ(received_count, 1);
    CHECK_EQ(stats().frames_broken, 1);
    /* It finds its way back at a line break, too. */
    feed(flood, sizeof flood);
    feed("\n", 1);
    feed_frame("{\"a\":1}", 1);
    CHECK_EQ(received_count, 2);
}

TC_TEST(link_feed_takes_the_longest_frame) {
    static char json[TC_LINK_MAX_JSON + 1];
    static uint8_t bytes[TC_LINK_MAX_JSON + 64];
    start();
    memset(json, 'x', sizeof json);
    int length = tc_link_encode(json, TC_LINK_MAX_JSON, 0, bytes, sizeof bytes);
    CHECK_EQ(length, TC_LINK_MAX_JSON + 20);
    feed((const char *)bytes, (size_t)length);
    CHECK_EQ(received_count, 1);
    CHECK_EQ(received_length, TC_LINK_MAX_JSON);
    CHECK_EQ(tc_link_encode(json, sizeof json, 0, bytes, sizeof bytes), TC_ERR_SIZE);
    CHECK_EQ(tc_link_encode(json, 10, 0, bytes, 29), TC_ERR_SIZE);
    CHECK_EQ(tc_link_encode(json, 10, 0, bytes, 30), 30);
}
