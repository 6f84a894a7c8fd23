/* Wi-Fi station: one network at a time, and each failure said once. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "esp_wifi.h"
#include "network.h"
#include "post.h"

#define SCAN_MAX 24

static const char *TAG = "wifi";

/* A station that leaves one network for another hears of the former's end first. */
static enum { IDLE, JOINING, LEAVING_TO_JOIN } _Atomic stage;
/* The network to join; its password stays no longer than until the driver has it. */
static wifi_config_t next;
static atomic_bool has_password;
static atomic_bool associated; /* with the network of `next` */

static bool connect(void) {
    associated = false;
    stage = JOINING;
    esp_err_t error = esp_wifi_set_config(WIFI_IF_STA, &next);
    memset(next.sta.password, 0, sizeof next.sta.password);
    if (error == ESP_OK) {
        error = esp_wifi_connect();
    }
    if (error != ESP_OK) {
        ESP_LOGE(TAG, "the station does not start to connect (%s)", esp_err_to_name(error));
        stage = IDLE;
    }
    return error == ESP_OK;
}

/*
 * What the reason means for a person. A wrong password shows as a handshake without end with WPA2
 * (IEEE 802.11-2020, 9.4.1.7, reason code 15), as a refused authentication with WPA3. An access
 * point that asks for more than the station was given stands for a missing password.
 */
static tc_wifi_reason meaning(uint8_t reason) {
    switch (reason) {
    case WIFI_REASON_AUTH_FAIL:
    case WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT:
    case WIFI_REASON_HANDSHAKE_TIMEOUT:
    case WIFI_REASON_MIC_FAILURE:
        return TC_WIFI_PASSWORD;
    case WIFI_REASON_NO_AP_FOUND:
    case WIFI_REASON_NO_AP_FOUND_IN_RSSI_THRESHOLD:
        return TC_WIFI_NOT_FOUND;
    case WIFI_REASON_NO_AP_FOUND_W_COMPATIBLE_SECURITY:
    case WIFI_REASON_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD:
        return has_password ? TC_WIFI_FAILED : TC_WIFI_PASSWORD;
    default:
        return TC_WIFI_FAILED;
    }
}

static void disconnected(const wifi_event_sta_disconnected_t *event) {
    switch (stage) {
    case LEAVING_TO_JOIN:
        if (!connect()) {
            network_down(TC_WIFI_FAILED);
        }
        break;
    case JOINING:
        /* Before the station is associated: our own leaving of the network before. After that the
         * access point may say it, too. */
        if (event->reason == WIFI_REASON_ASSOC_LEAVE && !associated) {
            break;
        }
        ESP_LOGW(TAG, "no connection: reason %d, RSSI %d dBm", event->reason, event->rssi);
        stage = IDLE;
        network_down(meaning(event->reason));
        break;
    default:
        break;
    }
}

static void connected(void) {
    wifi_ap_record_t ap;
    associated = true;
    if (esp_wifi_sta_get_ap_info(&ap) == ESP_OK) {
        ESP_LOGI(TAG, "connected on channel %d, RSSI %d dBm, security %d", ap.primary, ap.rssi,
                 (int)ap.authmode);
    }
}

/* ---- looking round ---- */

static atomic_bool scanning;

static void scan_end(int32_t code) {
    tc_event event = {.kind = TC_EVENT_WIFI_SCANNED, .code = code};
    if (atomic_exchange(&scanning, false)) {
        post_event(&event);
    }
}

static void tell_found(const wifi_ap_record_t *ap) {
    size_t length = strnlen((const char *)ap->ssid, 32);
    tc_event event = {.kind = TC_EVENT_WIFI_FOUND,
                      .code = ap->rssi,
                      .extra = ap->authmode == WIFI_AUTH_OPEN ? 0 : 1,
                      .data = ap->ssid,
                      .length = length};
    if (length > 0) { /* a hidden one has no name to choose */
        post_event(&event);
    }
}

/* The driver sorts by signal, so the first of a name is the strongest. */
static void scanned(void) {
    uint16_t count = SCAN_MAX;
    wifi_ap_record_t *aps = calloc(SCAN_MAX, sizeof *aps);
    if (aps == NULL || esp_wifi_scan_get_ap_records(&count, aps) != ESP_OK) {
        free(aps);
        esp_wifi_clear_ap_list();
        scan_end(TC_ERR_IO);
        return;
    }
    for (int i = 0; i < count; i++) {
        bool first = true;
        for (int j = 0; j < i && first; j++) {
            first = memcmp(aps[j].ssid, aps[i].ssid, sizeof aps[i].ssid) != 0;
        }
        if (first) {
            tell_found(&aps[i]);
        }
    }
    free(aps);
    scan_end(TC_OK);
}

int link_scan(void) {
    if (atomic_exchange(&scanning, true)) {
        return TC_ERR_STATE;
    }
    esp_err_t error = esp_wifi_scan_start(NULL, false); /* refuses while it connects */
    if (error != ESP_OK) {
        scanning = false;
        ESP_LOGW(TAG, "no scan (%s)", esp_err_to_name(error));
        return TC_ERR_STATE;
    }
    return TC_OK;
}

static void changed(void *argument, esp_event_base_t base, int32_t id, void *data) {
    (void)argument, (void)base;
    if (id == WIFI_EVENT_STA_DISCONNECTED) {
        disconnected(data);
    } else if (id == WIFI_EVENT_STA_CONNECTED) {
        connected();
    } else if (id == WIFI_EVENT_SCAN_DONE) {
        scanned();
    }
}

/* The radio runs from here on, whether there is a network to join or not: tc_port_random needs its
 * noise. */
esp_netif_t *link_init(void) {
    esp_netif_t *interface = esp_netif_create_default_wifi_sta();
    wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
    config.nvs_enable = 0; /* the network is one of our settings, and is written once only */
    ESP_ERROR_CHECK(esp_wifi_init(&config));
    ESP_ERROR_CHECK(esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, changed, NULL));
    ESP_ERROR_CHECK(esp_wifi_set_storage(WIFI_STORAGE_RAM));
    ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_STA));
    ESP_ERROR_CHECK(esp_wifi_start());
    /* "01", the world: channels 12 and 13 are heard but not spoken on, until the access point names
     * its country (IEEE 802.11d). */
    ESP_ERROR_CHECK(esp_wifi_set_country_code("01", true));
    /* The driver's own beginning is to rest; the core says so when it wants that. */
    link_rest(false);
    return interface;
}

int link_join(const char *ssid, const char *password) {
    size_t ssid_length = strlen(ssid), length = strlen(password);
    if (ssid_length > sizeof next.sta.ssid || length > sizeof next.sta.password) {
        return TC_ERR_SIZE;
    }
    next = (wifi_config_t){0};
    /* Both may fill their arrays: 32 bytes of name, 64 digits of key, then without NUL. */
    memcpy(next.sta.ssid, ssid, ssid_length);
    memcpy(next.sta.password, password, length);
    next.sta.scan_method = WIFI_ALL_CHANNEL_SCAN; /* a house has several of one name */
    next.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
    next.sta.threshold.authmode = length == 0 ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA2_PSK;
    next.sta.pmf_cfg.capable = true;
    next.sta.sae_pwe_h2e = WPA3_SAE_PWE_BOTH;
    has_password = length > 0;
    if (stage == JOINING) {
        stage = LEAVING_TO_JOIN;
        esp_wifi_disconnect();
        return TC_OK;
    }
    return connect() ? TC_OK : TC_ERR_IO; /* also where the end of the former is never told */
}

void link_leave(void) {
    stage = IDLE;
    esp_wifi_disconnect();
}

/* Resting costs up to a beacon interval (100 ms and more) for each packet that comes. */
void link_rest(bool rest) {
    esp_wifi_set_ps(rest ? WIFI_PS_MIN_MODEM : WIFI_PS_NONE);
}
