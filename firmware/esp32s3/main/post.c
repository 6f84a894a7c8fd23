#include "post.h"

#include <inttypes.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static const char *TAG = "post";

static TaskHandle_t _Atomic core_task; /* NULL until the core takes events */

void post_init(void) {
    core_task = xTaskGetCurrentTaskHandle();
}

void post_wake(void) {
    TaskHandle_t task = core_task;
    if (task != NULL) {
        xTaskNotifyGive(task);
    }
}

/* What does not fit now. TC_ERR_FULL also before the core runs: its start empties the queue. */
static tc_err try_once(const tc_event *event) {
    if (core_task == NULL) {
        return TC_ERR_FULL;
    }
    tc_err error = tc_core_post(event);
    if (error == TC_OK) {
        post_wake();
    }
    return error;
}

void post_event(const tc_event *event) {
    tc_err error;
    while ((error = try_once(event)) == TC_ERR_FULL) {
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    if (error != TC_OK) {
        ESP_LOGE(TAG, "event %d of %u bytes does not fit into the core's queue (error %d)",
                 event->kind, (unsigned)event->length, (int)error);
    }
}

bool post_try(const tc_event *event) {
    return try_once(event) != TC_ERR_FULL;
}
