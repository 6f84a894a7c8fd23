/** For tests: time that leaps to what is due next whenever nothing else goes on. */
import { setImmediate as turn } from 'node:timers/promises';
import { type ManualClock, manualClock } from '@tincan/boards';

export interface ManualTime extends ManualClock {
  /** Lets time pass until the promise is settled. Throws if nothing is waited for any more, or after `limitMs`. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T>;
}

/** Turns of the event loop after which what was begun is taken to wait for time. */
const TURNS = 3;
const LIMIT_MS = 3_600_000;

export function manualTime(): ManualTime {
  const clock = manualClock();
  return Object.assign(Object.create(clock) as ManualClock, {
    now: () => clock.now(),
    after: (ms: number, run: () => void) => clock.after(ms, run),
    advance: (ms: number) => clock.advance(ms),
    async run<T>(promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
      let settled = false;
      const end = () => {
        settled = true;
      };
      promise.then(end, end);
      const limit = clock.now() + limitMs;
      for (;;) {
        for (let i = 0; i < TURNS && !settled; i++) await turn();
        if (settled) return promise;
        const due = clock.due;
        if (due === undefined || due > limit) throw new Error(`still waiting at ${clock.now()} ms`);
        clock.advance(due - clock.now());
      }
    },
  });
}
