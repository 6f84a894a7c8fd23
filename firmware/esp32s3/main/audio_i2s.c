/*
 * Plain I2S, a port for each direction: amplifiers (MAX98357A) on port 1, microphones (INMP441) on
 * port 0. Philips format, 32 bits for each of two slots, 64 bit clocks for each sample: that is
 * what the INMP441 demands (datasheet, "I2S data interface"), and the MAX98357A takes (datasheet,
 * table 5).
 */
#include "../portable/gain.h"
#include "audio_amplifier.h"
#include "audio_device.h"
#include "audio_dma.h"
#include "core/board.h"
#include "driver/i2s_std.h"
#include "esp_log.h"

static const char *TAG = "audio_i2s";

static bool init(i2s_chan_handle_t channel, const i2s_std_config_t *config) {
    esp_err_t err = i2s_channel_init_std_mode(channel, config);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "an I2S port refuses its pins or clock: %s", esp_err_to_name(err));
        i2s_del_channel(channel);
    }
    return err == ESP_OK;
}

#ifdef TC_BOARD_SPEAKER_I2S

static i2s_chan_handle_t speaker;

static bool speaker_open(void) {
    if (speaker == NULL) {
        i2s_chan_handle_t made = NULL;
        i2s_std_config_t config = {
            .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(AUDIO_RATE),
            .slot_cfg =
                I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_MONO),
            .gpio_cfg = {.mclk = I2S_GPIO_UNUSED,
                         .bclk = TC_BOARD_I2S_BCLK,
                         .ws = TC_BOARD_I2S_WS,
                         .dout = TC_BOARD_I2S_DOUT,
                         .din = I2S_GPIO_UNUSED},
        };
        config.slot_cfg.slot_bit_width = I2S_SLOT_BIT_WIDTH_32BIT;
        config.slot_cfg.ws_width = 32;
        /* The same in both slots: the MAX98357A plays the left one, the right one, or their mean,
         * by the voltage at its SD_MODE pin. */
        config.slot_cfg.slot_mask = I2S_STD_SLOT_BOTH;
        if (!audio_dma_new(I2S_NUM_1, &made, NULL) || !init(made, &config)) {
            return false;
        }
        audio_dma_watch(made, true);
        speaker = made;
    }
    if (!audio_dma_start(speaker, true)) {
        return false;
    }
    amplifier_set(true);
    return true;
}

static bool speaker_write(const int16_t *pcm) {
    return audio_dma_write(speaker, pcm, AUDIO_FRAME * sizeof *pcm);
}

static void speaker_close(void) {
    amplifier_set(false);
    audio_dma_stop(speaker);
}

const audio_device audio_i2s_speaker = {
    .name = "I2S amplifier",
    .open = speaker_open,
    .write = speaker_write,
    .close = speaker_close,
};

#endif

#ifdef TC_BOARD_MICROPHONE_I2S

/* The INMP441 gives -26 dBFS at 94 dB SPL, so speech at arm's length is at -56 dBFS: 24 dB more
 * leave 32 dB for who speaks up. */
#define GAIN_SHIFT 4

static i2s_chan_handle_t microphone;
static gain_input input;
static int32_t raw[AUDIO_FRAME];

static bool microphone_open(void) {
    if (microphone == NULL) {
        i2s_chan_handle_t made = NULL;
        i2s_std_config_t config = {
            .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(AUDIO_RATE),
            .slot_cfg =
                I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
            .gpio_cfg = {.mclk = I2S_GPIO_UNUSED,
                         .bclk = TC_BOARD_I2S_MIC_BCLK,
                         .ws = TC_BOARD_I2S_MIC_WS,
                         .dout = I2S_GPIO_UNUSED,
                         .din = TC_BOARD_I2S_MIC_DIN},
        };
        config.slot_cfg.slot_mask =
            TC_BOARD_MICROPHONE_CHANNEL == 0 ? I2S_STD_SLOT_LEFT : I2S_STD_SLOT_RIGHT;
        if (!audio_dma_new(I2S_NUM_0, NULL, &made) || !init(made, &config)) {
            return false;
        }
        audio_dma_watch(made, false);
        microphone = made;
    }
    input = (gain_input){0};
    return audio_dma_start(microphone, false);
}

static bool microphone_read(int16_t *pcm, int16_t *reference) {
    (void)reference;
    if (!audio_dma_read(microphone, raw, sizeof raw)) {
        return false;
    }
    for (int i = 0; i < AUDIO_FRAME; i++) {
        pcm[i] = gain_input_sample(&input, raw[i], GAIN_SHIFT);
    }
    return true;
}

static void microphone_close(void) {
    audio_dma_stop(microphone);
}

const audio_device audio_i2s_microphone = {
    .name = "I2S microphone",
    .open = microphone_open,
    .read = microphone_read,
    .close = microphone_close,
};

#endif
