/* What a conversation costs, how it ends when that is too much, and limits of the server. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

static void put16(const char *key, uint16_t value) {
    fake_kv_put(key, TC_KV_U16, &value, 2);
}

static void listening(void) {
    world_live();
    world_created("greeting");
    world_done("greeting", "completed");
    world_run(100);
    world_forget();
}

/* 1,000 tokens of each kind, of the input 400 of each cached. */
static void usage(const char *id) {
    static char json[700];
    strcpy(json, "{\"type\":\"response.done\",\"response\":{\"id\":\"");
    strcat(json, id);
    strcat(json,
           "\",\"status\":\"completed\",\"usage\":{\"input_token_details\":{\"text_tokens\":1000,"
           "\"audio_tokens\":1000,\"image_tokens\":1000,\"cached_tokens\":1200,"
           "\"cached_tokens_details\":{\"text_tokens\":400,\"audio_tokens\":400,\"image_tokens\":"
           "400}},\"output_token_details\":{\"text_tokens\":1000,\"audio_tokens\":1000}}}}");
    world_created(id);
    world_server(json);
}

static void goodbye(const char *reason) {
    CHECK_EQ(world_sent("Say goodbye"), 1);
    world_created("bye");
    world_output("started", "bye");
    world_done("bye", "completed");
    world_output("stopped", "bye");
    CHECK_EQ(tc_session_state(), TC_STATE_CLOSING);
    world_run(3000);
    world_check_reason(TC_STATE_READY, reason);
}

TC_TEST(budget_counts_what_responses_cost_by_the_list_price) {
    world_flash();
    fake_kv_put_text("model", "gpt-realtime-2.1-mini-2026-08-01");
    listening();
    usage("r");
    /* text 600*600 + 400*60, audio 600*10000 + 400*300, image 600*800 + 400*60, made 1000*2400 +
     * 1000*20000, in nanodollars: 29,408,000. */
    CHECK(world_has(fake_last_frame("\"name\":\"cost\""), "\"microdollars\":29408,"));
    usage("r2");
    CHECK(world_has(fake_last_frame("\"name\":\"cost\""), "\"microdollars\":58816,"));
}

TC_TEST(budget_in_cents_ends_the_conversation_politely) {
    world_flash();
    put16("budget_cents", 5);
    put16("idle_limit", 0);
    listening();
    usage("r");
    world_run(1000);
    CHECK_EQ(world_sent("Say goodbye"), 0);
    usage("r2");
    world_run(300);
    goodbye("\"reason\":\"budget\"");
    world_request("device.stats", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "\"ends\":[{\"reason\":\"budget\""));
    /* The next conversation has its own. */
    CHECK_EQ(tc_self.talk.nanodollars, 0);
}

TC_TEST(budget_in_minutes_waits_for_an_answer_and_counts_over_renewals) {
    uint8_t renew = 1;
    world_flash();
    put16("budget_min", 2);
    put16("idle_limit", 0);
    fake_kv_put("renew", TC_KV_U8, &renew, 1);
    listening();
    world_run(62000);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING); /* renewed */
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_configuring();
    world_server("{\"type\":\"session.updated\"}");
    world_run(50000);
    world_speak("story");
    world_run(8000);
    CHECK_EQ(world_sent("Say goodbye"), 0);
    world_done("story", "completed");
    world_output("stopped", "story");
    world_run(1000);
    goodbye("\"reason\":\"budget\"");
}

TC_TEST(budget_and_idle_limit_at_the_same_moment_end_it_once) {
    world_flash();
    put16("budget_min", 1);
    put16("idle_limit", 60);
    fake_kv_put_text("greeting", "");
    fake_kv_put_text("goodbye", "");
    world_live();
    world_run(63000);
    world_check_reason(TC_STATE_READY, "\"reason\":\"budget\"");
    CHECK_EQ(tc_self.count.illegal, 0);
}

TC_TEST(budget_in_cents_does_not_apply_to_a_model_without_price) {
    world_flash();
    put16("budget_cents", 1);
    fake_kv_put_text("model", "my-deployment");
    listening();
    world_run(100);
    usage("r");
    usage("r2");
    world_run(500);
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
    CHECK_EQ(world_sent("Say goodbye"), 0);
    CHECK_EQ(fake_count_frames("\"code\":\"budget\""), 0); /* the greeting's had told it */
    CHECK(tc_self.talk.unpriced);
    /* The server names the model behind the deployment. */
    world_server("{\"type\":\"session.updated\",\"session\":{\"model\":\"gpt-realtime-2.1\"}}");
    usage("r3");
    world_run(500);
    CHECK_EQ(world_sent("Say goodbye"), 1);
}

TC_TEST(budget_counts_by_the_model_of_the_server_and_says_once_that_it_is_another) {
    static const char created[] =
        "{\"type\":\"session.created\",\"session\":{\"model\":\"gpt-realtime-2.1\"}}";
    static const char line[] = "has the model gpt-realtime-2.1, not gpt-realtime-2.1-mini as";
    world_flash();
    put16("budget_cents", 10000);
    listening();
    usage("mini");
    CHECK(world_has(fake_last_frame("\"name\":\"cost\""), "\"microdollars\":29408,"));
    world_server("{\"type\":\"session.updated\",\"session\":{\"model\":\"gpt-realtime-2.1-mini-"
                 "2026-08-01\"}}");
    CHECK(!fake_serial_holds("has the model"));
    world_server(created);
    CHECK(fake_serial_holds(line));
    CHECK_EQ(fake_count_frames("\"method\":\"problem\""), 0);
    uint64_t before = tc_self.talk.nanodollars;
    usage("large");
    CHECK(tc_self.talk.nanodollars - before > 2 * before);
    world_forget();
    world_server(created);
    CHECK(!fake_serial_holds(line));
    /* Unknown here: no guess by the price of another. */
    world_server("{\"type\":\"session.updated\",\"session\":{\"model\":\"a\\nb\"}}");
    CHECK(fake_serial_holds("has the model a b, not"));
    usage("unknown");
    CHECK(tc_self.talk.unpriced);
}

TC_TEST(budget_usage_that_is_nonsense_costs_nothing) {
    world_flash();
    put16("budget_cents", 1);
    listening();
    world_created("r");
    world_server(
        "{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"usage\":{\"input_token_"
        "details\":{\"text_tokens\":99999999999999,\"audio_tokens\":-5,\"image_tokens\":1.5},"
        "\"output_token_details\":{\"text_tokens\":\"7\",\"audio_tokens\":9007199254740993}}}}");
    CHECK_EQ(tc_self.talk.nanodollars, 0);
}

/* ---- rate limits ---- */

static void limits(const char *remaining, const char *reset) {
    static char json[300];
    strcpy(json, "{\"type\":\"rate_limits.updated\",\"rate_limits\":[{\"name\":\"requests\","
                 "\"remaining\":5,\"reset_seconds\":9},{\"name\":\"tokens\",\"remaining\":");
    strcat(json, remaining);
    strcat(json, ",\"reset_seconds\":");
    strcat(json, reset);
    strcat(json, "}]}");
    world_server(json);
}

TC_TEST(rate_limit_holds_our_own_responses_until_its_reset) {
    world_flash();
    listening();
    limits("0", "2.25");
    CHECK(
        world_has(fake_last_frame("\"name\":\"rate_limit\""), "\"limit\":\"tokens\",\"ms\":2250"));
    world_request("session.say", "{\"text\":\"Hello?\"}");
    CHECK_EQ(world_sent("Hello?"), 1);
    world_run(2200);
    CHECK_EQ(world_sent("response.create"), 0);
    CHECK(world_has(fake_last_frame("\"method\":\"state\""), "\"activity\":\"thinking\""));
    CHECK_EQ(fake_count_frames("\"reason\":\"rate_limit\""), 1);
    world_run(400);
    CHECK_EQ(world_sent("response.create"), 1);
}

TC_TEST(rate_limit_with_room_or_with_nonsense_holds_nothing_for_long) {
    world_flash();
    listening();
    limits("0", "1e9");
    CHECK_EQ(LIVE->rate_until - world_now, 5000);
    limits("0", "-3");
    CHECK_EQ(LIVE->rate_until - world_now, 5000);
    limits("0", "86400");
    CHECK_EQ(LIVE->rate_until - world_now, 60000);
    limits("0", "0.0004");
    CHECK_EQ(LIVE->rate_until - world_now, 0);
    limits("-1", "3");
    CHECK_EQ(LIVE->rate_until - world_now, 3000);
    limits("1.5", "3");
    CHECK_EQ(LIVE->rate_until, 0);
    limits("7", "3");
    world_request("session.say", "{\"text\":\"Hello?\"}");
    CHECK_EQ(world_sent("response.create"), 1);
}

static void failed_by_limit(const char *id) {
    static char json[300];
    strcpy(json, "{\"type\":\"response.done\",\"response\":{\"id\":\"");
    strcat(json, id);
    strcat(json,
           "\",\"status\":\"failed\",\"status_details\":{\"type\":\"failed\",\"error\":{\"code\":"
           "\"rate_limit_exceeded\"}}}}");
    world_created(id);
    world_server(json);
}

TC_TEST(rate_limit_that_stopped_a_response_is_told_and_it_is_asked_for_once_more) {
    world_flash();
    listening();
    limits("0", "3");
    failed_by_limit("r");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "\"code\":\"rate_limit\""));
    world_run(2500);
    CHECK_EQ(world_sent("response.create"), 0);
    world_run(1000);
    CHECK_EQ(world_sent("response.create"), 1);
    failed_by_limit("r2");
    world_run(20000);
    CHECK_EQ(world_sent("response.create"), 1);
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "response_failed"));
    /* After one that worked, the next may be asked for again. */
    usage("r3");
    failed_by_limit("r4");
    world_run(6000);
    CHECK_EQ(world_sent("response.create"), 2);
}
