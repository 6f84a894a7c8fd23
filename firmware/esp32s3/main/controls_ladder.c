#include "controls_ladder.h"

#include "core/board.h"
#include "esp_adc/adc_cali.h"
#include "esp_adc/adc_cali_scheme.h"
#include "esp_adc/adc_oneshot.h"
#include "esp_log.h"

/* 12 dB: up to 3.1 V (ESP32-S3 datasheet, "ADC characteristics"). */
#define ATTENUATION ADC_ATTEN_DB_12
#define FULL_SCALE_MV 3100
#define FULL_SCALE 4095

static const char *TAG = "ladder";

static adc_oneshot_unit_handle_t unit;
static adc_cali_handle_t calibration;

bool controls_ladder_init(void) {
    const adc_oneshot_unit_init_cfg_t config = {.unit_id = ADC_UNIT_1};
    const adc_oneshot_chan_cfg_t channel = {.atten = ATTENUATION, .bitwidth = ADC_BITWIDTH_DEFAULT};
    esp_err_t err = adc_oneshot_new_unit(&config, &unit);
    if (err == ESP_OK) {
        err = adc_oneshot_config_channel(unit, TC_BOARD_BUTTON_ADC_CHANNEL, &channel);
    }
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no ADC for the buttons: %s", esp_err_to_name(err));
        unit = NULL;
        return false;
    }
    const adc_cali_curve_fitting_config_t curve = {
        .unit_id = ADC_UNIT_1,
        .chan = TC_BOARD_BUTTON_ADC_CHANNEL,
        .atten = ATTENUATION,
        .bitwidth = ADC_BITWIDTH_DEFAULT,
    };
    if (adc_cali_create_scheme_curve_fitting(&curve, &calibration) != ESP_OK) {
        ESP_LOGW(TAG,
                 "this chip's ADC was not calibrated; the buttons may be taken for each other");
        calibration = NULL;
    }
    return true;
}

int controls_ladder_read(void) {
    int raw, mv;
    if (unit == NULL || adc_oneshot_read(unit, TC_BOARD_BUTTON_ADC_CHANNEL, &raw) != ESP_OK) {
        return -1;
    }
    if (calibration == NULL) {
        return raw * FULL_SCALE_MV / FULL_SCALE;
    }
    return adc_cali_raw_to_voltage(calibration, raw, &mv) == ESP_OK ? mv : -1;
}
