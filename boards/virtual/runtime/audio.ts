import type { Clock, Loudspeaker, Microphone } from '../contract.ts';
import type { PortFunctions } from './codes.ts';
import { rms } from './level.ts';
import { FRAME_SAMPLES } from './module.ts';

const FRAME_MS = 20;
/** Later than this, frames are left out; a codec's DMA buffers would have run over as well. */
const MAX_LATE_MS = 100;

export interface AudioCalls {
  /** Gives 20 ms of the microphone to the core. */
  audioIn(pcm: Int16Array): void;
  /** Takes 20 ms for the loudspeaker from the core, volume applied. */
  audioOut(): Int16Array;
}

/**
 * Moves frames between the core and the world, every 20 ms on a grid that does not drift. The time that microphone
 * and loudspeaker see is that of the grid. A frame at time t holds what the microphone heard in the 20 ms before t,
 * and what the loudspeaker plays in the 20 ms after it.
 */
export class AudioLoop {
  readonly #clock: Clock;
  readonly #microphone: Microphone;
  readonly #loudspeaker: Loudspeaker;
  readonly #calls: AudioCalls;
  #cancel: (() => void) | undefined;
  #due = 0;
  /** Frames moved, and frames left out because the computer was too late. */
  readonly stats = { frames: 0, skipped: 0 };

  constructor(clock: Clock, microphone: Microphone, loudspeaker: Loudspeaker, calls: AudioCalls) {
    this.#clock = clock;
    this.#microphone = microphone;
    this.#loudspeaker = loudspeaker;
    this.#calls = calls;
  }

  get on(): boolean {
    return this.#cancel !== undefined;
  }

  port(): PortFunctions {
    return { tc_port_audio_start: () => this.start(), tc_port_audio_stop: () => this.stop() };
  }

  start(): number {
    if (this.on) return 0;
    const now = this.#clock.now();
    this.#due = now + FRAME_MS;
    this.#arm(now);
    this.#microphone.active?.(true, now);
    return 0;
  }

  stop(): void {
    if (!this.#cancel) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#microphone.active?.(false, this.#clock.now());
  }

  #arm(now: number): void {
    this.#cancel = this.#clock.after(this.#due - now, () => this.#run());
  }

  #run(): void {
    const late = this.#clock.now() - this.#due;
    if (late > MAX_LATE_MS) {
      const skip = Math.floor(late / FRAME_MS);
      this.stats.skipped += skip;
      this.#due += skip * FRAME_MS;
    }
    // The core may switch the audio off within a frame.
    while (this.on && this.#due <= this.#clock.now()) {
      const at = this.#due;
      this.#due += FRAME_MS;
      this.#frame(at);
    }
    if (this.on) this.#arm(this.#clock.now());
  }

  #frame(at: number): void {
    this.stats.frames++;
    const out = this.#calls.audioOut();
    const level = rms(out);
    this.#loudspeaker.frame(out, at);
    const heard = this.#microphone.frame(at, level);
    if (heard.length !== FRAME_SAMPLES)
      throw new RangeError(`a microphone frame has ${heard.length} samples, not ${FRAME_SAMPLES}`);
    this.#calls.audioIn(heard);
  }
}
