/* The tasks of the firmware on the chip.
 * Generated from shared-protocol/src/tasks.ts by `npm run generate`; do not edit. */
/* clang-format off */
#ifndef TC_TASKS_GEN_H
#define TC_TASKS_GEN_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TC_TASK_CORE = 0,
    TC_TASK_PEER = 1,
    TC_TASK_AUDIO = 2,
    TC_TASK_HTTP = 3,
    TC_TASK_SERIAL_TX = 4,
    TC_TASK_SERIAL_RX = 5,
    TC_TASK_CONTROLS = 6,
    TC_TASK_COUNT = 7,
} tc_task_id;

typedef struct {
    const char *name; /* at most 15 characters */
    uint8_t core;     /* processor */
    uint8_t priority; /* of FreeRTOS; a higher one runs first */
    uint32_t stack;   /* bytes */
    bool external;    /* the stack is in external memory */
} tc_task_row;

extern const tc_task_row tc_task_table[TC_TASK_COUNT];

#endif
