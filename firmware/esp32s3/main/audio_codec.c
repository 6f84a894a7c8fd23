/*
 * Codec chips on one duplex I2S port: ES8311 or AW88298 for the loudspeaker, ES7210 or ES8311 for
 * the microphone. The chips are set up by esp_codec_dev; the port is ours, because esp_codec_dev's
 * own changes its slots behind its users' backs, and crashes on purpose where the driver refuses.
 */
#include "audio_amplifier.h"
#include "audio_device.h"
#include "audio_dma.h"
#include "core/board.h"
#include "driver/i2s_std.h"
#include "driver/i2s_tdm.h"
#include "esp_codec_dev.h"
#include "esp_codec_dev_defaults.h"
#include "esp_log.h"
#include "i2c_init.h"

#ifdef TC_BOARD_MICROPHONE_ES7210
/*
 * The ES7210 sends its four microphones in one frame of 4 x 16 bits. The loudspeaker's side of the
 * port shares that clock, and so has two slots of 32 bits.
 */
#define SLOTS 4
#define SLOT_BITS 32
#else
/* 32 bit clocks for each sample, from which an ES8311 without MCLK makes its own (datasheet,
 * "clock manager": 8 times BCLK is 256 times the rate). */
#define SLOTS 2
#define SLOT_BITS 16
#endif

#ifndef TC_BOARD_I2S_MCLK
#define TC_BOARD_I2S_MCLK I2S_GPIO_UNUSED
#define HAS_MCLK false
#else
#define HAS_MCLK true
#endif

#define MICROPHONE_DB 30.0f

static const char *TAG = "audio_codec";

static i2s_chan_handle_t transmit, receive;
/* One device for both ways where one chip does both. */
static esp_codec_dev_handle_t speaker, microphone;
static int16_t slots[AUDIO_FRAME * SLOTS];
static bool ready;

static int no_read(const audio_codec_data_if_t *data, uint8_t *bytes, int size) {
    (void)data, (void)bytes, (void)size;
    return ESP_CODEC_DEV_NOT_SUPPORT;
}

/* esp_codec_dev wants a way to the samples, which go past it. */
static const audio_codec_data_if_t no_data = {.read = no_read, .write = no_read};

/* Makes the way to a chip once, also where the chip does not answer on it yet. */
static const audio_codec_ctrl_if_t *control(const audio_codec_ctrl_if_t **way, uint8_t address) {
    audio_codec_i2c_cfg_t config = {
        .port = TC_BOARD_I2C_PORT,
        .addr = (uint8_t)(address << 1), /* it counts the direction bit */
        .bus_handle = i2c_bus(),
    };
    if (*way == NULL && config.bus_handle != NULL) {
        *way = audio_codec_new_i2c_ctrl(&config);
    }
    return *way;
}

#if defined(TC_BOARD_SPEAKER_ES8311) || defined(TC_BOARD_MICROPHONE_ES8311)

static const audio_codec_if_t *es8311(const audio_codec_ctrl_if_t *bus,
                                      esp_codec_dec_work_mode_t mode) {
    es8311_codec_cfg_t config = {
        .ctrl_if = bus,
        .codec_mode = mode,
        .pa_pin = -1, /* the amplifier is switched here, not before there is silence to play */
        .use_mclk = HAS_MCLK,
        .hw_gain = {.pa_voltage = 5.0f, .codec_dac_voltage = 3.3f},
    };
    return es8311_codec_new(&config);
}

#endif

static esp_codec_dev_handle_t device(const audio_codec_if_t *chip, esp_codec_dev_type_t type) {
    esp_codec_dev_cfg_t config = {.dev_type = type, .codec_if = chip, .data_if = &no_data};
    return chip == NULL ? NULL : esp_codec_dev_new(&config);
}

#if defined(TC_BOARD_SPEAKER_ES8311) && defined(TC_BOARD_MICROPHONE_ES8311)

static bool new_devices(void) {
    static const audio_codec_ctrl_if_t *way;
    const audio_codec_ctrl_if_t *bus = control(&way, TC_BOARD_SPEAKER_ADDRESS);
    speaker = bus == NULL
                  ? NULL
                  : device(es8311(bus, ESP_CODEC_DEV_WORK_MODE_BOTH), ESP_CODEC_DEV_TYPE_IN_OUT);
    microphone = speaker;
    return speaker != NULL;
}

#else

static const audio_codec_if_t *speaker_chip(const audio_codec_ctrl_if_t *bus) {
#if defined(TC_BOARD_SPEAKER_ES8311)
    return es8311(bus, ESP_CODEC_DEV_WORK_MODE_DAC);
#elif defined(TC_BOARD_SPEAKER_AW88298)
    aw88298_codec_cfg_t config = {
        .ctrl_if = bus,
        .reset_pin = -1,
        .hw_gain = {.pa_voltage = 5.0f, .codec_dac_voltage = 3.3f, .pa_gain = 1.0f},
    };
    return aw88298_codec_new(&config);
#else
#error "a codec microphone needs a codec loudspeaker: they share one port"
#endif
}

static const audio_codec_if_t *microphone_chip(const audio_codec_ctrl_if_t *bus) {
#if defined(TC_BOARD_MICROPHONE_ES7210)
    es7210_codec_cfg_t config = {
        .ctrl_if = bus,
        .mic_selected = ES7210_SEL_MIC1 | ES7210_SEL_MIC2 | ES7210_SEL_MIC3 | ES7210_SEL_MIC4,
    };
    return es7210_codec_new(&config);
#elif defined(TC_BOARD_MICROPHONE_ES8311)
    return es8311(bus, ESP_CODEC_DEV_WORK_MODE_ADC);
#else
#error "a codec loudspeaker needs a codec microphone: they share one port"
#endif
}

static bool new_devices(void) {
    static const audio_codec_ctrl_if_t *speaker_way, *microphone_way;
    const audio_codec_ctrl_if_t *bus = control(&speaker_way, TC_BOARD_SPEAKER_ADDRESS);
    if (bus != NULL && speaker == NULL) {
        speaker = device(speaker_chip(bus), ESP_CODEC_DEV_TYPE_OUT);
    }
    bus = control(&microphone_way, TC_BOARD_MICROPHONE_ADDRESS);
    if (bus != NULL && microphone == NULL) {
        microphone = device(microphone_chip(bus), ESP_CODEC_DEV_TYPE_IN);
    }
    return speaker != NULL && microphone != NULL;
}

#endif

static const i2s_std_gpio_config_t pins = {.mclk = TC_BOARD_I2S_MCLK,
                                           .bclk = TC_BOARD_I2S_BCLK,
                                           .ws = TC_BOARD_I2S_WS,
                                           .dout = TC_BOARD_I2S_DOUT,
                                           .din = TC_BOARD_I2S_DIN};

static i2s_std_config_t std_config(i2s_slot_mode_t mode) {
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(AUDIO_RATE),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, mode),
        .gpio_cfg = pins,
    };
    config.slot_cfg.slot_bit_width = (i2s_slot_bit_width_t)SLOT_BITS;
    config.slot_cfg.ws_width = SLOT_BITS;
    config.slot_cfg.slot_mask = I2S_STD_SLOT_BOTH;
    return config;
}

static esp_err_t init_receive(i2s_chan_handle_t channel) {
#ifdef TC_BOARD_MICROPHONE_ES7210
    i2s_tdm_config_t config = {
        .clk_cfg = I2S_TDM_CLK_DEFAULT_CONFIG(AUDIO_RATE),
        .slot_cfg = I2S_TDM_PHILIPS_SLOT_DEFAULT_CONFIG(
            I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_STEREO,
            I2S_TDM_SLOT0 | I2S_TDM_SLOT1 | I2S_TDM_SLOT2 | I2S_TDM_SLOT3),
        .gpio_cfg = {.mclk = TC_BOARD_I2S_MCLK,
                     .bclk = TC_BOARD_I2S_BCLK,
                     .ws = TC_BOARD_I2S_WS,
                     .dout = TC_BOARD_I2S_DOUT,
                     .din = TC_BOARD_I2S_DIN},
    };
    return i2s_channel_init_tdm_mode(channel, &config);
#else
    i2s_std_config_t config = std_config(I2S_SLOT_MODE_STEREO);
    return i2s_channel_init_std_mode(channel, &config);
#endif
}

static bool new_port(void) {
    i2s_chan_handle_t out = NULL, in = NULL;
    if (!audio_dma_new(I2S_NUM_0, &out, &in)) {
        return false;
    }
    i2s_std_config_t config = std_config(I2S_SLOT_MODE_MONO);
    esp_err_t err = i2s_channel_init_std_mode(out, &config);
    if (err == ESP_OK) {
        err = init_receive(in);
    }
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "the I2S port refuses its pins or clock: %s", esp_err_to_name(err));
        i2s_del_channel(out);
        i2s_del_channel(in);
        return false;
    }
    audio_dma_watch(out, true);
    audio_dma_watch(in, false);
    transmit = out;
    receive = in;
    return true;
}

static bool start_chips(void) {
    /* The AW88298 must know that there are 64 bit clocks for each sample; that the lower half of
     * its 32 bits is nought does no harm. */
#ifdef TC_BOARD_SPEAKER_AW88298
    uint8_t bits = SLOT_BITS;
#else
    uint8_t bits = 16;
#endif
    esp_codec_dev_sample_info_t out = {
        .bits_per_sample = bits, .channel = 2, .sample_rate = AUDIO_RATE};
    esp_codec_dev_sample_info_t in = {
        .bits_per_sample = 16, .channel = SLOTS, .sample_rate = AUDIO_RATE};
    if (esp_codec_dev_open(speaker, &out) != ESP_CODEC_DEV_OK) {
        ESP_LOGE(TAG, "the loudspeaker's chip at 0x%02x does not start", TC_BOARD_SPEAKER_ADDRESS);
        /* What did not open is half open: unless it is closed, the next time would do nothing. */
        esp_codec_dev_close(speaker);
        return false;
    }
    if (microphone != speaker && esp_codec_dev_open(microphone, &in) != ESP_CODEC_DEV_OK) {
        ESP_LOGE(TAG, "the microphone's chip at 0x%02x does not start",
                 TC_BOARD_MICROPHONE_ADDRESS);
        esp_codec_dev_close(microphone);
        esp_codec_dev_close(speaker);
        return false;
    }
#ifdef TC_BOARD_MICROPHONE_ES7210
    /* Opening has set all gains to 0 dB, which is right for the echo reference. Gains count
     * microphones, slots are MIC1, MIC3, MIC2, MIC4. */
    static const uint8_t microphone_of_slot[SLOTS] = {0, 2, 1, 3};
    esp_codec_dev_set_in_channel_gain(
        microphone,
        ESP_CODEC_DEV_MAKE_CHANNEL_MASK(microphone_of_slot[TC_BOARD_MICROPHONE_CHANNEL]),
        MICROPHONE_DB);
#else
    esp_codec_dev_set_in_gain(microphone, MICROPHONE_DB);
#endif
    return true;
}

static void stop_chips(void) {
    if (microphone != speaker) {
        esp_codec_dev_close(microphone);
    }
    esp_codec_dev_close(speaker);
}

static bool codec_open(void) {
    if (!ready) {
        ready = (transmit != NULL || new_port()) && new_devices();
    }
    if (!ready) {
        ESP_LOGE(TAG, "a codec chip does not answer on the I2C bus");
        return false;
    }
    /* Clocks first: the chips start on them. The receiver last, so that nothing old waits in it. */
    if (!audio_dma_start(transmit, true)) {
        return false;
    }
    if (!start_chips()) {
        audio_dma_stop(transmit);
        return false;
    }
    if (!audio_dma_prime(transmit) || !audio_dma_start(receive, false)) {
        stop_chips();
        audio_dma_stop(transmit);
        return false;
    }
    amplifier_set(true);
    return true;
}

static bool codec_read(int16_t *pcm, int16_t *reference) {
    if (!audio_dma_read(receive, slots, sizeof slots)) {
        return false;
    }
    for (int i = 0; i < AUDIO_FRAME; i++) {
        pcm[i] = slots[i * SLOTS + TC_BOARD_MICROPHONE_CHANNEL];
#ifdef TC_BOARD_ECHO_CHANNEL
        reference[i] = slots[i * SLOTS + TC_BOARD_ECHO_CHANNEL];
#endif
    }
    (void)reference;
    return true;
}

static bool codec_write(const int16_t *pcm) {
    return audio_dma_write(transmit, pcm, AUDIO_FRAME * sizeof *pcm);
}

static bool codec_volume(uint8_t percent) {
    /* Its curve is that of gain.h: half a decibel per percent, and silence at 0. */
    return esp_codec_dev_set_out_vol(speaker, percent) == ESP_CODEC_DEV_OK;
}

static void codec_close(void) {
    amplifier_set(false);
    stop_chips();
    /* The receiver lives on the transmitter's clock. */
    audio_dma_stop(receive);
    audio_dma_stop(transmit);
}

const audio_device audio_codec = {
    .name = "codec",
    .open = codec_open,
    .read = codec_read,
    .write = codec_write,
    .volume = codec_volume,
    .close = codec_close,
};
