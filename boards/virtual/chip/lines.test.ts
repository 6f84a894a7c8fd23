import { expect, test } from 'vitest';
import { manualClock } from '../clock.ts';
import { LOCAL_LINES, REMOTE_LINES, ResetLines, type SettleTimes } from './lines.ts';

/** Plays [dtr, rts, milliseconds until the next step], then waits a second; returns what the chip did. */
function play(steps: [0 | 1, 0 | 1, number][], times: SettleTimes): string[] {
  const clock = manualClock();
  const log: string[] = [];
  const lines = new ResetLines(
    clock,
    () => log.push('hold'),
    (mode) => log.push(mode),
  );
  for (const [dtr, rts, ms] of steps) {
    lines.set(dtr === 1, rts === 1, times);
    clock.advance(ms);
  }
  clock.advance(1000);
  return log;
}

const BOTH = [
  ['local', LOCAL_LINES],
  ['remote', REMOTE_LINES],
] as const;

test.each(BOTH)('both lines at once reset into download mode: %s', (_name, times) => {
  // esptool-js, and esptool's "tight" reset.
  expect(
    play(
      [
        [0, 1, 100],
        [1, 0, 50],
        [0, 0, 0],
      ],
      times,
    ),
  ).toEqual(['hold', 'download']);
  expect(
    play(
      [
        [0, 0, 0],
        [1, 1, 0],
        [0, 1, 100],
        [1, 0, 50],
        [0, 0, 0],
      ],
      times,
    ),
  ).toEqual(['hold', 'download']);
});

test('pyserial over RFC 2217, 50 ms for every change, resets into download mode', () => {
  const slow: [0 | 1, 0 | 1, number][] = [
    [0, 0, 50],
    [0, 1, 50],
    [0, 1, 150],
    [1, 1, 50],
    [1, 0, 50],
    [1, 0, 100],
    [0, 0, 50],
  ];
  expect(play(slow, REMOTE_LINES)).toEqual(['hold', 'download']);
  expect(play(slow, LOCAL_LINES)).toEqual(['hold', 'run']); // as on a real board: sampled too early
});

test('a slow machine between the two changes still gets download mode', () => {
  expect(
    play(
      [
        [0, 1, 100],
        [1, 1, 200],
        [1, 0, 50],
        [0, 0, 0],
      ],
      REMOTE_LINES,
    ),
  ).toEqual(['hold', 'download']);
});

test.each(BOTH)('a pulse of RTS alone resets into the application: %s', (_name, times) => {
  expect(
    play(
      [
        [0, 1, 100],
        [0, 0, 0],
      ],
      times,
    ),
  ).toEqual(['hold', 'run']);
});

test.each(BOTH)('opening and closing a port resets nothing: %s', (_name, times) => {
  // pyserial asserts DTR, then RTS; a bridge asserts both; both fall together at the end.
  expect(
    play(
      [
        [1, 0, 50],
        [1, 1, 500],
        [0, 0, 0],
      ],
      times,
    ),
  ).toEqual([]);
  expect(
    play(
      [
        [1, 1, 500],
        [1, 0, 5],
        [0, 0, 0],
      ],
      times,
    ),
  ).toEqual([]);
});

test.each(BOTH)('RTS first, then DTR, is a reset, but never into download mode: %s', (_name, times) => {
  expect(
    play(
      [
        [0, 1, 1],
        [1, 1, 500],
        [1, 0, 50],
        [0, 0, 0],
      ],
      times,
    ),
  ).toEqual(['hold', 'run']);
});

test('lines that go back before the chip started hold it again', () => {
  expect(
    play(
      [
        [0, 1, 10],
        [0, 0, 1],
        [0, 1, 10],
        [0, 0, 0],
      ],
      LOCAL_LINES,
    ),
  ).toEqual(['hold', 'hold', 'run']);
});
