import { expect, it } from 'vitest';
import { measuresPort } from './measures.ts';
import { FakeMemory } from './testing.ts';

it('tells what is free of the memory, and the least that ever was', () => {
  const memory = new FakeMemory();
  const port = measuresPort(memory);
  const measure = () => {
    port.tc_port_memory!(64);
    return [0, 4, 8, 12].map((at) => memory.view(64, 16).getUint32(at, true));
  };
  memory.free = 3000;
  expect(measure()).toEqual([3000, 3000, 0, 0]);
  memory.free = 1000;
  expect(measure()).toEqual([1000, 1000, 0, 0]);
  memory.free = 2000;
  expect(measure()).toEqual([2000, 1000, 0, 0]);
});

it('has no tasks', () => {
  expect(measuresPort(new FakeMemory()).tc_port_tasks!(0, 16)).toBe(0);
});
