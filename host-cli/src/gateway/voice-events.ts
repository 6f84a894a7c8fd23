/**
 * Answers over WebSocket: their sound goes out as `response.output_audio.delta` as fast as it is made. What the client
 * has played of it is not known here; that it is busy is reckoned from the duration.
 */
import { msOf } from './audio.ts';
import type { Clock } from './clock.ts';
import type { Draft } from './events.ts';
import type { Format } from './schema.ts';
import { SoundEncoder } from './sound-format.ts';
import type { Cut, SoundAt, Voice } from './voice.ts';

export interface VoiceEvents {
  send(event: Draft): void;
  /** All sound that was sent has had the time to be heard. */
  played(): void;
}

export class EventVoice implements Voice {
  readonly #clock: Clock;
  readonly #events: VoiceEvents;
  readonly #encoders = new Map<string, SoundEncoder>();
  /** When the last sound will have been played, by the clock. */
  #until = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, events: VoiceEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  get busy(): boolean {
    return this.#encoders.size > 0 || this.#clock.now() < this.#until;
  }

  open(responseId: string, format: Format): void {
    this.#encoders.set(responseId, new SoundEncoder(format));
  }

  push(at: SoundAt, pcm: Int16Array): void {
    const encoder = this.#encoders.get(at.response_id);
    if (!encoder) return;
    this.#until = Math.max(this.#clock.now(), this.#until) + msOf(pcm.length);
    this.#delta(at, encoder.push(pcm));
  }

  flush(at: SoundAt): void {
    const encoder = this.#encoders.get(at.response_id);
    if (encoder) this.#delta(at, encoder.push(new Int16Array(), true));
  }

  #delta(at: SoundAt, delta: string): void {
    if (delta) this.#events.send({ type: 'response.output_audio.delta', ...at, delta });
  }

  end(responseId: string): void {
    if (!this.#encoders.delete(responseId)) return;
    this.#settle();
  }

  #settle(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(Math.max(0, this.#until - this.#clock.now()), () => {
      if (!this.busy) this.#events.played();
      // A timer may fire a little early.
      else if (this.#encoders.size === 0) this.#settle();
    });
  }

  clear(): { responseIds: string[]; cuts: Cut[] } {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#encoders.clear();
    this.#until = 0;
    return { responseIds: [], cuts: [] };
  }
}
