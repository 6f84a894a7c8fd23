/** For tests: a session without WebRTC, on a clock that stands still. */
import { manualClock } from '@tincan/boards';
import { FRAME, FRAME_MS, RATE } from './audio.ts';
import type { Brain, Part, Question } from './brain.ts';
import { defaultConfig, type SessionConfig } from './config.ts';
import type { ServerEvent } from './events.ts';
import type { EventFault } from './faults.ts';
import { type Limits, RateLimits } from './limits.ts';
import { RealtimeSession } from './session.ts';

type EventOf<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>;

export class Bench {
  readonly clock: ReturnType<typeof manualClock>;
  readonly events: (ServerEvent & { at: number })[] = [];
  readonly frames: { at: number; pcm: Int16Array; first: boolean }[] = [];
  readonly session: RealtimeSession;
  readonly armed: EventFault[] = [];
  hungUp: string | undefined;

  constructor(
    brain: Brain,
    config: SessionConfig = defaultConfig(),
    modelFixed = false,
    options: {
      limits?: Limits;
      maxEvent?: number;
      track?: boolean;
      clock?: ReturnType<typeof manualClock>;
      log?(line: string): void;
    } = {},
  ) {
    const { limits, maxEvent, track = true, clock, log } = options;
    this.clock = clock ?? manualClock();
    this.session = new RealtimeSession({
      clock: this.clock,
      brain,
      config,
      modelFixed,
      limits: new RateLimits(this.clock, limits),
      ...(maxEvent === undefined ? {} : { maxEvent: () => maxEvent }),
      unixNow: () => 1_800_000_000,
      send: (event) => this.events.push({ ...structuredClone(event), at: this.clock.now() }),
      play: track ? (pcm, first) => this.frames.push({ at: this.clock.now(), pcm, first }) : undefined,
      arm: (fault) => this.armed.push(fault),
      hangUp: (reason) => {
        this.hungUp = reason;
        this.session.close();
      },
      log,
    });
    this.session.start();
  }

  /** Lets time pass; what the session awaits gets its turn every 5 ms. */
  async run(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5) {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.advance(Math.min(5, left));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets the session hear sound in real time. */
  async hear(pcm: Int16Array): Promise<void> {
    for (let at = 0; at < pcm.length; at += FRAME) {
      const frame = new Int16Array(FRAME);
      frame.set(pcm.subarray(at, at + FRAME));
      this.session.hear(frame);
      await this.run(FRAME_MS);
    }
  }

  send(event: object): void {
    this.session.receive(event);
  }

  types(from = 0): string[] {
    return this.events.slice(from).map((event) => event.type);
  }

  all<T extends ServerEvent['type']>(type: T): (EventOf<T> & { at: number })[] {
    return this.events.filter((event): event is EventOf<T> & { at: number } => event.type === type);
  }

  last<T extends ServerEvent['type']>(type: T): EventOf<T> & { at: number } {
    const found = this.all(type).at(-1);
    if (!found) throw new Error(`no ${type} in ${this.types().join(', ')}`);
    return found;
  }
}

/** A brain that answers every question with these parts, and writes down "words" of every turn. */
export function fixedBrain(parts: readonly Part[] | ((question: Question) => readonly Part[])): Brain {
  return {
    mode: 'fixed',
    open: () => ({
      transcribe: async () => 'words',
      async *answer(question) {
        yield* typeof parts === 'function' ? parts(question) : parts;
      },
    }),
  };
}

/** A tone of 200 Hz with a slow beat, loud enough to be speech for the turn detection. */
export function tone(ms: number, level = 0.3): Int16Array {
  return Int16Array.from({ length: (RATE * ms) / 1000 }, (_, i) => {
    const beat = 0.6 + 0.4 * Math.sin((2 * Math.PI * 3 * i) / RATE);
    return Math.round(32_767 * level * beat * Math.sin((2 * Math.PI * 200 * i) / RATE));
  });
}

export const silence = (ms: number): Int16Array => new Int16Array((RATE * ms) / 1000);
