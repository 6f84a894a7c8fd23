/*
 * Sound on the emulated board, which has no I2S: the microphone says sentences from a flash
 * partition (see person.h), the loudspeaker is measured, and the log says what it played. Paced by
 * the tick, on a grid that does not drift.
 */
#include <inttypes.h>
#include <string.h>

#include "../portable/level.h"
#include "../portable/person.h"
#include "audio_device.h"
#include "clock.h"
#include "core/board.h"
#include "esp_log.h"
#include "esp_partition.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define FRAME_MS 20

static const char *TAG = "audio_partition";

static const uint8_t *image;
static person who;
static level_meter meter;
static bool sound;
static TickType_t grid;

static bool read_image(void *context, size_t offset, void *out, size_t length) {
    (void)context;
    memcpy(out, image + offset, length);
    return true;
}

void audio_partition_init(void) {
    const esp_partition_t *partition = esp_partition_find_first(
        ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, TC_BOARD_MICROPHONE_LABEL);
    /* Mapped, since the audio task could not read it: its stack is in the PSRAM, which is out of
     * reach while the flash is busy. */
    esp_partition_mmap_handle_t handle;
    const void *mapped = NULL;
    if (partition == NULL ||
        esp_partition_mmap(partition, 0, partition->size, ESP_PARTITION_MMAP_DATA, &mapped,
                           &handle) != ESP_OK) {
        ESP_LOGW(TAG, "there is no partition \"%s\": the microphone is silent",
                 TC_BOARD_MICROPHONE_LABEL);
        return;
    }
    image = mapped;
    if (person_open(&who, read_image, NULL, partition->size) != TC_OK) {
        ESP_LOGW(TAG, "the partition \"%s\" holds no sentences: the microphone is silent",
                 TC_BOARD_MICROPHONE_LABEL);
        return;
    }
    ESP_LOGI(TAG, "the microphone has %" PRIu32 " sentences to say", who.count);
}

static bool partition_open(void) {
    sound = false;
    person_active(&who, true, clock_ms());
    grid = xTaskGetTickCount();
    return true;
}

static bool partition_read(int16_t *pcm, int16_t *reference) {
    (void)reference;
    /* An emulator that was stopped for a while must not make up for it in a burst. */
    if (xTaskGetTickCount() - grid > pdMS_TO_TICKS(100)) {
        atomic_fetch_add(&audio_overruns, (xTaskGetTickCount() - grid) / pdMS_TO_TICKS(10));
        grid = xTaskGetTickCount();
    }
    xTaskDelayUntil(&grid, pdMS_TO_TICKS(FRAME_MS));
    uint32_t before = who.index;
    if (person_frame(&who, clock_ms(), sound, pcm) != TC_OK) {
        return false;
    }
    if (who.index != before) {
        ESP_LOGI(TAG, "sentence %" PRIu32 " of %" PRIu32 " is said", who.index, who.count);
    }
    return true;
}

/* "loudspeaker: 2.340 s, -21.3 dBFS, CRC-32 89abcdef of 37440 samples" */
static void tell(const char *what, uint32_t samples) {
    int tenths = level_dbfs(meter.squares, meter.count);
    ESP_LOGI(TAG,
             "loudspeaker %s: %" PRIu32 ".%03" PRIu32 " s, %s%d.%d dBFS, CRC-32 %08" PRIx32
             " of %" PRIu64 " samples",
             what, samples / 16000, samples % 16000 / 16, tenths < 0 ? "-" : "",
             (tenths < 0 ? -tenths : tenths) / 10, (tenths < 0 ? -tenths : tenths) % 10, meter.crc,
             meter.samples);
}

static bool partition_write(const int16_t *pcm) {
    sound = level_is_sound(pcm, AUDIO_FRAME);
    switch (level_add(&meter, pcm, AUDIO_FRAME)) {
    case LEVEL_SECOND:
        tell("sounds", meter.duration);
        break;
    case LEVEL_END:
        tell("was quiet after", meter.duration);
        break;
    case LEVEL_NO_NEWS:
        break;
    }
    return true;
}

static void partition_close(void) {
    person_active(&who, false, clock_ms());
    if (level_stop(&meter)) {
        tell("was switched off after", meter.duration);
    }
}

const audio_device audio_partition = {
    .name = "emulated sound",
    .open = partition_open,
    .read = partition_read,
    .write = partition_write,
    .close = partition_close,
};
