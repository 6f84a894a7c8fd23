#include "../core/crc32.h"
#include "../core/link.h"
#include "../core/settings.h"
#include "../core/settings_journal.h"
#include "../core/sha256.h"
#include "check.h"
#include "fake_port.h"

static uint32_t changed[(TC_SETTING_COUNT + 31) / 32];
static char name[32];

static void start(void) {
    fake_reset();
    tc_link_init();
    tc_settings_init();
}

static void reboot(void) {
    fake_reboot();
    tc_link_init();
    tc_settings_init();
}

static tc_err stage(const char *values) {
    return tc_settings_stage((tc_span){values, strlen(values)}, name, sizeof name);
}

static void commit(const char *values) {
    CHECK_EQ(stage(values), TC_OK);
    CHECK_EQ(tc_settings_commit(changed), TC_OK);
}

static bool has_changed(tc_setting_id id) {
    return (changed[id / 32] >> (id % 32) & 1) != 0;
}

static void put_u8(const char *key, uint8_t value) {
    fake_kv_put(key, TC_KV_U8, &value, 1);
}

TC_TEST(settings_start_with_the_defaults) {
    start();
    CHECK_STR(tc_settings_get()->server_label, "oai-events");
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
    CHECK_EQ(tc_settings_get()->tools_enabled, true);
    CHECK_EQ(tc_settings_get()->turn_detection, TC_TURN_DETECTION_SERVER_VAD);
    CHECK_EQ(tc_settings_get()->turn_silence, 500);
    CHECK(!tc_settings_complete());
    CHECK_EQ(fake.kv_changes, 0);
}

TC_TEST(settings_load_what_is_stored) {
    uint16_t silence = 700;
    start();
    fake_kv_put_text("wifi_ssid", "home");
    fake_kv_put_text("srv_token", "ek_123");
    put_u8("volume", 33);
    put_u8("tools", 0);
    put_u8("turn", TC_TURN_DETECTION_NONE);
    fake_kv_put("vad_silence", TC_KV_U16, &silence, 2);
    tc_settings_init();
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
    CHECK_EQ(tc_settings_get()->audio_volume, 33);
    CHECK_EQ(tc_settings_get()->tools_enabled, false);
    CHECK_EQ(tc_settings_get()->turn_detection, TC_TURN_DETECTION_NONE);
    CHECK_EQ(tc_settings_get()->turn_silence, 700);
    CHECK(tc_settings_complete());
}

TC_TEST(settings_ignore_stored_values_that_are_not_usable) {
    char model[100];
    memset(model, 'm', sizeof model);
    start();
    put_u8("volume", 101);
    put_u8("tools", 2);
    put_u8("turn", 3);
    fake_kv_put("model", TC_KV_TEXT, model, 65);
    fake_kv_put("voice", TC_KV_TEXT, "a b", 3);
    fake_kv_put("name", TC_KV_TEXT, "a\xFF", 2);
    fake_kv_put("wifi_ssid", TC_KV_TEXT, "a\0b", 3);
    fake_kv_put_text("srv_url", "http://example.com/");
    fake_kv_put("vad_silence", TC_KV_U32, "\1\0\0\0", 4);
    fake_kv_put("vad_prefix", TC_KV_U16, "\1\0\0", 3);
    tc_settings_init();
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
    CHECK_EQ(tc_settings_get()->tools_enabled, true);
    CHECK_EQ(tc_settings_get()->turn_detection, TC_TURN_DETECTION_SERVER_VAD);
    CHECK_STR(tc_settings_get()->session_model, "gpt-realtime-2.1-mini");
    CHECK_STR(tc_settings_get()->session_voice, "marin");
    CHECK_STR(tc_settings_get()->device_name, "tincan");
    CHECK_STR(tc_settings_get()->wifi_ssid, "");
    CHECK_STR(tc_settings_get()->server_url, "https://api.openai.com/v1/realtime/calls");
    CHECK_EQ(tc_settings_get()->turn_silence, 500);
    CHECK_EQ(tc_settings_get()->turn_prefix, 300);
    tc_link_pump();
    CHECK(fake_serial_holds(
        "W (0) settings: stored audio.volume is not usable (-5), default taken\n"));
}

TC_TEST(settings_commit_keeps_and_says_what_changed) {
    start();
    commit("{\"wifi.ssid\":\"home\",\"server.token\":\" ek_1\\n\",\"audio.volume\":20,"
           "\"tools.enabled\":true,\"turn.detection\":\"none\"}");
    CHECK(has_changed(TC_SETTING_WIFI_SSID) && has_changed(TC_SETTING_SERVER_TOKEN));
    CHECK(has_changed(TC_SETTING_AUDIO_VOLUME) && has_changed(TC_SETTING_TURN_DETECTION));
    CHECK(!has_changed(TC_SETTING_TOOLS_ENABLED) && !has_changed(TC_SETTING_DEVICE_NAME));
    CHECK_STR(tc_settings_get()->server_token, "ek_1");
    CHECK(fake_kv_find("journal") == NULL);
    CHECK_EQ(fake_kv_find("turn")->value[0], TC_TURN_DETECTION_NONE);
    reboot();
    CHECK_STR(tc_settings_get()->wifi_ssid, "home");
    CHECK_STR(tc_settings_get()->server_token, "ek_1");
    CHECK_EQ(tc_settings_get()->audio_volume, 20);
    CHECK_EQ(tc_settings_get()->turn_detection, TC_TURN_DETECTION_NONE);
}

TC_TEST(settings_null_goes_back_to_the_default_and_frees_the_key) {
    start();
    commit("{\"device.name\":\"lamp\",\"audio.volume\":20}");
    commit("{\"device.name\":null,\"audio.volume\":null,\"wifi.ssid\":null}");
    CHECK_STR(tc_settings_get()->device_name, "tincan");
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
    CHECK(has_changed(TC_SETTING_DEVICE_NAME) && has_changed(TC_SETTING_AUDIO_VOLUME));
    CHECK(!has_changed(TC_SETTING_WIFI_SSID));
    CHECK(fake_kv_find("name") == NULL && fake_kv_find("volume") == NULL);
}

TC_TEST(settings_stage_is_all_or_nothing_and_names_the_culprit) {
    start();
    CHECK_EQ(stage("{\"audio.volume\":20,\"device.name\":5}"), TC_ERR_TYPE);
    CHECK_STR(name, "device.name");
    CHECK_EQ(stage("{\"audio.volume\":20,\"turn.idle\":4999}"), TC_ERR_FORMAT);
    CHECK_STR(name, "turn.idle");
    CHECK_EQ(stage("{\"audio.volume\":101}"), TC_ERR_RANGE);
    CHECK_EQ(stage("{\"transcription.language\":\"123456789\"}"), TC_ERR_SIZE);
    CHECK_EQ(stage("{\"turn.detection\":\"vad\"}"), TC_ERR_FORMAT);
    CHECK_EQ(stage("{\"audio.volume\":20,\"no.such\":[1,{}]}"), TC_ERR_NOT_FOUND);
    CHECK_STR(name, "no.such");
    CHECK_EQ(stage("{\"a name so long that it does not fit into the buffer\":1}"),
             TC_ERR_NOT_FOUND);
    CHECK_STR(name, "a name so long that it does not");
    CHECK_EQ(stage("[1]"), TC_ERR_FORMAT);
    CHECK_STR(name, "");
    CHECK_EQ(stage("{\"audio.volume\":20"), TC_ERR_FORMAT);
    CHECK_EQ(tc_settings_commit(changed), TC_OK);
    CHECK_EQ(changed[0] | changed[1], 0);
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
    CHECK_EQ(fake.kv_changes, 0);
}

TC_TEST(settings_stage_adds_up_until_commit_or_discard) {
    start();
    CHECK_EQ(stage("{\"audio.volume\":20,\"device.name\":\"a\"}"), TC_OK);
    CHECK_EQ(stage("{\"audio.volume\":30}"), TC_OK);
    CHECK_EQ(stage("{\"device.name\":null,\"session.voice\":null}"), TC_OK);
    CHECK_EQ(stage("{\"session.voice\":\"ash\"}"), TC_OK);
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
    CHECK_EQ(tc_settings_commit(changed), TC_OK);
    CHECK_EQ(tc_settings_get()->audio_volume, 30);
    CHECK_STR(tc_settings_get()->device_name, "tincan");
    CHECK_BYTES(fake_kv_find("voice")->value, "ash", 3);
    CHECK_EQ(stage("{\"audio.volume\":40}"), TC_OK);
    tc_settings_discard();
    CHECK_EQ(tc_settings_commit(changed), TC_OK);
    CHECK_EQ(tc_settings_get()->audio_volume, 30);
}

TC_TEST(settings_commit_fails_as_a_whole_where_the_journal_has_no_room) {
    start();
    commit("{\"device.name\":\"old\"}");
    CHECK_EQ(stage("{\"device.name\":\"new\",\"audio.volume\":1}"), TC_OK);
    fake.kv_failing = "journal";
    fake.kv_failure = TC_ERR_FULL;
    CHECK_EQ(tc_settings_commit(changed), TC_ERR_FULL);
    CHECK_STR(tc_settings_get()->device_name, "old");
    fake.kv_failing = NULL;
    CHECK_EQ(tc_settings_commit(changed), TC_OK); /* it is still staged */
    CHECK_STR(tc_settings_get()->device_name, "new");
    CHECK_EQ(tc_settings_get()->audio_volume, 1);
}

TC_TEST(settings_journal_stands_in_for_a_key_that_cannot_be_written) {
    start();
    fake.kv_failing = "name";
    fake.kv_failure = TC_ERR_FULL;
    commit("{\"device.name\":\"new\",\"audio.volume\":1}");
    CHECK(fake_kv_find("journal") != NULL);
    /* A later commit must not lose it. */
    commit("{\"audio.volume\":2}");
    CHECK(!has_changed(TC_SETTING_DEVICE_NAME));
    CHECK(fake_kv_find("name") == NULL);
    reboot();
    CHECK_STR(tc_settings_get()->device_name, "new");
    CHECK_EQ(tc_settings_get()->audio_volume, 2);
    CHECK(fake_kv_find("journal") == NULL);
    CHECK_BYTES(fake_kv_find("name")->value, "new", 3);
}

TC_TEST(settings_survive_a_power_cut_at_every_write) {
    static const char *const old_values =
        "{\"wifi.ssid\":\"old net\",\"wifi.password\":\"old secret\","
        "\"server.token\":\"old_token\",\"audio.volume\":10,\"turn.silence\":1000}";
    static const char *const new_values =
        "{\"wifi.ssid\":\"new net\",\"wifi.password\":\"new secret\","
        "\"server.token\":null,\"audio.volume\":20,\"turn.silence\":2000}";
    int old_seen = 0, new_seen = 0;
    for (int first = 0; first < 12; first++) {
        for (int second = 0; second < 12; second++) {
            start();
            commit(old_values);
            CHECK_EQ(stage(new_values), TC_OK);
            fake.kv_changes_left = first;
            tc_settings_commit(changed);
            /* The power goes again while the journal is applied. */
            fake_reboot();
            fake.kv_changes_left = second;
            tc_settings_init();
            reboot();
            const tc_settings *now = tc_settings_get();
            bool is_new = strcmp(now->wifi_ssid, "new net") == 0;
            CHECK_STR(now->wifi_ssid, is_new ? "new net" : "old net");
            CHECK_STR(now->wifi_password, is_new ? "new secret" : "old secret");
            CHECK_STR(now->server_token, is_new ? "" : "old_token");
            CHECK_EQ(now->audio_volume, is_new ? 20 : 10);
            CHECK_EQ(now->turn_silence, is_new ? 2000 : 1000);
            CHECK(fake_kv_find("journal") == NULL);
            old_seen += is_new ? 0 : 1;
            new_seen += is_new ? 1 : 0;
        }
    }
    CHECK_EQ(old_seen, 12); /* only where not even the journal was written */
    CHECK_EQ(new_seen, 11 * 12);
}

static size_t build(uint8_t out[TC_JOURNAL_MAX], const char *voice, uint8_t volume) {
    tc_setting_set touched = {{0}}, erased = {{0}};
    static tc_settings values;
    strcpy(values.session_voice, voice);
    values.audio_volume = volume;
    strcpy(values.device_name, "left out");
    tc_set_add(&touched, TC_SETTING_SESSION_VOICE);
    tc_set_add(&touched, TC_SETTING_AUDIO_VOLUME);
    tc_set_add(&touched, TC_SETTING_DEVICE_NAME);
    tc_set_add(&erased, TC_SETTING_DEVICE_NAME);
    return tc_journal_build(out, &values, &touched, &erased);
}

TC_TEST(settings_journal_has_its_documented_form) {
    static uint8_t blob[TC_JOURNAL_MAX];
    size_t length = build(blob, "ash", 9);
    CHECK_BYTES(blob, "\1\3\5voice\x21\3\0ash\6volume\1\1\0\x09\4name\0\0\0", 2 + 12 + 11 + 8);
    CHECK_EQ(length, 2 + 12 + 11 + 8 + 4);
}

TC_TEST(settings_journal_that_is_damaged_is_dropped) {
    static uint8_t blob[TC_JOURNAL_MAX];
    size_t length = build(blob, "ash", 9);
    for (size_t at = 0; at < length; at++) {
        start();
        blob[at] ^= 0x40;
        fake_kv_put("journal", TC_KV_BLOB, blob, length);
        blob[at] ^= 0x40;
        tc_settings_init();
        CHECK_STR(tc_settings_get()->session_voice, "marin");
        CHECK_EQ(tc_settings_get()->audio_volume, 70);
        CHECK(fake_kv_find("journal") == NULL);
    }
    for (size_t cut = 0; cut < length; cut++) {
        start();
        fake_kv_put("journal", TC_KV_BLOB, blob, cut);
        tc_settings_init();
        CHECK_STR(tc_settings_get()->session_voice, "marin");
        CHECK(fake_kv_find("journal") == NULL);
    }
    start();
    fake_kv_put("journal", TC_KV_BLOB, blob, length);
    tc_settings_init();
    CHECK_STR(tc_settings_get()->session_voice, "ash");
    CHECK_EQ(tc_settings_get()->audio_volume, 9);
}

TC_TEST(settings_journal_leaves_out_what_this_firmware_does_not_take) {
    static uint8_t blob[TC_JOURNAL_MAX];
    size_t length = build(blob, "a b", 101);
    uint32_t crc;
    start();
    fake_kv_put_text("name", "lamp");
    fake_kv_put("journal", TC_KV_BLOB, blob, length);
    tc_settings_init();
    CHECK_STR(tc_settings_get()->session_voice, "marin");
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
    CHECK_STR(tc_settings_get()->device_name, "tincan");
    /* A key that is not known. */
    start();
    length = build(blob, "ash", 9);
    blob[3] = 'V';
    crc = tc_crc32(0, blob, length - 4);
    memcpy(blob + length - 4, &crc, 4);
    fake_kv_put("journal", TC_KV_BLOB, blob, length);
    tc_settings_init();
    CHECK_STR(tc_settings_get()->session_voice, "marin");
    CHECK_EQ(tc_settings_get()->audio_volume, 9);
    /* A type that is not that of the setting. */
    start();
    length = build(blob, "ash", 9);
    CHECK_EQ(blob[2 + 12 + 7], TC_KV_U8);
    blob[2 + 12 + 7] = TC_KV_U16;
    crc = tc_crc32(0, blob, length - 4);
    memcpy(blob + length - 4, &crc, 4);
    fake_kv_put("journal", TC_KV_BLOB, blob, length);
    tc_settings_init();
    CHECK_STR(tc_settings_get()->session_voice, "ash");
    CHECK_EQ(tc_settings_get()->audio_volume, 70);
}

TC_TEST(settings_journal_has_room_for_everything_at_its_longest) {
    static char values[2 * sizeof(tc_settings)];
    tc_json_writer w;
    start();
    tc_json_start(&w, values, sizeof values);
    tc_json_open_object(&w);
    for (int id = 0; id < TC_SETTING_COUNT; id++) {
        const tc_setting_info *info = &tc_setting_table[id];
        static char text[sizeof(tc_settings)];
        tc_json_key(&w, info->name);
        if (info->kind == TC_SETTING_TEXT) {
            memset(text, 'a', info->max);
            text[info->max] = '\0';
            memcpy(text, "https://", info->form == TC_FORM_URL ? 8 : 0);
            tc_json_string(&w, text);
        } else if (info->kind == TC_SETTING_CHOICE) {
            tc_json_string(&w, info->choices[info->max]);
        } else if (info->kind == TC_SETTING_FLAG) {
            tc_json_bool(&w, true);
        } else {
            tc_json_int_value(&w, info->max);
        }
    }
    tc_json_close_object(&w);
    CHECK(!w.full);
    fake.kv_changes_left = FAKE_UNLIMITED;
    CHECK_EQ(tc_settings_stage((tc_span){values, w.length}, name, sizeof name), TC_OK);
    fake.kv_failing = "turn"; /* so that the journal stays */
    fake.kv_failure = TC_ERR_FULL;
    CHECK_EQ(tc_settings_commit(changed), TC_OK);
    CHECK(fake_kv_find("journal")->length <= TC_JOURNAL_MAX);
    reboot();
    CHECK_EQ(strlen(tc_settings_get()->session_instructions), 3000);
    CHECK_EQ(tc_settings_get()->turn_detection, TC_TURN_DETECTION_NONE);
    CHECK_EQ(tc_settings_get()->device_idle_limit, 3600);
}

static const char *written(tc_setting_id id) {
    static char out[4096];
    tc_json_writer w;
    tc_json_start(&w, out, sizeof out - 1);
    tc_settings_write(&w, id);
    CHECK(!w.full);
    out[w.length] = '\0';
    return out;
}

TC_TEST(settings_are_read_back_by_type_and_secrets_by_fingerprint) {
    static const char digits[] = "0123456789abcdef";
    char wanted[128];
    uint8_t salt[8], digest[32];
    tc_sha256 hash;
    tc_json_writer w;
    start();
    fake.random_state = 1; /* as it was when the salt was drawn */
    tc_port_random(salt, sizeof salt);
    commit("{\"server.token\":\"ek_secret\"}");
    CHECK_STR(written(TC_SETTING_DEVICE_NAME), "\"tincan\"");
    CHECK_STR(written(TC_SETTING_AUDIO_VOLUME), "70");
    CHECK_STR(written(TC_SETTING_TURN_SILENCE), "500");
    CHECK_STR(written(TC_SETTING_TOOLS_ENABLED), "true");
    CHECK_STR(written(TC_SETTING_TURN_DETECTION), "\"server_vad\"");
    tc_sha256_start(&hash);
    tc_sha256_add(&hash, salt, sizeof salt);
    tc_sha256_add(&hash, "ek_secret", 9);
    tc_sha256_end(&hash, digest);
    tc_json_start(&w, wanted, sizeof wanted);
    char salt_hex[17] = "", print_hex[9] = "";
    for (int i = 0; i < 8; i++) {
        salt_hex[2 * i] = digits[salt[i] >> 4];
        salt_hex[2 * i + 1] = digits[salt[i] & 15];
    }
    for (int i = 0; i < 4; i++) {
        print_hex[2 * i] = digits[digest[i] >> 4];
        print_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    tc_json_open_object(&w);
    tc_json_pair_bool(&w, "set", true);
    tc_json_pair_string(&w, "salt", salt_hex);
    tc_json_pair_string(&w, "fingerprint", print_hex);
    tc_json_close_object(&w);
    wanted[w.length] = '\0';
    CHECK_STR(written(TC_SETTING_SERVER_TOKEN), wanted);
    CHECK(strstr(written(TC_SETTING_WIFI_PASSWORD), "\"set\":false") != NULL);
}

TC_TEST(settings_never_log_a_secret) {
    start();
    fake_kv_put_text("srv_token", "hush hush");
    fake_kv_put_text("wifi_pass", "hushush");
    tc_settings_init();
    commit("{\"server.token\":\"hushhush\"}");
    stage("{\"wifi.password\":\"hush\"}");
    tc_link_pump();
    CHECK(fake_serial_holds("server.token is not usable"));
    CHECK(!fake_serial_holds("hush"));
}
