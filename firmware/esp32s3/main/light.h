/* The board's light: one of light_ws2812.c, light_apa102.c, light_pwm.c, light_gpio.c. */
#ifndef LIGHT_H
#define LIGHT_H

#include <stdbool.h>
#include <stdint.h>

/** Sets the light up, dark; false, and logged, if it cannot. */
bool light_init(void);
/** Shows 24-bit RGB; 0 is dark. May wait for some milliseconds: controls task. */
void light_show(uint32_t rgb);

#endif
