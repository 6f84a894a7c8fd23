/** The turns of a conversation as they are told to people: each once, in order, when it is complete. */
import { Transcript, type Turn } from '@tincan/shared-protocol';
import type { DeviceMessage } from './device.ts';
import { cleanText, eventType } from './format.ts';

/** So long a turn whose words are missing holds back those behind it, in ms. */
const PATIENCE_MS = 5000;
/** Turns of earlier sessions that are remembered, to know them again. */
const REMEMBERED = 500;

export class Turns {
  #transcript = new Transcript();
  #told = new Set<string>();
  /** Of those, what was told in words. */
  #shown = new Set<string>();
  /** What was told, over all sessions. */
  #before: Turn[] = [];
  /** Where in `#before` a history that is given back goes on; undefined when it is over. */
  #again: number | undefined;
  /** Since when turns without their words have had complete ones behind them. */
  #waiting = new Map<string, number>();

  /** Takes a message of the device; answers the turns that can be told now. */
  take(message: DeviceMessage): Turn[] {
    if (message.method !== 'realtime.event') return [];
    const type = eventType(message);
    const left = type === 'session.created' ? this.#nextSession() : [];
    // What comes before anybody speaks is the history that the device gives back.
    if (type === 'response.created' || type === 'input_audio_buffer.committed') this.#again = undefined;
    this.#transcript.feed(message.params.event, 'server');
    return [...left, ...this.tick(message.at)];
  }

  /** Answers what can be told because of the time alone. */
  tick(now: number): Turn[] {
    const ready: Turn[] = [];
    const before: string[] = [];
    for (const turn of this.#transcript.turns()) {
      if (this.#told.has(turn.item_id)) continue;
      if (!turn.complete) {
        if (now - (this.#waiting.get(turn.item_id) ?? now) < PATIENCE_MS) before.push(turn.item_id);
        continue;
      }
      if (before.length > 0) {
        for (const id of before) if (!this.#waiting.has(id)) this.#waiting.set(id, now);
        break;
      }
      ready.push(...this.#tell(turn));
    }
    return ready;
  }

  /** Answers what is left, complete or not: the conversation is over. */
  end(): Turn[] {
    return this.#transcript.turns().flatMap((turn) => this.#tell(turn));
  }

  /** What was told of this session, in the order of the conversation. */
  inOrder(): Turn[] {
    return this.#transcript.turns().filter(({ item_id }) => this.#shown.has(item_id));
  }

  /** A new conversation, which may begin with the old one. */
  #nextSession(): Turn[] {
    const left = this.end();
    this.#transcript = new Transcript();
    this.#told = new Set();
    this.#shown = new Set();
    this.#waiting = new Map();
    this.#before = this.#before.slice(-REMEMBERED);
    this.#again = 0;
    return left;
  }

  #tell(turn: Turn): Turn[] {
    if (this.#told.has(turn.item_id)) return [];
    this.#told.add(turn.item_id);
    if (turn.text.trim() === '') return [];
    if (this.#again !== undefined) {
      const found = this.#before.findIndex(
        ({ role, text }, i) => i >= (this.#again ?? 0) && role === turn.role && text === turn.text,
      );
      this.#again = found < 0 ? undefined : found + 1;
      if (found >= 0) return [];
    }
    this.#before.push(turn);
    this.#shown.add(turn.item_id);
    return [turn];
  }
}

/** One line: `Person “Turn on the light.”` */
export function turnLine({ role, text }: Pick<Turn, 'role' | 'text'>): string {
  return `${role === 'user' ? 'Person' : 'Tincan'} “${cleanText(text.trim().replace(/\s+/g, ' '))}”`;
}
