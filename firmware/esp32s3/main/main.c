/* Start of the device: each part once, then the core's task. */
#include "audio.h"
#include "clock.h"
#include "controls.h"
#include "core/core.h"
#include "esp_core_dump.h"
#include "esp_log.h"
#include "esp_task_wdt.h"
#include "http.h"
#include "network.h"
#include "peer.h"
#include "post.h"
#include "serial.h"
#include "storage.h"
#include "tasks.h"
#include "time_sync.h"
#include "trial.h"

static const char *TAG = "main";

static void report_crash(void) {
    size_t address, size;
    if (esp_core_dump_image_get(&address, &size) == ESP_OK) {
        ESP_LOGW(TAG, "a core dump of an earlier crash lies in flash: `idf.py coredump-info` reads "
                      "it");
    }
}

/*
 * The core's queue is emptied by its start; what others post before that waits (post.h). The
 * watchdog of tasks restarts a device whose core is stuck for ten seconds.
 */
static void run_core(void *argument) {
    (void)argument;
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
    tc_core_init(clock_ms());
    post_init();
    serial_log_init();
    report_crash();
    for (;;) {
        esp_task_wdt_reset();
        serial_log_tick();
        uint32_t wait_ms = tc_core_step(clock_ms());
        trial_tick(clock_ms());
        ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(wait_ms));
    }
}

/* Nothing in here posts an event: the core, which takes it, starts last. */
void app_main(void) {
    time_sync_init();
    storage_init();
    serial_init();
    network_init();
    http_init();
    peer_init();
    audio_init();
    controls_init();
    trial_init();
    tasks_start(TC_TASK_CORE, run_core, NULL);
}
