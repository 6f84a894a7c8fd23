/**
 * Turn detection on the sound itself. A frame of 20 ms is loud when its level is well above the noise floor, which
 * is the quietest frame of the last three seconds: it falls at once and rises only when noise has stayed. A turn
 * starts with four loud frames out of five and ends after `silence_duration_ms` without two loud frames in a row.
 */
import { FRAME, FRAME_MS, rms } from './audio.ts';
import type { TurnDetection } from './config.ts';

/**
 * semantic_vad waits for the end of a thought. After a short silence the mind is asked whether there is one; where it
 * says no, the person has until the longest silence, as the API has it. A mind that cannot tell waits the short one.
 */
const EAGERNESS = {
  low: { short: 1200, long: 8000 },
  medium: { short: 800, long: 4000 },
  auto: { short: 800, long: 4000 },
  high: { short: 500, long: 2000 },
} as const;
/** The quietest room that is believed, dBFS; digital silence counts as this. */
const FLOOR_MIN = -70;
/** A frame below this is never speech, dBFS, at threshold 0.5; 12 dB either way for 0 and 1. */
const QUIET = -46;
const WINDOW = 150;

export type VadEvent = 'start' | 'stop';

export class Vad {
  readonly prefixMs: number;
  readonly silenceMs: number;
  readonly #margin: number;
  readonly #quiet: number;
  readonly #levels: number[] = [];
  #loud: boolean[] = [];
  #silentMs = 0;
  #speaking = false;
  readonly #longMs: number;
  readonly #whole: (() => boolean) | undefined;
  /** The mind said that more will come. */
  #waits = false;

  /** `whole` says whether what was heard is a whole thought; only semantic_vad asks. */
  constructor(settings: TurnDetection, whole?: () => boolean) {
    const server = settings.type === 'server_vad' ? settings : undefined;
    const threshold = server?.threshold ?? 0.5;
    this.prefixMs = server?.prefix_padding_ms ?? 300;
    const semantic = settings.type === 'semantic_vad' ? EAGERNESS[settings.eagerness] : undefined;
    this.silenceMs = semantic?.short ?? server?.silence_duration_ms ?? 500;
    this.#longMs = semantic && whole ? semantic.long : this.silenceMs;
    this.#whole = semantic && whole;
    this.#margin = 3 + 14 * threshold;
    this.#quiet = QUIET + 24 * (threshold - 0.5);
  }

  get speaking(): boolean {
    return this.#speaking;
  }

  /** How far back the first loud frame lies when `start` is reported, in ms. */
  get onsetMs(): number {
    const first = this.#loud.indexOf(true);
    return first < 0 ? 0 : (this.#loud.length - first) * FRAME_MS;
  }

  /** One frame of 480 samples, 24 kHz. */
  push(frame: Int16Array): VadEvent | undefined {
    if (frame.length !== FRAME) throw new RangeError(`a frame has ${FRAME} samples, not ${frame.length}`);
    const level = Math.max(FLOOR_MIN, 20 * Math.log10(rms(frame) + 1e-9));
    this.#levels.push(level);
    if (this.#levels.length > WINDOW) this.#levels.shift();
    // Until the window is full nobody knows whether it is noise or speech: a room is taken to be quiet.
    const floor = this.#levels.length < WINDOW ? Math.min(-50, ...this.#levels) : Math.min(...this.#levels);
    const loud = level > Math.max(floor + this.#margin, this.#quiet);
    this.#loud.push(loud);
    if (this.#loud.length > 5) this.#loud.shift();

    if (!this.#speaking) {
      if (this.#loud.filter(Boolean).length < 4) return undefined;
      this.#speaking = true;
      this.#silentMs = 0;
      return 'start';
    }
    const twice = loud && this.#loud.at(-2) === true;
    if (twice) this.#waits = false;
    this.#silentMs = twice ? 0 : this.#silentMs + FRAME_MS;
    if (this.#silentMs < this.silenceMs) return undefined;
    if (this.#whole && this.#silentMs - FRAME_MS < this.silenceMs) this.#waits = !this.#whole();
    if (this.#waits && this.#silentMs < this.#longMs) return undefined;
    this.reset();
    return 'stop';
  }

  /** Nobody is speaking. What is known of the room's noise stays. */
  reset(): void {
    this.#speaking = false;
    this.#waits = false;
    this.#loud = [];
  }
}
