/* Each way in which a session does not come to be, and when it is tried again. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define TOKEN "ek_secret_0123456789"

/* A device whose offer was just posted. */
static void begin(void) {
    world_flash();
    world_power_on();
    world_ready();
    world_posted();
    world_forget();
}

/* ---- the server refuses ---- */

static void check_refusal(int32_t status, const char *body, const char *reason, bool again) {
    begin();
    world_http(status, body);
    world_check_reason(again ? TC_STATE_BACKOFF : TC_STATE_READY, reason);
    CHECK_EQ(fake_count_frames("\"method\":\"problem\""), 1);
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "\"hint\":\""));
    CHECK_EQ(fake.peer_closed, fake.peer_id);
    CHECK_EQ(fake.peer_answers, 0);
    CHECK(!fake_serial_holds(TOKEN));
}

TC_TEST(session_refusals_by_status) {
    check_refusal(400, "", "\"reason\":\"http_400\"", false);
    check_refusal(401, "", "\"reason\":\"http_401\"", false);
    check_refusal(403, "", "\"reason\":\"http_403\"", false);
    check_refusal(404, "", "\"reason\":\"http_404\"", false);
    check_refusal(429, "", "\"reason\":\"http_429\"", true);
    check_refusal(500, "", "\"reason\":\"http_5xx\"", true);
    check_refusal(503, "", "\"reason\":\"http_5xx\"", true);
    check_refusal(302, "", "\"reason\":\"http_redirect\"", true);
    check_refusal(418, "", "\"reason\":\"http_status\"", true);
    check_refusal(TC_HTTP_DNS, "", "\"reason\":\"dns\"", true);
    check_refusal(TC_HTTP_TCP, "", "\"reason\":\"tcp\"", true);
    check_refusal(TC_HTTP_IO, "", "\"reason\":\"tcp\"", true);
    check_refusal(TC_HTTP_TLS, "", "\"reason\":\"tls\"", true);
    check_refusal(TC_HTTP_PIN, "", "\"reason\":\"tls\"", true);
    check_refusal(TC_HTTP_TIMEOUT, "", "\"reason\":\"timeout\"", true);
    check_refusal(TC_HTTP_TOO_LARGE, "", "\"reason\":\"too_large\"", true);
}

TC_TEST(session_a_401_says_what_to_do_and_what_the_server_says) {
    begin();
    world_http(401, "{\"x\":[1],\"error\":{\"type\":\"t\",\"message\":\"Token\\nexpired: " TOKEN
                    "!\"}}");
    CHECK_STR(
        fake_last_frame("\"method\":\"problem\""),
        "{\"jsonrpc\":\"2.0\",\"method\":\"problem\",\"params\":{\"code\":\"http_401\",\"message\":"
        "\"The server refused the token (401). It says: Token expired: ********************!\","
        "\"hint\":\"Give the device a new token: tincan provision.\"}}");
    CHECK(world_has(world_state(), "\"detail\":\"Token expired: ********************!\""));
    CHECK(!fake_serial_holds("0123456789"));
}

TC_TEST(session_a_wrong_key_is_told_apart_from_a_bad_certificate) {
    begin();
    world_http(TC_HTTP_PIN, "");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""),
                    "\"code\":\"tls\",\"message\":\"The server has another key than the pinned "
                    "one.\",\"hint\":\"Set server.pin anew; tincan gateway --tls prints it.\""));
    begin();
    world_http(TC_HTTP_TLS, "");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "The certificate of the server"));
}

TC_TEST(session_bodies_that_say_nothing) {
    static const char *const bodies[] = {
        "{", "[]", "{\"error\":7}", "{\"error\":{}}", "{\"message\":\"x\"}", "\xff"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        begin();
        world_http(500, bodies[i]);
        CHECK(world_has(fake_last_frame("\"method\":\"problem\""),
                        "\"message\":\"The server failed (500).\""));
    }
    begin();
    world_http(500, "{\"error\":\"down\"}");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "(500). It says: down\""));
}

TC_TEST(session_an_answer_that_is_html) {
    check_refusal(200, " <!DOCTYPE html><html>", "\"reason\":\"not_sdp\"", true);
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""),
                    "The server answered with a web page, not SDP; is server.url right?"));
    check_refusal(201, "hello", "\"reason\":\"not_sdp\"", true);
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "The server's answer is not SDP."));
    check_refusal(201, "", "\"reason\":\"not_sdp\"", true);
}

TC_TEST(session_an_answer_of_20_kB) {
    static char sdp[20482];
    memset(sdp, 'a', sizeof sdp - 1);
    memcpy(sdp, "v=0", 3);
    check_refusal(201, sdp, "\"reason\":\"too_large\"", true);
    sdp[20480] = '\0';
    begin();
    world_http(201, sdp);
    CHECK_EQ(fake.peer_answers, 1);
}

TC_TEST(session_an_answer_that_the_peer_rejects) {
    begin();
    fake.answer_result = TC_ERR_FORMAT;
    world_http(201, WORLD_ANSWER);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"sdp_rejected\"");
}

TC_TEST(session_the_port_cannot_begin) {
    world_flash();
    world_power_on();
    world_ready();
    fake.open_result = TC_ERR_IO;
    world_request("session.start", NULL);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"offer_failed\"");
    begin();
    world_request("session.stop", NULL);
    fake.http_result = TC_ERR_IO;
    world_posted();
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"tcp\"");
}

TC_TEST(session_no_sound_is_a_problem_but_the_session_goes_on) {
    world_flash();
    fake.audio_result = TC_ERR_IO;
    world_live();
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "\"code\":\"audio\""));
    world_request("session.stop", NULL);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    CHECK_EQ(fake.audio_stops, 0);
}

/* ---- time ---- */

TC_TEST(session_every_stage_has_a_deadline) {
    world_flash();
    world_power_on();
    world_ready();
    world_request("session.start", NULL);
    world_run(4990);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_run(20);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"offer_failed\"");

    begin();
    world_run(14990);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_run(20);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"timeout\"");
    CHECK_EQ(fake.http_cancelled, fake.http_id);

    begin();
    world_http(201, WORLD_ANSWER);
    world_run(9990);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_run(20);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"peer_failed\"");

    begin();
    world_http(201, WORLD_ANSWER);
    world_post(TC_EVENT_PEER_UP, fake.peer_id, 0, 0, NULL, 0);
    world_run(5010);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"timeout\"");

    begin();
    world_configuring();
    world_run(7990);
    CHECK_EQ(tc_session_state(), TC_STATE_CONFIGURING);
    world_run(20);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"timeout\"");
}

TC_TEST(session_backs_off_exponentially_and_gives_up_after_five_tries) {
    begin();
    for (unsigned i = 0; i < 4; i++) {
        world_http(503, "");
        CHECK_EQ(tc_session_state(), TC_STATE_BACKOFF);
        uint32_t wait = world_retry_ms();
        CHECK(wait >= 1000u << i && wait <= 1250u << i);
        world_run(wait - 10);
        CHECK_EQ(fake.peer_opens, (int)i + 1);
        world_run(20);
        CHECK_EQ(fake.peer_opens, (int)i + 2);
        world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    }
    world_http(503, "");
    world_check_reason(TC_STATE_READY, "\"reason\":\"http_5xx\"");
    world_run(120000);
    CHECK_EQ(fake.peer_opens, 5);
    world_posted(); /* whoever asks again gets all tries */
    world_http(503, "");
    CHECK(world_retry_ms() <= 1250);
}

TC_TEST(session_backoff_times) {
    fake_reset();
    for (uint32_t tries = 1; tries <= 40; tries++) {
        uint32_t base = tries < 7 ? 1000u << (tries - 1) : 60000u;
        uint32_t least = UINT32_MAX, most = 0;
        for (int i = 0; i < 200; i++) {
            uint32_t ms = session_backoff_ms(tries);
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
        }
        CHECK(least >= base && most <= base + base / 4);
        CHECK(most - least > base / 8); /* by chance, not all alike */
    }
}

TC_TEST(session_retry_after_is_respected) {
    begin();
    world_post(TC_EVENT_HTTP, fake.http_id, 429, 30, NULL, 0);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"http_429\"");
    CHECK_EQ(world_retry_ms(), 30000);
    world_run(29980);
    CHECK_EQ(fake.peer_opens, 1);
    world_run(40);
    CHECK_EQ(fake.peer_opens, 2);
}

TC_TEST(session_stop_in_every_state) {
    begin();
    world_request("session.stop", NULL);
    world_check_reason(TC_STATE_READY, "\"reason\":\"host\"");
    CHECK_EQ(fake.http_cancelled, fake.http_id);
    CHECK_EQ(fake.peer_closed, fake.peer_id);
    world_request("session.stop", NULL);
    CHECK(world_has(fake_last_frame("\"id\":1"), "-32006"));

    world_posted();
    world_configuring();
    world_request("session.stop", NULL);
    world_check_reason(TC_STATE_READY, "\"reason\":\"host\"");

    world_posted();
    world_http(503, "");
    world_request("session.stop", NULL);
    world_check_reason(TC_STATE_READY, "\"reason\":\"host\"");
    world_run(60000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);

    world_listening();
    world_request("session.stop", NULL);
    world_check_reason(TC_STATE_READY, "\"reason\":\"host\"");
    CHECK_EQ(fake_count_frames("\"state\":\"closing\""), 1);
    CHECK(!fake.audio_on);
}

TC_TEST(session_events_of_old_connections_are_ignored) {
    begin();
    uint32_t old_peer = fake.peer_id, old_http = fake.http_id;
    world_request("session.stop", NULL);
    world_post(TC_EVENT_HTTP, old_http, 201, 0, WORLD_ANSWER, sizeof WORLD_ANSWER - 1);
    CHECK_EQ(fake.peer_answers, 0);
    world_posted();
    CHECK(fake.peer_id != old_peer && fake.http_id != old_http);
    world_post(TC_EVENT_HTTP, old_http, 401, 0, NULL, 0);
    world_post(TC_EVENT_PEER_DOWN, old_peer, 1, 0, NULL, 0);
    world_post(TC_EVENT_PEER_OFFER, old_peer, 0, 0, "v=0", 3);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    CHECK_EQ(fake.http_posts, 2);
    world_configuring();
    world_forget();
    world_post(TC_EVENT_PEER_TEXT, old_peer, 0, 0, "{\"type\":\"session.updated\"}", 26);
    CHECK_EQ(tc_session_state(), TC_STATE_CONFIGURING);
    CHECK_EQ(fake_count_frames("realtime.event"), 0);
}

TC_TEST(session_events_in_the_wrong_stage_change_nothing) {
    world_flash();
    world_power_on();
    world_ready();
    world_request("session.start", NULL);
    world_post(TC_EVENT_CHANNEL_OPEN, fake.peer_id, 0, 0, NULL, 0);
    world_post(TC_EVENT_PEER_UP, fake.peer_id, 0, 0, NULL, 0);
    world_server("{\"type\":\"session.updated\"}");
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0", 3);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0", 3);
    CHECK_EQ(fake.http_posts, 1);
}

/* ---- configuring ---- */

TC_TEST(session_the_server_refuses_session_update) {
    begin();
    world_configuring();
    world_server("{\"type\":\"error\",\"error\":{\"code\":\"x\",\"message\":\"other\",\"event_id\":"
                 "\"tc_99\"}}");
    world_server(
        "{\"type\":\"error\",\"error\":{\"code\":\"x\",\"message\":\"other\",\"event_id\":null}}");
    CHECK_EQ(tc_session_state(), TC_STATE_CONFIGURING);
    world_server("{\"type\":\"error\",\"error\":{\"code\":\"x\",\"message\":\"No such "
                 "voice.\",\"event_id\":\"tc_1\"}}");
    world_check_reason(TC_STATE_READY,
                       "\"reason\":\"session_error\",\"detail\":\"No such voice.\"");
}

TC_TEST(session_peer_down_while_connecting) {
    begin();
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 1, 0, NULL, 0);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"peer_failed\"");
    begin();
    world_configuring();
    world_post(TC_EVENT_PEER_DOWN, fake.peer_id, 2, 0, NULL, 0);
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"channel_closed\"");
}

TC_TEST(session_a_short_token_is_hidden_too) {
    world_flash();
    fake_kv_put_text("srv_token", "dev-77");
    world_power_on();
    world_ready();
    world_posted();
    world_http(401, "{\"error\":\"what is dev-77?\"}");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "what is ******?"));
    CHECK(!fake_serial_holds("dev-77"));
}

TC_TEST(session_what_was_given_up_does_not_come_back_with_the_network) {
    begin();
    world_http(401, "");
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    int opens = fake.peer_opens;
    world_post(TC_EVENT_WIFI_DOWN, 0, TC_WIFI_LOST, 0, NULL, 0);
    world_ready();
    world_run(5000);
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
    CHECK_EQ(fake.peer_opens, opens);
}
