#include "serial.h"

#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "esp_log.h"
#include "port.h"
#include "post.h"
#include "tasks.h"

#define RING 4096u /* a power of two. Small: what waits in here, the link can no longer drop */
#define PIECE 256u
#define RETRY_MS 10 /* how often a line is tried that takes nothing */
#define COMPLAINT_MS 1000u

static const char *TAG = "serial";

/* One writer, the core task; one reader, the sending task. Both count on and on. */
static uint8_t ring[RING];
static atomic_uint written, sent;
static atomic_bool refused; /* the core has more than there was room for */
static TaskHandle_t sender;

size_t tc_port_serial_write(const uint8_t *bytes, size_t length) {
    unsigned at = written;
    size_t room = RING - (at - sent);
    size_t taken = length < room ? length : room;
    size_t first = RING - at % RING;
    first = taken < first ? taken : first;
    memcpy(ring + at % RING, bytes, first);
    memcpy(ring, bytes + first, taken - first);
    written = at + (unsigned)taken;
    refused = taken < length;
    xTaskNotifyGive(sender);
    return taken;
}

static void run_sender(void *argument) {
    (void)argument;
    for (;;) {
        unsigned at = sent, left = written - at;
        if (left == 0) {
            ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
            continue;
        }
        size_t piece = RING - at % RING;
        piece = piece < left ? piece : left;
        piece = piece < PIECE ? piece : PIECE;
        size_t taken = serial_line_write(ring + at % RING, piece);
        if (taken == 0) {
            vTaskDelay(pdMS_TO_TICKS(RETRY_MS)); /* nobody listens: a charger, a closed terminal */
            continue;
        }
        sent = at + (unsigned)taken;
        if (refused && written - sent <= RING / 2) {
            refused = false;
            post_wake();
        }
    }
}

/*
 * The core's queue holds three of the largest frames. When it is full the bytes wait in here, and
 * the driver holds some more; bytes that are lost after that break a frame's CRC and leave a gap in
 * its numbers, which device.stats counts.
 */
static void hand_over(const tc_event *event) {
    static uint64_t complained;
    if (post_try(event)) {
        return;
    }
    if (clock_ms() - complained > COMPLAINT_MS) {
        complained = clock_ms();
        ESP_LOGW(TAG, "the core's queue is full: bytes from the host wait");
    }
    post_event(event);
}

static void run_receiver(void *argument) {
    static uint8_t bytes[1024];
    (void)argument;
    for (;;) {
        tc_event event = {.kind = TC_EVENT_SERIAL, .data = bytes};
        event.length = serial_line_read(bytes, sizeof bytes);
        if (event.length > 0) {
            hand_over(&event);
        }
    }
}

bool serial_drain(uint32_t ms) {
    uint64_t until = clock_ms() + ms;
    while (written != sent && clock_ms() < until) {
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    uint64_t now = clock_ms();
    serial_line_drain(now < until ? (uint32_t)(until - now) : 0);
    return written == sent;
}

void serial_init(void) {
    serial_line_init();
    sender = tasks_start(TC_TASK_SERIAL_TX, run_sender, NULL);
    tasks_start(TC_TASK_SERIAL_RX, run_receiver, NULL);
}
