/** Real time that a test can hurry: what waits for 15 s need not take 15 s. */
import { type Clock, systemClock } from '@tincan/boards';

export interface HurryClock extends Clock {
  /** From now on it is `ms` later, at once; what became due runs as soon as the event loop comes to it. */
  skip(ms: number): void;
}

interface Waiting {
  at: number;
  run: () => void;
  cancel: () => void;
}

export function hurryClock(): HurryClock {
  const real = systemClock();
  const waiting = new Set<Waiting>();
  let ahead = 0;
  const now = () => real.now() + ahead;
  const arm = (one: Waiting) => {
    one.cancel = real.after(Math.max(0, one.at - now()), () => {
      waiting.delete(one);
      one.run();
    });
  };
  return {
    now,
    after(ms, run) {
      const one: Waiting = { at: now() + Math.max(0, ms), run, cancel: () => {} };
      waiting.add(one);
      arm(one);
      return () => {
        one.cancel();
        waiting.delete(one);
      };
    },
    skip(ms) {
      ahead += ms;
      // The same order as without the hurry: earlier calls first.
      for (const one of [...waiting].sort((a, b) => a.at - b.at)) {
        one.cancel();
        arm(one);
      }
    },
  };
}
