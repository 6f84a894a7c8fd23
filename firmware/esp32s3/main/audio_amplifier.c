#include "audio_amplifier.h"

#include "core/board.h"

#ifdef TC_BOARD_AMPLIFIER_PIN

#include "driver/gpio.h"

void amplifier_set(bool on) {
    static bool ready;
    gpio_set_level(TC_BOARD_AMPLIFIER_PIN,
                   on ? TC_BOARD_AMPLIFIER_LEVEL : !TC_BOARD_AMPLIFIER_LEVEL);
    if (!ready) {
        gpio_config_t config = {
            .pin_bit_mask = 1ULL << TC_BOARD_AMPLIFIER_PIN,
            .mode = GPIO_MODE_OUTPUT,
        };
        ready = gpio_config(&config) == ESP_OK;
    }
}

#else

void amplifier_set(bool on) {
    (void)on;
}

#endif
