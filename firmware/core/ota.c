#include "ota.h"

#include <string.h>

#include "../generated/link_gen.h"
#include "../port.h"
#include "app_image.h"
#include "base64.h"
#include "board.h"
#include "device.h"
#include "link.h"
#include "log.h"
#include "session.h"
#include "settings.h"
#include "sha256.h"

#define TAG "ota"
#define PROJECT "tincan-" TC_BOARD_ID
#define CHIP_ESP32_S3 9
#define SILENCE_MS 60000u       /* a host that sends nothing for so long is gone */
#define FETCH_SILENCE_MS 20000u /* so is a server */
#define TELL_BYTES 65536u
#define FETCH_ID 0x80000000u /* no session counts its requests so far */

static const tc_ota_result done = {0, NULL};

static struct {
    enum { IDLE, LINK, FETCH } mode;
    uint32_t size; /* 0: not known before the first piece */
    uint32_t written, told;
    bool downgrade, checks,
        begun; /* checks: `wanted` holds a hash; begun: the port has a slot open */
    uint8_t wanted[32];
    tc_sha256 hash;
    uint8_t head[TC_APP_HEAD]; /* the first bytes are looked at before any is written */
    uint32_t head_length;
    uint32_t id;
    uint64_t last;
} self;

static TC_BIG uint8_t piece[TC_LINK_MAX_OTA];

void tc_ota_init(void) {
    memset(&self, 0, sizeof self);
}

bool tc_ota_busy(void) {
    return self.mode != IDLE;
}

uint32_t tc_ota_written(void) {
    return self.written;
}

/* ---- telling ---- */

static void tell(const char *stage, const char *problem) {
    tc_json_writer *w = tc_link_notify(TC_NOTIFY_OTA);
    if (w == NULL) {
        return;
    }
    tc_json_open_object(w);
    tc_json_pair_string(w, "stage", stage);
    tc_json_pair_int(w, "bytes", self.written);
    tc_json_pair_int(w, "total", self.size);
    if (problem != NULL) {
        tc_json_pair_string(w, "problem", problem);
    }
    tc_json_close_object(w);
    tc_link_send(TC_NOTIFY_OTA_DROP);
}

static void forget(void) {
    if (self.mode == FETCH && self.id != 0) {
        tc_port_http_cancel(self.id);
    }
    if (self.begun) {
        tc_port_ota_abort();
    }
    self.mode = IDLE;
    self.begun = false;
}

static tc_ota_result fail(int32_t code, const char *sentence) {
    forget();
    tc_log(TC_LOG_ERROR, TAG, "no update: %s", sentence);
    return (tc_ota_result){code, sentence};
}

/* A port's answer, in words. */
static tc_ota_result port_failed(int error) {
    switch (error) {
    case TC_ERR_SIZE:
        return fail(TC_LINK_ERR_OTA_IMAGE, "It is larger than the slot for an application.");
    case TC_ERR_STATE:
        return fail(TC_LINK_ERR_STATE,
                    "There is no second slot, or the running image is still on trial.");
    case TC_ERR_FORMAT:
        return fail(TC_LINK_ERR_OTA_IMAGE,
                    "Its checksum or SHA-256 does not verify; the running image stays.");
    default:
        return fail(TC_LINK_ERR_STORAGE, "The flash failed; the running image stays.");
    }
}

/* ---- the image ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(tc_span text, uint8_t out[32]) {
    if (text.length != 64) {
        return false;
    }
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The head is whole: is this image one for us? Then the slot is opened. */
static tc_ota_result judge(void) {
    tc_app_image image;
    if (tc_app_image_read(self.head, &image) != TC_OK) {
        return fail(TC_LINK_ERR_OTA_IMAGE, "It is not an application of ESP-IDF.");
    }
    if (image.chip != CHIP_ESP32_S3) {
        return fail(TC_LINK_ERR_OTA_IMAGE, "It is for another chip than the ESP32-S3.");
    }
    if (strcmp(image.project, PROJECT) != 0) {
        tc_log(TC_LOG_ERROR, TAG, "the image is %s, this board takes " PROJECT, image.project);
        return fail(TC_LINK_ERR_OTA_IMAGE, "It is for another board; this one is " TC_BOARD_ID ".");
    }
    if (!self.downgrade && tc_version_compare(image.version, TC_FIRMWARE_VERSION) < 0) {
        tc_log(TC_LOG_ERROR, TAG, "the image has version %s, what runs " TC_FIRMWARE_VERSION,
               image.version);
        return fail(TC_LINK_ERR_OTA_DOWNGRADE, "Allow it, if an older version is meant.");
    }
    tc_log(TC_LOG_INFO, TAG, "version %s comes, %u bytes", image.version, (unsigned)self.size);
    int error = tc_port_ota_begin(self.size);
    if (error != TC_OK) {
        return port_failed(error);
    }
    self.begun = true;
    error = tc_port_ota_write(self.head, TC_APP_HEAD);
    return error == TC_OK ? done : port_failed(error);
}

/* The next bytes of the image, in order. */
static tc_ota_result take(const uint8_t *bytes, size_t length) {
    if (length > self.size - self.written) {
        return fail(TC_LINK_ERR_OTA_BROKEN, "There is more of it than was announced.");
    }
    tc_sha256_add(&self.hash, bytes, length);
    self.written += (uint32_t)length;
    if (self.head_length < TC_APP_HEAD) {
        size_t part = TC_APP_HEAD - self.head_length;
        part = part < length ? part : length;
        memcpy(self.head + self.head_length, bytes, part);
        self.head_length += (uint32_t)part;
        bytes += part;
        length -= part;
        if (self.head_length < TC_APP_HEAD) {
            return done;
        }
        tc_ota_result result = judge();
        if (result.code != 0) {
            return result;
        }
    }
    int error = length > 0 ? tc_port_ota_write(bytes, length) : TC_OK;
    if (error != TC_OK) {
        return port_failed(error);
    }
    if (self.written - self.told >= TELL_BYTES) {
        self.told = self.written;
        tell("writing", NULL);
    }
    return done;
}

static tc_ota_result finish(void) {
    uint8_t digest[32];
    if (!self.begun || self.written != self.size) {
        return fail(TC_LINK_ERR_OTA_BROKEN, "It ended before it was whole.");
    }
    tc_sha256_end(&self.hash, digest);
    if (self.checks && memcmp(digest, self.wanted, sizeof digest) != 0) {
        return fail(TC_LINK_ERR_OTA_BROKEN, "Its SHA-256 is not the one that was announced.");
    }
    int error = tc_port_ota_end();
    self.begun = false;
    if (error != TC_OK) {
        return port_failed(error);
    }
    tc_log(TC_LOG_INFO, TAG, "the update is whole; it starts on trial");
    tell("restarting", NULL);
    /* Busy until the restart: no session begins that would end at once. */
    self.last = UINT64_MAX;
    tc_device_reboot();
    return done;
}

static void start(int mode, uint32_t size, bool downgrade, uint64_t now_ms) {
    forget();
    (void)tc_session_stop(TC_REASON_HOST, now_ms);
    memset(&self, 0, sizeof self);
    self.mode = mode;
    self.size = size;
    self.downgrade = downgrade;
    self.last = now_ms;
    tc_sha256_start(&self.hash);
}

/* ---- over the link ---- */

tc_ota_result tc_ota_begin(uint32_t size, tc_span sha256, bool downgrade, uint64_t now_ms) {
    uint8_t wanted[32];
    if (size < TC_APP_HEAD || !read_hash(sha256, wanted)) {
        return (tc_ota_result){TC_LINK_ERR_PARAMS,
                               "size is that of an image, sha256 its hash in 64 hex digits."};
    }
    start(LINK, size, downgrade, now_ms);
    self.checks = true;
    memcpy(self.wanted, wanted, sizeof wanted);
    return done;
}

tc_ota_result tc_ota_write(uint32_t offset, tc_span base64, uint64_t now_ms) {
    if (self.mode != LINK || self.last == UINT64_MAX) {
        return (tc_ota_result){TC_LINK_ERR_STATE, "No update has begun: ota.begin comes first."};
    }
    int length = tc_base64_decode(base64, piece, sizeof piece);
    if (length < 0) {
        return (tc_ota_result){TC_LINK_ERR_PARAMS, "data is base64 of at most 16384 bytes."};
    }
    self.last = now_ms;
    if (offset < self.written && (uint32_t)length <= self.written - offset) {
        return done; /* its answer was lost, and it came again */
    }
    if (offset != self.written) {
        return (tc_ota_result){TC_LINK_ERR_PARAMS, "offset is not where the last piece ended."};
    }
    return take(piece, (size_t)length);
}

tc_ota_result tc_ota_end(void) {
    if (self.mode != LINK || self.last == UINT64_MAX) {
        return (tc_ota_result){TC_LINK_ERR_STATE, "No update has begun: ota.begin comes first."};
    }
    return finish();
}

void tc_ota_abort(void) {
    if (self.mode != IDLE && self.last != UINT64_MAX) {
        forget();
        tc_log(TC_LOG_WARN, TAG, "the update was given up");
    }
}

/* ---- over HTTP ---- */

/* Scheme, host and port: all before the path. */
static size_t origin_of(const char *url) {
    const char *host = strstr(url, "://");
    return host == NULL ? 0 : (size_t)(host + 3 - url) + strcspn(host + 3, "/?#");
}

tc_ota_result tc_ota_fetch(tc_span url, tc_span pin, tc_span sha256, bool downgrade,
                           uint64_t now_ms) {
    static char address[512];
    static uint32_t count;
    char key[65] = "";
    uint8_t wanted[32], pinned[32];
    const tc_settings *s = tc_settings_get();
    if (url.at == NULL || tc_json_text(url, address, sizeof address) <= 0 ||
        (sha256.at != NULL && !read_hash(sha256, wanted)) ||
        (pin.at != NULL && tc_json_text(pin, key, sizeof key) < 0)) {
        return (tc_ota_result){TC_LINK_ERR_PARAMS,
                               "url is an address; pin and sha256 have 64 hex digits."};
    }
    if (pin.at != NULL && !read_hash((tc_span){key, strlen(key)}, pinned)) {
        return (tc_ota_result){TC_LINK_ERR_PARAMS, "pin is 64 hex digits."};
    }
    size_t origin = origin_of(address);
    if (pin.at == NULL && origin > 0 && origin == origin_of(s->server_url) &&
        strncmp(address, s->server_url, origin) == 0) {
        strcpy(key, s->server_pin);
    }
    for (char *c = key; *c != '\0'; c++) { /* the port takes lower case */
        *c = *c >= 'A' && *c <= 'F' ? (char)(*c + ('a' - 'A')) : *c;
    }
    start(FETCH, 0, downgrade, now_ms);
    self.checks = sha256.at != NULL;
    if (self.checks) {
        memcpy(self.wanted, wanted, sizeof wanted);
    }
    self.id = FETCH_ID | (++count & 0x7FFFFFFFu);
    int error = tc_port_http_get(self.id, address, key, FETCH_SILENCE_MS);
    if (error != TC_OK) {
        self.mode = IDLE;
        return error == TC_ERR_FORMAT || error == TC_ERR_SIZE
                   ? (tc_ota_result){TC_LINK_ERR_PARAMS, "url is an http or https address."}
                   : (tc_ota_result){TC_LINK_ERR_FULL, NULL};
    }
    tell("writing", NULL);
    return done;
}

static const char *words_of(int32_t status) {
    switch (status) {
    case TC_HTTP_DNS:
        return "The name of the server was not found, or the device has no network.";
    case TC_HTTP_TCP:
        return "The server could not be reached.";
    case TC_HTTP_TLS:
    case TC_HTTP_PIN:
        return "The certificate of the server was not accepted.";
    case TC_HTTP_TIMEOUT:
        return "The server fell silent.";
    case 404:
        return "The server has no image at this address.";
    default:
        return status < 0 ? "The connection to the server broke."
                          : "The server answered with another status than 200.";
    }
}

static void fetched(tc_ota_result result) {
    if (result.code != 0) {
        const char *why =
            result.sentence != NULL ? result.sentence : tc_link_error_message(result.code);
        tell("failed", why);
    }
}

bool tc_ota_event(const tc_event *event, uint64_t now_ms) {
    bool data = event->kind == TC_EVENT_HTTP_DATA;
    if (!data && !(event->kind == TC_EVENT_HTTP && (event->id & FETCH_ID) != 0)) {
        return false;
    }
    if (self.mode != FETCH || event->id != self.id || self.last == UINT64_MAX) {
        return true; /* of a request that is forgotten */
    }
    self.last = now_ms;
    if (data) {
        if (self.written == 0) {
            self.size = event->extra;
        }
        fetched(self.size == 0
                    ? fail(TC_LINK_ERR_OTA_BROKEN, "The server does not say how long it is.")
                    : take(event->data, event->length));
        return true;
    }
    self.id = 0; /* the request is over */
    fetched(event->code == 200 ? finish() : fail(TC_LINK_ERR_OTA_BROKEN, words_of(event->code)));
    return true;
}

void tc_ota_tick(uint64_t now_ms) {
    if (self.mode != IDLE && self.last != UINT64_MAX && now_ms - self.last >= SILENCE_MS) {
        tc_ota_result result = fail(TC_LINK_ERR_OTA_BROKEN, "Nothing more of it came.");
        tell("failed", result.sentence);
    }
}
