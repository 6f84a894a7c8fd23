#include "clock.h"

#include "esp_random.h"
#include "esp_timer.h"
#include "port.h"

uint64_t clock_ms(void) {
    return (uint64_t)esp_timer_get_time() / 1000;
}

/*
 * The generator's words are random as long as a source of noise feeds it. In the application that
 * is the radio: ESP-IDF Programming Guide, "Random Number Generation", and ESP32-S3 Technical
 * Reference Manual, chapter "Random Number Generator". So wifi.c starts the radio at boot, joined
 * or not, before the core runs, and never stops it. Until then the words come from the noise of the
 * ADC, which the second-stage boot loader gathered. The emulator's words are its host's.
 */
void tc_port_random(uint8_t *out, size_t length) {
    esp_fill_random(out, length);
}
