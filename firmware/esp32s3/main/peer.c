/*
 * The peer connection of firmware/port.h. Callers leave what they want under a lock, or in a queue;
 * the peer task does it. So no caller waits for a handshake, and no event of a call is posted after
 * tc_port_peer_close() returned.
 */
#include "peer.h"

#include <string.h>

#include "clock.h"
#include "core/board.h"
#include "core/core.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/idf_additions.h"
#include "freertos/message_buffer.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "generated/link_gen.h"
#include "peer_call.h"
#include "port.h"
#include "post.h"
#include "tasks.h"

static const char *TAG = "peer";

#define LABEL_MAX 65
#define TEXT_MAX TC_LINK_MAX_EVENT
#define TEXT_QUEUE (TEXT_MAX + 32768u)
#define AUDIO_MAX 1280u
#define AUDIO_QUEUE 4096u
#define BUSY_MS 20u
#define WAITING_MS 1000u /* nothing to do until somebody notifies the task */

typedef struct {
    uint32_t id, timestamp;
    uint8_t packet[AUDIO_MAX];
} audio_message;

static SemaphoreHandle_t lock;
static TaskHandle_t task;
static MessageBufferHandle_t texts, packets;

/* Under the lock. */
static uint32_t wanted_id;
static char wanted_label[LABEL_MAX];
static bool answered;
static tc_sdp_answer answer;
static bool dtls_up, channel_open;

static bool still_wanted(uint32_t id) {
    xSemaphoreTake(lock, portMAX_DELAY);
    bool same = wanted_id == id;
    xSemaphoreGive(lock);
    return same;
}

/* ---- what a call says, on the peer task ---- */

/* The lock is held while the event goes into the core's queue: a call that was closed says nothing
 * more. */
static void say(uint32_t id, int kind, int32_t code, const void *data, size_t length) {
    tc_event event = {.kind = kind, .id = id, .code = code, .data = data, .length = length};
    for (bool posted = false; !posted;) {
        xSemaphoreTake(lock, portMAX_DELAY);
        if (wanted_id != id) {
            xSemaphoreGive(lock);
            return;
        }
        if (kind == TC_EVENT_PEER_UP) {
            dtls_up = true;
        } else if (kind == TC_EVENT_CHANNEL_OPEN) {
            channel_open = true;
        } else if (kind == TC_EVENT_PEER_DOWN) {
            dtls_up = channel_open = false;
        }
        posted = post_try(&event);
        xSemaphoreGive(lock);
        if (!posted) {
            vTaskDelay(1);
        }
    }
}

static void on_offer(uint32_t id, const char *sdp, size_t length) {
    say(id, TC_EVENT_PEER_OFFER, 0, sdp, length);
}

static void on_up(uint32_t id) {
    say(id, TC_EVENT_PEER_UP, 0, NULL, 0);
}

static void on_channel_open(uint32_t id) {
    say(id, TC_EVENT_CHANNEL_OPEN, 0, NULL, 0);
}

static void on_text(uint32_t id, const uint8_t *text, size_t length) {
    say(id, TC_EVENT_PEER_TEXT, 0, text, length);
}

static void on_too_large(uint32_t id, size_t size, const uint8_t *begin, size_t length) {
    say(id, TC_EVENT_PEER_TOO_LARGE, (int32_t)size, begin, length);
}

static void on_down(uint32_t id, int32_t code) {
    say(id, TC_EVENT_PEER_DOWN, code, NULL, 0);
}

/* ---- the task ---- */

/* Makes the call that is there the one that is wanted. */
static void follow(void) {
    char label[LABEL_MAX];
    xSemaphoreTake(lock, portMAX_DELAY);
    uint32_t id = wanted_id;
    memcpy(label, wanted_label, sizeof label);
    xSemaphoreGive(lock);
    if (peer_call_id() == id) {
        return;
    }
    peer_call_close();
    if (id != 0) {
        /* What was queued for an earlier call. Nobody queues for this one before its channel is
         * open. */
        xMessageBufferReset(texts);
        (void)peer_call_open(id, label);
    }
}

static void apply_answer(void) {
    static tc_sdp_answer taken;
    xSemaphoreTake(lock, portMAX_DELAY);
    bool take = answered && wanted_id == peer_call_id();
    if (take) {
        taken = answer;
    }
    answered = false;
    xSemaphoreGive(lock);
    if (take) {
        peer_call_answer(&taken);
    }
}

static void send_packets(void) {
    static audio_message message;
    size_t length;
    while ((length = xMessageBufferReceive(packets, &message, sizeof message, 0)) > 0) {
        size_t header = offsetof(audio_message, packet);
        if (length > header && message.id == peer_call_id()) {
            (void)peer_call_send_audio(message.packet, length - header, message.timestamp);
        }
    }
}

/* A text that the channel has no room for waits here, and those behind it in the queue. */
static void send_texts(void) {
    static TC_BIG uint8_t text[TEXT_MAX];
    static size_t length;
    static uint32_t of;
    if (length > 0 && of != peer_call_id()) {
        length = 0;
    }
    for (;;) {
        if (length == 0) {
            length = xMessageBufferReceive(texts, text, sizeof text, 0);
            of = peer_call_id();
        }
        tc_err error = length == 0 ? TC_ERR_FULL : peer_call_send_text(text, length);
        if (error == TC_ERR_FULL) {
            return;
        }
        if (error == TC_ERR_SIZE) {
            ESP_LOGW(TAG, "an event of %u bytes is more than the peer takes; it was dropped",
                     (unsigned)length);
        }
        length = 0;
    }
}

/* A flood must not keep the tasks below from running: 1 ms in BUSY_MS is theirs. */
static void let_others_run(void) {
    static uint64_t since;
    uint64_t now = clock_ms();
    if (peer_call_waited()) {
        since = now;
    } else if (now - since >= BUSY_MS) {
        vTaskDelay(pdMS_TO_TICKS(1));
        since = clock_ms();
    }
}

static void run(void *argument) {
    (void)argument;
    for (;;) {
        follow();
        apply_answer();
        if (peer_call_runs()) {
            send_packets();
            send_texts();
            peer_call_step();
            let_others_run();
        } else {
            ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(WAITING_MS));
        }
    }
}

void peer_init(void) {
    static const peer_call_events events = {
        .offer = on_offer,
        .up = on_up,
        .channel_open = on_channel_open,
        .text = on_text,
        .too_large = on_too_large,
        .down = on_down,
        .wanted = still_wanted,
    };
    lock = xSemaphoreCreateMutex();
    texts = xMessageBufferCreateWithCaps(TEXT_QUEUE, MALLOC_CAP_SPIRAM);
    packets = xMessageBufferCreate(AUDIO_QUEUE);
    if (lock == NULL || texts == NULL || packets == NULL) {
        ESP_LOGE(TAG, "no memory for the queues: is the PSRAM there?");
        abort();
    }
    peer_call_init(&events);
    task = tasks_start(TC_TASK_PEER, run, NULL);
}

/* ---- port.h ---- */

int tc_port_peer_open(uint32_t id, const char *label) {
    if (id == 0 || strlen(label) >= LABEL_MAX) {
        return TC_ERR_SIZE;
    }
    xSemaphoreTake(lock, portMAX_DELAY);
    wanted_id = id;
    strcpy(wanted_label, label);
    answered = dtls_up = channel_open = false;
    xSemaphoreGive(lock);
    xTaskNotifyGive(task);
    return TC_OK;
}

int tc_port_peer_answer(uint32_t id, const char *sdp, size_t length) {
    static tc_sdp_answer parsed;
    const char *why = "";
    tc_err error = tc_sdp_read_answer(sdp, length, peer_call_offer(), &parsed, &why);
    if (error != TC_OK) {
        ESP_LOGW(TAG, "the answer cannot be used: %s", why);
        return error;
    }
    xSemaphoreTake(lock, portMAX_DELAY);
    bool same = wanted_id == id;
    if (same) {
        answer = parsed;
        answered = true;
    }
    xSemaphoreGive(lock);
    xTaskNotifyGive(task);
    return same ? TC_OK : TC_ERR_STATE;
}

int tc_port_peer_send_text(uint32_t id, const uint8_t *text, size_t length) {
    xSemaphoreTake(lock, portMAX_DELAY);
    bool open = wanted_id == id && channel_open;
    xSemaphoreGive(lock);
    if (!open) {
        return TC_ERR_STATE;
    }
    if (length == 0 || length > TEXT_MAX) {
        return TC_ERR_SIZE;
    }
    return xMessageBufferSend(texts, text, length, 0) == length ? TC_OK : TC_ERR_FULL;
}

int tc_port_peer_send_audio(uint32_t id, const uint8_t *packet, size_t length, uint32_t timestamp) {
    static audio_message message; /* audio task only */
    xSemaphoreTake(lock, portMAX_DELAY);
    bool up = wanted_id == id && dtls_up;
    xSemaphoreGive(lock);
    if (!up) {
        return TC_ERR_STATE;
    }
    if (length == 0 || length > sizeof message.packet) {
        return TC_ERR_SIZE;
    }
    message.id = id;
    message.timestamp = timestamp;
    memcpy(message.packet, packet, length);
    size_t whole = offsetof(audio_message, packet) + length;
    return xMessageBufferSend(packets, &message, whole, 0) == whole ? TC_OK : TC_ERR_FULL;
}

void tc_port_peer_close(uint32_t id) {
    xSemaphoreTake(lock, portMAX_DELAY);
    if (wanted_id == id) {
        wanted_id = 0;
        answered = dtls_up = channel_open = false;
    }
    xSemaphoreGive(lock);
    xTaskNotifyGive(task);
}
