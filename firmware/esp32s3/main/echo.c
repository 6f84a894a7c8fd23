#include "echo.h"

#include "../portable/frames.h"
#include "audio_device.h"
#include "core/board.h"
#include "esp_aec.h"
#include "esp_log.h"

/* Blocks of the linear filter, 32 ms each: what esp_aec.h recommends, and longer than any echo
 * between a loudspeaker and a microphone in one case. */
#define FILTER_LENGTH 4

static const char *TAG = "echo";

static aec_handle_t *canceller;
/* In internal memory: all of it is touched with each frame. */
static frames bridge;

bool echo_init(void) {
    frames_reset(&bridge);
    /* Full duplex: both sides may speak at once, which is what an interruption is. */
    canceller = aec_create(AUDIO_RATE, FILTER_LENGTH, 1, AEC_MODE_FD_LOW_COST);
    if (canceller == NULL) {
        ESP_LOGE(TAG, "no memory for the echo canceller");
        return false;
    }
    if (aec_get_chunksize(canceller) != FRAMES_BLOCK) {
        ESP_LOGE(TAG, "the echo canceller wants blocks of %d samples, not %d",
                 aec_get_chunksize(canceller), FRAMES_BLOCK);
        aec_destroy(canceller);
        canceller = NULL;
    }
    return canceller != NULL;
}

void echo_reset(void) {
    frames_reset(&bridge);
}

static void process(int16_t *near, int16_t *far, int16_t *out, void *context) {
    aec_process(context, near, far, out);
}

void echo_cancel(int16_t *pcm, const int16_t *reference) {
    if (canceller != NULL) {
        frames_run(&bridge, pcm, reference, process, canceller);
    }
}
