/* A thousand sessions with a world that does what it likes. From a fixed seed, in virtual time. */
#include "../core/session_internal.h"
#include "check.h"
#include "world.h"

#define SESSIONS 1000u

static unsigned seed;
static uint64_t state_since;
static tc_state state_seen;

static unsigned roll(unsigned below) {
    return tc_test_random(&seed) % below;
}

static bool percent(unsigned chance) {
    return roll(100) < chance;
}

/* ---- what must always be true ---- */

#define TO(state) (1u << TC_STATE_##state)

static const unsigned legal[TC_STATE_COUNT] = {
    [TC_STATE_UNPROVISIONED] = TO(JOINING),
    [TC_STATE_JOINING] = TO(READY) | TO(BACKOFF) | TO(UNPROVISIONED),
    [TC_STATE_READY] = TO(CONNECTING) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_CONNECTING] =
        TO(CONFIGURING) | TO(BACKOFF) | TO(READY) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_CONFIGURING] = TO(LIVE) | TO(BACKOFF) | TO(READY) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_LIVE] = TO(LIVE) | TO(CLOSING) | TO(JOINING) | TO(UNPROVISIONED), /* LIVE: activity */
    [TC_STATE_CLOSING] = TO(CONNECTING) | TO(READY) | TO(BACKOFF) | TO(JOINING) | TO(UNPROVISIONED),
    [TC_STATE_BACKOFF] = TO(CONNECTING) | TO(JOINING) | TO(READY) | TO(UNPROVISIONED),
};

/* The longest a state may last, in ms; 0: as long as it likes. */
static const uint32_t longest[TC_STATE_COUNT] = {
    [TC_STATE_JOINING] = 30000,    [TC_STATE_CONNECTING] = 5000 + 15000 + 10000 + 5000,
    [TC_STATE_CONFIGURING] = 8000, [TC_STATE_CLOSING] = 3000,
    [TC_STATE_BACKOFF] = 75000,
};

static tc_state state_of(tc_span frame) {
    static char text[600];
    CHECK(frame.length < sizeof text);
    memcpy(text, frame.at, frame.length);
    text[frame.length] = '\0';
    for (int i = 0; i < TC_STATE_COUNT; i++) {
        char part[40] = "\"state\":\"";
        strcat(part, tc_state_names[i]);
        if (world_has(text, strcat(part, "\","))) {
            return (tc_state)i;
        }
    }
    CHECK(false);
    return TC_STATE_COUNT;
}

/* Reads what the device has said since the last time. */
static void check_states(void) {
    static const char mark[] = "{\"jsonrpc\":\"2.0\",\"method\":\"state\"";
    static char last[600];
    size_t cursor = 0;
    tc_span frame;
    while (fake_next_frame(&cursor, &frame, NULL)) {
        if (frame.length < sizeof mark || memcmp(frame.at, mark, sizeof mark - 1) != 0) {
            continue;
        }
        tc_state state = state_of(frame);
        CHECK(legal[state_seen] >> state & 1);
        CHECK(frame.length != strlen(last) || memcmp(frame.at, last, frame.length) != 0); /* once */
        memcpy(last, frame.at, frame.length);
        last[frame.length] = '\0';
        if (state != state_seen) {
            state_since = world_now;
        }
        state_seen = state;
    }
    CHECK_EQ(state_seen, tc_session_state());
    fake_serial_clear();
}

static void check(uint64_t last_step) {
    check_states();
    CHECK_EQ(tc_self.count.illegal, 0);
    /* A state may be seen to end one step later. */
    CHECK(longest[state_seen] == 0 || last_step <= state_since + longest[state_seen]);
    bool connected = state_seen >= TC_STATE_CONNECTING && state_seen <= TC_STATE_CLOSING;
    CHECK_EQ(fake.peer_opens - fake.peer_closes, tc_self.peer_id != 0);
    CHECK(connected || tc_self.peer_id == 0);
    CHECK(!fake.audio_on || state_seen == TC_STATE_LIVE || state_seen == TC_STATE_CLOSING);
    CHECK_EQ(fake.audio_on, tc_self.audio_on);
}

/* ---- the world ---- */

static void post(int kind, int32_t code, const char *text) {
    uint32_t id = kind == TC_EVENT_HTTP ? fake.http_id : fake.peer_id;
    if (percent(3)) {
        id -= roll(3) + 1; /* of something that is gone */
    }
    world_post(kind, id, code, percent(5) ? roll(20) : 0, text, strlen(text));
}

static void server_event(void) {
    static const char *const events[] = {
        "{\"type\":\"input_audio_buffer.speech_started\"}",
        "{\"type\":\"input_audio_buffer.speech_stopped\"}",
        "{\"type\":\"input_audio_buffer.committed\"}",
        "{\"type\":\"response.created\",\"response\":{\"id\":\"a\"}}",
        "{\"type\":\"response.created\",\"response\":{\"id\":\"b\"}}",
        "{\"type\":\"response.done\",\"response\":{\"id\":\"a\",\"status\":\"completed\"}}",
        "{\"type\":\"response.done\",\"response\":{\"id\":\"b\",\"status\":\"completed\"}}",
        "{\"type\":\"response.done\",\"response\":{\"id\":\"a\",\"status\":\"cancelled\"}}",
        "{\"type\":\"response.done\",\"response\":{\"id\":\"b\",\"status\":\"failed\"}}",
        "{\"type\":\"response.done\",\"response\":{}}",
        "{\"type\":\"response.done\",\"response\":{\"id\":\"a\",\"output\":[{\"type\":\"function_"
        "call\",\"name\":"
        "\"set_light\",\"call_id\":\"x\",\"arguments\":\"{\\\"on\\\":true}\"}]}}",
        "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":"
        "\"set_volume\","
        "\"call_id\":\"y\",\"arguments\":\"{\\\"percent\\\":7}\"}}",
        "{\"type\":\"output_audio_buffer.started\",\"response_id\":\"a\"}",
        "{\"type\":\"output_audio_buffer.started\",\"response_id\":\"b\"}",
        "{\"type\":\"output_audio_buffer.stopped\",\"response_id\":\"a\"}",
        "{\"type\":\"output_audio_buffer.cleared\",\"response_id\":\"b\"}",
        "{\"type\":\"error\",\"error\":{\"code\":\"conversation_already_has_active_response\"}}",
        "{\"type\":\"error\",\"error\":{\"code\":\"x\",\"event_id\":\"tc_1\"}}",
        "{\"type\":\"nobody.knows\"}",
        "not JSON",
    };
    post(TC_EVENT_PEER_TEXT, 0, events[roll(sizeof events / sizeof events[0])]);
}

static void answer(void) {
    static const int32_t statuses[] = {200,
                                       301,
                                       400,
                                       401,
                                       404,
                                       418,
                                       429,
                                       500,
                                       503,
                                       TC_HTTP_DNS,
                                       TC_HTTP_TCP,
                                       TC_HTTP_TLS,
                                       TC_HTTP_TIMEOUT,
                                       TC_HTTP_TOO_LARGE};
    if (percent(80)) {
        fake.answer_result = percent(5) ? TC_ERR_FORMAT : TC_OK;
        post(TC_EVENT_HTTP, 201, WORLD_ANSWER);
    } else {
        post(TC_EVENT_HTTP, statuses[roll(sizeof statuses / sizeof statuses[0])], "<html>");
    }
}

static void connect_further(void) {
    if (percent(10)) {
        return; /* it takes its time, or for ever */
    }
    if (percent(3)) {
        post(TC_EVENT_PEER_DOWN, (int32_t)roll(3), "");
        return;
    }
    switch (tc_self.stage) {
    case STAGE_OFFER:
        fake.http_result = percent(3) ? TC_ERR_IO : TC_OK;
        post(TC_EVENT_PEER_OFFER, 0, percent(3) ? "" : "v=0");
        break;
    case STAGE_POST:
        answer();
        break;
    case STAGE_PEER:
        post(TC_EVENT_PEER_UP, 0, "");
        break;
    case STAGE_CHANNEL:
        post(TC_EVENT_CHANNEL_OPEN, 0, "");
        break;
    }
}

static void live_further(void) {
    unsigned what = roll(100);
    if (what < 60) {
        server_event();
    } else if (what < 75) {
        for (unsigned i = roll(10); i > 0; i--) {
            world_voice();
        }
    } else if (what < 78) {
        world_request("session.say", "{\"text\":\"hello\"}");
    } else if (what < 80) {
        world_request("realtime.send", "{\"event\":{\"type\":\"response.create\"}}");
    } else if (what < 84) {
        world_post(TC_EVENT_BUTTON, 0, (int32_t)roll(2), 0, NULL, 0);
    } else if (what < 86) {
        fake.texts_left = percent(70) ? FAKE_UNLIMITED : (long)roll(3);
    } else if (what < 87) {
        post(TC_EVENT_PEER_DOWN, (int32_t)roll(3), "");
    } else if (what < 89) {
        world_request("session.stop", NULL);
    } else if (what < 91) {
        post(TC_EVENT_PEER_TEXT, 0,
             "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
             "\"name\":\"end_session\","
             "\"call_id\":\"z\",\"arguments\":\"\"}}");
    } else if (what < 92) {
        world_post(TC_EVENT_PEER_TOO_LARGE, fake.peer_id, 200000, 0, NULL, 0);
    }
}

static void world_acts(void) {
    if (percent(1)) {
        world_post(TC_EVENT_WIFI_DOWN, 0, (int32_t)roll(4), 0, NULL, 0);
    }
    switch (tc_session_state()) {
    case TC_STATE_JOINING:
        if (percent(60)) {
            world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "10.0.0.1", 8);
        }
        break;
    case TC_STATE_READY:
        fake.open_result = percent(2) ? TC_ERR_IO : TC_OK;
        fake.audio_result = percent(2) ? TC_ERR_IO : TC_OK;
        fake.texts_left = FAKE_UNLIMITED;
        world_request("session.start", NULL);
        break;
    case TC_STATE_CONNECTING:
        connect_further();
        break;
    case TC_STATE_CONFIGURING:
        if (percent(80)) {
            post(TC_EVENT_PEER_TEXT, 0, "{\"type\":\"session.updated\"}");
        } else if (percent(50)) {
            server_event();
        }
        break;
    case TC_STATE_LIVE:
        live_further();
        break;
    default:
        break;
    }
}

static void pass_time(void) {
    if (percent(90) || tc_session_state() == TC_STATE_LIVE) {
        world_run(10 + roll(150));
    } else {
        world_run(roll(20000));
    }
}

TC_TEST(session_soak) {
    seed = 20261121;
    world_flash();
    world_power_on();
    state_seen = TC_STATE_JOINING; /* the first notification says so again */
    state_since = world_now;
    fake_serial_clear();
    unsigned steps = 0;
    while (tc_self.count.sessions < SESSIONS) {
        world_acts();
        check(world_now);
        uint64_t before = world_now;
        pass_time();
        check(before);
        fake.text_count = 0;
        fake.text_used = 0;
        CHECK(++steps < 2000000);
    }
    CHECK(tc_self.count.failures > 300);
    CHECK(tc_self.count.calls > 100);
    CHECK(tc_self.count.interruptions > 100);
    CHECK(tc_self.count.responses > 1000);
}

/* ---- any order of events ---- */

static unsigned chaos_seed;

static void say_event(const char *type, const char *rest) {
    char json[240] = "{\"type\":\"";
    strcat(json, type);
    strcat(json, "\"");
    strcat(json, rest);
    strcat(json, "}");
    world_server(json);
}

/* One thing that a server, a finger or the host may do at any time. */
static void anything(void) {
    static const char *const objects[] = {",\"response\":{\"id\":\"a\",\"status\":\"completed\"}",
                                          ",\"response\":{\"id\":\"b\",\"status\":\"cancelled\"}",
                                          ",\"response\":{\"id\":\"c\",\"status\":\"failed\"}"};
    static const char *const ids[] = {",\"response_id\":\"a\"", ",\"response_id\":\"b\"",
                                      ",\"response_id\":\"c\"", ""};
    const char *object = objects[tc_test_random(&chaos_seed) % 3];
    const char *id = ids[tc_test_random(&chaos_seed) % 4];
    switch (tc_test_random(&chaos_seed) % 16) {
    case 0:
        say_event("response.created", object);
        break;
    case 1:
        say_event("response.done", object);
        break;
    case 2:
        say_event("output_audio_buffer.started", id);
        break;
    case 3:
        say_event("output_audio_buffer.stopped", id);
        break;
    case 4:
        say_event("output_audio_buffer.cleared", id);
        break;
    case 5:
        say_event("input_audio_buffer.speech_started", "");
        break;
    case 6:
        say_event("input_audio_buffer.speech_stopped", "");
        break;
    case 7:
        say_event("input_audio_buffer.committed", "");
        break;
    case 8:
        say_event("input_audio_buffer.cleared", "");
        break;
    case 9:
        say_event("response.output_item.done",
                  ",\"item\":{\"type\":\"function_call\",\"name\":\"set_light\",\"call_id\":\"x\","
                  "\"arguments\":\"{\\\"on\\\":true}\"}");
        break;
    case 10:
        say_event("error", ",\"error\":{\"code\":\"conversation_already_has_active_response\"}");
        break;
    case 11:
        world_request("session.say", "{\"text\":\"x\"}");
        break;
    case 12:
        world_post(TC_EVENT_BUTTON, 0, (int)(tc_test_random(&chaos_seed) % 2), 0, NULL, 0);
        break;
    case 13:
        for (int i = 0; i < 20; i++) {
            world_voice();
        }
        break;
    case 14:
        world_request("realtime.send", "{\"event\":{\"type\":\"response.create\"}}");
        break;
    default:
        world_run(tc_test_random(&chaos_seed) % 1000);
        break;
    }
}

static void check_alive_after_anything(uint8_t detection) {
    uint16_t limit = 0;
    for (unsigned round = 1; round <= 25; round++) {
        chaos_seed = 1000 * detection + round;
        world_flash();
        fake_kv_put("turn", TC_KV_U8, &detection, 1);
        fake_kv_put("idle_limit", TC_KV_U16, &limit, 2);
        fake_kv_put_text("greeting", "");
        world_live();
        for (int i = 0; i < 100; i++) {
            anything();
            world_forget();
        }
        /* The person lets go and is silent; so is the server. */
        world_post(TC_EVENT_BUTTON, 0, 0, 0, NULL, 0);
        say_event("input_audio_buffer.speech_stopped", "");
        world_run(120000);
        CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
        CHECK_EQ(tc_self.activity, TC_ACTIVITY_LISTENING);
        /* And then it works as ever. */
        world_forget();
        world_request("session.say", "{\"text\":\"x\"}");
        CHECK_EQ(world_sent("response.create"), 1);
        say_event("response.created", ",\"response\":{\"id\":\"new\"}");
        say_event("output_audio_buffer.started", ",\"response_id\":\"new\"");
        for (int i = 0; i < 10; i++) {
            world_voice();
        }
        world_run(100);
        CHECK_EQ(world_heard, 0x1148);
        CHECK_EQ(tc_self.activity, TC_ACTIVITY_SPEAKING);
        say_event("response.done", ",\"response\":{\"id\":\"new\",\"status\":\"completed\"}");
        say_event("output_audio_buffer.stopped", ",\"response_id\":\"new\"");
        world_run(1000);
        CHECK_EQ(tc_self.activity, TC_ACTIVITY_LISTENING);
        int packets = fake.packets;
        world_run(100);
        CHECK_EQ(fake.packets - packets, detection == TC_TURN_DETECTION_NONE ? 0 : 5);
    }
}

TC_TEST(session_any_order_of_events_leaves_it_alive) {
    check_alive_after_anything(TC_TURN_DETECTION_SERVER_VAD);
}

TC_TEST(session_any_order_of_events_leaves_push_to_talk_alive) {
    check_alive_after_anything(TC_TURN_DETECTION_NONE);
}
