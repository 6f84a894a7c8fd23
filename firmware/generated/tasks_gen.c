/* The tasks of the firmware on the chip.
 * Generated from shared-protocol/src/tasks.ts by `npm run generate`; do not edit. */
/* clang-format off */
#include "tasks_gen.h"

const tc_task_row tc_task_table[TC_TASK_COUNT] = {
    [TC_TASK_CORE] = {"core", 1, 8, 10240, false},
    [TC_TASK_PEER] = {"peer", 1, 18, 14336, false},
    [TC_TASK_AUDIO] = {"audio", 0, 17, 36864, true},
    [TC_TASK_HTTP] = {"http", 1, 6, 9216, false},
    [TC_TASK_SERIAL_TX] = {"serial_tx", 0, 10, 4096, false},
    [TC_TASK_SERIAL_RX] = {"serial_rx", 0, 19, 4096, false},
    [TC_TASK_CONTROLS] = {"controls", 0, 5, 4096, false},
};
