/* The line as the chip's own USB serial port (USB-Serial-JTAG). */
#include "driver/usb_serial_jtag.h"
#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "serial.h"

#define RECEIVE_BUFFER 8192 /* the driver's interrupt drops what does not fit */
#define SEND_BUFFER 4096

void serial_line_init(void) {
    usb_serial_jtag_driver_config_t config = {.tx_buffer_size = SEND_BUFFER,
                                              .rx_buffer_size = RECEIVE_BUFFER};
    ESP_ERROR_CHECK(usb_serial_jtag_driver_install(&config));
}

/* Without waiting: with no host, or none that reads, the buffer stays full for ever. The driver
 * takes all or nothing. */
size_t serial_line_write(const uint8_t *bytes, size_t length) {
    int count = usb_serial_jtag_write_bytes(bytes, length, 0);
    return count < 0 ? 0 : (size_t)count;
}

size_t serial_line_read(uint8_t *out, size_t capacity) {
    int count = usb_serial_jtag_read_bytes(out, capacity, portMAX_DELAY);
    return count < 0 ? 0 : (size_t)count;
}

/* The driver of ESP-IDF 5.3 does not tell when its buffer is empty. At 12 Mbit/s a full one takes a
 * few milliseconds, if there is a host. */
void serial_line_drain(uint32_t ms) {
    vTaskDelay(pdMS_TO_TICKS(ms < 20 ? ms : 20));
}
