import { expect, it } from 'vitest';
import { TASK_NAME_MAX, TASKS, type Task } from './tasks.ts';

const tasks: [string, Task][] = Object.entries(TASKS);

it.each(tasks)('%s has what FreeRTOS takes', (name, { core, priority, stack, owns }) => {
  expect(name.length).toBeLessThanOrEqual(TASK_NAME_MAX);
  expect(name).toMatch(/^[a-z_]+$/);
  expect([0, 1]).toContain(core);
  expect(priority).toBeGreaterThan(0);
  expect(priority).toBeLessThan(25);
  expect(stack % 16).toBe(0);
  expect(stack).toBeGreaterThanOrEqual(3072);
  expect(owns).toMatch(/^[A-Z].*\.$/);
});

it('writes NVS on an internal stack only, for the cache of external memory is off while flash is written', () => {
  expect(TASKS.core.memory).toBe('internal');
});

it('leaves internal memory to the radio and TLS: all internal stacks together are below 64 KB', () => {
  const internal = tasks.filter(([, { memory }]) => memory === 'internal');
  expect(internal.reduce((sum, [, { stack }]) => sum + stack, 0)).toBeLessThan(65_536);
});

it('lets nothing of a lower urgency before sound and network on the same processor', () => {
  for (const [name, { core, priority }] of tasks) {
    if (name === 'peer' || name === 'audio') continue;
    if (name === 'serial_rx') continue; // a copy of some bytes; the driver drops them if it waits
    expect(priority).toBeLessThan(TASKS[core === 1 ? 'peer' : 'audio'].priority);
  }
});
