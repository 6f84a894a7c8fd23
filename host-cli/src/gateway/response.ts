/**
 * One response: turns the parts that the brain yields into events in the order of the GA API, paced by the clock.
 * Making is faster than speaking, as with the real server: transcript and sound come `SPEED` times as fast as they
 * are played, so response.done precedes the end of the sound.
 */
import type { RealtimeResponse } from 'openai/resources/realtime/realtime';
import { join, msOf } from './audio.ts';
import type { Mind, Part, Piece, Question } from './brain.ts';
import type { Clock } from './clock.ts';
import type { Conversation, Entry } from './conversation.ts';
import { type Draft, type Item, newId } from './events.ts';
import type { EventFault } from './faults.ts';
import type { RateLimit } from './limits.ts';
import { untilAborted } from './stream.ts';
import { changeTempo } from './tempo.ts';
import { sumOf, type Tokens, totalOf, usageOf } from './usage.ts';
import type { SoundAt, Voice } from './voice.ts';

const SPEED = 4;
/** Pace of words without sound, ms. */
const WORD_MS = 20;
/** Sound without words is made in pieces of so many ms. */
const PIECE_MS = 200;

export interface ResponseHost {
  readonly clock: Clock;
  readonly mind: Mind;
  readonly voice: Voice;
  readonly conversation: Conversation;
  send(event: Draft): void;
  /** The response is over, its response.done is about to be sent; it made this many tokens. */
  finished(run: ResponseRun): void;
  /** The rate limits as they are, less what this response has taken. */
  rateLimits(): RateLimit[];
  /** The script lets the server misbehave. */
  fault(fault: 'hang_up' | 'expire' | 'rate_limit' | EventFault): void;
  log(line: string): void;
}
/** Why a response failed, as `status_details.error` says it. */
export interface Failure {
  type: string;
  code: string;
  message?: string;
}
type Reason = 'turn_detected' | 'client_cancelled';
interface Details {
  type: 'completed' | 'cancelled' | 'incomplete' | 'failed';
  reason?: Reason | 'max_output_tokens';
  error?: Failure;
}
type Message = Extract<Item, { role: 'assistant' }>;

export const SERVER_FAILURE: Failure = {
  type: 'server_error',
  code: 'server_error',
  message: 'The server had an error while processing your request.',
};

export class ResponseRun {
  readonly id = newId('resp');
  readonly question: Question;
  /** Tokens that are read, and those of them that were read before. */
  readonly #read: Tokens;
  readonly #cached: Tokens;
  readonly #host: ResponseHost;
  readonly #abort = new AbortController();
  readonly #made: Entry[] = [];
  /** Closes the item that is being made; set while there is one. */
  #closeItem: ((status: 'completed' | 'incomplete') => void) | undefined;
  #wake: (() => void) | undefined;
  #over = false;
  #spoke = false;
  #tokensLeft: number;

  constructor(
    host: ResponseHost,
    question: Omit<Question, 'signal'>,
    tokens: { read: Tokens; cached: Tokens },
  ) {
    this.#host = host;
    this.#read = tokens.read;
    this.#cached = tokens.cached;
    this.question = { ...question, signal: this.#abort.signal };
    const limit = question.config.max_output_tokens;
    this.#tokensLeft = limit === 'inf' ? Number.POSITIVE_INFINITY : limit;
  }

  /** Sends response.created and begins; where it cannot, `failure` says why. */
  start(failure?: Failure): void {
    this.#host.send({ type: 'response.created', response: this.#object({ status: 'in_progress' }) });
    this.#host.send({ type: 'rate_limits.updated', rate_limits: this.#host.rateLimits() });
    if (failure) this.fail(failure);
    else void this.#run();
  }

  /** Items that this response made. */
  get made(): readonly Entry[] {
    return this.#made;
  }

  /** Whether its items belong to the conversation. */
  get inConversation(): boolean {
    return this.question.params?.conversation !== 'none';
  }

  /** Tokens of what it read and made. */
  get tokens(): number {
    return totalOf(this.#read) + totalOf(sumOf(this.#made));
  }

  /** Ends it now, with all the events that close what is open. */
  cancel(reason: Reason): void {
    this.#finish({ type: 'cancelled', reason });
  }

  fail(error: Failure = SERVER_FAILURE): void {
    this.#finish({ type: 'failed', error });
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
        if (this.#made.length > 0 && this.#exhausted()) {
          return this.#finish({ type: 'incomplete', reason: 'max_output_tokens' });
        }
        await this.#part(part);
        if (this.#over) return;
      }
      this.#finish({ type: 'completed' });
    } catch (error) {
      this.#host.log(`the answer failed: ${error instanceof Error ? error.message : String(error)}`);
      this.fail();
    }
  }

  async #part(part: Part): Promise<void> {
    if (part.type === 'fault') {
      if (part.fault === 'response') return this.fail();
      this.#host.fault(part.fault);
      if (part.fault === 'rate_limit') {
        this.#host.send({ type: 'rate_limits.updated', rate_limits: this.#host.rateLimits() });
        this.fail(rateLimited('requests'));
      }
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
    let message: { entry: Entry; at: SoundAt } | undefined;
    let said = '';
    const sounds: Int16Array[] = [];
    for await (const piece of pieces) {
      if (this.#over) return;
      message ??= this.#openMessage(spoken, () => ({ text: said, pcm: join(sounds) }));
      const { entry, at } = message;
      for (const { delta, sound, pause } of cut(piece, spoken ? this.question.config.output.speed : 0)) {
        if (delta && said && this.#exhausted()) {
          return this.#finish({ type: 'incomplete', reason: 'max_output_tokens' });
        }
        said += delta;
        if (sound.length > 0) {
          entry.audioMs += msOf(sound.length);
          sounds.push(sound);
          this.#host.voice.push(at, sound);
        }
        if (delta && spoken)
          this.#host.send({ type: 'response.output_audio_transcript.delta', ...at, delta });
        else if (delta) this.#host.send({ type: 'response.output_text.delta', ...at, delta });
        (entry.item as Message).content = [content(spoken, said)];
        await this.#pause(pause);
        if (this.#over) return;
      }
    }
    this.#close('completed');
  }

  #openMessage(
    spoken: boolean,
    made: () => { text: string; pcm: Int16Array },
  ): { entry: Entry; at: SoundAt } {
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
      this.#host.voice.open(this.id, this.question.config.output.format);
    }
    this.#closeItem = (status) => {
      const { text, pcm } = made();
      (entry.item as Message).content = [content(spoken, text)];
      if (spoken) {
        entry.pcm = pcm;
        this.#host.voice.flush(at);
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
      if (made && this.#exhausted()) {
        return this.#finish({ type: 'incomplete', reason: 'max_output_tokens' });
      }
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
    if (this.inConversation) {
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
    // The client may have deleted it while it was being made.
    if (this.inConversation && this.#host.conversation.find(entry.item.id)) {
      this.#host.conversation.forgetOldSound();
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

  #finish(details: Details): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    this.#close('incomplete');
    this.#host.send({
      type: 'response.done',
      response: {
        ...this.#object({ status: details.type, details: details.type === 'completed' ? null : details }),
        usage: usageOf(this.#read, this.#cached, sumOf(this.#made)),
      },
    });
    // The sound ends after response.done, never before it.
    this.#host.voice.end(this.id);
    this.#host.finished(this);
    this.#wake?.();
  }

  #exhausted(): boolean {
    return totalOf(sumOf(this.#made)) >= this.#tokensLeft;
  }

  /** The response in the shape of the API; what is not known (yet) is null, which the types of the package do not say. */
  #object({ status, details = null }: { status: RealtimeResponse['status']; details?: Details | null }) {
    const { config, params } = this.question;
    const { voice, format } = config.output;
    const object = {
      object: 'realtime.response',
      id: this.id,
      status,
      status_details: details,
      output: this.#made.map((entry) => structuredClone(entry.item)),
      conversation_id: this.inConversation ? this.#host.conversation.id : null,
      output_modalities: config.output_modalities,
      max_output_tokens: config.max_output_tokens,
      audio: { output: { format, voice: typeof voice === 'string' ? voice : voice.id } },
      usage: null,
      metadata: params?.metadata ?? null,
    };
    return object as unknown as RealtimeResponse;
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

/** A limit does not allow the response. */
export function rateLimited(name: 'requests' | 'tokens'): Failure {
  return {
    type: name,
    code: 'rate_limit_exceeded',
    message: `Rate limit reached on ${name} per minute. Please try again later.`,
  };
}

function content(spoken: boolean, text: string): Message['content'][number] {
  return spoken ? { type: 'output_audio', transcript: text } : { type: 'output_text', text };
}

interface Crumb {
  delta: string;
  sound: Int16Array;
  /** Milliseconds until the next. */
  pause: number;
}

/**
 * Cuts a piece into words with the sound that belongs to them; where there are few words, by 200 ms of sound.
 * `speed` is that of the voice; 0 leaves the sound out.
 */
function* cut({ text, pcm }: Piece, speed: number): Iterable<Crumb> {
  const words = text.match(/\s*\S+(?:\s+$)?/g) ?? (text ? [text] : []);
  const sound = speed > 0 ? changeTempo(pcm, speed) : new Int16Array();
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
