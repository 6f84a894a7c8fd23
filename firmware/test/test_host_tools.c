/* Tools that the host runs: which are taken, and how a session learns of them. */
#include "../core/host_tools.h"
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define RING "{\"type\":\"function\",\"name\":\"ring\",\"description\":\"Rings.\"}"
#define OPEN                                                                                       \
    "{\"type\":\"function\",\"name\":\"open-door_2\",\"parameters\":{\"type\":\"object\","         \
    "\"properties\":{}}}"

static const char *answer(void) {
    return fake_last_frame("\"id\":1");
}

static void serve(const char *tools) {
    static char params[TC_LINK_MAX_JSON];
    strcpy(params, "{\"tools\":");
    strcat(params, tools);
    strcat(params, "}");
    world_request("tools.serve", params);
}

static void refused(const char *tools, const char *why) {
    serve(tools);
    CHECK(world_has(answer(), "-32602"));
    CHECK(world_has(answer(), why));
}

static void called(const char *name, const char *id, const char *arguments) {
    static char json[40000];
    strcpy(json, "{\"type\":\"response.output_item.done\",\"response_id\":\"r1\",\"item\":{"
                 "\"type\":\"function_call\",\"name\":\"");
    strcat(json, name);
    strcat(json, "\",\"call_id\":\"");
    strcat(json, id);
    strcat(json, "\",\"arguments\":\"");
    strcat(json, arguments);
    strcat(json, "\"}}");
    world_server(json);
}

/* Live, with two tools of the host. */
static void begin(void) {
    world_listening();
    serve("[" RING "," OPEN "]");
    CHECK(world_has(answer(), "\"result\":{}"));
    world_forget();
}

TC_TEST(host_tools_are_offered_beside_those_of_the_device) {
    world_flash();
    fake_kv_put_text("greeting", "");
    world_power_on();
    world_ready();
    serve("[" RING ",\n\t" OPEN " ]");
    CHECK(world_has(answer(), "\"result\":{}"));
    world_posted();
    world_configuring();
    CHECK(world_has(world_last_sent("session.update"), "\"name\":\"set_light\""));
    CHECK(world_has(world_last_sent("session.update"), "}," RING ",  " OPEN " ],\"tool_choice\""));
    world_event("session.updated");
    world_forget();
    serve("[" RING "]"); /* at once, and nothing else */
    CHECK_EQ(fake.text_count, 1);
    CHECK(world_has(fake.texts[0].text, "\"session\":{\"type\":\"realtime\",\"tools\":[{"));
    CHECK(world_has(fake.texts[0].text, RING "]}}"));
    serve("[" RING "]"); /* no news */
    CHECK_EQ(fake.text_count, 1);
    serve("[]");
    CHECK_EQ(fake.text_count, 2);
    CHECK(!world_has(fake.texts[1].text, "\"name\":\"ring\""));
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"tools\":{\"served\":0,"));
}

TC_TEST(host_tools_alone) {
    uint8_t off = 0;
    world_flash();
    fake_kv_put("tools", TC_KV_U8, &off, 1);
    fake_kv_put_text("greeting", "");
    world_live();
    CHECK(world_has(world_last_sent("session.update"), "\"tools\":[],\"tool_choice\":\"none\""));
    world_forget();
    serve("[" RING "]");
    CHECK(world_has(fake.texts[0].text, "\"tools\":[" RING "],\"tool_choice\":\"auto\"}}"));
    world_created("r1");
    called("ring", "c1", "{}");
    called("set_light", "c2", "{\\\"on\\\":true}"); /* of nobody that we know */
    CHECK_EQ(fake.light_calls, 0);
    CHECK_EQ(fake_count_frames("\"method\":\"tool.call\""), 1);
}

TC_TEST(host_tools_that_are_none_are_refused_and_the_former_stand) {
    static char big[9000];
    begin();
    refused("{}", "list");
    refused("7", "list");
    refused("[7]", "object");
    refused("[" RING ",[]]", "object");
    refused("[{}]", "type and a name");
    refused("[{\"type\":\"function\"}]", "name");
    refused("[{\"name\":\"ring\"}]", "type");
    refused("[{\"type\":\"mcp\",\"name\":\"ring\"}]", "function");
    refused("[{\"type\":1,\"name\":\"ring\"}]", "function");
    refused("[{\"type\":\"function\",\"name\":\"\"}]", "1 to 64");
    refused("[{\"type\":\"function\",\"name\":\"a b\"}]", "1 to 64");
    refused("[{\"type\":\"function\",\"name\":\"gr\xC3\xBC\xC3\x9F\"}]", "1 to 64");
    refused("[{\"type\":\"function\",\"name\":\"a\\u0000b\"}]", "1 to 64");
    refused("[{\"type\":\"function\",\"name\":"
            "\"a234567890123456789012345678901234567890123456789012345678901234x\"}]",
            "1 to 64");
    refused("[{\"type\":\"function\",\"name\":\"a\",\"description\":7}]", "description");
    refused("[{\"type\":\"function\",\"name\":\"a\",\"description\":\"\\ud800\"}]", "description");
    refused("[{\"type\":\"function\",\"name\":\"a\",\"parameters\":[]}]", "schema");
    refused("[{\"type\":\"function\",\"name\":\"a\",\"strict\":true}]", "no more");
    refused("[{\"type\":\"function\",\"name\":\"a\",\"name\":\"b\"}]", "each once");
    refused("[{\"type\":\"function\",\"name\":\"set_light\"}]", "of the device");
    refused("[{\"type\":\"function\",\"name\":\"set\\u005flight\"}]", "of the device");
    refused("[" RING "," OPEN ",{\"type\":\"function\",\"name\":\"r\\u0069ng\"}]", "same name");
    strcpy(big, "[{\"type\":\"function\",\"name\":\"a\",\"description\":\"");
    memset(big + strlen(big), 'x', 8192);
    strcat(big, "\"}]");
    refused(big, "8192");
    strcpy(big, "[");
    for (int i = 0; i < 65; i++) {
        char one[] = "{\"type\":\"function\",\"name\":\"nnA\"},";
        one[28] = (char)('A' + i / 10);
        one[29] = (char)('0' + i % 10);
        strcat(big, one);
    }
    big[strlen(big) - 1] = ']';
    refused(big, "64");
    world_request("tools.serve", "{}");
    CHECK(world_has(answer(), "list"));
    static const char *const times[] = {"99", "600001", "\"x\"", "-1", "1.5"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char params[80] = "{\"tools\":[],\"timeout_ms\":";
        strcat(params, times[i]);
        strcat(params, "}");
        world_request("tools.serve", params);
        CHECK(world_has(answer(), "timeout_ms"));
    }
    CHECK_EQ(tc_host_tools_count(), 2);
    CHECK(tc_host_tools_have("ring") && tc_host_tools_have("open-door_2"));
    CHECK(!tc_host_tools_have("a") && !tc_host_tools_have(""));
    CHECK_EQ(fake.text_count, 0);
}

TC_TEST(host_tools_at_their_longest_fit_into_the_session) {
    static char big[9000];
    world_listening();
    strcpy(big, "[{\"type\":\"function\",\"name\":\"a\",\"description\":\"");
    memset(big + strlen(big), 'x', 8192 - strlen(big) - 3);
    strcat(big, "\"}]");
    CHECK_EQ(strlen(big), 8192);
    serve(big);
    CHECK(world_has(answer(), "\"result\":{}"));
    CHECK(world_has(world_last_sent("session.update"), "xxx\"}]}}"));
    world_request("session.stop", NULL);
    world_posted();
    world_configuring();
    CHECK(world_has(world_last_sent("session.update"), "xxx\"}]"));
}
