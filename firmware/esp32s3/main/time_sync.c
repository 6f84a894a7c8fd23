#include "time_sync.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "esp_app_desc.h"
#include "esp_log.h"
#include "esp_netif_sntp.h"
#include "port.h"

#define DAY 86400

static const char *TAG = "time";

/* A time server has answered; SNTP's task sets it, the core's reads it. */
static atomic_bool known;

/*
 * The date when the image was built, "Mmm dd yyyy" (C11, 6.10.8.1), as midnight UTC of the day
 * before: the building machine may be ahead of UTC. A certificate that began later is refused until
 * SNTP has answered.
 */
static time_t build_time(void) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *date = esp_app_get_description()->date;
    char month[4] = {date[0], date[1], date[2], '\0'};
    const char *found = strstr(months, month);
    struct tm when = {.tm_mon = found == NULL ? 0 : (int)(found - months) / 3,
                      .tm_mday = (date[4] == ' ' ? 0 : date[4] - '0') * 10 + date[5] - '0' - 1};
    for (const char *digit = date + 7; *digit >= '0' && *digit <= '9'; digit++) {
        when.tm_year = when.tm_year * 10 + *digit - '0';
    }
    when.tm_year -= 1900;
    return mktime(&when); /* no time zone is set, so this is UTC */
}

static void raise_to_floor(void) {
    struct timeval floor = {.tv_sec = build_time()};
    if (time(NULL) < floor.tv_sec) {
        settimeofday(&floor, NULL);
    }
}

static void log_time(const char *what) {
    time_t now = time(NULL);
    struct tm utc;
    char text[24];
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    ESP_LOGI(TAG, "%s %s", what, text);
}

/* SNTP is not authenticated: whoever answers must not turn the calendar back before the build, to
 * where an old certificate is good again. */
static void synchronised(struct timeval *when) {
    if (when->tv_sec < build_time()) {
        ESP_LOGW(TAG, "a time server named a date before this image was built; not taken");
        raise_to_floor();
        return;
    }
    known = true;
    log_time("a time server says it is");
}

/* The build's date, which the calendar begins with, is no time to judge a token by. */
uint32_t tc_port_unix_s(void) {
    return known ? (uint32_t)time(NULL) : 0;
}

void time_sync_init(void) {
    raise_to_floor();
    log_time("until a time server answers it is at least");
}

void time_sync_start(void) {
    static bool started;
    if (started) {
        return;
    }
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG_MULTIPLE(
        3, ESP_SNTP_SERVER_LIST("pool.ntp.org", "time.cloudflare.com", "time.google.com"));
    config.sync_cb = synchronised;
    config.wait_for_sync = false;
    esp_err_t error = esp_netif_sntp_init(&config);
    started = error == ESP_OK;
    if (!started) {
        ESP_LOGE(TAG, "SNTP does not start (%s)", esp_err_to_name(error));
    }
}
