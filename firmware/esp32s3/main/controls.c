#include "controls.h"

#include <stdatomic.h>

#include "../portable/debounce.h"
#include "controls_ladder.h"
#include "core/board.h"
#include "core/core.h"
#include "driver/gpio.h"
#include "esp_log.h"
#include "light.h"
#include "port.h"
#include "post.h"
#include "tasks.h"

#define POLL_MS 10
#define BOUNCE_STEPS 3 /* 30 ms */

#if defined(TC_BOARD_BUTTON_PIN) || defined(TC_BOARD_BUTTON_ADC_CHANNEL)
#define HAS_BUTTON 1
#endif
#if defined(TC_BOARD_LIGHT_WS2812) || defined(TC_BOARD_LIGHT_APA102) ||                            \
    defined(TC_BOARD_LIGHT_PWM) || defined(TC_BOARD_LIGHT_GPIO)
#define HAS_LIGHT 1
#endif

/* What the core wants to be shown; the controls task shows it. */
static atomic_uint_least32_t wanted_rgb;

void tc_port_light(bool on, uint32_t rgb) {
    atomic_store(&wanted_rgb, on ? rgb & 0xffffff : 0);
}

#if defined(TC_BOARD_BUTTON_PIN) || defined(TC_BOARD_MUTE_PIN)

/* Contacts to ground, mostly; where they are to 3.3 V, the board has a resistor to ground. */
static void listen_at(int pin, int level) {
    const gpio_config_t config = {
        .pin_bit_mask = 1ULL << pin,
        .mode = GPIO_MODE_INPUT,
        .pull_up_en = level == 0 ? GPIO_PULLUP_ENABLE : GPIO_PULLUP_DISABLE,
        .pull_down_en = level == 0 ? GPIO_PULLDOWN_DISABLE : GPIO_PULLDOWN_ENABLE,
    };
    if (gpio_config(&config) != ESP_OK) {
        ESP_LOGE("controls", "pin %d cannot be read", pin);
    }
}

#endif

#if defined(HAS_BUTTON) || defined(TC_BOARD_MUTE_PIN)

/* Looks at one contact and posts what has changed. */
static void watch(debounce *contact, bool closed, int kind) {
    if (debounce_step(contact, closed, BOUNCE_STEPS)) {
        const tc_event event = {.kind = kind, .code = contact->down};
        post_event(&event);
    }
}

#endif

#ifdef TC_BOARD_BUTTON_PIN

static bool button_init(void) {
    listen_at(TC_BOARD_BUTTON_PIN, TC_BOARD_BUTTON_LEVEL);
    return true;
}

static bool button_pressed(bool was) {
    (void)was;
    return gpio_get_level(TC_BOARD_BUTTON_PIN) == TC_BOARD_BUTTON_LEVEL;
}

#elif defined(TC_BOARD_BUTTON_ADC_CHANNEL)

static bool button_init(void) {
    return controls_ladder_init();
}

static bool button_pressed(bool was) {
    int mv = controls_ladder_read();
    return mv < 0 ? was
                  : ladder_pressed(mv, TC_BOARD_BUTTON_ADC_MIN_MV, TC_BOARD_BUTTON_ADC_MAX_MV, was);
}

#endif

#if defined(HAS_BUTTON) || defined(TC_BOARD_MUTE_PIN) || defined(HAS_LIGHT)

static void run(void *argument) {
    (void)argument;
#ifdef HAS_BUTTON
    debounce button = {0};
    bool has_button = button_init();
#endif
#ifdef TC_BOARD_MUTE_PIN
    debounce mute = {0}; /* so that a switch that is closed at boot is news */
    listen_at(TC_BOARD_MUTE_PIN, TC_BOARD_MUTE_LEVEL);
#endif
#ifdef HAS_LIGHT
    uint32_t shown = 0;
    bool has_light = light_init();
#endif
    TickType_t grid = xTaskGetTickCount();
    for (;;) {
        xTaskDelayUntil(&grid, pdMS_TO_TICKS(POLL_MS));
#ifdef HAS_BUTTON
        if (has_button) {
            watch(&button, button_pressed(button.down), TC_EVENT_BUTTON);
        }
#endif
#ifdef TC_BOARD_MUTE_PIN
        watch(&mute, gpio_get_level(TC_BOARD_MUTE_PIN) == TC_BOARD_MUTE_LEVEL, TC_EVENT_MUTE);
#endif
#ifdef HAS_LIGHT
        uint32_t rgb = atomic_load(&wanted_rgb);
        if (has_light && rgb != shown) {
            light_show(rgb);
            shown = rgb;
        }
#endif
    }
}

void controls_init(void) {
    tasks_start(TC_TASK_CONTROLS, run, NULL);
}

#else

void controls_init(void) {
}

#endif
