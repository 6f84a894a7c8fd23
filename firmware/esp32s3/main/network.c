#include "network.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "esp_event.h"
#include "esp_log.h"
#include "port.h"
#include "post.h"
#include "time_sync.h"

static const char *TAG = "network";

static esp_netif_t *interface;
/* Whether the core waits for a network or has one. It is told once that one is gone; when to try
 * again is its business. */
static atomic_bool wanted, up;

static void address_got(void *argument, esp_event_base_t base, int32_t id, void *data) {
    const ip_event_got_ip_t *got = data;
    char text[16];
    (void)argument, (void)base, (void)id;
    if (!wanted) {
        return;
    }
    int length = snprintf(text, sizeof text, IPSTR, IP2STR(&got->ip_info.ip));
    bool renewed = atomic_exchange(&up, true);
    ESP_LOGI(TAG, "address %s, gateway " IPSTR, text, IP2STR(&got->ip_info.gw));
    time_sync_start();
    if (!renewed || got->ip_changed) {
        tc_event event = {
            .kind = TC_EVENT_WIFI_UP, .data = (const uint8_t *)text, .length = (size_t)length};
        post_event(&event);
    }
}

static void address_lost(void *argument, esp_event_base_t base, int32_t id, void *data) {
    (void)argument, (void)base, (void)id, (void)data;
    if (up) {
        ESP_LOGW(TAG, "the address was lost");
        network_down(TC_WIFI_LOST);
    }
}

void network_down(tc_wifi_reason reason) {
    bool was_up = atomic_exchange(&up, false);
    if (!atomic_exchange(&wanted, false)) {
        return;
    }
    tc_event event = {.kind = TC_EVENT_WIFI_DOWN, .code = was_up ? TC_WIFI_LOST : reason};
    post_event(&event);
}

void network_init(void) {
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    interface = link_init();
    const int32_t got[] = {IP_EVENT_STA_GOT_IP, IP_EVENT_ETH_GOT_IP};
    const int32_t lost[] = {IP_EVENT_STA_LOST_IP, IP_EVENT_ETH_LOST_IP};
    for (int i = 0; i < 2; i++) {
        ESP_ERROR_CHECK(esp_event_handler_register(IP_EVENT, got[i], address_got, NULL));
        ESP_ERROR_CHECK(esp_event_handler_register(IP_EVENT, lost[i], address_lost, NULL));
    }
}

bool network_is_up(void) {
    return up;
}

bool network_address(uint8_t out[4]) {
    esp_netif_ip_info_t info;
    if (!up || esp_netif_get_ip_info(interface, &info) != ESP_OK) {
        return false;
    }
    memcpy(out, &info.ip.addr, 4); /* in network order already */
    return true;
}

int tc_port_wifi_join(const char *ssid, const char *password) {
    up = false;
    wanted = true;
    int error = link_join(ssid, password);
    if (error < 0) {
        wanted = false;
    }
    return error;
}

void tc_port_wifi_leave(void) {
    wanted = false;
    up = false;
    link_leave();
}

void tc_port_radio_rest(bool rest) {
    link_rest(rest);
}

int tc_port_wifi_scan(void) {
    return link_scan();
}
