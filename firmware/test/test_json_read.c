#include "../core/json_read.h"
#include "check.h"

/* Reads a text to its end; returns the error, and writes a letter per token. */
static tc_err read_all(const char *text, size_t length, char *tokens, size_t capacity) {
    static const char letters[] = "{}[]ksntfz$!";
    tc_json_reader reader;
    size_t count = 0;
    tc_json_begin(&reader, text, length);
    for (;;) {
        tc_json_token token = tc_json_next(&reader);
        if (count + 1 < capacity) {
            tokens[count++] = letters[token];
            tokens[count] = '\0';
        }
        if (token == TC_JSON_END || token == TC_JSON_ERROR) {
            return reader.error;
        }
    }
}

static tc_err error_of(const char *text) {
    char tokens[2] = "";
    return read_all(text, strlen(text), tokens, sizeof tokens);
}

static tc_span span_of(const char *text) {
    return (tc_span){text, strlen(text)};
}

TC_TEST(json_read_gives_every_token_in_order) {
    char tokens[64];
    const char *text = " { \"a\" : [ 1 , true,false , null ,\"x\" ] , \"b\":{},\"c\":[]} \r\n\t";
    CHECK_EQ(read_all(text, strlen(text), tokens, sizeof tokens), TC_OK);
    CHECK_STR(tokens, "{k[ntfzs]k{}k[]}$");
}

TC_TEST(json_read_takes_a_scalar_as_the_whole_text) {
    CHECK_EQ(error_of("-0.5e+10"), TC_OK);
    CHECK_EQ(error_of("\"\""), TC_OK);
    CHECK_EQ(error_of(" null "), TC_OK);
}

TC_TEST(json_read_refuses_what_is_not_json) {
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[,1]",
        "[1,]",
        "[1 2]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "{} {}",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x1",
        "nul",
        "nulll",
        "True",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\t\"",
        "'a'",
        "[1]]",
        "//1",
        "NaN",
        "\"a\" :1",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "\"\x7f",
        "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (error_of(texts[i]) != TC_ERR_FORMAT) {
            tc_check_failed(__FILE__, __LINE__, texts[i]);
        }
    }
}

TC_TEST(json_read_checks_utf8) {
    static const char *const good[] = {
        "\"\xC2\x80\"",     "\"\xDF\xBF\"",         "\"\xE0\xA0\x80\"",    "\"\xED\x9F\xBF\"",
        "\"\xEE\x80\x80\"", "\"\xF0\x90\x80\x80\"", "\"\xF4\x8F\xBF\xBF\""};
    static const char *const bad[] = {"\"\x80\"",
                                      "\"\xC0\x80\"",
                                      "\"\xC1\xBF\"",
                                      "\"\xC2\"",
                                      "\"\xE0\x9F\xBF\"",
                                      "\"\xED\xA0\x80\"",
                                      "\"\xE2\x82\"",
                                      "\"\xF0\x8F\xBF\xBF\"",
                                      "\"\xF4\x90\x80\x80\"",
                                      "\"\xF5\x80\x80\x80\"",
                                      "\"\xFF\"",
                                      "\"\xE2\x28\xA1\""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_EQ(error_of(good[i]), TC_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_EQ(error_of(bad[i]), TC_ERR_FORMAT);
    }
}

TC_TEST(json_read_finds_a_special_byte_at_every_place_of_a_long_string) {
    char text[80];
    char tokens[4];
    static const char bad[] = {'\0', '\x1F', '\n', '\x80', '\xFF', '\\'};
    for (size_t lead = 0; lead < 8; lead++) {
        for (size_t at = lead + 1; at < 63; at++) {
            memset(text, ' ', sizeof text);
            memset(text + lead, 'x', 64 - lead);
            text[lead] = text[64] = '"';
            CHECK_EQ(read_all(text, sizeof text, tokens, sizeof tokens), TC_OK);
            for (size_t i = 0; i < sizeof bad; i++) {
                text[at] = bad[i];
                CHECK_EQ(read_all(text, sizeof text, tokens, sizeof tokens), TC_ERR_FORMAT);
            }
            text[at] = '"';
            CHECK_EQ(read_all(text, sizeof text, tokens, sizeof tokens), TC_ERR_FORMAT);
        }
    }
}

TC_TEST(json_read_refuses_what_is_nested_too_deep) {
    char text[2 * TC_JSON_DEPTH + 3];
    char tokens[2];
    memset(text, '[', TC_JSON_DEPTH);
    memset(text + TC_JSON_DEPTH, ']', TC_JSON_DEPTH);
    CHECK_EQ(read_all(text, 2 * TC_JSON_DEPTH, tokens, sizeof tokens), TC_OK);
    memset(text, '[', TC_JSON_DEPTH + 1);
    memset(text + TC_JSON_DEPTH + 1, ']', TC_JSON_DEPTH + 1);
    CHECK_EQ(read_all(text, 2 * TC_JSON_DEPTH + 2, tokens, sizeof tokens), TC_ERR_DEPTH);
}

TC_TEST(json_read_says_an_error_again_and_again) {
    tc_json_reader reader;
    tc_json_begin(&reader, "[x]", 3);
    CHECK_EQ(tc_json_next(&reader), TC_JSON_ARRAY);
    CHECK_EQ(tc_json_next(&reader), TC_JSON_ERROR);
    CHECK_EQ(tc_json_next(&reader), TC_JSON_ERROR);
    CHECK_EQ(reader.error, TC_ERR_FORMAT);
}

TC_TEST(json_skip_gives_the_raw_text_of_any_value) {
    const char *text = "[ {\"a\": [1, {}]} , \"x\\n\", -1.5 , null]";
    tc_json_reader reader;
    tc_span raw;
    tc_json_begin(&reader, text, strlen(text));
    tc_json_next(&reader);
    CHECK_EQ(tc_json_skip(&reader, tc_json_next(&reader), &raw), TC_OK);
    CHECK_TEXT(raw.at, raw.length, "{\"a\": [1, {}]}");
    CHECK_EQ(tc_json_skip(&reader, tc_json_next(&reader), &raw), TC_OK);
    CHECK_TEXT(raw.at, raw.length, "\"x\\n\"");
    CHECK_EQ(tc_json_skip(&reader, tc_json_next(&reader), &raw), TC_OK);
    CHECK_TEXT(raw.at, raw.length, "-1.5");
    CHECK_EQ(tc_json_skip(&reader, tc_json_next(&reader), &raw), TC_OK);
    CHECK_TEXT(raw.at, raw.length, "null");
    CHECK_EQ(tc_json_next(&reader), TC_JSON_ARRAY_END);
    CHECK_EQ(tc_json_next(&reader), TC_JSON_END);
}

TC_TEST(json_skip_reports_what_is_wrong_inside) {
    tc_json_reader reader;
    tc_span raw;
    tc_json_begin(&reader, "[[1,}]]", 7);
    tc_json_next(&reader);
    CHECK_EQ(tc_json_skip(&reader, tc_json_next(&reader), &raw), TC_ERR_FORMAT);
}

TC_TEST(json_text_unescapes) {
    char out[64];
    CHECK_EQ(tc_json_text(span_of("a\\\"\\\\\\/\\b\\f\\n\\r\\tz"), out, sizeof out), 10);
    CHECK_STR(out, "a\"\\/\b\f\n\r\tz");
    CHECK_EQ(tc_json_text(span_of("\\u0041\\u00e9\\u20AC\\ud83d\\uDE00"), out, sizeof out), 10);
    CHECK_STR(out, "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    CHECK_EQ(tc_json_text(span_of(""), out, sizeof out), 0);
    CHECK_STR(out, "");
}

TC_TEST(json_text_refuses_half_surrogates_and_nul) {
    static const char *const bad[] = {
        "\\ud83d", "\\ud83dx",       "\\ud83d\\n",     "\\ud83d\\u0041", "\\udc00",
        "\\udfff", "\\udc00\\udc00", "\\ud83d\\ue000", "\\udbff\\udbff", "\\u0000"};
    char out[64];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_EQ(tc_json_text(span_of(bad[i]), out, sizeof out), TC_ERR_FORMAT);
    }
}

TC_TEST(json_text_never_writes_past_its_buffer) {
    char out[8] = "xxxxxxx";
    CHECK_EQ(tc_json_text(span_of("abcd"), out, 5), 4);
    CHECK_BYTES(out, "abcd\0xx", 8);
    CHECK_EQ(tc_json_text(span_of("abcd"), out, 4), TC_ERR_SIZE);
    CHECK_EQ(out[4], '\0');
    CHECK_EQ(tc_json_text(span_of("\\u20ac"), out, 3), TC_ERR_SIZE);
    CHECK_EQ(tc_json_text(span_of(""), out, 0), TC_ERR_SIZE);
    CHECK_BYTES(out + 5, "xx", 3);
}

TC_TEST(json_is_compares_unescaped) {
    CHECK(tc_json_is(span_of("wifi.ssid"), "wifi.ssid"));
    CHECK(tc_json_is(span_of("\\u0077ifi\\u002essid"), "wifi.ssid"));
    CHECK(tc_json_is(span_of("\xE2\x82\xAC"), "\xE2\x82\xAC"));
    CHECK(tc_json_is(span_of("\\u20ac"), "\xE2\x82\xAC"));
    CHECK(!tc_json_is(span_of("wifi.ssi"), "wifi.ssid"));
    CHECK(!tc_json_is(span_of("wifi.ssids"), "wifi.ssid"));
    CHECK(!tc_json_is(span_of("a\\u0000"), "a"));
    CHECK(!tc_json_is(span_of("\\ud800"), ""));
    CHECK(!tc_json_is((tc_span){NULL, 0}, ""));
}

TC_TEST(json_int_takes_int32_only) {
    int32_t value = 5;
    CHECK_EQ(tc_json_int(span_of("0"), &value), TC_OK);
    CHECK_EQ(value, 0);
    CHECK_EQ(tc_json_int(span_of("-0"), &value), TC_OK);
    CHECK_EQ(value, 0);
    CHECK_EQ(tc_json_int(span_of("2147483647"), &value), TC_OK);
    CHECK_EQ(value, INT32_MAX);
    CHECK_EQ(tc_json_int(span_of("-2147483648"), &value), TC_OK);
    CHECK_EQ(value, INT32_MIN);
    CHECK_EQ(tc_json_int(span_of("2147483648"), &value), TC_ERR_RANGE);
    CHECK_EQ(tc_json_int(span_of("-2147483649"), &value), TC_ERR_RANGE);
    CHECK_EQ(tc_json_int(span_of("99999999999999999999999999"), &value), TC_ERR_RANGE);
    CHECK_EQ(tc_json_int(span_of("-21474836480"), &value), TC_ERR_RANGE);
    CHECK_EQ(tc_json_int(span_of("1.0"), &value), TC_ERR_TYPE);
    CHECK_EQ(tc_json_int(span_of("1e2"), &value), TC_ERR_TYPE);
    CHECK_EQ(tc_json_int(span_of("99999999999999999999999999.5"), &value), TC_ERR_TYPE);
    CHECK_EQ(value, INT32_MIN);
}
