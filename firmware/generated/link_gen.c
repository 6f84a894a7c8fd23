/* The serial link: limits, methods, notifications, errors, and the words of the states.
 * Generated from shared-protocol/src/link.ts by `npm run generate`; do not edit. */
/* clang-format off */
#include "link_gen.h"

const char *const tc_method_names[TC_METHOD_COUNT] = {
    [TC_METHOD_DEVICE_HELLO] = "device.hello",
    [TC_METHOD_DEVICE_REBOOT] = "device.reboot",
    [TC_METHOD_DEVICE_STATS] = "device.stats",
    [TC_METHOD_SETTINGS_GET] = "settings.get",
    [TC_METHOD_SETTINGS_SET] = "settings.set",
    [TC_METHOD_SETTINGS_COMMIT] = "settings.commit",
    [TC_METHOD_SETTINGS_DISCARD] = "settings.discard",
    [TC_METHOD_SESSION_START] = "session.start",
    [TC_METHOD_SESSION_STOP] = "session.stop",
    [TC_METHOD_SESSION_SAY] = "session.say",
    [TC_METHOD_REALTIME_SEND] = "realtime.send",
    [TC_METHOD_TALK_PRESS] = "talk.press",
    [TC_METHOD_TALK_RELEASE] = "talk.release",
    [TC_METHOD_TOOLS_SERVE] = "tools.serve",
    [TC_METHOD_TOOL_RESULT] = "tool.result",
    [TC_METHOD_TOKEN_LEND] = "token.lend",
    [TC_METHOD_SOUND_TAP] = "sound.tap",
    [TC_METHOD_OTA_BEGIN] = "ota.begin",
    [TC_METHOD_OTA_WRITE] = "ota.write",
    [TC_METHOD_OTA_END] = "ota.end",
    [TC_METHOD_OTA_ABORT] = "ota.abort",
    [TC_METHOD_OTA_FETCH] = "ota.fetch",
};

const char *const tc_drop_names[TC_DROP_NAME_COUNT] = {
    [0] = "sound",
    [1] = "text",
    [2] = "log",
    [3] = "metric",
    [4] = "event",
};

const char *tc_link_error_message(int32_t code) {
    switch (code) {
    case TC_LINK_ERR_PARSE:
        return "not JSON";
    case TC_LINK_ERR_REQUEST:
        return "not a JSON-RPC 2.0 request";
    case TC_LINK_ERR_METHOD:
        return "no such method";
    case TC_LINK_ERR_PARAMS:
        return "wrong parameters";
    case TC_LINK_ERR_SETTING_UNKNOWN:
        return "no such setting";
    case TC_LINK_ERR_SETTING_TYPE:
        return "wrong type for this setting";
    case TC_LINK_ERR_SETTING_LIMIT:
        return "over the limit of this setting";
    case TC_LINK_ERR_SETTING_FORM:
        return "this setting does not allow that value";
    case TC_LINK_ERR_STORAGE:
        return "the flash did not take the settings";
    case TC_LINK_ERR_STATE:
        return "not possible in this state";
    case TC_LINK_ERR_FULL:
        return "the device is busy; try again";
    case TC_LINK_ERR_OTA_IMAGE:
        return "the image cannot run on this device";
    case TC_LINK_ERR_OTA_DOWNGRADE:
        return "the image is older than the firmware that runs";
    case TC_LINK_ERR_OTA_BROKEN:
        return "the image did not arrive as it was announced";
    default:
        return "the device could not do it";
    }
}

const char *const tc_state_names[TC_STATE_COUNT] = {
    [TC_STATE_UNPROVISIONED] = "unprovisioned",
    [TC_STATE_JOINING] = "joining",
    [TC_STATE_READY] = "ready",
    [TC_STATE_CONNECTING] = "connecting",
    [TC_STATE_CONFIGURING] = "configuring",
    [TC_STATE_LIVE] = "live",
    [TC_STATE_CLOSING] = "closing",
    [TC_STATE_BACKOFF] = "backoff",
};

const char *const tc_activity_names[TC_ACTIVITY_COUNT] = {
    [TC_ACTIVITY_LISTENING] = "listening",
    [TC_ACTIVITY_HEARING] = "hearing",
    [TC_ACTIVITY_THINKING] = "thinking",
    [TC_ACTIVITY_SPEAKING] = "speaking",
};

const char *const tc_reason_names[TC_REASON_COUNT] = {
    [TC_REASON_NONE] = "none",
    [TC_REASON_BOOT] = "boot",
    [TC_REASON_SETTINGS] = "settings",
    [TC_REASON_WIFI_UP] = "wifi_up",
    [TC_REASON_WIFI_LOST] = "wifi_lost",
    [TC_REASON_WIFI_PASSWORD] = "wifi_password",
    [TC_REASON_WIFI_NOT_FOUND] = "wifi_not_found",
    [TC_REASON_WIFI_FAILED] = "wifi_failed",
    [TC_REASON_HOST] = "host",
    [TC_REASON_BUTTON] = "button",
    [TC_REASON_AUTOSTART] = "autostart",
    [TC_REASON_RETRY] = "retry",
    [TC_REASON_OFFER_FAILED] = "offer_failed",
    [TC_REASON_DNS] = "dns",
    [TC_REASON_TCP] = "tcp",
    [TC_REASON_TLS] = "tls",
    [TC_REASON_TIMEOUT] = "timeout",
    [TC_REASON_HTTP_400] = "http_400",
    [TC_REASON_HTTP_401] = "http_401",
    [TC_REASON_HTTP_403] = "http_403",
    [TC_REASON_HTTP_404] = "http_404",
    [TC_REASON_HTTP_429] = "http_429",
    [TC_REASON_HTTP_5XX] = "http_5xx",
    [TC_REASON_HTTP_STATUS] = "http_status",
    [TC_REASON_HTTP_REDIRECT] = "http_redirect",
    [TC_REASON_NOT_SDP] = "not_sdp",
    [TC_REASON_TOO_LARGE] = "too_large",
    [TC_REASON_SDP_REJECTED] = "sdp_rejected",
    [TC_REASON_PEER_FAILED] = "peer_failed",
    [TC_REASON_CHANNEL_CLOSED] = "channel_closed",
    [TC_REASON_SESSION_ERROR] = "session_error",
    [TC_REASON_SESSION_EXPIRED] = "session_expired",
    [TC_REASON_END_SESSION] = "end_session",
    [TC_REASON_IDLE] = "idle",
    [TC_REASON_VOICE] = "voice",
    [TC_REASON_TOKEN_EXPIRED] = "token_expired",
    [TC_REASON_RENEWAL] = "renewal",
    [TC_REASON_BUDGET] = "budget",
    [TC_REASON_RATE_LIMIT] = "rate_limit",
};
