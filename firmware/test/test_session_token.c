/* The token: stored or lent, its end, and where it may not be seen. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define UNIX 1800000000u

static void expires(uint32_t when) {
    fake_kv_put("srv_tok_exp", TC_KV_U32, &when, 4);
}

static const char *answer(void) {
    return fake_last_frame("\"id\":1");
}

TC_TEST(token_that_has_ended_is_not_shown_to_the_server) {
    world_flash();
    expires(UNIX);
    world_power_on();
    fake.unix_s = UNIX;
    world_ready();
    world_request("session.start", NULL);
    CHECK_EQ(fake.http_posts, 0);
    CHECK_EQ(fake.peer_opens, 0);
    world_check_reason(TC_STATE_READY, "\"reason\":\"token_expired\"");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "The token has ended."));
    world_request("device.stats", NULL);
    CHECK(world_has(answer(), "\"ends\":[{\"reason\":\"token_expired\""));
}

TC_TEST(token_is_shown_before_its_end_and_where_the_time_is_not_known) {
    world_flash();
    expires(UNIX);
    world_power_on();
    world_ready();
    world_posted();
    CHECK_EQ(fake.http_posts, 1);
    fake.unix_s = UNIX - 1;
    world_request("session.stop", NULL);
    world_posted();
    CHECK_EQ(fake.http_posts, 2);
}

TC_TEST(token_lent_is_shown_in_place_of_the_stored_one_until_it_ends) {
    world_flash();
    world_power_on();
    world_ready();
    fake.unix_s = UNIX;
    world_request("token.lend", "{\"token\":\" ek_lent_777777777 \",\"expires_at\":1800000060}");
    CHECK(world_has(answer(), "\"result\":{}"));
    world_posted();
    CHECK(world_has(fake.http_headers, "Bearer ek_lent_777777777\r\n"));
    world_request("session.stop", NULL);
    fake.unix_s = UNIX + 60;
    world_posted();
    CHECK(world_has(fake.http_headers, "Bearer ek_secret_0123456789\r\n"));
    CHECK(!fake_serial_holds("ek_lent_777"));
    world_request("settings.get", NULL);
    CHECK(!fake_serial_holds("ek_lent_777"));
}

TC_TEST(token_lent_is_refused_where_it_is_no_token_or_has_ended) {
    world_flash();
    world_power_on();
    world_ready();
    fake.unix_s = UNIX;
    static const char *const bad[] = {
        "{}",
        "{\"token\":5}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"ek_x\",\"expires_at\":\"soon\"}",
        "{\"token\":\"ek_x\",\"expires_at\":-1}",
        "{\"token\":\"ek_x\",\"expires_at\":1.5}",
        "{\"token\":\"ek_x\",\"expires_at\":4294967296}",
        "{\"token\":\"ek_x\",\"expires_at\":1799999999}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        world_request("token.lend", bad[i]);
        CHECK(world_has(answer(), "-32602"));
    }
    CHECK(!session_token_lent());
    world_request("token.lend", "{\"token\":\"ek_xxxxxxxxx\",\"expires_at\":null}");
    CHECK(session_token_lent());
    world_request("token.lend", "{\"token\":\"\"}");
    CHECK(!session_token_lent());
    CHECK_STR(session_token(), "ek_secret_0123456789");
}

TC_TEST(token_lent_is_enough_for_a_device_that_has_a_network) {
    fake_reset();
    fake_kv_put_text("wifi_ssid", "home");
    world_power_on();
    CHECK_EQ(tc_session_state(), TC_STATE_UNPROVISIONED);
    world_request("token.lend", "{\"token\":\"ek_lent_777777777\"}");
    CHECK_EQ(tc_session_state(), TC_STATE_JOINING);
    world_ready();
    world_posted();
    CHECK(world_has(fake.http_headers, "Bearer ek_lent_777777777\r\n"));
    /* A restart takes it away. */
    fake_reboot();
    world_power_on();
    CHECK_EQ(tc_session_state(), TC_STATE_UNPROVISIONED);
}

TC_TEST(token_lent_to_a_device_that_waits_for_one_is_tried_at_once) {
    uint8_t on = 1;
    world_flash();
    expires(UNIX);
    fake_kv_put("autostart", TC_KV_U8, &on, 1);
    world_power_on();
    fake.unix_s = UNIX + 1;
    world_ready_alone();
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"token_expired\"");
    CHECK(world_retry_ms() >= 600000);
    world_request("token.lend", "{\"token\":\"ek_lent_777777777\"}");
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    /* Refused: the token goes; the stored one has ended. */
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    world_http(401, "{\"error\":{\"message\":\"Incorrect key ek_lent_777777777.\"}}");
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"http_401\"");
    CHECK(world_retry_ms() >= 600000);
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "that was lent (401)"));
    CHECK(!fake_serial_holds("ek_lent_777"));
    CHECK(!session_token_lent());
    /* A stored one that was mended is tried at once, too. */
    world_request("settings.set", "{\"values\":{\"server.token\":\"ek_new_9999999999\"}}");
    world_request("settings.commit", NULL);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
}

TC_TEST(token_lent_that_is_refused_makes_place_for_the_stored_one) {
    world_flash();
    world_power_on();
    world_ready();
    world_request("token.lend", "{\"token\":\"ek_lent_777777777\"}");
    world_posted();
    world_http(401, "");
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"http_401\"");
    world_run(1500);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    CHECK(world_has(fake.http_headers, "Bearer ek_secret_0123456789\r\n"));
    world_http(401, "");
    world_check_reason(TC_STATE_READY, "\"reason\":\"http_401\"");
}

TC_TEST(token_lent_while_another_one_is_refused_is_kept_and_tried) {
    world_flash();
    world_power_on();
    world_ready();
    world_posted();
    world_request("token.lend", "{\"token\":\"ek_lent_777777777\"}");
    world_http(401, "{\"error\":{\"message\":\"Incorrect key ek_secret_0123456789.\"}}");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "refused the token (401)"));
    CHECK(session_token_lent());
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"http_401\"");
    world_run(1500);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
    CHECK(world_has(fake.http_headers, "Bearer ek_lent_777777777\r\n"));
}

TC_TEST(token_that_was_shown_is_hidden_after_its_end_and_after_the_next_one) {
    static const char quoted[] = "{\"error\":{\"message\":\"Incorrect key ek_lent_777777777.\"}}";
    world_flash();
    world_power_on();
    world_ready();
    fake.unix_s = UNIX;
    world_request("token.lend", "{\"token\":\"ek_lent_777777777\",\"expires_at\":1800000060}");
    world_posted();
    fake.unix_s = UNIX + 60; /* while the server looks at it */
    world_http(401, quoted);
    CHECK(!fake_serial_holds("ek_lent_777"));
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "that was lent (401)"));
    world_check_reason(TC_STATE_BACKOFF, "\"reason\":\"http_401\""); /* the stored one is next */
    world_request("token.lend", "{\"token\":\"ek_lent_777777777\"}");
    world_request("session.stop", NULL);
    world_posted();
    world_request("token.lend", "{\"token\":\"\"}");
    world_http(401, quoted);
    CHECK(!fake_serial_holds("ek_lent_777"));
}

TC_TEST(token_that_is_committed_alone_has_no_end) {
    world_flash();
    expires(UNIX);
    world_power_on();
    world_ready();
    fake.unix_s = UNIX + 1;
    world_request("settings.set", "{\"values\":{\"server.token\":\"ek_new_9999999999\"}}");
    world_request("settings.commit", NULL);
    CHECK(world_has(answer(), "server.token_expires"));
    CHECK_EQ(tc_settings_get()->server_token_expires, 0);
    CHECK(fake_kv_find("srv_tok_exp") == NULL);
    world_posted();
    world_request("settings.set",
                  "{\"values\":{\"server.token\":\"ek_b\",\"server.token_expires\":4000000000}}");
    world_request("settings.commit", NULL);
    CHECK_EQ(tc_settings_get()->server_token_expires, 4000000000u);
}

/* ---- what is posted ---- */

TC_TEST(body_holds_offer_and_session_where_the_server_wants_both) {
    uint8_t whole = TC_SERVER_BODY_SESSION, key = TC_SERVER_AUTH_API_KEY;
    world_flash();
    fake_kv_put("srv_body", TC_KV_U8, &whole, 1);
    fake_kv_put("srv_auth", TC_KV_U8, &key, 1);
    fake_kv_put_text("srv_url", "https://res.openai.azure.com/openai/v1/realtime/calls");
    fake_kv_put_text("model", "my-deployment");
    world_power_on();
    world_ready();
    world_posted();
    CHECK_STR(fake.http_url, "https://res.openai.azure.com/openai/v1/realtime/calls");
    CHECK(world_has(fake.http_headers, "api-key: ek_secret_0123456789\r\n"));
    const char *boundary = strstr(fake.http_headers, "multipart/form-data; boundary=tincan-");
    CHECK(boundary != NULL);
    char line[40] = "--";
    memcpy(line + 2, boundary + 30, 31);
    line[33] = '\0';
    CHECK(memcmp(fake.http_body, line, 33) == 0);
    CHECK(world_has(fake.http_body,
                    "name=\"sdp\"\r\nContent-Type: application/sdp\r\n\r\nv=0 offer\r\n--"));
    const char *session = strstr(fake.http_body, "Content-Type: application/json\r\n\r\n{");
    CHECK(session != NULL &&
          world_has(session, "\"type\":\"realtime\",\"model\":\"my-deployment\""));
    const char *end = strstr(session, "}\r\n--");
    CHECK(end != NULL && memcmp(end + 3, line, 33) == 0);
    CHECK_STR(end + 3 + 33, "--\r\n");
    CHECK_EQ(strlen(fake.http_body), fake.http_length);
    CHECK(!world_has(session, "session.update") && !world_has(session, "event_id"));
}

TC_TEST(body_that_is_too_large_is_said_and_not_sent) {
    uint8_t whole = TC_SERVER_BODY_SESSION;
    static char offer[19000];
    world_flash();
    fake_kv_put("srv_body", TC_KV_U8, &whole, 1);
    world_power_on();
    world_ready();
    world_request("session.start", NULL);
    memset(offer, 'x', sizeof offer);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, offer, sizeof offer);
    CHECK_EQ(fake.http_posts, 0);
    world_check_reason(TC_STATE_READY, "\"reason\":\"session_error\"");
    CHECK(world_has(fake_last_frame("\"method\":\"problem\""), "no room"));
}
