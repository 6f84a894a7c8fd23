import { performance } from 'node:perf_hooks';
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
