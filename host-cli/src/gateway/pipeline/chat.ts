/** The model: one streamed chat completion. */
import { TincanError } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import { clip, type Endpoint, errorText, readAll } from './endpoint.ts';
import { type ChatRequest, isObject } from './messages.ts';
import { stageError } from './patience.ts';
import { SseReader } from './sse.ts';
import { Thoughts } from './thoughts.ts';

/** A model that goes round in circles is stopped: characters of text, of one call's arguments, and number of calls. */
const MAX_TEXT = 32_768;
const MAX_ARGUMENTS = 262_144;
const MAX_CALLS = 64;
const MAX_BODY = 1 << 22;

export interface ToolCall {
  name: string;
  /** JSON text as the model wrote it; "{}" where it wrote none. */
  arguments: string;
}
export interface Outcome {
  calls: ToolCall[];
  /** Why it ended: done, or cut short. */
  finish: 'stop' | 'max_output_tokens' | 'content_filter';
}

/**
 * Asks and gives text as it comes. Throws TincanError PIPELINE_LLM: refused, unreachable, silent for too long, not
 * what an OpenAI-compatible server says, or ended in the middle.
 */
export function ask(
  endpoint: Endpoint,
  request: ChatRequest,
  context: { clock: Clock; signal: AbortSignal; onText(text: string): void },
): Promise<Outcome> {
  return endpoint.post({ json: request }, context, async (response, patience) => {
    const answer = new Answer(context.onText);
    // Some servers do not know `stream`.
    if (/^application\/json\b/.test(response.headers.get('content-type') ?? '')) {
      answer.chunk(new TextDecoder().decode(await readAll('llm', response, patience, MAX_BODY)));
      return answer.end(true);
    }
    const reader = new SseReader();
    for await (const bytes of response.body ?? []) {
      patience.touch();
      try {
        for (const data of reader.push(bytes)) answer.chunk(data);
      } catch (error) {
        throw error instanceof TincanError ? error : stageError('llm', (error as Error).message);
      }
      if (answer.complete) break;
    }
    for (const data of reader.end()) answer.chunk(data);
    return answer.end(false);
  });
}

interface Draft extends ToolCall {
  id: string | undefined;
}

/** Puts the chunks of one answer together. */
class Answer {
  readonly #onText: (text: string) => void;
  readonly #thoughts = new Thoughts();
  /** By `index`; where a server sends none, in the order in which they begin. */
  readonly #calls = new Map<number, Draft>();
  #length = 0;
  #finish: string | undefined;
  #done = false;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  /** Nothing more is needed. */
  get complete(): boolean {
    return this.#done;
  }

  chunk(data: string): void {
    if (this.#done || data.trim() === '') return;
    if (data.trim() === '[DONE]') {
      this.#done = true;
      return;
    }
    const chunk = parse(data);
    const failure = chunk.error === undefined || chunk.error === null ? undefined : errorText(chunk.error);
    if (failure !== undefined) throw stageError('llm', `it broke off: ${clip(failure)}`);
    const choice = Array.isArray(chunk.choices) ? object(chunk.choices[0]) : {};
    const delta = object(choice.delta ?? choice.message);
    this.#text(delta.content);
    this.#text(delta.refusal);
    if (Array.isArray(delta.tool_calls)) for (const call of delta.tool_calls) this.#call(object(call));
    if (typeof choice.finish_reason === 'string') this.#finish = choice.finish_reason;
  }

  end(whole: boolean): Outcome {
    this.#say(this.#thoughts.end());
    if (this.#finish === undefined && !this.#done && !whole)
      throw stageError('llm', 'its answer ended in the middle');
    const calls = [...this.#calls.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, { name, arguments: args }]) => ({ name, arguments: args.trim() === '' ? '{}' : args }))
      .filter(({ name }) => name !== '')
      // A call that was cut off is none.
      .filter((call) => this.#finish !== 'length' || isObject(call.arguments));
    const finish =
      this.#finish === 'length'
        ? 'max_output_tokens'
        : this.#finish === 'content_filter'
          ? 'content_filter'
          : 'stop';
    return { calls, finish };
  }

  #text(value: unknown): void {
    // A list of parts is what some servers make of it.
    if (Array.isArray(value)) for (const part of value) this.#text(object(part).text);
    if (typeof value === 'string' && value !== '') this.#say(this.#thoughts.push(value));
  }

  #say(text: string): void {
    if (text === '') return;
    this.#length += text.length;
    this.#onText(text);
    if (this.#length <= MAX_TEXT) return;
    this.#finish = 'length';
    this.#done = true;
  }

  #call(call: Record<string, unknown>): void {
    const id = typeof call.id === 'string' && call.id !== '' ? call.id : undefined;
    const fields = object(call.function);
    const name = typeof fields.name === 'string' ? fields.name : '';
    let index = typeof call.index === 'number' ? call.index : this.#guess(id, name);
    const there = this.#calls.get(index);
    // One server numbers all of its calls 0: another id is another call.
    if (there?.id !== undefined && id !== undefined && there.id !== id) index = this.#guess(id, name);
    const draft = this.#calls.get(index) ?? { id, name: '', arguments: '' };
    draft.id ??= id;
    if (draft.name === '') draft.name = name;
    // Arguments that were parsed already are what one server sends.
    if (typeof fields.arguments === 'string') draft.arguments += fields.arguments;
    else if (typeof fields.arguments === 'object' && fields.arguments !== null)
      draft.arguments = JSON.stringify(fields.arguments);
    this.#calls.set(index, draft);
    if (draft.arguments.length > MAX_ARGUMENTS || this.#calls.size > MAX_CALLS)
      throw stageError('llm', 'it calls tools without an end');
  }

  /** The call that a piece without an index belongs to: the one with its id; a new one where it has a name. */
  #guess(id: string | undefined, name: string): number {
    const indexes = [...this.#calls.keys()];
    const known = id === undefined ? undefined : indexes.find((index) => this.#calls.get(index)!.id === id);
    if (known !== undefined) return known;
    const last = Math.max(-1, ...indexes);
    return name !== '' || id !== undefined || last < 0 ? last + 1 : last;
  }
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw stageError('llm', `it sent what is no chat completion: ${clip(data).slice(0, 80)}`);
}

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
