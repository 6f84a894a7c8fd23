/* APA102 and SK9822: lights on clock and data. 32 zeros; then for each light 111, five bits of
 * brightness, blue, green, red; then clocks to push it all through (APA102 datasheet, "data
 * structure"). */
#include <string.h>

#include "core/board.h"
#include "driver/spi_master.h"
#include "esp_log.h"
#include "light.h"

#define CLOCK_HZ 1000000
#define BRIGHTNESS (0xe0 | 8) /* of 31: enough indoors */
/* Each light delays by half a clock. */
#define END_BYTES ((TC_BOARD_LIGHT_COUNT + 15) / 16 + 4)

static const char *TAG = "light";

static spi_device_handle_t lights;
static DMA_ATTR uint8_t bytes[4 + 4 * TC_BOARD_LIGHT_COUNT + END_BYTES];

bool light_init(void) {
    const spi_bus_config_t pins = {
        .mosi_io_num = TC_BOARD_LIGHT_DATA,
        .sclk_io_num = TC_BOARD_LIGHT_CLK,
        .miso_io_num = -1,
        .quadwp_io_num = -1,
        .quadhd_io_num = -1,
        .max_transfer_sz = sizeof bytes,
    };
    const spi_device_interface_config_t config = {
        .clock_speed_hz = CLOCK_HZ,
        .spics_io_num = -1,
        .queue_size = 1,
    };
    esp_err_t err = spi_bus_initialize(SPI2_HOST, &pins, SPI_DMA_CH_AUTO);
    if (err == ESP_OK) {
        err = spi_bus_add_device(SPI2_HOST, &config, &lights);
    }
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no light on pins %d and %d: %s", TC_BOARD_LIGHT_DATA, TC_BOARD_LIGHT_CLK,
                 esp_err_to_name(err));
        return false;
    }
    light_show(0);
    return true;
}

void light_show(uint32_t rgb) {
    memset(bytes, 0, sizeof bytes);
    for (int i = 1; i <= TC_BOARD_LIGHT_COUNT; i++) {
        bytes[4 * i] = BRIGHTNESS;
        bytes[4 * i + 1] = (uint8_t)rgb;
        bytes[4 * i + 2] = (uint8_t)(rgb >> 8);
        bytes[4 * i + 3] = (uint8_t)(rgb >> 16);
    }
    spi_transaction_t transaction = {.length = 8 * sizeof bytes, .tx_buffer = bytes};
    spi_device_transmit(lights, &transaction);
}
