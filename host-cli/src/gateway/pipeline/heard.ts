/** What the mind of one call knows of its items and the conversation does not: the words of sounds. */
import { msOf } from '../audio.ts';
import type { Piece } from '../brain.ts';
import type { SessionConfig } from '../config.ts';
import type { Entry } from '../conversation.ts';

/** How the words of a turn are found out; rejects when `signal` is aborted. */
export type Listen = (pcm: Int16Array, config: SessionConfig, signal: AbortSignal) => Promise<string>;

interface Listening {
  words: Promise<string>;
  stop: AbortController;
  /** How many wait for the words. */
  waiting: number;
}

/**
 * The words of one turn, found out once, whoever asks: the session for its transcript, an answer because it needs
 * them. It goes on while anybody waits; when nobody does, it stops, and starts anew for whoever asks next.
 */
export class Turn {
  readonly #pcm: Int16Array;
  readonly #listen: Listen;
  #words: string | undefined;
  #running: Listening | undefined;

  constructor(pcm: Int16Array, listen: Listen) {
    this.#pcm = pcm;
    this.#listen = listen;
  }

  /** Undefined until they are known. */
  get known(): string | undefined {
    return this.#words;
  }

  /** It is known that nobody spoke. */
  silent(): void {
    this.#words = '';
  }

  async words(config: SessionConfig, signal: AbortSignal): Promise<string> {
    if (this.#words !== undefined) return this.#words;
    signal.throwIfAborted();
    this.#running ??= this.#start(config);
    const running = this.#running;
    running.waiting++;
    let leave: () => void = () => {};
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(signal.reason);
    });
    signal.addEventListener('abort', leave, { once: true });
    try {
      this.#words = await Promise.race([running.words, left]);
      return this.#words;
    } finally {
      signal.removeEventListener('abort', leave);
      running.waiting--;
      if (running.waiting === 0) {
        running.stop.abort();
        if (this.#running === running) this.#running = undefined;
      }
    }
  }

  #start(config: SessionConfig): Listening {
    const stop = new AbortController();
    const words = this.#listen(this.#pcm, config, stop.signal);
    // Whoever waited may have left before it fails.
    words.catch(() => {});
    return { words, stop, waiting: 0 };
  }
}

/** What of an answer's sound was played, in words: items that were cut short lose their transcript. */
export class Spoken {
  readonly #pieces = new WeakMap<Entry, readonly { text: string; ms: number }[]>();
  readonly #seen = new WeakSet<Entry>();
  #latest: { text: string; ms: number }[] | undefined;

  /** An answer begins that becomes an item of the conversation; gives where its pieces are noted. */
  begin(): (piece: Piece) => void {
    const pieces: { text: string; ms: number }[] = [];
    this.#latest = pieces;
    return ({ text, pcm }) => {
      const last = pieces.at(-1);
      // Sound without words goes on with the words before.
      if (text === '' && last) last.ms += msOf(pcm.length);
      else pieces.push({ text, ms: msOf(pcm.length) });
    };
  }

  /** Finds the item that the latest answer became: the first of the assistant's that is new. */
  settle(entries: readonly Entry[]): void {
    const made = entries.find((entry) => !this.#seen.has(entry) && isSpoken(entry));
    if (made && this.#latest?.length) this.#pieces.set(made, this.#latest);
    this.#latest = undefined;
    for (const entry of entries) this.#seen.add(entry);
  }

  /** The words that were heard of an item whose transcript is gone; undefined where nothing is known. */
  heard(entry: Entry): string | undefined {
    const pieces = this.#pieces.get(entry);
    if (!pieces) return undefined;
    let left = entry.audioMs;
    let heard = '';
    for (const { text, ms } of pieces) {
      if (left >= ms) {
        heard += text;
        left -= ms;
        continue;
      }
      // Of a sentence that was cut: as many of its words as of its sound.
      const words = text.match(/\s*\S+/gu) ?? [];
      heard += words.slice(0, Math.floor((words.length * left) / ms)).join('');
      return heard.trim() === '' ? '' : `${heard.trimEnd()}…`;
    }
    return heard;
  }
}

const isSpoken = ({ item, audioMs }: Entry): boolean =>
  item.type === 'message' &&
  item.role === 'assistant' &&
  (audioMs > 0 || item.content.some((part) => part.type === 'output_audio'));
