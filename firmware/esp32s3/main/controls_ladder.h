/* Buttons on a ladder of resistors at one pin of the ADC. */
#ifndef CONTROLS_LADDER_H
#define CONTROLS_LADDER_H

#include <stdbool.h>

/** Sets the converter up; false, and logged, if it cannot. */
bool controls_ladder_init(void);
/** Millivolts at the pin; -1 if there is no reading. */
int controls_ladder_read(void);

#endif
