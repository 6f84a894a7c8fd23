import { TASK_NAME_MAX, TASKS, type Task } from '../tasks.ts';
import { banner, cEnum, cString, header, upper } from './c-text.ts';

const ABOUT = 'The tasks of the firmware on the chip.';
const SOURCE = 'tasks.ts';

const entries: [string, Task][] = Object.entries(TASKS);
const id = (name: string) => `TC_TASK_${upper(name)}`;

export function tasksHeader(): string {
  const ids: [string, number][] = entries.map(([name], index) => [id(name), index]);
  ids.push(['TC_TASK_COUNT', entries.length]);
  const body = `#include <stdbool.h>
#include <stdint.h>

${cEnum('tc_task_id', ids)}
typedef struct {
    const char *name; /* at most ${TASK_NAME_MAX} characters */
    uint8_t core;     /* processor */
    uint8_t priority; /* of FreeRTOS; a higher one runs first */
    uint32_t stack;   /* bytes */
    bool external;    /* the stack is in external memory */
} tc_task_row;

extern const tc_task_row tc_task_table[TC_TASK_COUNT];
`;
  return header('TC_TASKS_GEN_H', ABOUT, SOURCE, body);
}

export function tasksSource(): string {
  const row = ([name, { core, priority, stack, memory }]: [string, Task]) =>
    `    [${id(name)}] = {${cString(name)}, ${core}, ${priority}, ${stack}, ${memory === 'external'}},`;
  return `${banner(ABOUT, SOURCE)}#include "tasks_gen.h"

const tc_task_row tc_task_table[TC_TASK_COUNT] = {
${entries.map(row).join('\n')}
};
`;
}
