#include "world.h"

#include "../core/link.h"
#include "check.h"

uint64_t world_now;
int16_t world_heard;

static uint32_t host_frames;
static uint16_t rtp_sequence;
static uint32_t rtp_timestamp;
static uint64_t next_audio;

void world_flash(void) {
    fake_reset();
    fake_kv_put_text("wifi_ssid", "home");
    fake_kv_put_text("wifi_pass", "long enough");
    fake_kv_put_text("srv_token", "ek_secret_0123456789");
}

void world_power_on(void) {
    world_now = 5000;
    next_audio = world_now;
    host_frames = 0;
    rtp_sequence = 65000;
    rtp_timestamp = 0;
    tc_core_init(world_now);
    world_run(10);
}

static void audio(void) {
    static int16_t pcm[320];
    for (; next_audio <= world_now; next_audio += 20) {
        if (fake.audio_on) {
            pcm[0] = 77;
            tc_core_audio_in(pcm, next_audio);
            tc_core_audio_out(pcm);
            world_heard = pcm[0];
        }
    }
}

void world_run(uint32_t ms) {
    for (uint64_t end = world_now + ms; world_now < end;) {
        uint64_t left = end - world_now;
        world_now += left < 10 ? left : 10;
        audio();
        tc_core_step(world_now);
    }
}

void world_post(int kind, uint32_t id, int32_t code, uint32_t extra, const void *data,
                size_t length) {
    tc_event event = {
        .kind = kind, .id = id, .code = code, .extra = extra, .data = data, .length = length};
    CHECK_EQ(tc_core_post(&event), TC_OK);
    tc_core_step(world_now);
}

void world_server(const char *json) {
    world_post(TC_EVENT_PEER_TEXT, fake.peer_id, 0, 0, json, strlen(json));
}

void world_http(int32_t status, const char *body) {
    world_post(TC_EVENT_HTTP, fake.http_id, status, 0, body, strlen(body));
}

void world_request(const char *method, const char *params) {
    static char json[TC_LINK_MAX_JSON];
    static uint8_t frame[TC_LINK_MAX_JSON + 32];
    tc_json_writer w;
    tc_json_start(&w, json, sizeof json);
    tc_json_open_object(&w);
    tc_json_pair_string(&w, "jsonrpc", "2.0");
    tc_json_pair_int(&w, "id", 1);
    tc_json_pair_string(&w, "method", method);
    if (params != NULL) {
        tc_json_key(&w, "params");
        tc_json_raw(&w, params, strlen(params));
    }
    tc_json_close_object(&w);
    int length = tc_link_encode(json, w.length, host_frames++, frame, sizeof frame);
    CHECK(length > 0);
    world_post(TC_EVENT_SERIAL, 0, 0, 0, frame, (size_t)length);
}

void world_ready_alone(void) {
    world_post(TC_EVENT_WIFI_UP, 0, 0, 0, "192.168.1.7", 11);
}

void world_ready(void) {
    world_ready_alone();
    CHECK_EQ(tc_session_state(), TC_STATE_READY);
}

void world_posted(void) {
    world_request("session.start", NULL);
    CHECK_EQ(tc_session_state(), TC_STATE_CONNECTING);
    world_post(TC_EVENT_PEER_OFFER, fake.peer_id, 0, 0, "v=0 offer", 9);
}

void world_configuring(void) {
    world_http(201, WORLD_ANSWER);
    world_post(TC_EVENT_PEER_UP, fake.peer_id, 0, 0, NULL, 0);
    world_post(TC_EVENT_CHANNEL_OPEN, fake.peer_id, 0, 0, NULL, 0);
    CHECK_EQ(tc_session_state(), TC_STATE_CONFIGURING);
}

void world_live(void) {
    world_power_on();
    world_ready();
    world_posted();
    world_configuring();
    world_server("{\"type\":\"session.created\",\"session\":{\"id\":\"sess_1\"}}");
    world_server("{\"type\":\"session.updated\",\"session\":{\"id\":\"sess_1\"}}");
    CHECK_EQ(tc_session_state(), TC_STATE_LIVE);
}

void world_listening(void) {
    world_flash();
    world_live();
    world_server("{\"type\":\"response.created\",\"response\":{\"id\":\"greeting\"}}");
    world_server("{\"type\":\"output_audio_buffer.started\",\"response_id\":\"greeting\"}");
    world_server(
        "{\"type\":\"response.done\",\"response\":{\"id\":\"greeting\",\"status\":\"completed\"}}");
    world_server("{\"type\":\"output_audio_buffer.stopped\",\"response_id\":\"greeting\"}");
    world_run(300);
    CHECK(world_has(world_state(), "\"activity\":\"listening\""));
    world_forget();
}

bool world_has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

int world_sent(const char *part) {
    int count = 0;
    for (int i = 0; i < fake.text_count; i++) {
        count += world_has(fake.texts[i].text, part) ? 1 : 0;
    }
    return count;
}

const char *world_last_sent(const char *part) {
    for (int i = fake.text_count - 1; i >= 0; i--) {
        if (world_has(fake.texts[i].text, part)) {
            return fake.texts[i].text;
        }
    }
    return "";
}

void world_forget(void) {
    fake.text_count = 0;
    fake.text_used = 0;
    fake_serial_clear();
}

const char *world_state(void) {
    return fake_last_frame("\"method\":\"state\"");
}

void world_voice(void) {
    uint8_t packet[14] = {0x80,
                          111,
                          (uint8_t)(rtp_sequence >> 8),
                          (uint8_t)rtp_sequence,
                          (uint8_t)(rtp_timestamp >> 24),
                          (uint8_t)(rtp_timestamp >> 16),
                          (uint8_t)(rtp_timestamp >> 8),
                          (uint8_t)rtp_timestamp,
                          0,
                          0,
                          0,
                          6,
                          0x48,
                          0x11}; /* 20 ms of SILK; for the fake decoder the sample 0x1148 */
    rtp_sequence++;
    rtp_timestamp += 960;
    tc_core_rtp(fake.peer_id, packet, sizeof packet, world_now);
}

void world_check_activity(const char *activity) {
    char part[40] = "\"activity\":\"";
    strcat(part, activity);
    CHECK(world_has(world_state(), part));
}

void world_event(const char *type) {
    char json[100] = "{\"type\":\"";
    strcat(json, type);
    strcat(json, "\"}");
    world_server(json);
}

void world_created(const char *id) {
    char json[120] = "{\"type\":\"response.created\",\"response\":{\"id\":\"";
    strcat(json, id);
    strcat(json, "\"}}");
    world_server(json);
}

void world_done(const char *id, const char *status) {
    char json[200] = "{\"type\":\"response.done\",\"response\":{\"id\":\"";
    strcat(json, id);
    strcat(json, "\",\"status\":\"");
    strcat(json, status);
    strcat(json, "\"}}");
    world_server(json);
}

void world_output(const char *what, const char *id) {
    char json[120] = "{\"type\":\"output_audio_buffer.";
    strcat(json, what);
    strcat(json, "\",\"response_id\":\"");
    strcat(json, id);
    strcat(json, "\"}");
    world_server(json);
}

void world_speak(const char *id) {
    world_created(id);
    world_output("started", id);
    for (int i = 0; i < 25; i++) {
        world_voice();
    }
    world_run(100);
    CHECK_EQ(world_heard, 0x1148);
    world_check_activity("speaking");
}

void world_check_reason(tc_state state, const char *reason) {
    CHECK_EQ(tc_session_state(), state);
    CHECK(world_has(world_state(), reason));
}

uint32_t world_retry_ms(void) {
    const char *at = strstr(world_state(), "\"retry_ms\":");
    CHECK(at != NULL);
    uint32_t value = 0;
    for (at += 11; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint32_t)(*at - '0');
    }
    return value;
}
