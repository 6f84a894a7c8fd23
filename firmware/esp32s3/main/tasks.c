#include "tasks.h"

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "freertos/idf_additions.h"

static const char *TAG = "tasks";

TaskHandle_t tasks_start(tc_task_id id, TaskFunction_t run, void *argument) {
    const tc_task_row *row = &tc_task_table[id];
    uint32_t memory = row->external ? MALLOC_CAP_SPIRAM : MALLOC_CAP_INTERNAL;
    TaskHandle_t task = NULL;
    if (xTaskCreatePinnedToCoreWithCaps(run, row->name, row->stack, argument, row->priority, &task,
                                        (BaseType_t)row->core,
                                        memory | MALLOC_CAP_8BIT) != pdPASS) {
        ESP_LOGE(TAG, "no memory for the %d bytes of stack of task %s", (int)row->stack, row->name);
        abort();
    }
    return task;
}
