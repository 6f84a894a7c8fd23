/* A light that is on or off. */
#include "core/board.h"
#include "driver/gpio.h"
#include "esp_log.h"
#include "light.h"

static const char *TAG = "light";

bool light_init(void) {
    light_show(0);
    const gpio_config_t config = {
        .pin_bit_mask = 1ULL << TC_BOARD_LIGHT_PIN,
        .mode = GPIO_MODE_OUTPUT,
    };
    esp_err_t err = gpio_config(&config);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no light on pin %d: %s", TC_BOARD_LIGHT_PIN, esp_err_to_name(err));
    }
    return err == ESP_OK;
}

void light_show(uint32_t rgb) {
    gpio_set_level(TC_BOARD_LIGHT_PIN, rgb != 0 ? TC_BOARD_LIGHT_LEVEL : !TC_BOARD_LIGHT_LEVEL);
}
