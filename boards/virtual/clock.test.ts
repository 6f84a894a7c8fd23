import { describe, expect, it } from 'vitest';
import { manualClock, systemClock } from './clock.ts';

describe('the manual clock', () => {
  it('runs what becomes due in order, at its own time, also what is asked for meanwhile', () => {
    const clock = manualClock(10);
    const log: string[] = [];
    const note = (name: string) => () => log.push(`${name}@${clock.now()}`);
    clock.after(30, note('c'));
    clock.after(10, () => {
      note('a')();
      clock.after(5, note('b'));
      clock.after(0, note('now'));
    });
    clock.after(30, note('d'));
    clock.after(31, note('late'));
    clock.advance(30);
    expect(log).toEqual(['a@20', 'now@20', 'b@25', 'c@40', 'd@40']);
    expect(clock.now()).toBe(40);
    expect(clock.pending).toBe(1);
  });

  it('does not run what was cancelled', () => {
    const clock = manualClock();
    let ran = 0;
    const cancel = clock.after(5, () => ran++);
    cancel();
    cancel();
    clock.advance(10);
    expect(ran).toBe(0);
  });
});

it('the system clock runs what is due, at once or later, unless it was cancelled', async () => {
  const clock = systemClock();
  const log: string[] = [];
  clock.after(0, () => log.push('never'))();
  clock.after(1, () => log.push('never'))();
  await new Promise<void>((resolve) => clock.after(5, resolve));
  await new Promise<void>((resolve) => clock.after(0, resolve));
  expect(log).toEqual([]);
});
