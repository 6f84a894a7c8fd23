/** What thinks behind a session: one interface for every mode of the gateway. */
import type { ResponseParams, SessionConfig } from './config.ts';
import type { Entry } from './conversation.ts';
import type { EventFault } from './faults.ts';

/** What the brain is asked to answer. */
export interface Question {
  /** Items that the answer is about, in order: the whole conversation, or `response.input`. */
  entries: readonly Entry[];
  /** The session's settings with those of `response.create` laid over them. */
  config: SessionConfig;
  /** `response` of response.create; undefined when a finished turn asks. */
  params: ResponseParams | undefined;
  /** No response was made in this session before. */
  first: boolean;
  /** The person has been silent for `idle_timeout_ms`. */
  idle: boolean;
  /** Aborted when the answer is no longer wanted. */
  signal: AbortSignal;
}

/** A piece of speech: words, and how they sound (24 kHz mono). */
export interface Piece {
  text: string;
  pcm: Int16Array;
}

/** One part of an answer; each becomes an output item. */
export type Part =
  /** Speech: its words, and 24 kHz mono sound. */
  | { type: 'say'; text: string; pcm: Int16Array }
  /**
   * Speech that is still being made: one message, spoken piece by piece as they come. Texts are joined as they stand
   * (a new sentence brings its own space). When the answer is cancelled, `signal` is aborted and the iterator's
   * return() called; what it gives afterwards is not looked at. No piece at all makes no item. Who makes speech makes
   * it at the speed of the session; that of `say` is changed by the gateway.
   */
  | { type: 'speech'; pieces: AsyncIterable<Piece> }
  | { type: 'text'; text: string }
  /** A tool; `arguments` is JSON text. */
  | { type: 'call'; name: string; arguments: string }
  /** The model stopped in the middle: `response` ends this answer as incomplete. */
  | { type: 'cut'; reason: 'max_output_tokens' | 'content_filter' }
  /**
   * The server fails on purpose: `response` ends this answer as failed, `hang_up` ends the call, `expire` the session;
   * `rate_limit` uses up the limits and fails the answer by them. An event fault spoils events from now on.
   */
  | { type: 'fault'; fault: 'response' | 'hang_up' | 'expire' | 'rate_limit' | EventFault };

/** The mind of one call. */
export interface Mind {
  /** The words of a heard turn, or null where this mind does not write down what it hears. */
  transcribe(entry: Entry, config: SessionConfig): Promise<string | null>;
  /** The answer, part by part. */
  answer(question: Question): AsyncIterable<Part>;
  /**
   * Whether a turn sounds finished; asked after a short silence where turn detection is semantic. Left out: silence
   * alone ends a turn.
   */
  whole?(pcm: Int16Array): boolean;
  /** The call is over. */
  close?(): void;
}

export interface Brain {
  /** Name of the mode, for people. */
  readonly mode: string;
  /** A session may name voices that the API does not have. */
  readonly anyVoice?: boolean;
  open(): Mind;
  /** All minds are closed and no other will be opened: waits until nothing of them is left. */
  close?(): Promise<void>;
}
