/* A light of one colour, as bright as the colour that is asked for. */
#include "core/board.h"
#include "driver/ledc.h"
#include "esp_log.h"
#include "light.h"

#define FREQUENCY_HZ 5000
#define FULL (255 * 255)

static const char *TAG = "light";

bool light_init(void) {
    const ledc_timer_config_t timer = {
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .duty_resolution = LEDC_TIMER_13_BIT,
        .timer_num = LEDC_TIMER_0,
        .freq_hz = FREQUENCY_HZ,
        .clk_cfg = LEDC_AUTO_CLK,
    };
    const ledc_channel_config_t channel = {
        .gpio_num = TC_BOARD_LIGHT_PIN,
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .channel = LEDC_CHANNEL_0,
        .timer_sel = LEDC_TIMER_0,
        .flags.output_invert = TC_BOARD_LIGHT_LEVEL == 0,
    };
    esp_err_t err = ledc_timer_config(&timer);
    if (err == ESP_OK) {
        err = ledc_channel_config(&channel);
    }
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no light on pin %d: %s", TC_BOARD_LIGHT_PIN, esp_err_to_name(err));
    }
    return err == ESP_OK;
}

void light_show(uint32_t rgb) {
    /* Luma of ITU-R BT.601, in 256ths; its square, since eyes count ratios. */
    uint32_t luma = ((rgb >> 16 & 0xff) * 77 + (rgb >> 8 & 0xff) * 150 + (rgb & 0xff) * 29) >> 8;
    ledc_set_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_0, luma * luma * 8192 / FULL);
    ledc_update_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_0);
}
