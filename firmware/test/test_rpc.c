/* Requests of the host: the envelope, the settings, and what is wrong with them. */
#include "../core/link.h"
#include "check.h"
#include "world.h"

static void begin(void) {
    world_flash();
    world_power_on();
    world_forget();
}

/* A frame with this JSON, as it is. */
static void send(const char *json) {
    uint8_t frame[1024];
    int length = tc_link_encode(json, strlen(json), 0, frame, sizeof frame);
    CHECK(length > 0);
    fake_serial_clear();
    world_post(TC_EVENT_SERIAL, 0, 0, 0, frame, (size_t)length);
}

static void check_error(const char *json, const char *id, const char *code) {
    send(json);
    CHECK_EQ(fake_count_frames("\"error\""), 1);
    CHECK(world_has(fake_last_frame("\"error\""), id));
    CHECK(world_has(fake_last_frame("\"error\""), code));
}

TC_TEST(rpc_requests_that_are_none) {
    begin();
    check_error("{", "\"id\":null", "-32700");
    check_error("[]", "\"id\":null", "-32600");
    check_error("7", "\"id\":null", "-32600");
    check_error("{}", "\"id\":null", "-32600");
    check_error("{\"jsonrpc\":\"2.0\",\"id\":5}", "\"id\":5", "-32600");
    check_error("{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"device.hello\"}", "\"id\":5", "-32600");
    check_error("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":7}", "\"id\":5", "-32600");
    check_error("{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"device.hello\"}", "\"id\":null",
                "-32600");
    check_error("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"device.hello\",\"params\":[]}",
                "\"id\":5", "-32600");
    check_error("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"no.such\"}", "\"id\":\"a\"",
                "-32601");
    check_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"device.hello\"}}", "\"id\":null",
                "-32700");
}

TC_TEST(rpc_ids_and_notifications) {
    begin();
    send("{\"id\":\"\\u0041-1\",\"method\":\"device.\\u0068ello\",\"jsonrpc\":\"2.0\"}");
    CHECK(world_has(fake_last_frame("result"),
                    "\"id\":\"\\u0041-1\",\"result\":{\"board\":\"virtual\""));
    send("{\"jsonrpc\":\"2.0\",\"method\":\"device.hello\"}"); /* a notification has no answer */
    send("{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}");
    CHECK_EQ(fake_count_frames("result"), 0);
    CHECK_EQ(fake_count_frames("error"), 0);
    send("{\"jsonrpc\":\"2.0\",\"method\":\"settings.set\",\"params\":{\"values\":{\"audio."
         "volume\":3}}}");
    send("{\"jsonrpc\":\"2.0\",\"method\":\"settings.commit\"}");
    CHECK_EQ(fake.volume, 3);
}

TC_TEST(rpc_settings_get) {
    begin();
    world_request("settings.get",
                  "{\"names\":[\"audio.volume\",\"server.token\",\"turn.detection\"]}");
    const char *answer = fake_last_frame("\"id\":1");
    CHECK(world_has(
        answer,
        "\"result\":{\"values\":{\"audio.volume\":70,\"server.token\":{\"set\":true,\"salt\":\""));
    CHECK(world_has(answer, "\"turn.detection\":\"server_vad\"}}"));
    CHECK(!fake_serial_holds("ek_secret"));
    world_request("settings.get", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"device.log_level\":\"info\""));
    world_request("settings.get", "{\"names\":[]}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"values\":{}"));
    world_request("settings.get", "{\"names\":[\"no.such\"]}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32001"));
    world_request("settings.get", "{\"names\":7}");
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32602"));
    CHECK(!fake_serial_holds("ek_secret"));
}

TC_TEST(rpc_settings_set_names_the_fault) {
    static const struct {
        const char *params, *code, *name;
    } cases[] = {
        {"{}", "-32602", "values"},
        {"{\"values\":[]}", "-32602", "values"},
        {"{\"values\":{\"no.such\":1}}", "-32001", "no.such"},
        {"{\"values\":{\"audio.volume\":\"x\"}}", "-32002", "audio.volume"},
        {"{\"values\":{\"audio.volume\":101}}", "-32003", "audio.volume"},
        {"{\"values\":{\"session.voice\":\"a b\"}}", "-32004", "session.voice"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world_request("settings.set", cases[i].params);
        CHECK(world_has(fake_last_frame("\"id\":1"), cases[i].code));
        CHECK(world_has(fake_last_frame("\"id\":1"), cases[i].name));
    }
    world_request("settings.commit", NULL);
    CHECK(
        world_has(fake_last_frame("\"id\":1"), "\"result\":{\"changed\":[],\"effect\":\"none\"}"));
}

TC_TEST(rpc_settings_discard_and_storage) {
    begin();
    world_request("settings.set", "{\"values\":{\"audio.volume\":3}}");
    world_request("settings.discard", NULL);
    world_request("settings.commit", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"changed\":[]"));
    world_request("settings.set", "{\"values\":{\"audio.volume\":3}}");
    fake.kv_changes_left = 0;
    world_request("settings.commit", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32005"));
    CHECK_EQ(fake.volume, 70);
}

TC_TEST(rpc_noise_on_the_line) {
    static const char noise[] =
        "ets Jun  8 2016\r\n\x1e{\"jsonrpc\":\"2.0\"\n\x1e\x1e\t\t\n\xff\xfe";
    begin();
    world_post(TC_EVENT_SERIAL, 0, 0, 0, noise, sizeof noise - 1);
    world_request("device.hello", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"result\":{\"board\""));
}
