#include "audio_dma.h"

#include "audio_device.h"
#include "esp_attr.h"
#include "esp_log.h"

#define TIMEOUT_MS 100

static const char *TAG = "audio_dma";

/* Both run in the interrupt, when the queue of finished buffers has no room for one more. */
static IRAM_ATTR bool count_underrun(i2s_chan_handle_t channel, i2s_event_data_t *event,
                                     void *context) {
    (void)channel, (void)event, (void)context;
    atomic_fetch_add_explicit(&audio_underruns, 1, memory_order_relaxed);
    return false;
}

static IRAM_ATTR bool count_overrun(i2s_chan_handle_t channel, i2s_event_data_t *event,
                                    void *context) {
    (void)channel, (void)event, (void)context;
    atomic_fetch_add_explicit(&audio_overruns, 1, memory_order_relaxed);
    return false;
}

bool audio_dma_new(i2s_port_t port, i2s_chan_handle_t *transmit, i2s_chan_handle_t *receive) {
    i2s_chan_config_t config = I2S_CHANNEL_DEFAULT_CONFIG(port, I2S_ROLE_MASTER);
    config.dma_desc_num = AUDIO_DMA_BUFFERS;
    config.dma_frame_num = AUDIO_DMA_SAMPLES;
    /* An underrun is silence, not the last 60 ms once more. */
    config.auto_clear_after_cb = true;
    esp_err_t err = i2s_new_channel(&config, transmit, receive);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "no channel on I2S port %d: %s", (int)port, esp_err_to_name(err));
    }
    return err == ESP_OK;
}

void audio_dma_watch(i2s_chan_handle_t channel, bool transmits) {
    i2s_event_callbacks_t callbacks = {0};
    if (transmits) {
        callbacks.on_send_q_ovf = count_underrun;
    } else {
        callbacks.on_recv_q_ovf = count_overrun;
    }
    if (i2s_channel_register_event_callback(channel, &callbacks, NULL) != ESP_OK) {
        ESP_LOGW(TAG, "losses of sound will not be counted");
    }
}

static const int16_t silence[AUDIO_DMA_SAMPLES];

bool audio_dma_start(i2s_chan_handle_t channel, bool transmits) {
    /* What was queued when the channel was last stopped would be heard now. */
    size_t loaded = sizeof silence;
    while (transmits && loaded > 0) {
        if (i2s_channel_preload_data(channel, silence, sizeof silence, &loaded) != ESP_OK) {
            break;
        }
    }
    esp_err_t err = i2s_channel_enable(channel);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "an I2S channel does not start: %s", esp_err_to_name(err));
    }
    return err == ESP_OK;
}

bool audio_dma_prime(i2s_chan_handle_t channel) {
    for (int i = 0; i < AUDIO_DMA_PRIME; i++) {
        if (!audio_dma_write(channel, silence, sizeof silence)) {
            return false;
        }
    }
    return true;
}

void audio_dma_stop(i2s_chan_handle_t channel) {
    esp_err_t err = i2s_channel_disable(channel);
    if (err != ESP_OK) {
        ESP_LOGW(TAG, "an I2S channel does not stop: %s", esp_err_to_name(err));
    }
}

bool audio_dma_read(i2s_chan_handle_t channel, void *out, size_t size) {
    size_t moved = 0;
    return i2s_channel_read(channel, out, size, &moved, TIMEOUT_MS) == ESP_OK && moved == size;
}

bool audio_dma_write(i2s_chan_handle_t channel, const void *bytes, size_t size) {
    size_t moved = 0;
    return i2s_channel_write(channel, bytes, size, &moved, TIMEOUT_MS) == ESP_OK && moved == size;
}
