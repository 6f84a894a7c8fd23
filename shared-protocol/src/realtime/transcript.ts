/**
 * Puts the turns of a conversation in order, from events that come late and out of order: a person's words are often
 * written down after the answer to them. `golden/transcript.json` says what comes out; the device's history passes the
 * same vectors.
 *
 * - `conversation.item.added`, `.created` (beta), `.done` and `input_audio_buffer.committed` make an item known. Texts
 *   of an item that is not known yet are kept until it is; what never becomes known - the answer of a response with
 *   `conversation: "none"` - is no turn.
 * - An item stands directly behind its `previous_item_id`; null is the front, none at all the end. Where the
 *   predecessor is not known the item waits at the end, and moves with all that stands behind it when that comes.
 * - Messages of user and assistant are turns. Others (system, function calls, …) only hold their place.
 * - A turn that is complete does not change any more. An interrupted one keeps what it has.
 */

export interface Turn {
  item_id: string;
  role: 'user' | 'assistant';
  /** Parts of a content that has several are joined by a blank. "" where nothing was understood or said. */
  text: string;
  /** No more text will come. */
  complete: boolean;
}
/** A turn that an event changed, or took away. */
export type ChangedTurn = Turn & { deleted?: true };

export interface TranscriptOptions {
  /**
   * So many items are kept. Beyond, the first in order is forgotten with its text; who names it as predecessor later
   * comes to the end.
   */
  limit?: number;
}

const LIMIT = 1000;
/** Items whose texts came, but which are not known. */
const LIMIT_UNKNOWN = 16;
/** Characters and parts of one item; more is cut off. */
const LIMIT_TEXT = 65_536;
const LIMIT_PARTS = 64;

interface Part {
  text: string;
  /** It came whole; pieces of it change nothing. */
  whole: boolean;
}
interface Item {
  id: string;
  /** undefined: nobody said. */
  previous: string | null | undefined;
  role: 'user' | 'assistant' | 'other' | undefined;
  parts: Part[];
  complete: boolean;
  /** Parts of a user's message that are sound. */
  spoken: Set<number>;
  response: string | undefined;
}
type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

export class Transcript {
  readonly #limit: number;
  readonly #order: Item[] = [];
  readonly #known = new Map<string, Item>();
  readonly #unknown = new Map<string, Item>();
  /** Whether the session says that speech is not written down: then no text is waited for. */
  #silent = false;
  #changed = new Set<Item>();

  constructor({ limit = LIMIT }: TranscriptOptions = {}) {
    this.#limit = Math.max(1, limit);
  }

  /** All turns, in order. */
  turns(): Turn[] {
    return this.#order.filter(isTurn).map(turnOf);
  }

  /**
   * Takes one event of any shape. Answers the turns that it made, changed, or deleted; one that only moved is not among
   * them. Events of the client change nothing: the server confirms each.
   */
  feed(event: unknown, direction: 'client' | 'server'): ChangedTurn[] {
    if (direction === 'client' || !isObject(event) || typeof event.type !== 'string') return [];
    this.#changed = new Set();
    const gone = this.#read(event.type, event);
    const changed: ChangedTurn[] = [...this.#changed]
      .filter((item) => this.#known.get(item.id) === item)
      .filter(isTurn)
      .map(turnOf);
    return gone && isTurn(gone) ? [...changed, { ...turnOf(gone), deleted: true }] : changed;
  }

  /** Answers an item that was deleted. */
  #read(type: string, event: Json): Item | undefined {
    switch (type) {
      case 'session.created':
      case 'session.updated':
        this.#silent = isSilent(event.session);
        return undefined;
      case 'conversation.item.added':
      case 'conversation.item.created':
      case 'conversation.item.done':
        this.#item(event.item, event, type === 'conversation.item.done');
        return undefined;
      case 'conversation.item.retrieved':
      case 'response.output_item.added':
      case 'response.output_item.done':
        // They do not say where it stands, nor that it belongs to the conversation.
        this.#content(event.item, type === 'response.output_item.done', textOf(event.response_id));
        return undefined;
      case 'input_audio_buffer.committed':
        this.#committed(event);
        return undefined;
      case 'conversation.item.deleted':
        return this.#delete(textOf(event.item_id));
      case 'conversation.item.truncated':
        this.#end(this.#known.get(textOf(event.item_id)));
        return undefined;
      case 'response.done':
        this.#responseDone(event.response);
        return undefined;
      default:
        this.#text(type, event);
        return undefined;
    }
  }

  #item(item: unknown, event: Json, done: boolean): void {
    if (!isObject(item) || typeof item.id !== 'string' || item.id === '') return;
    this.#know(item.id, event);
    this.#content(item, done, '');
  }

  #committed(event: Json): void {
    const id = textOf(event.item_id);
    if (id === '') return;
    const item = this.#know(id, event);
    if (item.role === undefined) this.#changed.add(item);
    item.role ??= 'user';
    if (item.role === 'user' && (this.#silent || item.parts.some(({ whole }) => whole))) this.#end(item);
  }

  /** Makes an item known, and puts it where it belongs as soon as somebody says where. */
  #know(id: string, event: Json): Item {
    let item = this.#known.get(id);
    const named = event.previous_item_id;
    const previous =
      named === null || named === 'root'
        ? null
        : typeof named === 'string' && named !== '' && named !== id
          ? named
          : undefined;
    if (item === undefined) {
      item = this.#unknown.get(id) ?? newItem(id);
      this.#unknown.delete(id);
      item.previous = previous;
      this.#known.set(id, item);
      this.#changed.add(item);
      this.#place([item]);
      // Those who came before it, in the order in which they came.
      for (const waiting of this.#order.filter((other) => other.previous === id)) this.#follow(waiting);
      if (this.#order.length > this.#limit) this.#known.delete((this.#order.shift() as Item).id);
    } else if (item.previous === undefined && previous !== undefined) {
      item.previous = previous;
      this.#follow(item);
    }
    return item;
  }

  /** Puts a block, which is in no order yet, behind the predecessor of its first. */
  #place(block: readonly Item[]): void {
    const previous = block[0]?.previous;
    const before =
      typeof previous === 'string' ? this.#order.findIndex(({ id }) => id === previous) : undefined;
    const at = previous === null ? 0 : before === undefined || before < 0 ? this.#order.length : before + 1;
    this.#order.splice(at, 0, ...block);
  }

  /** Moves an item behind its predecessor, with all that stands behind it because of their own. */
  #follow(item: Item): void {
    const from = this.#order.indexOf(item);
    const block = new Set([item.id]);
    let end = from + 1;
    for (; end < this.#order.length; end++) {
      const { id, previous } = this.#order[end] as Item;
      if (typeof previous !== 'string' || !block.has(previous)) break;
      block.add(id);
    }
    // Two that name each other: the one that came first stays.
    if (typeof item.previous === 'string' && block.has(item.previous)) return;
    this.#place(this.#order.splice(from, end - from));
  }

  #delete(id: string): Item | undefined {
    this.#unknown.delete(id);
    const item = this.#known.get(id);
    if (item === undefined) return undefined;
    this.#known.delete(id);
    this.#order.splice(this.#order.indexOf(item), 1);
    for (const other of this.#order) if (other.previous === id) other.previous = item.previous;
    this.#changed.delete(item);
    return item;
  }

  /** What an item holds. `done`: an answer gets no more. */
  #content(item: unknown, done: boolean, response: string): void {
    if (!isObject(item)) return;
    const known = this.#known.get(textOf(item.id));
    if (known === undefined) return;
    if (response !== '') known.response = response;
    if (known.complete) return;
    const isMessage = item.type === 'message';
    const role =
      isMessage && (item.role === 'user' || item.role === 'assistant') ? item.role : ('other' as const);
    if (known.role === undefined) this.#changed.add(known);
    known.role ??= role;
    const content = Array.isArray(item.content) ? item.content : [];
    for (const [index, part] of content.entries()) {
      if (!isObject(part)) continue;
      const text = textOf(part.text) || textOf(part.transcript);
      if (part.type === 'input_audio' && text === '') known.spoken.add(index);
      // An answer that was interrupted comes back without its text.
      if (text !== '') this.#set(known, index, text, true);
    }
    if (known.role === 'assistant') {
      if (done || item.status === 'completed' || item.status === 'incomplete') this.#end(known);
    } else if (known.role === 'user') this.#heard(known, content.length > 0);
  }

  /** A user's message is complete when all its sound is written down. */
  #heard(item: Item, hasContent: boolean): void {
    const open = [...item.spoken].some((index) => item.parts[index]?.whole !== true);
    if (hasContent && (!open || this.#silent)) this.#end(item);
  }

  #responseDone(response: unknown): void {
    if (!isObject(response)) return;
    const id = textOf(response.id);
    for (const item of Array.isArray(response.output) ? response.output : []) this.#content(item, true, id);
    if (id === '') return;
    for (const item of this.#order) if (item.response === id) this.#end(item);
  }

  /** Events that carry text, or say that there is none. */
  #text(type: string, event: Json): void {
    const heard = /^conversation\.item\.input_audio_transcription\.(delta|completed|failed)$/.exec(type)?.[1];
    const said = /^response\.(?:output_)?(?:audio_transcript|text)\.(delta|done)$/.exec(type)?.[1];
    const id = textOf(event.item_id);
    if ((heard === undefined && said === undefined) || id === '') return;
    const item = this.#known.get(id) ?? this.#aside(id);
    const role = heard === undefined ? 'assistant' : 'user';
    if (item.complete || (item.role !== undefined && item.role !== role)) return;
    item.role = role;
    if (said !== undefined && typeof event.response_id === 'string') item.response = event.response_id;
    const index = typeof event.content_index === 'number' ? event.content_index : ([...item.spoken][0] ?? 0);
    if (heard === 'delta' || said === 'delta') {
      const part = item.parts[index];
      if (part?.whole !== true) this.#set(item, index, (part?.text ?? '') + textOf(event.delta), false);
      return;
    }
    // A transcription that failed leaves nothing of its pieces.
    const text = heard === 'failed' ? '' : textOf(event.transcript) || textOf(event.text);
    this.#set(item, index, text, true);
    if (heard !== undefined && this.#known.has(id)) this.#heard(item, true);
  }

  /** Where the texts of an item wait that is not known yet. */
  #aside(id: string): Item {
    const waiting = this.#unknown.get(id);
    if (waiting !== undefined) return waiting;
    const item = newItem(id);
    this.#unknown.set(id, item);
    if (this.#unknown.size > LIMIT_UNKNOWN) {
      for (const oldest of this.#unknown.keys()) {
        this.#unknown.delete(oldest);
        break;
      }
    }
    return item;
  }

  #set(item: Item, index: number, text: string, whole: boolean): void {
    if (!Number.isInteger(index) || index < 0 || index >= LIMIT_PARTS) return;
    const before = item.parts[index];
    const others = item.parts.reduce((sum, part) => sum + part.text.length, -(before?.text.length ?? 0));
    const short = text.slice(0, LIMIT_TEXT - others);
    for (let i = item.parts.length; i < index; i++) item.parts[i] = { text: '', whole: false };
    item.parts[index] = { text: short, whole };
    if (before?.text !== short) this.#changed.add(item);
  }

  #end(item: Item | undefined): void {
    if (item === undefined || item.complete) return;
    item.complete = true;
    this.#changed.add(item);
  }
}

const newItem = (id: string): Item => ({
  id,
  previous: undefined,
  role: undefined,
  parts: [],
  complete: false,
  spoken: new Set(),
  response: undefined,
});

function isTurn(item: Item): item is Item & { role: Turn['role'] } {
  return item.role === 'user' || item.role === 'assistant';
}

function turnOf({ id, role, parts, complete }: Item & { role: Turn['role'] }): Turn {
  const text = parts
    .map((part) => part.text)
    .filter((words) => words !== '')
    .join(' ');
  return { item_id: id, role, text, complete };
}

/** GA and beta shape of "speech is not written down"; a session that does not say leaves it open. */
function isSilent(session: unknown): boolean {
  if (!isObject(session)) return false;
  const input = isObject(session.audio) ? session.audio.input : undefined;
  if (isObject(input)) return (input.transcription ?? null) === null;
  return session.input_audio_transcription === null;
}
