import { WavWriter, writeWav } from '@tincan/shared-protocol';
import type { Loudspeaker } from '../contract.ts';
import { firstSound, SAMPLES_PER_MS } from './level.ts';

/** A loudspeaker that nobody hears. */
export class NullSpeaker implements Loudspeaker {
  frame(): void {}
}

/**
 * A loudspeaker that keeps what it plays, at the time at which it plays it: pauses are in the recording as long as
 * they were. Silence takes no memory. After `limitMs` it records no more, and `full` says so.
 */
export class WavSpeaker implements Loudspeaker {
  readonly #frames: { at: number; pcm: Int16Array }[] = [];
  readonly #limitMs: number;
  #begin: number | undefined;
  #end = 0;
  #full = false;

  constructor(options: { limitMs?: number } = {}) {
    this.#limitMs = options.limitMs ?? 3_600_000;
  }

  frame(pcm: Int16Array, nowMs: number): void {
    this.#begin ??= nowMs;
    const end = nowMs + pcm.length / SAMPLES_PER_MS;
    if (end - this.#begin > this.#limitMs) {
      this.#full = true;
      return;
    }
    this.#end = end;
    if (pcm.some((sample) => sample !== 0)) this.#frames.push({ at: nowMs, pcm: pcm.slice() });
  }

  /** Whether the recording reached its limit. */
  get full(): boolean {
    return this.#full;
  }

  /** Clock time of the recording's first sample. */
  get begin(): number | undefined {
    return this.#begin;
  }

  /** Root mean square of all that was played, silence included; 0 to 1. */
  get rms(): number {
    const samples = Math.round((this.#end - (this.#begin ?? 0)) * SAMPLES_PER_MS);
    if (samples <= 0) return 0;
    let sum = 0;
    for (const { pcm } of this.#frames) for (const sample of pcm) sum += sample * sample;
    return Math.sqrt(sum / samples) / 32_768;
  }

  /** Clock time of the first sample above -45 dBFS that was played at `time` or later. */
  firstSoundAfter(time: number): number | undefined {
    for (const { at, pcm } of this.#frames) {
      const from = Math.max(0, Math.ceil((time - at) * SAMPLES_PER_MS));
      const index = firstSound(pcm, from);
      if (index >= 0) return at + index / SAMPLES_PER_MS;
    }
    return undefined;
  }

  /** The recording: 16 kHz, mono. */
  pcm(): Int16Array {
    const begin = this.#begin;
    if (begin === undefined) return new Int16Array(0);
    const out = new Int16Array(Math.round((this.#end - begin) * SAMPLES_PER_MS));
    for (const { at, pcm } of this.#frames) {
      const index = Math.round((at - begin) * SAMPLES_PER_MS);
      out.set(pcm.subarray(0, Math.max(0, out.length - index)), index);
    }
    return out;
  }

  /** The recording as a WAV file: 16 kHz, mono, 16 bit. */
  wav(): Uint8Array {
    return writeWav(this.pcm(), SAMPLES_PER_MS * 1000);
  }
}

/** A pause that is longer than this is recorded as this long, in ms: nobody listens to the hours between sessions. */
const LONGEST_PAUSE_MS = 2000;
const FLUSH_MS = 1000;

/** A loudspeaker that is recorded into a WAV file as it plays; at any moment at most the last second is missing. */
export class FileSpeaker implements Loudspeaker {
  readonly #writer: WavWriter;
  #next: number | undefined;
  #flushed = 0;

  /** Throws where the file cannot be written. */
  constructor(path: string) {
    this.#writer = new WavWriter(path, SAMPLES_PER_MS * 1000);
  }

  frame(pcm: Int16Array, nowMs: number): void {
    const pause = Math.min(LONGEST_PAUSE_MS, nowMs - (this.#next ?? nowMs));
    if (pause > 1) this.#writer.write(new Int16Array(Math.round(pause * SAMPLES_PER_MS)));
    this.#writer.write(pcm);
    this.#next = nowMs + pcm.length / SAMPLES_PER_MS;
    if (nowMs - this.#flushed < FLUSH_MS) return;
    this.#flushed = nowMs;
    this.#writer.flush();
  }

  close(): void {
    this.#writer.close();
  }
}
