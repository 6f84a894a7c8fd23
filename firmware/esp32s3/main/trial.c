#include "trial.h"

#include <stdbool.h>

#include "audio.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "port.h"

#define TRIAL_MS 180000u /* a router that starts after the same power cut takes two minutes */

static const char *TAG = "trial";

static bool on_trial;

/* An image that crashes or hangs needs none of this: the boot loader marks it as aborted. */
static void roll_back(const char *why) {
    on_trial = false;
    ESP_LOGE(TAG, "this image failed its trial: %s. Going back to the former one", why);
    esp_err_t error = esp_ota_mark_app_invalid_rollback_and_reboot();
    ESP_LOGE(TAG, "there is no former image to go back to (%s)", esp_err_to_name(error));
}

void trial_init(void) {
    esp_ota_img_states_t state;
    const esp_partition_t *running = esp_ota_get_running_partition();
    if (esp_ota_get_state_partition(running, &state) != ESP_OK ||
        state != ESP_OTA_IMG_PENDING_VERIFY) {
        return;
    }
    on_trial = true;
    ESP_LOGW(TAG, "first start of the image in %s: it has %u s to prove itself", running->label,
             (unsigned)(TRIAL_MS / 1000));
    if (!audio_self_test()) {
        roll_back("microphone or loudspeaker did not answer");
    }
}

void trial_tick(uint64_t now_ms) {
    if (on_trial && now_ms >= TRIAL_MS) {
        roll_back("it did not come up in time");
    }
}

bool tc_port_on_trial(void) {
    return on_trial;
}

void tc_port_boot_good(void) {
    if (!on_trial) {
        return;
    }
    on_trial = false;
    esp_err_t error = esp_ota_mark_app_valid_cancel_rollback();
    if (error == ESP_OK) {
        ESP_LOGI(TAG, "this image has proven itself, and stays");
    } else {
        ESP_LOGE(TAG, "this image could not be marked as good (%s)", esp_err_to_name(error));
    }
}
