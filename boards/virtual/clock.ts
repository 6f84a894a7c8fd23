import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from './contract.ts';

/** Real time: milliseconds since the process began. */
export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    after(ms, run) {
      if (ms <= 0) {
        // A timer of 0 ms takes one: too long for a byte that waits.
        const immediate = setImmediate(run);
        return () => clearImmediate(immediate);
      }
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Time that stands still until somebody moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves time on by `ms`. Every call that becomes due runs in the order of its time (equal times: in the order
   * in which they were asked for), with `now()` at exactly that time; so do calls that those ask for meanwhile.
   */
  advance(ms: number): void;
  /** How many calls are waiting. */
  readonly pending: number;
  /** When the next one becomes due; undefined if none waits. */
  readonly due: number | undefined;
}

/** A clock for tests. */
export function manualClock(start = 0): ManualClock {
  let time = start;
  let order = 0;
  const waiting = new Set<{ at: number; order: number; run: () => void }>();

  function next(limit: number): { at: number; order: number; run: () => void } | undefined {
    let first: { at: number; order: number; run: () => void } | undefined;
    for (const entry of waiting) {
      if (entry.at > limit) continue;
      if (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order))
        first = entry;
    }
    return first;
  }

  return {
    now: () => time,
    after(ms, run) {
      const entry = { at: time + Math.max(0, ms), order: order++, run };
      waiting.add(entry);
      return () => {
        waiting.delete(entry);
      };
    },
    advance(ms) {
      const end = time + ms;
      for (let entry = next(end); entry; entry = next(end)) {
        waiting.delete(entry);
        time = Math.max(time, entry.at);
        entry.run();
      }
      time = end;
    },
    get pending() {
      return waiting.size;
    },
    get due() {
      return next(Number.POSITIVE_INFINITY)?.at;
    },
  };
}

/** Turns of the event loop after which what was begun is taken to wait for time. */
const TURNS = 2;
const LIMIT_MS = 3_600_000;
const ROUNDING_MS = 1e-6;

/**
 * Lets time leap to what is due next, whenever nothing else goes on, until the promise is settled. Throws if it waits
 * for something else than time, or for more than `limitMs` of it.
 */
export async function passTime<T>(
  clock: ManualClock,
  promise: Promise<T>,
  limitMs: number = LIMIT_MS,
): Promise<T> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  promise.then(end, end);
  const limit = clock.now() + limitMs;
  for (;;) {
    for (let i = 0; i < TURNS && !settled; i++) await turn();
    if (settled) return promise;
    const { due } = clock;
    if (due === undefined || due > limit) throw new Error(`something still waits at ${clock.now()} ms`);
    // A little more, for the difference may be rounded down.
    clock.advance(due - clock.now() + ROUNDING_MS);
  }
}
