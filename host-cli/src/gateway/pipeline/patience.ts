/** How long one stage may say nothing. */
import { TincanError } from '../../errors.ts';
import { redact } from '../../redact.ts';
import type { Clock } from '../clock.ts';

export type Stage = 'stt' | 'llm' | 'tts';
/** Stages as people call them. */
export const STAGE_NAMES: Record<Stage, string> = {
  stt: 'speech-to-text',
  llm: 'the model',
  tts: 'text-to-speech',
};

/** An error of a stage: one sentence for the log, without any secret that a server may have said back. */
export function stageError(stage: Stage, what: string, cause?: unknown): TincanError {
  return new TincanError(`PIPELINE_${stage.toUpperCase()}`, `${STAGE_NAMES[stage]}: ${redact(what)}`, {
    cause,
    exit: 'server',
  });
}

/** Runs out when a stage says nothing for so many ms; `signal` is aborted then, and when the caller's signal is. */
export class Patience {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  #cancel: () => void = () => {};
  /** It ran out. */
  over = false;
  readonly limitMs: number;

  constructor(clock: Clock, limitMs: number, outer: AbortSignal) {
    this.#clock = clock;
    this.limitMs = limitMs;
    this.#outer = outer;
    if (outer.aborted) this.#controller.abort();
    else outer.addEventListener('abort', this.#stop, { once: true });
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The stage said something. */
  touch(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.limitMs, () => {
      this.over = true;
      this.#controller.abort();
    });
  }

  /** The stage is done, one way or the other: stops what of it may still run. */
  end(): void {
    this.#cancel();
    this.#outer.removeEventListener('abort', this.#stop);
    this.#controller.abort();
  }

  readonly #stop = () => this.#controller.abort();
}
