/**
 * Plays answers: takes their sound as fast as it is made, gives it out as one frame of 20 ms every 20 ms of the
 * injected clock (by the count of frames since the start, so that late timers do not add up), and says when an
 * answer starts and when its last frame has been heard.
 */
import { FRAME, FRAME_MS, msOf } from './audio.ts';
import type { Clock } from './clock.ts';
import type { Cut, SoundAt, Voice } from './voice.ts';

/** More than this many late frames are not sent in one burst; the schedule moves instead. */
const BURST = 10;

export interface SpeakerEvents {
  /** 480 samples. `first`: nothing was played just before. */
  frame(pcm: Int16Array, first: boolean): void;
  started(responseId: string): void;
  stopped(responseId: string): void;
}

interface Clip {
  itemId: string;
  samples: number;
}
interface Answer {
  responseId: string;
  chunks: Int16Array[];
  clips: Clip[];
  played: number;
  started: boolean;
  ended: boolean;
}

export class Speaker implements Voice {
  readonly #clock: Clock;
  readonly #events: SpeakerEvents;
  #queue: Answer[] = [];
  #cancelTimer: (() => void) | undefined;
  #origin = 0;
  #count = 0;
  #running = false;

  constructor(clock: Clock, events: SpeakerEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  get busy(): boolean {
    return this.#queue.length > 0;
  }

  push({ response_id, item_id }: SoundAt, pcm: Int16Array): void {
    const answer = this.#queue.find((one) => one.responseId === response_id);
    if (!answer || answer.ended) return;
    const clip = answer.clips.at(-1);
    if (clip?.itemId === item_id) clip.samples += pcm.length;
    else answer.clips.push({ itemId: item_id, samples: pcm.length });
    answer.chunks.push(pcm);
    if (!this.#running) this.#tick();
  }

  open(responseId: string): void {
    this.#queue.push({ responseId, chunks: [], clips: [], played: 0, started: false, ended: false });
    if (!this.#running) this.#tick();
  }

  flush(): void {
    // All sound that came is in the queue.
  }

  end(responseId: string): void {
    const answer = this.#queue.find((one) => one.responseId === responseId);
    if (!answer) return;
    answer.ended = true;
    if (!this.#running) this.#tick();
  }

  clear(): { responseIds: string[]; cuts: Cut[] } {
    const answers = this.#queue;
    this.#queue = [];
    this.#stop();
    const cuts: Cut[] = [];
    for (const answer of answers) {
      let rest = answer.played;
      for (const clip of answer.clips) {
        const played = Math.min(rest, clip.samples);
        rest -= played;
        if (played < clip.samples || !answer.ended)
          cuts.push({ itemId: clip.itemId, playedMs: msOf(played) });
      }
    }
    return { responseIds: answers.filter((one) => one.started).map((one) => one.responseId), cuts };
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#running = false;
  }

  /** Sends what is due and sleeps until the next frame. */
  #tick(): void {
    const now = this.#clock.now();
    if (!this.#running) {
      this.#running = true;
      this.#origin = now;
      this.#count = 0;
    }
    const late = Math.floor((now - this.#origin) / FRAME_MS) - this.#count;
    if (late > BURST) this.#origin += (late - BURST) * FRAME_MS;
    while (this.#running && this.#origin + this.#count * FRAME_MS <= now + 1e-6) {
      if (this.#frame()) continue;
      this.#stop();
      return;
    }
    if (!this.#running) return;
    this.#cancelTimer = this.#clock.after(this.#origin + this.#count * FRAME_MS - now, () => this.#tick());
  }

  /** One frame, or false where there is none to send now. */
  #frame(): boolean {
    for (;;) {
      const answer = this.#queue[0];
      if (!answer) return false;
      const frame = take(answer);
      if (!frame) {
        if (!answer.ended) return false;
        this.#queue.shift();
        if (answer.started) this.#events.stopped(answer.responseId);
        continue;
      }
      const first = this.#count === 0;
      this.#count++;
      if (!answer.started) {
        answer.started = true;
        this.#events.started(answer.responseId);
      }
      this.#events.frame(frame, first);
      return true;
    }
  }
}

/** The next 480 samples; fewer, filled up with silence, only at the end of the answer. */
function take(answer: Answer): Int16Array | undefined {
  const available = answer.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (available === 0 || (available < FRAME && !answer.ended)) return undefined;
  const frame = new Int16Array(FRAME);
  let filled = 0;
  while (filled < FRAME) {
    const chunk = answer.chunks[0];
    if (!chunk) break;
    const part = chunk.subarray(0, FRAME - filled);
    frame.set(part, filled);
    filled += part.length;
    if (part.length === chunk.length) answer.chunks.shift();
    else answer.chunks[0] = chunk.subarray(part.length);
  }
  answer.played += filled;
  return frame;
}
