import type { Microphone } from '../contract.ts';
import { firstSound, lastSound, SAMPLES_PER_MS, SOUND_LEVEL } from './level.ts';
import { FRAME_SAMPLES } from './module.ts';

const FRAME_MS = FRAME_SAMPLES / SAMPLES_PER_MS;

/** A microphone in a room where nobody is. */
export class SilentRoom implements Microphone {
  frame(): Int16Array {
    return new Int16Array(FRAME_SAMPLES);
  }
}

export interface PersonOptions {
  /** Milliseconds of silence after which the person takes the device to have finished. */
  quiet?: number;
  /** Milliseconds after which the person begins to speak to a device that says nothing. */
  patience?: number;
  /** Noise of the room: RMS (0 to 1) and seed. */
  noise?: { level: number; seed?: number };
}

/** When a sentence was spoken, in clock time: its first and its last sample above -45 dBFS. */
export interface Spoken {
  start: number;
  end: number;
}

/**
 * A person who says one sentence after the other (16 kHz, mono), and listens in between: the first one when the
 * device has greeted and is quiet, or when it says nothing for some time; each further one when the device has
 * answered and is quiet. A sentence during which the audio is switched off is said again from its start next time.
 */
export class WavPerson implements Microphone {
  readonly #sentences: readonly Int16Array[];
  readonly #quiet: number;
  readonly #patience: number;
  readonly #noise: ((frame: Int16Array) => void) | undefined;
  readonly #spokenAt: Spoken[] = [];
  #index = 0;
  /** Sample of the sentence that comes next; -1 while listening. */
  #position = -1;
  #startedAt = 0;
  #activeSince: number | undefined;
  /** Whether this session's first word is still to come: then patience counts. */
  #opening = false;
  /** When the device was heard last since the person's last word. */
  #heardAt: number | undefined;
  #answered = false;

  constructor(sentences: readonly Int16Array[], options: PersonOptions = {}) {
    this.#sentences = sentences;
    this.#quiet = options.quiet ?? 700;
    this.#patience = options.patience ?? 2500;
    this.#noise = options.noise && noiseSource(options.noise.level, options.noise.seed ?? 1);
  }

  get spokenAt(): readonly Spoken[] {
    return this.#spokenAt;
  }

  /** Whether all was said and the last sentence answered. */
  get done(): boolean {
    return this.#index === this.#sentences.length && (this.#answered || this.#sentences.length === 0);
  }

  active(on: boolean, nowMs: number): void {
    // Where the device hangs up after its last word, there is no quiet to wait for.
    if (!on && !this.#opening && this.#position < 0 && this.#heardAt !== undefined) this.#answered = true;
    this.#position = -1;
    this.#activeSince = on ? nowMs : undefined;
    this.#opening = on;
    this.#heardAt = undefined;
  }

  frame(nowMs: number, outLevel: number): Int16Array {
    const frame = new Int16Array(FRAME_SAMPLES);
    if (outLevel > SOUND_LEVEL) this.#heardAt = nowMs;
    if (this.#position < 0) this.#listen(nowMs);
    if (this.#position >= 0) this.#speak(frame, nowMs);
    this.#noise?.(frame);
    return frame;
  }

  #listen(now: number): void {
    const deviceDone = this.#heardAt !== undefined && now - this.#heardAt >= this.#quiet;
    if (deviceDone && !this.#opening) this.#answered = true;
    const tired =
      this.#opening &&
      this.#heardAt === undefined &&
      this.#activeSince !== undefined &&
      now - this.#activeSince >= this.#patience;
    if ((!deviceDone && !tired) || this.#index === this.#sentences.length) return;
    this.#position = 0;
    this.#startedAt = now - FRAME_MS;
    this.#opening = false;
    this.#answered = false;
  }

  #speak(frame: Int16Array, now: number): void {
    const sentence = this.#sentences[this.#index]!;
    frame.set(sentence.subarray(this.#position, this.#position + FRAME_SAMPLES));
    this.#position += FRAME_SAMPLES;
    if (this.#position < sentence.length) return;
    const first = Math.max(0, firstSound(sentence));
    const last = lastSound(sentence);
    // Frames are on a grid unless the computer was late: then the end counts from the frame that was really given.
    const origin = now - this.#position / SAMPLES_PER_MS;
    const end = origin + ((last < 0 ? sentence.length - 1 : last) + 1) / SAMPLES_PER_MS;
    this.#spokenAt.push({ start: this.#startedAt + first / SAMPLES_PER_MS, end });
    this.#index++;
    this.#position = -1;
    this.#heardAt = undefined;
  }
}

/** Adds white noise to a frame; the same seed gives the same noise (xorshift32, Marsaglia 2003). */
function noiseSource(level: number, seed: number): (frame: Int16Array) => void {
  let state = seed >>> 0 || 1;
  // Uniform between -a and a has the RMS a / sqrt(3).
  const amplitude = level * 32_768 * Math.sqrt(3);
  return (frame) => {
    for (let i = 0; i < frame.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      const sample = frame[i]! + ((state / 0xffff_ffff) * 2 - 1) * amplitude;
      frame[i] = Math.max(-32_768, Math.min(32_767, Math.round(sample)));
    }
  };
}
