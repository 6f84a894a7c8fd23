import { performance } from 'node:perf_hooks';
import type { Clock } from '@tincan/boards';

export type { Clock } from '@tincan/boards';

/** Real time. (The boards' door has one as well, but opening it would load the whole virtual board.) */
export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    after(ms, run) {
      const timer = setTimeout(run, Math.max(0, ms));
      return () => clearTimeout(timer);
    },
  };
}
