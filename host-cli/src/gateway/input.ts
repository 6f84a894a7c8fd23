/**
 * The input audio buffer of a session: what was heard since the last commit, and the turns that are found in it.
 * Times are milliseconds of all sound heard in this session, as in the API's `audio_start_ms`.
 */
import { FRAME, FRAME_MS, join } from './audio.ts';
import type { TurnDetection } from './config.ts';
import { RealtimeError } from './events.ts';
import { Vad } from './vad.ts';

/** Longest turn that is kept; of a longer one the end is kept. */
const MAX_TURN_MS = 60_000;
/** Shortest sound that may be committed, as the API has it. */
const MIN_COMMIT_MS = 100;

export interface InputEvents {
  started(startMs: number): void;
  stopped(endMs: number): void;
  /** Whether what was heard sounds finished; for semantic turn detection. */
  whole?: ((pcm: Int16Array) => boolean) | undefined;
}

export class InputBuffer {
  readonly #events: InputEvents;
  #frames: Int16Array[] = [];
  #heard = 0;
  #vad: Vad | undefined;

  constructor(turnDetection: TurnDetection | null, events: InputEvents) {
    this.#events = events;
    this.configure(turnDetection);
  }

  /** Changes turn detection; a turn that was open stays in the buffer. */
  configure(turnDetection: TurnDetection | null): void {
    const { whole } = this.#events;
    this.#vad = turnDetection
      ? new Vad(turnDetection, whole && (() => whole(join(this.#frames))))
      : undefined;
  }

  /** All sound heard in this session, ms. */
  get heardMs(): number {
    return this.#heard * FRAME_MS;
  }

  get speaking(): boolean {
    return this.#vad?.speaking ?? false;
  }

  /** One frame of 480 samples. */
  push(frame: Int16Array): void {
    this.#frames.push(frame);
    this.#heard++;
    const vad = this.#vad;
    const event = vad?.push(frame);
    if (vad && event === 'start') {
      this.#keep(vad.prefixMs + vad.onsetMs);
      this.#events.started(Math.max(0, this.heardMs - this.#frames.length * FRAME_MS));
    } else if (vad && event === 'stop') {
      this.#events.stopped(this.heardMs);
    } else if (vad && !vad.speaking) {
      // A little more than the prefix: speech is noticed some frames after it began.
      this.#keep(vad.prefixMs + 200);
    }
    this.#keep(MAX_TURN_MS);
  }

  #keep(ms: number): void {
    const frames = Math.ceil(ms / FRAME_MS);
    if (this.#frames.length > frames) this.#frames.splice(0, this.#frames.length - frames);
  }

  /** Forgets what is in the buffer, and a turn that was open. */
  clear(): void {
    this.#frames = [];
    this.#vad?.reset();
  }

  /** Takes what is in the buffer. */
  take(): Int16Array {
    const pcm = join(this.#frames);
    this.#frames = [];
    return pcm;
  }

  /** Takes what is in the buffer for `input_audio_buffer.commit`. Throws RealtimeError where it is too short. */
  commit(): Int16Array {
    const ms = this.#frames.length * FRAME_MS;
    if (ms < MIN_COMMIT_MS) {
      throw new RealtimeError(
        'input_audio_buffer_commit_empty',
        `Error committing input audio buffer: buffer too small. Expected at least ${MIN_COMMIT_MS}ms of audio, ` +
          `but buffer only has ${ms.toFixed(2)}ms of audio.`,
      );
    }
    // A turn that was open ends with this, without speech_stopped.
    this.#vad?.reset();
    return this.take();
  }
}

/** Cuts sound of any length into frames; what is left waits for the next piece. */
export class Framer {
  #rest = new Int16Array(0);

  push(pcm: Int16Array, frame: (pcm: Int16Array) => void): void {
    const all = this.#rest.length > 0 ? join([this.#rest, pcm]) : pcm;
    let at = 0;
    for (; at + FRAME <= all.length; at += FRAME) frame(all.slice(at, at + FRAME));
    this.#rest = all.slice(at);
  }
}
