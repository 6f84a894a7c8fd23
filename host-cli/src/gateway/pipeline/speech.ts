/** What the stages offer each other: an ear and a mouth. Sound between them is 24 kHz mono. */
import type { Clock } from '../clock.ts';

export interface HearOptions {
  clock: Clock;
  signal: AbortSignal;
  /** ISO-639-1, where the session names one. */
  language?: string | undefined;
  /** Words that help: names, topic. */
  prompt?: string | undefined;
  /** Sentences that may be said, for ears that know only those. */
  phrases?: readonly string[] | undefined;
  /** The session's transcription model; used where the gateway names none. */
  model?: string | undefined;
}
export interface Ear {
  /** The words of a turn; "" where there are none. Throws TincanError PIPELINE_STT. */
  hear(pcm: Int16Array, options: HearOptions): Promise<string>;
}

export interface SayOptions {
  clock: Clock;
  signal: AbortSignal;
  /** The session's voice; used where the gateway names none. */
  voice: string;
  /** 1 is normal. */
  speed: number;
}
export interface Mouth {
  /** The sound of one sentence, as it comes. Throws TincanError PIPELINE_TTS. */
  say(text: string, options: SayOptions): AsyncIterable<Int16Array>;
}

/** What ears say where nobody spoke: "[BLANK_AUDIO]", "(wind blowing)", "*music*", "♪". */
const NOTES = /\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]/gu;

/** A transcript without notes about what is no speech; "" where nothing is left. */
export function onlyWords(text: string): string {
  const words = text.replace(/\s+/gu, ' ').trim();
  return /[\p{L}\p{N}]/u.test(words.replace(NOTES, '')) ? words : '';
}
