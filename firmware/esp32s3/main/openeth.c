/*
 * The emulator's network card (OpenCores Ethernet MAC) in place of Wi-Fi. It has no names and no
 * passwords: to join any network is to plug the cable in, and a wrong password cannot be played.
 */
#include "esp_eth.h"
#include "esp_event.h"
#include "esp_log.h"
#include "network.h"

static const char *TAG = "openeth";

static esp_eth_handle_t card;
static bool started;

static void cable(void *argument, esp_event_base_t base, int32_t id, void *data) {
    (void)argument, (void)base, (void)data;
    if (id == ETHERNET_EVENT_DISCONNECTED && started) {
        network_down(TC_WIFI_LOST);
    }
}

esp_netif_t *link_init(void) {
    eth_mac_config_t mac = ETH_MAC_DEFAULT_CONFIG();
    eth_phy_config_t phy = ETH_PHY_DEFAULT_CONFIG();
    phy.autonego_timeout_ms = 100; /* the emulator negotiates nothing */
    esp_eth_config_t config =
        ETH_DEFAULT_CONFIG(esp_eth_mac_new_openeth(&mac), esp_eth_phy_new_dp83848(&phy));
    ESP_ERROR_CHECK(esp_eth_driver_install(&config, &card));
    esp_netif_config_t defaults = ESP_NETIF_DEFAULT_ETH();
    esp_netif_t *interface = esp_netif_new(&defaults);
    ESP_ERROR_CHECK(esp_netif_attach(interface, esp_eth_new_netif_glue(card)));
    ESP_ERROR_CHECK(esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, cable, NULL));
    return interface;
}

int link_join(const char *ssid, const char *password) {
    (void)ssid, (void)password;
    link_leave();
    esp_err_t error = esp_eth_start(card);
    if (error != ESP_OK) {
        ESP_LOGE(TAG, "the network card does not start (%s)", esp_err_to_name(error));
        return TC_ERR_IO;
    }
    started = true;
    return TC_OK;
}

void link_leave(void) {
    if (started) {
        started = false;
        esp_eth_stop(card);
    }
}

void link_rest(bool rest) {
    (void)rest; /* there is no radio */
}

/* A cable has no names. */
int link_scan(void) {
    return TC_ERR_STATE;
}
