/* Updates over the link and over HTTP: what is refused, and when. */
#include "../core/app_image.h"
#include "../core/ota.h"
#include "../core/sha256.h"
#include "check.h"
#include "world.h"

#define SIZE 70000u

static uint8_t image[SIZE];
static char hash[65];

static void put_text(size_t at, const char *text) {
    memcpy(image + at, text, strlen(text) + 1);
}

/* An image of this project and version. */
static void make(const char *project, const char *version) {
    unsigned state = 7;
    tc_sha256 sum;
    uint8_t digest[32];
    for (size_t i = 0; i < SIZE; i++) {
        image[i] = (uint8_t)tc_test_random(&state);
    }
    memset(image, 0, TC_APP_HEAD);
    image[0] = 0xE9;
    image[12] = 9;
    memcpy(image + 32, "\x32\x54\xCD\xAB", 4);
    put_text(48, version);
    put_text(80, project);
    tc_sha256_start(&sum);
    tc_sha256_add(&sum, image, SIZE);
    tc_sha256_end(&sum, digest);
    for (int i = 0; i < 32; i++) {
        hash[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hash[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hash[64] = '\0';
}

static void begin(void) {
    make("tincan-virtual", "0.0.0");
    world_flash();
    world_power_on();
    world_ready();
    world_forget();
}

static const char *ask(const char *method, const char *params) {
    fake_serial_clear();
    world_request(method, params);
    return fake_last_frame("\"id\":1");
}

static const char *ask_begin(const char *more) {
    char params[200] = "{\"size\":70000,\"sha256\":\"";
    strcat(strcat(strcat(params, hash), "\""), more);
    return ask("ota.begin", strcat(params, "}"));
}

static const char *write(size_t offset, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char params[24000];
    char number[12];
    size_t at = sizeof number;
    number[--at] = '\0';
    for (size_t left = offset; at == sizeof number - 1 || left > 0; left /= 10) {
        number[--at] = (char)('0' + left % 10);
    }
    strcpy(params, "{\"offset\":");
    strcat(strcat(params, number + at), ",\"data\":\"");
    char *out = params + strlen(params);
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = (uint32_t)image[offset + i] << 16;
        bits |= i + 1 < length ? (uint32_t)image[offset + i + 1] << 8 : 0;
        bits |= i + 2 < length ? image[offset + i + 2] : 0;
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
        *out++ = i + 2 < length ? digits[bits & 63] : '=';
    }
    strcpy(out, "\"}");
    return ask("ota.write", params);
}

static void write_all(size_t from) {
    for (size_t at = from; at < SIZE; at += 16000) {
        size_t length = SIZE - at < 16000 ? SIZE - at : 16000;
        CHECK(world_has(write(at, length), "\"written\":"));
    }
}

TC_TEST(ota_over_the_link) {
    begin();
    CHECK(world_has(ask_begin(""), "\"result\":{}"));
    CHECK_EQ(fake.ota_begins, 0); /* nothing is erased for an image that nobody has seen */
    CHECK(world_has(write(0, 100), "\"written\":100}"));
    CHECK_EQ(fake.ota_begins, 0);
    CHECK(world_has(write(100, 400), "\"written\":500}"));
    CHECK_EQ(fake.ota_begins, 1);
    CHECK_EQ(fake.ota_size, SIZE);
    CHECK(world_has(write(100, 400), "\"written\":500}")); /* its answer was lost */
    CHECK(world_has(write(600, 1), "-32602"));
    write_all(500);
    CHECK(memcmp(fake.ota_image, image, sizeof fake.ota_image) == 0);
    CHECK_EQ(fake.ota_length, SIZE);
    CHECK(world_has(ask("ota.end", NULL), "\"result\":{}"));
    CHECK_EQ(fake.ota_ends, 1);
    CHECK(world_has(fake_last_frame("\"method\":\"ota\""),
                    "\"stage\":\"restarting\",\"bytes\":70000,\"total\":70000"));
    CHECK(world_has(ask("session.start", NULL), "-32006"));
    CHECK(world_has(ask("ota.write", "{\"offset\":70000,\"data\":\"\"}"), "-32006"));
    world_run(1100);
    CHECK_EQ(fake.restarts, 1);
}

TC_TEST(ota_refuses_what_would_mislead) {
    static const struct {
        const char *project, *version, *code, *word;
    } cases[] = {
        {"tincan-esp-box-3", "0.0.0", "-32008", "another board"},
        {"hello_world", "1.0.0", "-32008", "another board"},
        {"tincan-virtual", "0.0.0-rc.1", "-32009", "older"},
        {"tincan-virtual", "nightly", "-32009", "older"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin();
        make(cases[i].project, cases[i].version);
        ask_begin("");
        const char *answer = write(0, 600);
        CHECK(world_has(answer, cases[i].code));
        CHECK(world_has(answer, cases[i].word));
        CHECK_EQ(fake.ota_begins, 0);
        CHECK(!tc_ota_busy());
    }
    begin();
    make("tincan-virtual", "0.0.0-rc.1");
    ask_begin(",\"downgrade\":true");
    CHECK(world_has(write(0, 600), "\"written\":600"));
    begin();
    image[12] = 2; /* ESP32-S2 */
    ask_begin("");
    CHECK(world_has(write(0, 600), "another chip"));
    begin();
    image[0] = 0x7F;
    ask_begin("");
    CHECK(world_has(write(0, 600), "-32008"));
}

TC_TEST(ota_whole_or_not_at_all) {
    begin();
    ask_begin("");
    write(0, 16000);
    CHECK(world_has(ask("ota.end", NULL), "before it was whole"));
    CHECK_EQ(fake.ota_aborts, 1);
    begin();
    ask_begin("");
    image[69999] ^= 1;
    write_all(0);
    CHECK(world_has(ask("ota.end", NULL), "-32010"));
    CHECK_EQ(fake.ota_ends, 0);
    begin();
    ask_begin("");
    fake.ota_write_result = TC_ERR_STORAGE;
    CHECK(world_has(write(0, 600), "-32005"));
    begin();
    ask_begin("");
    fake.ota_begin_result = TC_ERR_STATE;
    CHECK(world_has(write(0, 600), "on trial"));
    begin();
    ask_begin("");
    fake.ota_end_result = TC_ERR_FORMAT;
    write_all(0);
    CHECK(world_has(ask("ota.end", NULL), "verify"));
    world_run(1100);
    CHECK_EQ(fake.restarts, 0);
    CHECK(world_has(ask("ota.end", NULL), "-32006"));
    CHECK(world_has(ask("ota.begin", "{\"size\":70000,\"sha256\":\"12\"}"), "-32602"));
    CHECK(world_has(ask("ota.begin", "{\"size\":-1}"), "-32602"));
}

TC_TEST(ota_data_that_is_no_base64) {
    static const char *const cases[] = {
        "A", "AB", "ABC", "A===", "AB=C", "AB==CDEF", "AB-_", "A\\u0000=="};
    begin();
    ask_begin("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char params[80] = "{\"offset\":0,\"data\":\"";
        CHECK(world_has(ask("ota.write", strcat(strcat(params, cases[i]), "\"}")), "-32602"));
    }
    CHECK(world_has(ask("ota.write", "{\"offset\":0,\"data\":\"6Q==\"}"), "\"written\":1"));
    CHECK(world_has(ask("ota.write", "{\"offset\":1,\"data\":\"\\u0041AA\\u003d\"}"),
                    "\"written\":3"));
}

TC_TEST(ota_ends_a_session_and_gives_up_on_a_silent_host) {
    make("tincan-virtual", "0.0.0");
    world_listening();
    ask_begin("");
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    write(0, 600);
    world_post(TC_EVENT_BUTTON, 0, 1, 0, NULL, 0);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    world_run(61000);
    CHECK_EQ(fake.ota_aborts, 1);
    CHECK(world_has(fake_last_frame("\"method\":\"ota\""), "\"stage\":\"failed\""));
    CHECK(world_has(ask("session.start", NULL), "\"result\":{}"));
    begin();
    ask_begin("");
    write(0, 600);
    CHECK(world_has(ask("ota.abort", NULL), "\"result\":{}"));
    CHECK_EQ(fake.ota_aborts, 1);
}

static void fetch(const char *params) {
    begin();
    fake_serial_clear();
    world_request("ota.fetch", params);
}

static void feed_all(uint32_t total) {
    for (size_t at = 0; at < SIZE; at += 4096) {
        size_t length = SIZE - at < 4096 ? SIZE - at : 4096;
        world_post(TC_EVENT_HTTP_DATA, fake.http_id, 0, total, image + at, length);
    }
}

TC_TEST(ota_fetches_by_itself) {
    fetch("{\"url\":\"http://10.0.0.2/ota/virtual/tincan.bin\"}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{}"));
    CHECK_STR(fake.http_url, "http://10.0.0.2/ota/virtual/tincan.bin");
    CHECK_STR(fake.http_pin, "");
    feed_all(SIZE);
    CHECK(world_has(fake_last_frame("\"method\":\"ota\""), "\"stage\":\"writing\",\"bytes\":"));
    world_post(TC_EVENT_HTTP, fake.http_id, 200, 0, NULL, 0);
    CHECK_EQ(fake.ota_ends, 1);
    world_run(1100);
    CHECK_EQ(fake.restarts, 1);
}

TC_TEST(ota_fetch_failures_are_said) {
    static const struct {
        int code;
        const char *word;
    } cases[] = {{404, "no image"},           {500, "another status"},
                 {TC_HTTP_DNS, "name"},       {TC_HTTP_PIN, "certificate"},
                 {TC_HTTP_TIMEOUT, "silent"}, {200, "whole"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fetch("{\"url\":\"http://10.0.0.2/x\"}");
        world_post(TC_EVENT_HTTP, fake.http_id, cases[i].code, 0, NULL, 0);
        CHECK(world_has(fake_last_frame("\"method\":\"ota\""), "\"stage\":\"failed\""));
        CHECK(world_has(fake_last_frame("\"method\":\"ota\""), cases[i].word));
        CHECK(!tc_ota_busy());
    }
    fetch("{\"url\":\"http://10.0.0.2/x\"}");
    make("tincan-other", "9.0.0");
    feed_all(SIZE);
    CHECK(world_has(fake_last_frame("\"method\":\"ota\""), "another board"));
    CHECK_EQ(fake.http_cancels, 1);
    CHECK_EQ(fake.ota_begins, 0);
    fetch("{\"url\":\"http://10.0.0.2/x\"}");
    feed_all(0);
    CHECK(world_has(fake_last_frame("\"method\":\"ota\""), "how long"));
    fetch("{\"url\":\"http://10.0.0.2/x\"}");
    feed_all(SIZE - 1);
    CHECK(world_has(fake_last_frame("\"method\":\"ota\""), "more of it"));
    fetch("{\"url\":7}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32602"));
    begin();
    fake.http_result = TC_ERR_FORMAT;
    CHECK(world_has(ask("ota.fetch", "{\"url\":\"ftp://x\"}"), "-32602"));
}

TC_TEST(ota_takes_the_pin_of_its_server_only) {
    make("tincan-virtual", "0.0.0");
    world_flash();
    fake_kv_put_text("srv_url", "https://10.0.0.2:8080/v1/realtime/calls");
    fake_kv_put_text("srv_pin", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    world_power_on();
    world_ready();
    ask("ota.fetch", "{\"url\":\"https://10.0.0.2:8080/ota/virtual/tincan.bin\"}");
    CHECK(world_has(fake.http_pin, "00112233"));
    ask("ota.fetch", "{\"url\":\"https://10.0.0.2:80801/x\"}");
    CHECK_STR(fake.http_pin, "");
    CHECK_EQ(fake.http_cancels, 1);
    ask("ota.fetch", "{\"url\":\"https://10.0.0.3/x\",\"pin\":"
                     "\"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\"}");
    CHECK(world_has(fake.http_pin, "99aabbcc"));
    CHECK(world_has(ask("ota.fetch", "{\"url\":\"https://10.0.0.3/x\",\"pin\":\"12\"}"), "-32602"));
}

TC_TEST(ota_hello_says_trial) {
    begin();
    fake.on_trial = true;
    CHECK(world_has(ask("device.hello", NULL), "\"trial\":true"));
}

TC_TEST(version_precedence) {
    static const char *const rising[] = {
        "nightly",    "0.0.0-0",      "0.0.0",         "0.9.0",
        "0.10.0",     "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0",      "1.0.1"};
    int count = sizeof rising / sizeof rising[0];
    for (int a = 0; a < count; a++) {
        for (int b = 0; b < count; b++) {
            int order = tc_version_compare(rising[a], rising[b]);
            CHECK_EQ((order > 0) - (order < 0), (a > b) - (a < b));
        }
    }
    CHECK_EQ(tc_version_compare("1.2.3+x", "1.2.3+y"), 0);
    CHECK_EQ(tc_version_compare("1.2.3-a+x", "1.2.3-a"), 0);
    CHECK_EQ(tc_version_compare("01.2.3", "1.2.3"), 0);
    CHECK(tc_version_compare("99999999999999999999.0.0", "9.0.0") > 0);
}
