import { expect, it } from 'vitest';
import { join } from './audio.ts';

it('joins pieces', () => {
  expect(join([Int16Array.of(1), Int16Array.of(), Int16Array.of(2, 3)])).toEqual(Int16Array.of(1, 2, 3));
});
