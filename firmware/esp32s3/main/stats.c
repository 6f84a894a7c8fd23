/* Heap and tasks, for device.stats. */
#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "port.h"

#define TASKS_MAX 40 /* those of ESP-IDF and ours, and some room */

static TaskStatus_t now_running[TASKS_MAX];
/* What each had worked when it was asked last. Core task. */
static struct {
    UBaseType_t number;
    configRUN_TIME_COUNTER_TYPE worked;
} before[TASKS_MAX];
static size_t before_count;
static uint64_t before_us;

void tc_port_memory(tc_memory_stats *out) {
    const uint32_t internal = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT;
    out->internal_free = heap_caps_get_free_size(internal);
    out->internal_low = heap_caps_get_minimum_free_size(internal);
    out->external_free = heap_caps_get_free_size(MALLOC_CAP_SPIRAM);
    out->external_low = heap_caps_get_minimum_free_size(MALLOC_CAP_SPIRAM);
}

static configRUN_TIME_COUNTER_TYPE worked_before(UBaseType_t number) {
    for (size_t i = 0; i < before_count; i++) {
        if (before[i].number == number) {
            return before[i].worked;
        }
    }
    return 0;
}

static int by_work(const void *a, const void *b) {
    uint32_t first = ((const tc_task_stats *)a)->cpu_permille;
    uint32_t second = ((const tc_task_stats *)b)->cpu_permille;
    return first < second ? 1 : first > second ? -1 : 0;
}

int tc_port_tasks(tc_task_stats *out, size_t capacity) {
    static tc_task_stats rows[TASKS_MAX];
    uint64_t us = (uint64_t)esp_timer_get_time();
    uint64_t passed = us - before_us;
    size_t count = uxTaskGetSystemState(now_running, TASKS_MAX, NULL);
    for (size_t i = 0; i < count; i++) {
        const TaskStatus_t *task = &now_running[i];
        configRUN_TIME_COUNTER_TYPE worked =
            task->ulRunTimeCounter - worked_before(task->xTaskNumber);
        uint64_t share = passed == 0 ? 0 : (uint64_t)worked * 1000 / passed;
        rows[i] = (tc_task_stats){.stack_free = task->usStackHighWaterMark,
                                  .cpu_permille = share > 1000 ? 1000 : (uint32_t)share};
        strlcpy(rows[i].name, task->pcTaskName, sizeof rows[i].name);
    }
    for (size_t i = 0; i < count; i++) {
        before[i].number = now_running[i].xTaskNumber;
        before[i].worked = now_running[i].ulRunTimeCounter;
    }
    before_count = count;
    before_us = us;
    qsort(rows, count, sizeof rows[0], by_work);
    count = count < capacity ? count : capacity;
    memcpy(out, rows, count * sizeof rows[0]);
    return (int)count;
}
