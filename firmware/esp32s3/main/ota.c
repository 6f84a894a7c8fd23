/* Updates: the image goes into the slot that does not run, and otadata names it when it is whole.
 */
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "port.h"

static const char *TAG = "ota";

static const esp_partition_t *slot;
static esp_ota_handle_t handle; /* 0: nothing is under way */

/* esp_err_t of app_update as the port's errors. */
static int error_of(esp_err_t error) {
    switch (error) {
    case ESP_OK:
        return TC_OK;
    case ESP_ERR_OTA_VALIDATE_FAILED:
        return TC_ERR_FORMAT;
    case ESP_ERR_INVALID_SIZE:
        return TC_ERR_SIZE;
    case ESP_ERR_OTA_PARTITION_CONFLICT:
    case ESP_ERR_OTA_ROLLBACK_INVALID_STATE: /* the running image is on trial */
        return TC_ERR_STATE;
    default:
        return TC_ERR_STORAGE;
    }
}

void tc_port_ota_abort(void) {
    if (handle != 0) {
        esp_ota_abort(handle);
        handle = 0;
    }
}

/* Sectors are erased as the image comes: to erase a slot at once takes seconds, in which nothing
 * else of the core would happen. */
int tc_port_ota_begin(size_t size) {
    tc_port_ota_abort();
    slot = esp_ota_get_next_update_partition(NULL);
    if (slot == NULL) {
        return TC_ERR_STATE;
    }
    if (size > slot->size) {
        return TC_ERR_SIZE;
    }
    esp_err_t error = esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &handle);
    if (error != ESP_OK) {
        handle = 0;
        ESP_LOGE(TAG, "%s cannot be written (%s)", slot->label, esp_err_to_name(error));
    }
    return error_of(error);
}

int tc_port_ota_write(const uint8_t *bytes, size_t length) {
    if (handle == 0) {
        return TC_ERR_STATE;
    }
    esp_err_t error = esp_ota_write(handle, bytes, length);
    if (error != ESP_OK) {
        ESP_LOGE(TAG, "%s was not written (%s)", slot->label, esp_err_to_name(error));
    }
    return error_of(error);
}

int tc_port_ota_end(void) {
    if (handle == 0) {
        return TC_ERR_STATE;
    }
    esp_err_t error = esp_ota_end(handle); /* verifies; the handle is gone in any case */
    handle = 0;
    if (error == ESP_OK) {
        error = esp_ota_set_boot_partition(slot);
    }
    if (error != ESP_OK) {
        ESP_LOGE(TAG, "the image in %s does not start (%s)", slot->label, esp_err_to_name(error));
    }
    return error_of(error);
}
