#include "../core/json_write.h"
#include "check.h"

TC_TEST(json_write_puts_commas_by_itself) {
    char out[256];
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    tc_json_open_object(&w);
    tc_json_pair_string(&w, "a", "x");
    tc_json_key(&w, "b");
    tc_json_open_array(&w);
    tc_json_int_value(&w, 1);
    tc_json_null(&w);
    tc_json_open_object(&w);
    tc_json_close_object(&w);
    tc_json_bool(&w, true);
    tc_json_close_array(&w);
    tc_json_pair_bool(&w, "c", false);
    tc_json_key(&w, "d");
    tc_json_raw(&w, "[1,\r\n\t2]", 8);
    tc_json_pair_int(&w, "e", -7);
    tc_json_close_object(&w);
    CHECK(!w.full);
    CHECK_TEXT(out, w.length,
               "{\"a\":\"x\",\"b\":[1,null,{},true],\"c\":false,\"d\":[1,   2],\"e\":-7}");
}

TC_TEST(json_write_escapes_and_mends_strings) {
    char out[256];
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    tc_json_string_n(&w, "\"\\/\b\f\n\r\t\x01\x1E\x7F\0\xC3\xA9", 14);
    CHECK_TEXT(out, w.length, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001e\x7F\\u0000\xC3\xA9\"");
    tc_json_start(&w, out, sizeof out);
    tc_json_string(&w, "a\xFF\xE2\x82z\xED\xA0\x80\xF0\x9F\x98");
    CHECK_TEXT(out, w.length,
               "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TC_TEST(json_write_writes_every_size_of_number) {
    char out[256];
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    tc_json_open_object(&w);
    tc_json_pair_int(&w, "max", INT64_MAX);
    tc_json_pair_int(&w, "min", INT64_MIN);
    tc_json_pair_hundredths(&w, "a", 75);
    tc_json_pair_hundredths(&w, "b", 100);
    tc_json_pair_hundredths(&w, "c", 150);
    tc_json_pair_hundredths(&w, "d", 5);
    tc_json_pair_hundredths(&w, "e", 0);
    tc_json_pair_hundredths(&w, "f", -25);
    tc_json_close_object(&w);
    CHECK_TEXT(out, w.length,
               "{\"max\":9223372036854775807,\"min\":-9223372036854775808,"
               "\"a\":0.75,\"b\":1,\"c\":1.5,\"d\":0.05,\"e\":0,\"f\":-0.25}");
}

TC_TEST(json_write_never_writes_past_its_buffer_and_remembers) {
    char out[32];
    tc_json_writer w;
    for (size_t capacity = 0; capacity <= 16; capacity++) {
        memset(out, '#', sizeof out);
        tc_json_start(&w, out, capacity);
        tc_json_open_array(&w);
        tc_json_string(&w, "a\nb");
        tc_json_int_value(&w, 123456);
        tc_json_close_array(&w);
        CHECK_EQ(w.full, capacity < 15);
        CHECK(w.length <= capacity);
        for (size_t at = capacity; at < sizeof out; at++) {
            CHECK_EQ(out[at], '#');
        }
    }
    CHECK_TEXT(out, 15, "[\"a\\nb\",123456]");
}

TC_TEST(json_write_stays_full) {
    char out[8];
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out);
    tc_json_open_array(&w);
    tc_json_string(&w, "too long for it");
    size_t length = w.length;
    tc_json_int_value(&w, 1);
    CHECK(w.full);
    CHECK_EQ(w.length, length);
}
