#include "storage.h"

#include <string.h>

#include "core/board.h"
#include "esp_log.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "port.h"

#define NAMESPACE "tincan"
#define TEXT_MAX 4000 /* NVS: longest string, with its NUL */

static const char *TAG = "storage";

static nvs_handle_t handle;
static bool open;
/* Texts of the core have no NUL, those of NVS have one. Core task only, as all of tc_port_kv_*. */
static TC_BIG char text[TEXT_MAX];

/* Why the partition cannot be read, and what may be done. */
static const char *explain(esp_err_t error) {
    switch (error) {
    case ESP_ERR_NVS_NEW_VERSION_FOUND:
        return "it was written by a newer version of NVS; flash that firmware again, or erase the "
               "partition";
    case ESP_ERR_NVS_NO_FREE_PAGES:
        return "none of its pages is free; erase the partition";
    case ESP_ERR_NOT_FOUND:
        return "there is no such partition; flash the partition table of this firmware";
    case ESP_ERR_NVS_KEYS_NOT_INITIALIZED:
    case ESP_ERR_NVS_CORRUPT_KEY_PART:
        return "its keys are missing";
    default:
        return "erase the partition if this stays";
    }
}

void storage_init(void) {
    esp_err_t error = nvs_flash_init();
    if (error != ESP_OK) {
        ESP_LOGE(TAG, "the NVS partition cannot be used (%s): %s. Nothing was erased",
                 esp_err_to_name(error), explain(error));
        return;
    }
    error = nvs_open(NAMESPACE, NVS_READWRITE, &handle);
    if (error != ESP_OK) {
        ESP_LOGE(TAG, "namespace " NAMESPACE " cannot be opened (%s)", esp_err_to_name(error));
        return;
    }
    open = true;
}

static int failure(const char *what, const char *key, esp_err_t error) {
    switch (error) {
    case ESP_ERR_NVS_NOT_FOUND:
        return TC_ERR_NOT_FOUND;
    case ESP_ERR_NVS_INVALID_LENGTH:
        return TC_ERR_SIZE;
    case ESP_ERR_NVS_NOT_ENOUGH_SPACE:
    case ESP_ERR_NVS_VALUE_TOO_LONG:
        ESP_LOGE(TAG, "no room to %s %s (%s)", what, key, esp_err_to_name(error));
        return TC_ERR_FULL;
    default:
        ESP_LOGE(TAG, "cannot %s %s (%s)", what, key, esp_err_to_name(error));
        return TC_ERR_STORAGE;
    }
}

static esp_err_t read_text(const char *key, void *out, size_t *length) {
    size_t size = sizeof text;
    esp_err_t error = nvs_get_str(handle, key, text, &size);
    if (error == ESP_OK && size - 1 > *length) {
        error = ESP_ERR_NVS_INVALID_LENGTH;
    }
    if (error == ESP_OK) {
        *length = size - 1;
        memcpy(out, text, *length);
    }
    memset(text, 0, sizeof text); /* it may have been a secret */
    return error;
}

/* Numbers lie in memory as the port wants them: the chip is little-endian. */
static esp_err_t read_number(const char *key, int type, void *out, size_t *length) {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    const void *from = &u32;
    esp_err_t error;
    if (*length < (size_t)type) {
        return ESP_ERR_NVS_INVALID_LENGTH;
    }
    if (type == TC_KV_U8) {
        error = nvs_get_u8(handle, key, &u8);
        from = &u8;
    } else if (type == TC_KV_U16) {
        error = nvs_get_u16(handle, key, &u16);
        from = &u16;
    } else {
        error = nvs_get_u32(handle, key, &u32);
    }
    if (error == ESP_OK) {
        *length = (size_t)type;
        memcpy(out, from, *length);
    }
    return error;
}

int tc_port_kv_read(const char *key, int type, void *out, size_t capacity) {
    esp_err_t error;
    size_t length = capacity;
    if (!open) {
        return TC_ERR_STORAGE;
    }
    switch (type) {
    case TC_KV_U8:
    case TC_KV_U16:
    case TC_KV_U32:
        error = read_number(key, type, out, &length);
        break;
    case TC_KV_TEXT:
        error = read_text(key, out, &length);
        break;
    case TC_KV_BLOB:
        error = nvs_get_blob(handle, key, out, &length);
        break;
    default:
        return TC_ERR_TYPE;
    }
    return error == ESP_OK ? (int)length : failure("read", key, error);
}

static esp_err_t write_text(const char *key, const void *value, size_t length) {
    if (length >= sizeof text) {
        return ESP_ERR_NVS_VALUE_TOO_LONG;
    }
    memcpy(text, value, length);
    text[length] = '\0';
    esp_err_t error = nvs_set_str(handle, key, text);
    memset(text, 0, length);
    return error;
}

static esp_err_t write_number(const char *key, int type, const void *value, size_t length) {
    uint32_t number = 0;
    if (length != (size_t)type) {
        return ESP_ERR_NVS_INVALID_LENGTH;
    }
    memcpy(&number, value, length);
    if (type == TC_KV_U8) {
        return nvs_set_u8(handle, key, (uint8_t)number);
    }
    return type == TC_KV_U16 ? nvs_set_u16(handle, key, (uint16_t)number)
                             : nvs_set_u32(handle, key, number);
}

int tc_port_kv_write(const char *key, int type, const void *value, size_t length) {
    esp_err_t error;
    if (!open) {
        return TC_ERR_STORAGE;
    }
    switch (type) {
    case TC_KV_U8:
    case TC_KV_U16:
    case TC_KV_U32:
        error = write_number(key, type, value, length);
        break;
    case TC_KV_TEXT:
        error = write_text(key, value, length);
        break;
    case TC_KV_BLOB:
        error = nvs_set_blob(handle, key, value, length);
        break;
    default:
        return TC_ERR_TYPE;
    }
    if (error == ESP_OK) {
        error = nvs_commit(handle);
    }
    return error == ESP_OK ? TC_OK : failure("write", key, error);
}

int tc_port_kv_erase(const char *key) {
    if (!open) {
        return TC_ERR_STORAGE;
    }
    esp_err_t error = nvs_erase_key(handle, key);
    if (error == ESP_OK) {
        error = nvs_commit(handle);
    }
    return error == ESP_OK || error == ESP_ERR_NVS_NOT_FOUND ? TC_OK : TC_ERR_STORAGE;
}
