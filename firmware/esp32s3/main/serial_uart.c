/* The line as UART0, behind a bridge on the board or on the emulator's socket. */
#include "core/board.h"
#include "driver/uart.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "serial.h"

#define PORT UART_NUM_0
#define RECEIVE_BUFFER 8192 /* 0.7 s at 115,200 baud */
#define EVENTS 16

static const char *TAG = "serial";

static QueueHandle_t events;

void serial_line_init(void) {
    const uart_config_t config = {.baud_rate = TC_BOARD_CONSOLE_BAUD,
                                  .data_bits = UART_DATA_8_BITS,
                                  .parity = UART_PARITY_DISABLE,
                                  .stop_bits = UART_STOP_BITS_1,
                                  .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
                                  .source_clk = UART_SCLK_DEFAULT};
    ESP_ERROR_CHECK(uart_driver_install(PORT, RECEIVE_BUFFER, 0, EVENTS, &events, 0));
    ESP_ERROR_CHECK(uart_param_config(PORT, &config));
}

/* Waits for the FIFO. Without flow control it empties, whoever is at the other end. */
size_t serial_line_write(const uint8_t *bytes, size_t length) {
    int count = uart_write_bytes(PORT, bytes, length);
    return count < 0 ? 0 : (size_t)count;
}

static void look_for_loss(void) {
    uart_event_t event;
    while (xQueueReceive(events, &event, 0) == pdTRUE) {
        if (event.type == UART_FIFO_OVF || event.type == UART_BUFFER_FULL) {
            ESP_LOGW(TAG, "bytes from the host came faster than they were read");
        }
    }
}

size_t serial_line_read(uint8_t *out, size_t capacity) {
    size_t more = 0;
    if (uart_read_bytes(PORT, out, 1, portMAX_DELAY) != 1) {
        return 0;
    }
    look_for_loss();
    uart_get_buffered_data_len(PORT, &more);
    more = more < capacity - 1 ? more : capacity - 1;
    int count = more == 0 ? 0 : uart_read_bytes(PORT, out + 1, more, 0);
    return 1 + (count < 0 ? 0 : (size_t)count);
}

void serial_line_drain(uint32_t ms) {
    uart_wait_tx_done(PORT, pdMS_TO_TICKS(ms));
}
