/* What the chip says of itself: why it started, which image it runs, who it is. And its restart. */
#include <string.h>

#include "esp_app_desc.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_system.h"
#include "port.h"
#include "serial.h"

#define DRAIN_MS 300

static const char *TAG = "restart";

void tc_port_restart(void) {
    serial_drain(DRAIN_MS);
    esp_restart();
}

int tc_port_reset_reason(void) {
    switch (esp_reset_reason()) {
    case ESP_RST_POWERON: /* the EN pin of the ESP32-S3 reports as power too */
        return TC_RESET_POWER;
    case ESP_RST_EXT:
    case ESP_RST_USB: /* the host pulls it, as it pulls EN on a board with a bridge */
    case ESP_RST_JTAG:
        return TC_RESET_PIN;
    case ESP_RST_SW:
        return TC_RESET_SOFTWARE;
    case ESP_RST_PANIC:
    case ESP_RST_CPU_LOCKUP:
        return TC_RESET_PANIC;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
        return TC_RESET_WATCHDOG;
    case ESP_RST_BROWNOUT:
    case ESP_RST_PWR_GLITCH:
        return TC_RESET_BROWNOUT;
    default:
        return TC_RESET_UNKNOWN;
    }
}

/* SHA-256 of the ELF file, which stands in the image's description and so in the file that was
 * flashed. */
void tc_port_image_hash(char out[65]) {
    const uint8_t *hash = esp_app_get_description()->app_elf_sha256;
    for (int i = 0; i < 32; i++) {
        out[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    out[64] = '\0';
}

void tc_port_mac(uint8_t out[6]) {
    esp_err_t error = esp_read_mac(out, ESP_MAC_WIFI_STA);
    if (error != ESP_OK) {
        ESP_LOGW(TAG, "the MAC address cannot be read (%s)", esp_err_to_name(error));
        memset(out, 0, 6);
    }
}
