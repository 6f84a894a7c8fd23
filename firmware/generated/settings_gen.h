/* The settings of the device: struct, table, limits and defaults.
 * Generated from shared-protocol/src/settings.ts by `npm run generate`; do not edit. */
/* clang-format off */
#ifndef TC_SETTINGS_GEN_H
#define TC_SETTINGS_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    TC_SETTING_WIFI_SSID = 0,
    TC_SETTING_WIFI_PASSWORD = 1,
    TC_SETTING_WIFI2_SSID = 2,
    TC_SETTING_WIFI2_PASSWORD = 3,
    TC_SETTING_WIFI3_SSID = 4,
    TC_SETTING_WIFI3_PASSWORD = 5,
    TC_SETTING_SERVER_URL = 6,
    TC_SETTING_SERVER_AUTH = 7,
    TC_SETTING_SERVER_TOKEN = 8,
    TC_SETTING_SERVER_TOKEN_EXPIRES = 9,
    TC_SETTING_SERVER_PIN = 10,
    TC_SETTING_SERVER_QUERY = 11,
    TC_SETTING_SERVER_BODY = 12,
    TC_SETTING_SERVER_LABEL = 13,
    TC_SETTING_SESSION_MODEL = 14,
    TC_SETTING_SESSION_VOICE = 15,
    TC_SETTING_SESSION_SPEED = 16,
    TC_SETTING_SESSION_INSTRUCTIONS = 17,
    TC_SETTING_SESSION_GREETING = 18,
    TC_SETTING_SESSION_GOODBYE = 19,
    TC_SETTING_SESSION_MODALITY = 20,
    TC_SETTING_SESSION_MAX_TOKENS = 21,
    TC_SETTING_SESSION_TOOL_CHOICE = 22,
    TC_SETTING_SESSION_REASONING = 23,
    TC_SETTING_SESSION_PROMPT = 24,
    TC_SETTING_SESSION_TRUNCATION = 25,
    TC_SETTING_SESSION_RETENTION = 26,
    TC_SETTING_SESSION_CONTEXT_TOKENS = 27,
    TC_SETTING_SESSION_HISTORY = 28,
    TC_SETTING_SESSION_RENEW = 29,
    TC_SETTING_TURN_DETECTION = 30,
    TC_SETTING_TURN_THRESHOLD = 31,
    TC_SETTING_TURN_PREFIX = 32,
    TC_SETTING_TURN_SILENCE = 33,
    TC_SETTING_TURN_IDLE = 34,
    TC_SETTING_TURN_EAGERNESS = 35,
    TC_SETTING_TURN_RESPOND = 36,
    TC_SETTING_TURN_INTERRUPT = 37,
    TC_SETTING_TRANSCRIPTION_MODEL = 38,
    TC_SETTING_TRANSCRIPTION_LANGUAGE = 39,
    TC_SETTING_TRANSCRIPTION_PROMPT = 40,
    TC_SETTING_AUDIO_NOISE_REDUCTION = 41,
    TC_SETTING_AUDIO_VOLUME = 42,
    TC_SETTING_TOOLS_ENABLED = 43,
    TC_SETTING_DEVICE_NAME = 44,
    TC_SETTING_DEVICE_AUTOSTART = 45,
    TC_SETTING_DEVICE_WAKE = 46,
    TC_SETTING_DEVICE_IDLE_LIMIT = 47,
    TC_SETTING_BUDGET_MINUTES = 48,
    TC_SETTING_BUDGET_CENTS = 49,
    TC_SETTING_DEVICE_LOG_LEVEL = 50,
    TC_SETTING_COUNT = 51,
} tc_setting_id;

/* Size of a buffer for the longest name, NUL included. */
#define TC_SETTING_NAME_SIZE 23

/* Choices are stored as their number. */
typedef enum {
    TC_SERVER_AUTH_BEARER = 0,
    TC_SERVER_AUTH_API_KEY = 1,
} tc_server_auth;

typedef enum {
    TC_SERVER_BODY_SDP = 0,
    TC_SERVER_BODY_SESSION = 1,
} tc_server_body;

typedef enum {
    TC_SESSION_MODALITY_AUDIO = 0,
    TC_SESSION_MODALITY_TEXT = 1,
} tc_session_modality;

typedef enum {
    TC_SESSION_REASONING_DEFAULT = 0,
    TC_SESSION_REASONING_MINIMAL = 1,
    TC_SESSION_REASONING_LOW = 2,
    TC_SESSION_REASONING_MEDIUM = 3,
    TC_SESSION_REASONING_HIGH = 4,
    TC_SESSION_REASONING_XHIGH = 5,
} tc_session_reasoning;

typedef enum {
    TC_SESSION_TRUNCATION_AUTO = 0,
    TC_SESSION_TRUNCATION_DISABLED = 1,
    TC_SESSION_TRUNCATION_RETENTION_RATIO = 2,
} tc_session_truncation;

typedef enum {
    TC_TURN_DETECTION_SERVER_VAD = 0,
    TC_TURN_DETECTION_SEMANTIC_VAD = 1,
    TC_TURN_DETECTION_NONE = 2,
} tc_turn_detection;

typedef enum {
    TC_TURN_EAGERNESS_AUTO = 0,
    TC_TURN_EAGERNESS_LOW = 1,
    TC_TURN_EAGERNESS_MEDIUM = 2,
    TC_TURN_EAGERNESS_HIGH = 3,
} tc_turn_eagerness;

typedef enum {
    TC_AUDIO_NOISE_REDUCTION_NONE = 0,
    TC_AUDIO_NOISE_REDUCTION_NEAR_FIELD = 1,
    TC_AUDIO_NOISE_REDUCTION_FAR_FIELD = 2,
} tc_audio_noise_reduction;

typedef enum {
    TC_DEVICE_WAKE_BUTTON = 0,
    TC_DEVICE_WAKE_VOICE = 1,
} tc_device_wake;

typedef enum {
    TC_DEVICE_LOG_LEVEL_ERROR = 0,
    TC_DEVICE_LOG_LEVEL_WARN = 1,
    TC_DEVICE_LOG_LEVEL_INFO = 2,
    TC_DEVICE_LOG_LEVEL_DEBUG = 3,
} tc_device_log_level;

/* All settings, by value. */
typedef struct {
    char wifi_ssid[33];
    char wifi_password[65];
    char wifi2_ssid[33];
    char wifi2_password[65];
    char wifi3_ssid[33];
    char wifi3_password[65];
    char server_url[256];
    uint8_t server_auth; /* tc_server_auth */
    char server_token[2048];
    uint32_t server_token_expires; /* s since 1970 */
    char server_pin[65];
    char server_query[128];
    uint8_t server_body; /* tc_server_body */
    char server_label[33];
    char session_model[65];
    char session_voice[33];
    uint8_t session_speed; /* % */
    char session_instructions[3001];
    char session_greeting[501];
    char session_goodbye[501];
    uint8_t session_modality; /* tc_session_modality */
    uint16_t session_max_tokens; /* tokens */
    char session_tool_choice[65];
    uint8_t session_reasoning; /* tc_session_reasoning */
    char session_prompt[65];
    uint8_t session_truncation; /* tc_session_truncation */
    uint8_t session_retention; /* % */
    uint32_t session_context_tokens; /* tokens */
    uint8_t session_history; /* turns */
    uint8_t session_renew; /* min */
    uint8_t turn_detection; /* tc_turn_detection */
    uint8_t turn_threshold; /* % */
    uint16_t turn_prefix; /* ms */
    uint16_t turn_silence; /* ms */
    uint16_t turn_idle; /* ms */
    uint8_t turn_eagerness; /* tc_turn_eagerness */
    bool turn_respond;
    bool turn_interrupt;
    char transcription_model[65];
    char transcription_language[9];
    char transcription_prompt[256];
    uint8_t audio_noise_reduction; /* tc_audio_noise_reduction */
    uint8_t audio_volume; /* % */
    bool tools_enabled;
    char device_name[33];
    bool device_autostart;
    uint8_t device_wake; /* tc_device_wake */
    uint16_t device_idle_limit; /* s */
    uint16_t budget_minutes; /* min */
    uint16_t budget_cents; /* US cents */
    uint8_t device_log_level; /* tc_device_log_level */
} tc_settings;

typedef enum {
    TC_SETTING_TEXT,
    TC_SETTING_NUMBER,
    TC_SETTING_FLAG,
    TC_SETTING_CHOICE,
} tc_setting_kind;

/* What a text may hold; the rules in words: settings-check.ts, in cases: golden/settings.json. */
typedef enum {
    TC_FORM_ANY, /* UTF-8 without control characters (U+0000 to U+001F, U+007F) */
    TC_FORM_WORD, /* outer white space is cut off; then printable ASCII without spaces */
    TC_FORM_URL, /* like WORD; an absolute https URL, http only to a loopback host */
    TC_FORM_LINES, /* like ANY, but U+000A is allowed */
    TC_FORM_PASSPHRASE, /* like ANY; empty, 8 to 63 bytes, or 64 hex digits */
    TC_FORM_PIN, /* like WORD; empty, or 64 hex digits */
    TC_FORM_QUERY, /* like WORD; what follows the "?" of a URL, without keys */
} tc_setting_form;

/* What follows a change, by strength. */
typedef enum {
    TC_EFFECT_NONE,
    TC_EFFECT_NOW,
    TC_EFFECT_SESSION,
    TC_EFFECT_WIFI,
} tc_setting_effect;

typedef struct {
    const char *name;
    const char *key;   /* in NVS, at most 15 characters */
    uint8_t kind;      /* tc_setting_kind */
    uint8_t kv_type;   /* tc_kv_type of port.h */
    uint8_t form;      /* tc_setting_form; of texts */
    uint8_t effect;    /* tc_setting_effect */
    bool secret;
    bool required;     /* the device cannot work while it is empty */
    uint16_t offset;   /* of the member in tc_settings */
    uint16_t size;     /* of the member, a text's NUL included */
    uint32_t min, max; /* text: bytes; number: its unit; flag: 0, 1; choice: first and last number */
    uint32_t zero_or;  /* number: 0, or at least this; 0 where there is no such rule */
    const char *const *choices; /* their words, else NULL */
    uint8_t choice_count;
    const char *default_text; /* of texts, else NULL */
    uint32_t default_number;  /* of the others; flags 0 or 1, choices by number */
} tc_setting_info;

extern const tc_setting_info tc_setting_table[TC_SETTING_COUNT];

#endif
