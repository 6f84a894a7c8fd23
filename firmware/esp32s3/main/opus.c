/*
 * Opus: 16 kHz, mono. Made once and for all at the first reset; a frame allocates nothing.
 *
 * VOIP and not AUDIO: at 24 kbit/s that is SILK with 16 kHz of bandwidth, made for speech, with the
 * better concealment and a high-pass before it; AUDIO would choose CELT at this rate. It costs 0.26
 * of a processor in place of 0.18 at complexity 0 (micro-opus, README of encode_benchmark: fixed
 * point, 240 MHz), and with an echo canceller's 0.20 and a decoder's 0.05 there is room for that,
 * not for the 0.34 of complexity 2. No DTX and no in-band FEC: the server counts packets to tell a
 * pause from a loss, and a loss on the way up is not worth a third of the rate.
 */
#include <opus.h>

#include "core/err.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "port.h"

#define RATE 16000
#define BIT_RATE 24000
#define COMPLEXITY 0
#define FRAME 320
#define CONCEAL_STEP 40 /* 2.5 ms: libopus conceals whole ones */

static const char *TAG = "opus";

static OpusEncoder *encoder;
static OpusDecoder *decoder;

/* PSRAM behind the cache is fast enough (that is what the benchmark ran in). */
static void *memory(int size) {
    void *bytes = heap_caps_malloc_prefer((size_t)size, 2, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT,
                                          MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    if (bytes == NULL) {
        ESP_LOGE(TAG, "no memory for the %d bytes of a codec's state", size);
    }
    return bytes;
}

static OpusEncoder *new_encoder(void) {
    OpusEncoder *made = memory(opus_encoder_get_size(1));
    if (made == NULL) {
        return NULL;
    }
    int err = opus_encoder_init(made, RATE, 1, OPUS_APPLICATION_VOIP);
    if (err == OPUS_OK) {
        err = opus_encoder_ctl(made, OPUS_SET_BITRATE(BIT_RATE));
    }
    if (err == OPUS_OK) {
        err = opus_encoder_ctl(made, OPUS_SET_COMPLEXITY(COMPLEXITY));
    }
    if (err == OPUS_OK) {
        err = opus_encoder_ctl(made, OPUS_SET_VBR(1));
    }
    if (err == OPUS_OK) {
        err = opus_encoder_ctl(made, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    }
    if (err == OPUS_OK) {
        err = opus_encoder_ctl(made, OPUS_SET_DTX(0));
    }
    if (err == OPUS_OK) {
        err = opus_encoder_ctl(made, OPUS_SET_INBAND_FEC(0));
    }
    if (err != OPUS_OK) {
        ESP_LOGE(TAG, "the encoder does not start: %s", opus_strerror(err));
        heap_caps_free(made);
        return NULL;
    }
    return made;
}

static OpusDecoder *new_decoder(void) {
    OpusDecoder *made = memory(opus_decoder_get_size(1));
    if (made == NULL) {
        return NULL;
    }
    int err = opus_decoder_init(made, RATE, 1);
    if (err != OPUS_OK) {
        ESP_LOGE(TAG, "the decoder does not start: %s", opus_strerror(err));
        heap_caps_free(made);
        return NULL;
    }
    return made;
}

void tc_port_opus_reset(void) {
    if (encoder == NULL) {
        encoder = new_encoder();
    } else {
        opus_encoder_ctl(encoder, OPUS_RESET_STATE);
    }
    if (decoder == NULL) {
        decoder = new_decoder();
    } else {
        opus_decoder_ctl(decoder, OPUS_RESET_STATE);
    }
}

/* A negative tc_err for a negative error of libopus. */
static int error(int err) {
    switch (err) {
    case OPUS_BUFFER_TOO_SMALL:
    case OPUS_BAD_ARG:
        return TC_ERR_SIZE;
    case OPUS_INVALID_PACKET:
        return TC_ERR_FORMAT;
    default:
        return TC_ERR_IO;
    }
}

int tc_port_opus_encode(const int16_t *pcm, size_t samples, uint8_t *packet, size_t capacity) {
    if (encoder == NULL) {
        return TC_ERR_STATE;
    }
    if (samples != FRAME || capacity > INT32_MAX) {
        return TC_ERR_SIZE;
    }
    int length = opus_encode(encoder, pcm, FRAME, packet, (opus_int32)capacity);
    return length < 0 ? error(length) : length;
}

int tc_port_opus_decode(const uint8_t *packet, size_t length, int16_t *pcm, size_t capacity) {
    if (decoder == NULL) {
        return TC_ERR_STATE;
    }
    if (capacity > RATE || length > INT16_MAX) {
        return TC_ERR_SIZE;
    }
    if (packet == NULL) {
        length = 0;
        capacity -= capacity % CONCEAL_STEP;
    } else if (length == 0) {
        return TC_ERR_FORMAT; /* to libopus an empty packet means a loss */
    }
    int samples = opus_decode(decoder, packet, (opus_int32)length, pcm, (int)capacity, 0);
    return samples < 0 ? error(samples) : samples;
}
