/* Contacts bounce; a button is what it has been for some time. And several buttons on one ADC pin.
 */
#ifndef DEBOUNCE_H
#define DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool down;       /* what is believed */
    uint32_t streak; /* readings in a row that contradict it */
} debounce;

/** Takes one reading; `steps` in a row (1 and more) that say the same change what is believed.
 * Returns whether this one did. */
bool debounce_step(debounce *button, bool reading, uint32_t steps);

/*
 * Slack around a button's window while it is held: the voltage of a ladder of resistors wanders
 * with the supply, and a window must not be left by that.
 */
#define LADDER_SLACK_MV 30

/** Whether `mv` says that the button of this window (both ends included) is pressed, if `was` was
 * the last answer. */
bool ladder_pressed(int mv, int min_mv, int max_mv, bool was);

#endif
