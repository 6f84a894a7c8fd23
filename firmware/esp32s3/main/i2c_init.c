#include "i2c_init.h"

#include "core/board.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define BIT_RATE 100000
#define TIMEOUT_MS 50
/* Chips that have just got their power take some milliseconds. */
#define ATTEMPTS 3
#define AGAIN_MS 10

static const char *TAG = "i2c";

static i2c_master_bus_handle_t bus;
static bool good;

i2c_master_bus_handle_t i2c_bus(void) {
    return bus;
}

bool i2c_good(void) {
    return good;
}

#ifdef TC_BOARD_I2C_WRITES

static const struct {
    uint8_t address, reg, value;
    uint16_t delay_ms;
} writes[] = TC_BOARD_I2C_WRITES;

static esp_err_t write_register(uint8_t address, uint8_t reg, uint8_t value) {
    i2c_device_config_t config = {
        .dev_addr_length = I2C_ADDR_BIT_LEN_7,
        .device_address = address,
        .scl_speed_hz = BIT_RATE,
    };
    i2c_master_dev_handle_t chip;
    esp_err_t err = i2c_master_bus_add_device(bus, &config, &chip);
    if (err != ESP_OK) {
        return err;
    }
    const uint8_t bytes[] = {reg, value};
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        err = i2c_master_transmit(chip, bytes, sizeof bytes, TIMEOUT_MS);
        if (err == ESP_OK) {
            break;
        }
        vTaskDelay(pdMS_TO_TICKS(AGAIN_MS));
    }
    i2c_master_bus_rm_device(chip);
    return err;
}

static bool do_writes(void) {
    bool all = true;
    uint8_t silent = 0; /* one line for a chip, not one for each of its registers */
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        if (writes[i].address == silent) {
            continue;
        }
        esp_err_t err = write_register(writes[i].address, writes[i].reg, writes[i].value);
        if (err != ESP_OK) {
            ESP_LOGE(TAG, "the chip at 0x%02x does not take register 0x%02x (%s)",
                     writes[i].address, writes[i].reg, esp_err_to_name(err));
            silent = writes[i].address;
            all = false;
        } else if (writes[i].delay_ms > 0) {
            vTaskDelay(pdMS_TO_TICKS(writes[i].delay_ms));
        }
    }
    return all;
}

#else

static bool do_writes(void) {
    return true;
}

#endif

void i2c_init(void) {
    i2c_master_bus_config_t config = {
        .i2c_port = TC_BOARD_I2C_PORT,
        .sda_io_num = TC_BOARD_I2C_SDA,
        .scl_io_num = TC_BOARD_I2C_SCL,
        .clk_source = I2C_CLK_SRC_DEFAULT,
        .glitch_ignore_cnt = 7,
        .flags.enable_internal_pullup = true,
    };
    esp_err_t err = i2c_new_master_bus(&config, &bus);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no I2C bus on pins %d and %d: %s", TC_BOARD_I2C_SDA, TC_BOARD_I2C_SCL,
                 esp_err_to_name(err));
        bus = NULL;
        return;
    }
    good = do_writes();
}
