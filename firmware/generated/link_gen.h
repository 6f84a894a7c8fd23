/* The serial link: limits, methods, notifications, errors, and the words of the states.
 * Generated from shared-protocol/src/link.ts by `npm run generate`; do not edit. */
/* clang-format off */
#ifndef TC_LINK_GEN_H
#define TC_LINK_GEN_H

#include <stdint.h>

#define TC_PROTOCOL_VERSION 1

/* Limits, in bytes. */
#define TC_LINK_MARK 0x1e
#define TC_LINK_MAX_EVENT 65536
#define TC_LINK_MAX_JSON 65792
#define TC_LINK_MAX_TEXT 512
#define TC_LINK_TX_RING 196608
#define TC_LINK_MAX_OTA 16384

/* Host to device: requests. */
typedef enum {
    TC_METHOD_DEVICE_HELLO = 0,
    TC_METHOD_DEVICE_REBOOT = 1,
    TC_METHOD_DEVICE_STATS = 2,
    TC_METHOD_SETTINGS_GET = 3,
    TC_METHOD_SETTINGS_SET = 4,
    TC_METHOD_SETTINGS_COMMIT = 5,
    TC_METHOD_SETTINGS_DISCARD = 6,
    TC_METHOD_SESSION_START = 7,
    TC_METHOD_SESSION_STOP = 8,
    TC_METHOD_SESSION_SAY = 9,
    TC_METHOD_REALTIME_SEND = 10,
    TC_METHOD_TALK_PRESS = 11,
    TC_METHOD_TALK_RELEASE = 12,
    TC_METHOD_TOOLS_SERVE = 13,
    TC_METHOD_TOOL_RESULT = 14,
    TC_METHOD_TOKEN_LEND = 15,
    TC_METHOD_SOUND_TAP = 16,
    TC_METHOD_OTA_BEGIN = 17,
    TC_METHOD_OTA_WRITE = 18,
    TC_METHOD_OTA_END = 19,
    TC_METHOD_OTA_ABORT = 20,
    TC_METHOD_OTA_FETCH = 21,
    TC_METHOD_COUNT = 22,
} tc_method;
extern const char *const tc_method_names[TC_METHOD_COUNT];

/* Device to host: notifications, and the class (tc_drop_class) in which each waits. */
#define TC_NOTIFY_HELLO "hello"
#define TC_NOTIFY_HELLO_DROP TC_DROP_EVENT
#define TC_NOTIFY_STATE "state"
#define TC_NOTIFY_STATE_DROP TC_DROP_EVENT
#define TC_NOTIFY_REALTIME_EVENT "realtime.event"
#define TC_NOTIFY_REALTIME_EVENT_DROP TC_DROP_EVENT
#define TC_NOTIFY_REALTIME_SENT "realtime.sent"
#define TC_NOTIFY_REALTIME_SENT_DROP TC_DROP_EVENT
#define TC_NOTIFY_PROBLEM "problem"
#define TC_NOTIFY_PROBLEM_DROP TC_DROP_LOG
#define TC_NOTIFY_METRIC "metric"
#define TC_NOTIFY_METRIC_DROP TC_DROP_METRIC
#define TC_NOTIFY_OTA "ota"
#define TC_NOTIFY_OTA_DROP TC_DROP_EVENT
#define TC_NOTIFY_TOOL_CALL "tool.call"
#define TC_NOTIFY_TOOL_CALL_DROP TC_DROP_EVENT
#define TC_NOTIFY_SOUND "sound"
#define TC_NOTIFY_SOUND_DROP TC_DROP_SOUND
#define TC_NOTIFY_TOOL "tool"
#define TC_NOTIFY_TOOL_DROP TC_DROP_EVENT
#define TC_NOTIFY_DROPPED "dropped"
#define TC_NOTIFY_DROPPED_DROP TC_DROP_EVENT

/* Words of tc_drop_class (core/link.h), in its order. */
#define TC_DROP_NAME_COUNT 5
extern const char *const tc_drop_names[TC_DROP_NAME_COUNT];

/* JSON-RPC errors. */
typedef enum {
    TC_LINK_ERR_PARSE = -32700, /* not JSON */
    TC_LINK_ERR_REQUEST = -32600, /* not a JSON-RPC 2.0 request */
    TC_LINK_ERR_METHOD = -32601, /* no such method */
    TC_LINK_ERR_PARAMS = -32602, /* wrong parameters */
    TC_LINK_ERR_INTERNAL = -32603, /* the device could not do it */
    TC_LINK_ERR_SETTING_UNKNOWN = -32001, /* no such setting */
    TC_LINK_ERR_SETTING_TYPE = -32002, /* wrong type for this setting */
    TC_LINK_ERR_SETTING_LIMIT = -32003, /* over the limit of this setting */
    TC_LINK_ERR_SETTING_FORM = -32004, /* this setting does not allow that value */
    TC_LINK_ERR_STORAGE = -32005, /* the flash did not take the settings */
    TC_LINK_ERR_STATE = -32006, /* not possible in this state */
    TC_LINK_ERR_FULL = -32007, /* the device is busy; try again */
    TC_LINK_ERR_OTA_IMAGE = -32008, /* the image cannot run on this device */
    TC_LINK_ERR_OTA_DOWNGRADE = -32009, /* the image is older than the firmware that runs */
    TC_LINK_ERR_OTA_BROKEN = -32010, /* the image did not arrive as it was announced */
} tc_link_error;
/** The standing message of an error code; that of TC_LINK_ERR_INTERNAL for an unknown one. */
const char *tc_link_error_message(int32_t code);

typedef enum {
    TC_STATE_UNPROVISIONED = 0,
    TC_STATE_JOINING = 1,
    TC_STATE_READY = 2,
    TC_STATE_CONNECTING = 3,
    TC_STATE_CONFIGURING = 4,
    TC_STATE_LIVE = 5,
    TC_STATE_CLOSING = 6,
    TC_STATE_BACKOFF = 7,
    TC_STATE_COUNT = 8,
} tc_state;
extern const char *const tc_state_names[TC_STATE_COUNT];

/* What a live session is doing. */
typedef enum {
    TC_ACTIVITY_LISTENING = 0,
    TC_ACTIVITY_HEARING = 1,
    TC_ACTIVITY_THINKING = 2,
    TC_ACTIVITY_SPEAKING = 3,
    TC_ACTIVITY_COUNT = 4,
} tc_activity;
extern const char *const tc_activity_names[TC_ACTIVITY_COUNT];

/* Why a state was left or a session ended. */
typedef enum {
    TC_REASON_NONE = 0,
    TC_REASON_BOOT = 1,
    TC_REASON_SETTINGS = 2,
    TC_REASON_WIFI_UP = 3,
    TC_REASON_WIFI_LOST = 4,
    TC_REASON_WIFI_PASSWORD = 5,
    TC_REASON_WIFI_NOT_FOUND = 6,
    TC_REASON_WIFI_FAILED = 7,
    TC_REASON_HOST = 8,
    TC_REASON_BUTTON = 9,
    TC_REASON_AUTOSTART = 10,
    TC_REASON_RETRY = 11,
    TC_REASON_OFFER_FAILED = 12,
    TC_REASON_DNS = 13,
    TC_REASON_TCP = 14,
    TC_REASON_TLS = 15,
    TC_REASON_TIMEOUT = 16,
    TC_REASON_HTTP_400 = 17,
    TC_REASON_HTTP_401 = 18,
    TC_REASON_HTTP_403 = 19,
    TC_REASON_HTTP_404 = 20,
    TC_REASON_HTTP_429 = 21,
    TC_REASON_HTTP_5XX = 22,
    TC_REASON_HTTP_STATUS = 23,
    TC_REASON_HTTP_REDIRECT = 24,
    TC_REASON_NOT_SDP = 25,
    TC_REASON_TOO_LARGE = 26,
    TC_REASON_SDP_REJECTED = 27,
    TC_REASON_PEER_FAILED = 28,
    TC_REASON_CHANNEL_CLOSED = 29,
    TC_REASON_SESSION_ERROR = 30,
    TC_REASON_SESSION_EXPIRED = 31,
    TC_REASON_END_SESSION = 32,
    TC_REASON_IDLE = 33,
    TC_REASON_VOICE = 34,
    TC_REASON_TOKEN_EXPIRED = 35,
    TC_REASON_RENEWAL = 36,
    TC_REASON_BUDGET = 37,
    TC_REASON_RATE_LIMIT = 38,
    TC_REASON_COUNT = 39,
} tc_reason;
extern const char *const tc_reason_names[TC_REASON_COUNT];

#endif
