/**
 * One response: turns the parts that the brain yields into events in the order of the GA API, paced by the clock.
 * Making is faster than speaking, as with the real server: transcript and sound come `SPEED` times as fast as they
 * are played, so response.done precedes the end of the sound.
 */
import { msOf } from './audio.ts';
import type { Mind, Part, Piece, Question } from './brain.ts';
import type { Clock } from './clock.ts';
import type { Conversation, Entry } from './conversation.ts';
import { type Draft, type Item, newId } from './events.ts';
import type { Speaker } from './speaker.ts';
import { untilAborted } from './stream.ts';
import { tokensOf, usageOf } from './usage.ts';

const SPEED = 4;
/** Pace of words without sound, ms. */
const WORD_MS = 20;
/** Sound without words is made in pieces of so many ms. */
const PIECE_MS = 200;

export interface ResponseHost {
  readonly clock: Clock;
  readonly mind: Mind;
  readonly speaker: Speaker;
  readonly conversation: Conversation;
  send(event: Draft): void;
  /** The response is over, its response.done is sent. */
  finished(run: ResponseRun): void;
  hangUp(): void;
  log(line: string): void;
}
type Reason = 'turn_detected' | 'client_cancelled';
type Details = {
  type: 'completed' | 'cancelled' | 'incomplete' | 'failed';
  reason?: Reason | 'max_output_tokens';
};
type Message = Extract<Item, { role: 'assistant' }>;
interface ContentAt {
  response_id: string;
  item_id: string;
  output_index: number;
  content_index: number;
}

export class ResponseRun {
  readonly id = newId('resp');
  readonly question: Question;
  readonly #host: ResponseHost;
  readonly #abort = new AbortController();
  readonly #made: Entry[] = [];
  /** Closes the item that is being made; set while there is one. */
  #closeItem: ((status: 'completed' | 'incomplete') => void) | undefined;
  #wake: (() => void) | undefined;
  #over = false;
  #spoke = false;
  #tokensLeft: number;

  constructor(host: ResponseHost, question: Omit<Question, 'signal'>) {
    this.#host = host;
    this.question = { ...question, signal: this.#abort.signal };
    const limit = question.config.max_output_tokens;
    this.#tokensLeft = limit === 'inf' ? Number.POSITIVE_INFINITY : limit;
  }

  /** Sends response.created and begins. */
  start(): void {
    this.#host.send({ type: 'response.created', response: this.#object('in_progress') });
    this.#host.send({
      type: 'rate_limits.updated',
      rate_limits: [
        { name: 'requests', limit: 1000, remaining: 999, reset_seconds: 0 },
        { name: 'tokens', limit: 1_000_000, remaining: 1_000_000, reset_seconds: 0 },
      ],
    });
    void this.#run();
  }

  /** Ends it now, with all the events that close what is open. */
  cancel(reason: Reason): void {
    this.#finish({ type: 'cancelled', reason });
  }

  /** Ends without a word: the call is gone. */
  drop(): void {
    this.#over = true;
    this.#abort.abort();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    try {
      const { signal } = this.question;
      for await (const part of untilAborted(this.#host.mind.answer(this.question), signal)) {
        if (this.#over) return;
        await this.#part(part);
        if (this.#over) return;
      }
      this.#finish({ type: 'completed' });
    } catch (error) {
      this.#host.log(`the answer failed: ${error instanceof Error ? error.message : String(error)}`);
      this.#fail();
    }
  }

  async #part(part: Part): Promise<void> {
    if (part.type === 'fault') {
      if (part.fault === 'hang_up') this.#host.hangUp();
      else this.#fail();
      return;
    }
    if (part.type === 'call') return this.#call(part.name, part.arguments);
    if (part.type === 'text') return this.#message([{ text: part.text, pcm: new Int16Array() }], false);
    const spoken = this.question.config.output_modalities[0] === 'audio';
    if (part.type === 'say') return this.#message([part], spoken);
    return this.#message(untilAborted(part.pieces, this.question.signal), spoken);
  }

  /** A message of pieces, as they come: spoken, or written. The item begins with the first piece. */
  async #message(pieces: Iterable<Piece> | AsyncIterable<Piece>, spoken: boolean): Promise<void> {
    let message: { entry: Entry; at: ContentAt } | undefined;
    let said = '';
    const content = (): Message['content'] => [
      spoken ? { type: 'output_audio', transcript: said } : { type: 'output_text', text: said },
    ];
    for await (const piece of pieces) {
      if (this.#over) return;
      // max_output_tokens is looked at between pieces: the last one may be all there is.
      if (message && this.#exhausted())
        return this.#finish({ type: 'incomplete', reason: 'max_output_tokens' });
      message ??= this.#openMessage(spoken, () => said);
      const { entry, at } = message;
      for (const { delta, sound, pause } of cut(piece, spoken)) {
        if (delta && this.#exhausted() && said) {
          return this.#finish({ type: 'incomplete', reason: 'max_output_tokens' });
        }
        said += delta;
        if (sound.length > 0) {
          entry.audioMs += msOf(sound.length);
          this.#host.speaker.push(this.id, entry.item.id, sound);
        }
        if (delta && spoken)
          this.#host.send({ type: 'response.output_audio_transcript.delta', ...at, delta });
        else if (delta) this.#host.send({ type: 'response.output_text.delta', ...at, delta });
        (entry.item as Message).content = content();
        await this.#pause(pause);
        if (this.#over) return;
      }
    }
    this.#close('completed');
  }

  #openMessage(spoken: boolean, said: () => string): { entry: Entry; at: ContentAt } {
    const entry = this.#open({ type: 'message', role: 'assistant', content: [], status: 'in_progress' });
    const at = {
      response_id: this.id,
      item_id: entry.item.id,
      output_index: this.#made.length - 1,
      content_index: 0,
    };
    const send = this.#host.send.bind(this.#host);
    send({
      type: 'response.content_part.added',
      ...at,
      part: spoken ? { type: 'audio', transcript: '' } : { type: 'text', text: '' },
    });
    if (spoken && !this.#spoke) {
      this.#spoke = true;
      this.#host.speaker.open(this.id);
    }
    this.#closeItem = (status) => {
      const text = said();
      (entry.item as Message).content = [
        spoken ? { type: 'output_audio', transcript: text } : { type: 'output_text', text },
      ];
      if (spoken) {
        send({ type: 'response.output_audio.done', ...at });
        send({ type: 'response.output_audio_transcript.done', ...at, transcript: text });
        send({ type: 'response.content_part.done', ...at, part: { type: 'audio', transcript: text } });
      } else {
        send({ type: 'response.output_text.done', ...at, text });
        send({ type: 'response.content_part.done', ...at, part: { type: 'text', text } });
      }
      this.#done(entry, status);
    };
    return { entry, at };
  }

  async #call(name: string, args: string): Promise<void> {
    const callId = newId('call');
    const entry = this.#open({
      type: 'function_call',
      name,
      call_id: callId,
      arguments: '',
      status: 'in_progress',
    });
    const at = {
      response_id: this.id,
      item_id: entry.item.id,
      output_index: this.#made.length - 1,
      call_id: callId,
    };
    let made = '';
    this.#closeItem = (status) => {
      this.#host.send({ type: 'response.function_call_arguments.done', ...at, name, arguments: made });
      this.#done(entry, status);
    };
    for (const delta of args.match(/[\s\S]{1,16}/g) ?? []) {
      made += delta;
      if (entry.item.type === 'function_call') entry.item.arguments = made;
      this.#host.send({ type: 'response.function_call_arguments.delta', ...at, delta });
      await this.#pause(WORD_MS);
      if (this.#over) return;
    }
    this.#close('completed');
  }

  #open(value: Item): Entry {
    const item = { ...value, id: newId('item'), object: 'realtime.item' } as Entry['item'];
    const entry: Entry = { item, audioMs: 0, answered: true };
    this.#made.push(entry);
    this.#host.send({
      type: 'response.output_item.added',
      response_id: this.id,
      output_index: this.#made.length - 1,
      item: structuredClone(item),
    });
    if (this.#inConversation) {
      const previous = this.#host.conversation.lastId();
      this.#host.conversation.append(entry);
      this.#host.send({
        type: 'conversation.item.added',
        previous_item_id: previous,
        item: structuredClone(item),
      });
    }
    return entry;
  }

  #done(entry: Entry, status: 'completed' | 'incomplete'): void {
    if ('status' in entry.item) entry.item.status = status;
    const item = structuredClone(entry.item);
    if (this.#inConversation) {
      this.#host.send({
        type: 'conversation.item.done',
        previous_item_id: this.#host.conversation.previousOf(entry.item.id),
        item,
      });
    }
    this.#host.send({
      type: 'response.output_item.done',
      response_id: this.id,
      output_index: this.#made.indexOf(entry),
      item,
    });
  }

  #close(status: 'completed' | 'incomplete'): void {
    const close = this.#closeItem;
    this.#closeItem = undefined;
    close?.(status);
  }

  #fail(): void {
    this.#finish({ type: 'failed' });
  }

  #finish(details: Details): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    this.#close('incomplete');
    const failed = details.type === 'failed';
    this.#host.send({
      type: 'response.done',
      response: {
        ...this.#object(details.type),
        status_details:
          details.type === 'completed'
            ? undefined
            : { ...details, ...(failed ? { error: { type: 'server_error', code: 'server_error' } } : {}) },
        usage: usageOf(this.question.config, this.question.entries, this.#made),
      },
    });
    // The sound ends after response.done, never before it.
    this.#host.speaker.end(this.id);
    this.#host.finished(this);
    this.#wake?.();
  }

  get #inConversation(): boolean {
    return this.question.params?.conversation !== 'none';
  }

  #exhausted(): boolean {
    const used = this.#made.reduce((sum, entry) => {
      const { text, audio } = tokensOf(entry);
      return sum + text + audio;
    }, 0);
    return used >= this.#tokensLeft;
  }

  #object(status: 'in_progress' | Details['type']) {
    const { config, params } = this.question;
    const { voice, format } = config.output;
    return {
      id: this.id,
      object: 'realtime.response' as const,
      status,
      output: this.#made.map((entry) => structuredClone(entry.item) as Item),
      output_modalities: config.output_modalities,
      max_output_tokens: config.max_output_tokens,
      audio: { output: { voice: typeof voice === 'string' ? voice : voice.id, format } },
      conversation_id: this.#inConversation ? this.#host.conversation.id : undefined,
      metadata: params?.metadata ?? null,
    };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#host.clock.after(ms, () => {
        this.#wake = undefined;
        resolve();
      });
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }
}

interface Crumb {
  delta: string;
  sound: Int16Array;
  /** Milliseconds until the next. */
  pause: number;
}

/** Cuts a piece into words with the sound that belongs to them; where there are few words, by 200 ms of sound. */
function* cut({ text, pcm }: Piece, spoken: boolean): Iterable<Crumb> {
  const words = text.match(/\s*\S+(?:\s+$)?/g) ?? (text ? [text] : []);
  const sound = spoken ? pcm : new Int16Array();
  const count = Math.max(words.length, Math.ceil(msOf(sound.length) / PIECE_MS), 1);
  const pause = sound.length > 0 ? msOf(sound.length) / count / SPEED : WORD_MS;
  const upTo = (total: number, index: number) => Math.round((total * index) / count);
  for (let index = 0; index < count; index++) {
    yield {
      delta: words.slice(upTo(words.length, index), upTo(words.length, index + 1)).join(''),
      sound: sound.subarray(upTo(sound.length, index), upTo(sound.length, index + 1)),
      pause,
    };
  }
}
