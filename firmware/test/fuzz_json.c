/* Any bytes: the reader ends, and what it takes survives being written and read again. */
#include "../core/json_read.h"
#include "../core/json_write.h"
#include "check.h"

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A string that the reader took, unescaped, written and read again is the same. */
static void check_string(tc_span span) {
    static char text[6 * MOST + 1], again[6 * MOST + 1], json[36 * MOST + 2];
    tc_json_writer writer;
    int length = tc_json_text(span, text, sizeof text);
    if (length < 0) {
        CHECK_EQ(length, TC_ERR_FORMAT);
        return;
    }
    CHECK(tc_json_is(span, text));
    tc_json_start(&writer, json, sizeof json);
    tc_json_string_n(&writer, text, (size_t)length);
    CHECK(!writer.full);
    CHECK_EQ(tc_json_text((tc_span){json + 1, writer.length - 2}, again, sizeof again), length);
    CHECK_BYTES(again, text, (size_t)length);
}

/* Reads a text; writes it without white space into `out`. Returns the error of the reader. */
static tc_err rewrite(const char *text, size_t length, tc_json_writer *out) {
    tc_json_reader reader;
    int32_t number;
    tc_json_begin(&reader, text, length);
    for (;;) {
        tc_json_token token = tc_json_next(&reader);
        CHECK(reader.depth >= 0 && reader.depth <= TC_JSON_DEPTH);
        CHECK(reader.position <= length);
        switch (token) {
        case TC_JSON_OBJECT:
            tc_json_open_object(out);
            break;
        case TC_JSON_OBJECT_END:
            tc_json_close_object(out);
            break;
        case TC_JSON_ARRAY:
            tc_json_open_array(out);
            break;
        case TC_JSON_ARRAY_END:
            tc_json_close_array(out);
            break;
        case TC_JSON_KEY: {
            check_string(reader.span);
            static char key[6 * MOST + 1];
            if (tc_json_text(reader.span, key, sizeof key) < 0) {
                key[0] = '\0'; /* half a surrogate pair, or NUL: another key does as well */
            }
            tc_json_key(out, key);
            break;
        }
        case TC_JSON_STRING:
            check_string(reader.span);
            tc_json_raw(out, reader.span.at - 1, reader.span.length + 2);
            break;
        case TC_JSON_NUMBER:
            tc_json_int(reader.span, &number);
            tc_json_raw(out, reader.span.at, reader.span.length);
            break;
        case TC_JSON_TRUE:
        case TC_JSON_FALSE:
            tc_json_bool(out, token == TC_JSON_TRUE);
            break;
        case TC_JSON_NULL:
            tc_json_null(out);
            break;
        case TC_JSON_END:
        case TC_JSON_ERROR:
            return reader.error;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char once[6 * MOST], twice[6 * MOST];
    tc_json_writer first, second;
    tc_json_reader reader;
    tc_span raw;
    if (size > MOST) {
        return 0;
    }
    tc_json_start(&first, once, sizeof once);
    tc_json_start(&second, twice, sizeof twice);
    tc_err error = rewrite((const char *)data, size, &first);
    tc_json_begin(&reader, (const char *)data, size);
    tc_err skipped = tc_json_skip(&reader, tc_json_next(&reader), &raw);
    if (error == TC_OK) {
        CHECK_EQ(skipped, TC_OK);
        CHECK_EQ(tc_json_next(&reader), TC_JSON_END);
        CHECK(!first.full);
        CHECK_EQ(rewrite(once, first.length, &second), TC_OK);
        CHECK_EQ(second.length, first.length);
        CHECK_BYTES(twice, once, first.length);
    }
    return 0;
}
