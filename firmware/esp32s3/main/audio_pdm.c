/* A PDM microphone on port 0, the only one of the chip that turns PDM into samples (ESP32-S3
 * technical reference manual, chapter "I2S Controller"). */
#include "../portable/gain.h"
#include "audio_device.h"
#include "audio_dma.h"
#include "core/board.h"
#include "driver/i2s_pdm.h"
#include "esp_log.h"

/* The usual ones (MP34DT05, MSM261D3526) give -26 dBFS at 94 dB SPL, as in audio_i2s.c. */
#define GAIN_SHIFT 4

static const char *TAG = "audio_pdm";

static i2s_chan_handle_t microphone;
static gain_input input;

static bool create(void) {
    i2s_chan_handle_t made = NULL;
    i2s_pdm_rx_config_t config = {
        .clk_cfg = I2S_PDM_RX_CLK_DEFAULT_CONFIG(AUDIO_RATE),
        .slot_cfg = I2S_PDM_RX_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.clk = TC_BOARD_PDM_CLK, .din = TC_BOARD_PDM_DATA},
    };
    config.slot_cfg.slot_mask =
        TC_BOARD_MICROPHONE_CHANNEL == 0 ? I2S_PDM_SLOT_LEFT : I2S_PDM_SLOT_RIGHT;
    if (!audio_dma_new(I2S_NUM_0, NULL, &made)) {
        return false;
    }
    esp_err_t err = i2s_channel_init_pdm_rx_mode(made, &config);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "the PDM port refuses its pins or clock: %s", esp_err_to_name(err));
        i2s_del_channel(made);
        return false;
    }
    audio_dma_watch(made, false);
    microphone = made;
    return true;
}

static bool pdm_open(void) {
    input = (gain_input){0};
    return (microphone != NULL || create()) && audio_dma_start(microphone, false);
}

static bool pdm_read(int16_t *pcm, int16_t *reference) {
    (void)reference;
    if (!audio_dma_read(microphone, pcm, AUDIO_FRAME * sizeof *pcm)) {
        return false;
    }
    for (int i = 0; i < AUDIO_FRAME; i++) {
        pcm[i] = gain_input_sample(&input, (int32_t)((uint32_t)(uint16_t)pcm[i] << 16), GAIN_SHIFT);
    }
    return true;
}

static void pdm_close(void) {
    audio_dma_stop(microphone);
}

const audio_device audio_pdm = {
    .name = "PDM microphone",
    .open = pdm_open,
    .read = pdm_read,
    .close = pdm_close,
};
