/** The transcript of a recording as a page of Markdown: turns in order, whenever their words came. */
import type { Turn } from '@tincan/shared-protocol';

interface Entry {
  id: string;
  /** Milliseconds since the recording began, when it was first heard of. */
  at: number;
  line: string;
}

export class TranscriptPage {
  readonly #title: string;
  /** Of what is over, or so old that its order is not known any more. */
  #fixed: string[] = [];
  #entries: Entry[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  /** The conversation as it is now, in order; `when` says when an item was first heard of. */
  update(turns: readonly Turn[], when: (id: string) => number): void {
    const ids = new Set(turns.map(({ item_id }) => item_id));
    // What is gone from the front was forgotten, not unsaid.
    while (this.#entries[0] !== undefined && !ids.has(this.#entries[0].id))
      this.#fixed.push((this.#entries.shift() as Entry).line);
    const before = new Map(this.#entries.map((entry) => [entry.id, entry.at]));
    this.#entries = turns.map((turn) => {
      const at = before.get(turn.item_id) ?? when(turn.item_id);
      return { id: turn.item_id, at, line: lineOf(turn, at) };
    });
  }

  /** A new conversation begins. */
  next(at: number): void {
    if (this.#entries.length === 0 && this.#fixed.length === 0) return;
    this.#fixed.push(...this.#entries.map(({ line }) => line), `*A new session, ${clock(at)}*`);
    this.#entries = [];
  }

  text(): string {
    const lines = [...this.#fixed, ...this.#entries.map(({ line }) => line)];
    return `${[`# ${this.#title}`, ...lines].join('\n\n')}\n`;
  }
}

function lineOf({ role, text }: Turn, at: number): string {
  const words = text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[\x00-\x1f\x7f]/g, '')
    // What Markdown or a browser would obey.
    .replace(/[\\`*_[\]<>&#|~]/g, '\\$&');
  return `**${role === 'user' ? 'Person' : 'Tincan'}** (${clock(at)}): ${words}`;
}

/** 3:07, or 1:03:07. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
