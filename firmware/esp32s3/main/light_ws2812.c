/*
 * WS2812 and its kin: a chain of lights on one wire, 24 bits each, green first
 * unless the board says otherwise. A bit is a pulse,
 * long or short; 300 us of rest show what was sent (WS2812B datasheet, "data transfer time").
 */
#include "core/board.h"
#include "driver/rmt_encoder.h"
#include "driver/rmt_tx.h"
#include "esp_log.h"
#include "light.h"

#define RESOLUTION 10000000 /* Hz: ticks of 100 ns */
#define SHORT_TICKS 3
#define LONG_TICKS 9
#define WAIT_MS 20
/* A quarter of the brightness: enough indoors, and 15 mA at most for each light. */
#define DIM_SHIFT 2
#ifdef TC_BOARD_LIGHT_RED_FIRST
#define FIRST_SHIFT 16
#define SECOND_SHIFT 8
#else
#define FIRST_SHIFT 8
#define SECOND_SHIFT 16
#endif

static const char *TAG = "light";

static rmt_channel_handle_t channel;
static rmt_encoder_handle_t encoder;
static uint8_t bytes[TC_BOARD_LIGHT_COUNT * 3];

bool light_init(void) {
    const rmt_tx_channel_config_t config = {
        .gpio_num = TC_BOARD_LIGHT_PIN,
        .clk_src = RMT_CLK_SRC_DEFAULT,
        .resolution_hz = RESOLUTION,
        .mem_block_symbols = 48, /* one of the blocks of this chip */
        .trans_queue_depth = 1,
    };
    const rmt_bytes_encoder_config_t bits = {
        .bit0 = {.level0 = 1, .duration0 = SHORT_TICKS, .level1 = 0, .duration1 = LONG_TICKS},
        .bit1 = {.level0 = 1, .duration0 = LONG_TICKS, .level1 = 0, .duration1 = SHORT_TICKS},
        .flags.msb_first = 1,
    };
    esp_err_t err = rmt_new_tx_channel(&config, &channel);
    if (err == ESP_OK) {
        err = rmt_new_bytes_encoder(&bits, &encoder);
    }
    if (err == ESP_OK) {
        err = rmt_enable(channel);
    }
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no light on pin %d: %s", TC_BOARD_LIGHT_PIN, esp_err_to_name(err));
        return false;
    }
    light_show(0);
    return true;
}

void light_show(uint32_t rgb) {
    for (int i = 0; i < TC_BOARD_LIGHT_COUNT; i++) {
        bytes[3 * i] = (uint8_t)(rgb >> FIRST_SHIFT) >> DIM_SHIFT;
        bytes[3 * i + 1] = (uint8_t)(rgb >> SECOND_SHIFT) >> DIM_SHIFT;
        bytes[3 * i + 2] = (uint8_t)rgb >> DIM_SHIFT;
    }
    const rmt_transmit_config_t once = {.loop_count = 0};
    if (rmt_transmit(channel, encoder, bytes, sizeof bytes, &once) == ESP_OK) {
        rmt_tx_wait_all_done(channel, WAIT_MS);
    }
}
