#include "audio.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "../portable/gain.h"
#include "../portable/level.h"
#include "audio_amplifier.h"
#include "audio_device.h"
#include "clock.h"
#include "core/board.h"
#include "core/core.h"
#include "echo.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "port.h"
#include "tasks.h"
#ifdef TC_BOARD_I2C_PORT
#include "i2c_init.h"
#endif

#define FRAME_MS 20
#define FRAMES_PER_SECOND 50
/* Chips are told some fifty registers at 100 kbit/s; more than this is a bus that hangs. */
#define OPEN_MS 1000
#define ECHO_TAIL_FRAMES 10

#if defined(TC_BOARD_SPEAKER_ES8311) || defined(TC_BOARD_SPEAKER_AW88298)
#define SPEAKER &audio_codec
#elif defined(TC_BOARD_SPEAKER_I2S)
#define SPEAKER &audio_i2s_speaker
#elif defined(TC_BOARD_SPEAKER_LEVEL)
#define SPEAKER &audio_partition
#elif defined(TC_BOARD_SPEAKER_NONE)
#define SPEAKER NULL
#else
#error "the board says nothing of its loudspeaker: TC_BOARD_SPEAKER_..."
#endif

#if defined(TC_BOARD_MICROPHONE_ES7210) || defined(TC_BOARD_MICROPHONE_ES8311)
#define MICROPHONE &audio_codec
#elif defined(TC_BOARD_MICROPHONE_I2S)
#define MICROPHONE &audio_i2s_microphone
#elif defined(TC_BOARD_MICROPHONE_PDM)
#define MICROPHONE &audio_pdm
#elif defined(TC_BOARD_MICROPHONE_PARTITION)
#define MICROPHONE &audio_partition
#elif defined(TC_BOARD_MICROPHONE_NONE)
#define MICROPHONE NULL
#else
#error "the board says nothing of its microphone: TC_BOARD_MICROPHONE_..."
#endif

static const char *TAG = "audio";

static const audio_device *const speaker = SPEAKER;
static const audio_device *const microphone = MICROPHONE;

atomic_uint_least32_t audio_underruns, audio_overruns;

static TaskHandle_t task;
/* Given by the audio task: it has tried to open the device; it has left the core. */
static SemaphoreHandle_t opened, left;
/* Held while the device is opened or closed: the self-test does so, too. */
static SemaphoreHandle_t device;
static atomic_bool wanted, opened_well;
static atomic_uint_least8_t loudness;

/* Audio task only. */
static int32_t gain;
static uint8_t set_loudness;
static uint32_t frames, failures, told_underruns, told_overruns;
#ifdef TC_BOARD_ECHO_CHANNEL
static bool cancelling;
static int echo_tail;
#endif

static bool open_device(void) {
    if (microphone != NULL && !microphone->open()) {
        return false;
    }
    if (speaker != NULL && speaker != microphone && !speaker->open()) {
        if (microphone != NULL) {
            microphone->close();
        }
        return false;
    }
    return true;
}

static void close_device(void) {
    if (speaker != NULL && speaker != microphone) {
        speaker->close();
    }
    if (microphone != NULL) {
        microphone->close();
    }
}

/* Loudness in the device where it can, in the samples where it cannot. */
static void apply_loudness(int16_t *pcm) {
    uint8_t percent = atomic_load(&loudness);
    if (speaker != NULL && speaker->volume != NULL) {
        if (percent != set_loudness && speaker->volume(percent)) {
            set_loudness = percent;
        }
        return;
    }
    int32_t target = gain_of_volume(percent);
    gain_apply(pcm, AUDIO_FRAME, gain, target);
    gain = target;
}

#ifdef TC_BOARD_ECHO_CHANNEL

static void without_echo(int16_t *pcm, const int16_t *reference) {
    if (cancelling) {
        echo_cancel(pcm, reference);
        return;
    }
    /* The core believes that this board hears no echo; without a canceller silence sees to that. */
    if (level_is_sound(reference, AUDIO_FRAME)) {
        echo_tail = ECHO_TAIL_FRAMES;
    } else if (echo_tail > 0) {
        echo_tail--;
    }
    if (echo_tail > 0) {
        memset(pcm, 0, AUDIO_FRAME * sizeof *pcm);
    }
}

#endif

/* Says once a second at most what was lost since it was last said. */
static void tell_losses(uint32_t failed) {
    failures += failed;
    if (++frames < FRAMES_PER_SECOND) {
        return;
    }
    frames = 0;
    uint32_t underruns = atomic_load(&audio_underruns), overruns = atomic_load(&audio_overruns);
    if (underruns != told_underruns || overruns != told_overruns || failures > 0) {
        ESP_LOGW(TAG,
                 "late: the loudspeaker had nothing to play %" PRIu32
                 " times, the microphone was not asked %" PRIu32 " times, %" PRIu32
                 " frames did not come or go",
                 underruns - told_underruns, overruns - told_overruns, failures);
    }
    told_underruns = underruns;
    told_overruns = overruns;
    failures = 0;
}

static void move_frame(void) {
    static _Alignas(16) int16_t heard[AUDIO_FRAME], reference[AUDIO_FRAME], out[AUDIO_FRAME];
    uint32_t failed = 0;
    if (microphone == NULL || !microphone->read(heard, reference)) {
        memset(heard, 0, sizeof heard);
        if (microphone != NULL) {
            failed++;
            vTaskDelay(pdMS_TO_TICKS(FRAME_MS)); /* what fails at once must not fail without end */
        }
    }
#ifdef TC_BOARD_ECHO_CHANNEL
    without_echo(heard, reference);
#endif
    tc_core_audio_in(heard, clock_ms());
    tc_core_audio_out(out);
    apply_loudness(out);
    if (speaker != NULL && !speaker->write(out)) {
        failed++;
    }
    tell_losses(failed);
}

static void prepare(void) {
    /* A chip that was switched off has forgotten its loudness: no percentage is 255. */
    set_loudness = UINT8_MAX;
    gain = gain_of_volume(atomic_load(&loudness));
    /* While chips were started, nobody wrote. */
    told_underruns = atomic_load(&audio_underruns);
    told_overruns = atomic_load(&audio_overruns);
#ifdef TC_BOARD_ECHO_CHANNEL
    echo_reset();
    echo_tail = 0;
#endif
}

static void run(void *argument) {
    (void)argument;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        if (!atomic_load(&wanted)) {
            continue;
        }
        xSemaphoreTake(device, portMAX_DELAY);
        bool open = open_device();
        xSemaphoreGive(device);
        atomic_store(&opened_well, open);
        xSemaphoreGive(opened);
        if (!open) {
            continue;
        }
        prepare();
        while (atomic_load(&wanted)) {
            move_frame();
        }
        xSemaphoreGive(left);
        xSemaphoreTake(device, portMAX_DELAY);
        close_device();
        xSemaphoreGive(device);
    }
}

void audio_init(void) {
    amplifier_set(false);
#ifdef TC_BOARD_I2C_PORT
    i2c_init();
#endif
#ifdef TC_BOARD_MICROPHONE_PARTITION
    audio_partition_init();
#endif
#ifdef TC_BOARD_ECHO_CHANNEL
    cancelling = echo_init();
#endif
    tc_port_opus_reset();
    opened = xSemaphoreCreateBinary();
    left = xSemaphoreCreateBinary();
    device = xSemaphoreCreateMutex();
    configASSERT(opened != NULL && left != NULL && device != NULL);
    task = tasks_start(TC_TASK_AUDIO, run, NULL);
}

bool audio_self_test(void) {
    xSemaphoreTake(device, portMAX_DELAY);
    bool good = open_device();
    if (good) {
        close_device();
    }
    xSemaphoreGive(device);
#ifdef TC_BOARD_I2C_PORT
    good = good && i2c_good();
#endif
    return good;
}

int tc_port_audio_start(void) {
    if (atomic_load(&wanted)) {
        return TC_OK;
    }
    xSemaphoreTake(opened, 0);
    xSemaphoreTake(left, 0);
    atomic_store(&wanted, true);
    xTaskNotifyGive(task);
    /* The one call of the port that waits, for as long as the chips take. */
    bool answered = xSemaphoreTake(opened, pdMS_TO_TICKS(OPEN_MS)) == pdTRUE;
    if (answered && atomic_load(&opened_well)) {
        return TC_OK;
    }
    ESP_LOGE(TAG, "the audio device does not %s", answered ? "open" : "answer");
    atomic_store(&wanted, false);
    return TC_ERR_IO;
}

void tc_port_audio_stop(void) {
    if (!atomic_load(&wanted)) {
        return;
    }
    atomic_store(&wanted, false);
    xSemaphoreTake(left, portMAX_DELAY);
}

void tc_port_volume(uint8_t percent) {
    atomic_store(&loudness, percent);
}
