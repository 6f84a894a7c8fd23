/* tc_port_lock: the core's sections are shorter than a switch of tasks, and both processors enter
 * them, so they spin with interrupts off. */
#include "freertos/FreeRTOS.h"
#include "port.h"

static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED;

void tc_port_lock(void) {
    taskENTER_CRITICAL(&lock);
}

void tc_port_unlock(void) {
    taskEXIT_CRITICAL(&lock);
}
