/** The conversation of one session: items in order, as the client and the brain see them. */
import { z } from 'zod';
import { join, msOf, RATE } from './audio.ts';
import { check } from './config.ts';
import { type Item, newId, RealtimeError } from './events.ts';
import type { Format } from './schema.ts';
import { decodeSound, encodeSound } from './sound-format.ts';

/** Sound that is kept, all items together: two minutes. Older sound is forgotten, its duration stays. */
const KEPT_SAMPLES = 120 * RATE;
/** Longest id, as the API has it. */
const MAX_ID = 32;
/** Items of the client that are kept, characters of JSON: more than any model reads, and no more than memory bears. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

export interface Entry {
  item: Item & { id: string };
  /** What was heard (user) or said (assistant), 24 kHz, while it is kept. */
  pcm?: Int16Array;
  /** Duration of the sound, also after it was forgotten. */
  audioMs: number;
  /** A response has been made since. */
  answered: boolean;
}

const key = z.string().min(1);
const id = key.optional();
const object = z.literal('realtime.item').optional();
const common = {
  id,
  object,
  status: z.enum(['completed', 'incomplete', 'in_progress']).optional(),
};
const words = z.string().max(262_144);
const inputText = z.strictObject({ type: z.literal('input_text'), text: words });
const message = { ...common, type: z.literal('message') };
const item = z.discriminatedUnion('type', [
  z.discriminatedUnion('role', [
    z.strictObject({ ...message, role: z.literal('system'), content: z.array(inputText) }),
    z.strictObject({
      ...message,
      role: z.literal('user'),
      content: z.array(
        z.discriminatedUnion('type', [
          inputText,
          z.strictObject({
            type: z.literal('input_audio'),
            audio: z.string().nullable().optional(),
            transcript: words.nullable().optional(),
          }),
          z.strictObject({
            type: z.literal('input_image'),
            image_url: z
              .string()
              .max(8 * 1024 * 1024)
              .regex(/^data:image\/(?:png|jpe?g);base64,/, 'Expected a data URI of a PNG or JPEG image'),
            detail: z.enum(['auto', 'low', 'high']).optional(),
          }),
        ]),
      ),
    }),
    z.strictObject({
      ...message,
      role: z.literal('assistant'),
      content: z.array(z.strictObject({ type: z.literal('output_text'), text: words })),
    }),
  ]),
  z.strictObject({
    ...common,
    type: z.literal('function_call'),
    name: words,
    arguments: words,
    call_id: key.optional(),
  }),
  z.strictObject({
    ...common,
    type: z.literal('function_call_output'),
    call_id: key,
    output: words,
  }),
  // What an MCP server did in an earlier session; here none is asked again.
  z.strictObject({
    id,
    object,
    type: z.literal('mcp_list_tools'),
    server_label: words,
    tools: z.array(
      z.looseObject({ name: words, input_schema: z.unknown(), description: words.nullable().optional() }),
    ),
  }),
  z.strictObject({
    id,
    object,
    type: z.literal('mcp_call'),
    server_label: words,
    name: words,
    arguments: words,
    approval_request_id: key.nullable().optional(),
    output: words.nullable().optional(),
    error: z.unknown().optional(),
  }),
  z.strictObject({
    id,
    object,
    type: z.literal('mcp_approval_request'),
    server_label: words,
    name: words,
    arguments: words,
  }),
  z.strictObject({
    id,
    object,
    type: z.literal('mcp_approval_response'),
    approval_request_id: key,
    approve: z.boolean(),
    reason: words.nullable().optional(),
  }),
]);
const created = z.strictObject({ item, previous_item_id: z.string().nullable().optional() });

export class Conversation {
  readonly id = newId('conv');
  readonly #entries: Entry[] = [];
  readonly #byId = new Map<string, Entry>();
  /** Characters of the items that the client made. */
  readonly #sizes = new Map<Entry, number>();
  #characters = 0;

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  find(itemId: string): Entry | undefined {
    return this.#byId.get(itemId);
  }

  /** The item before this one, or null. */
  previousOf(itemId: string): string | null {
    const at = this.#entries.findLastIndex((entry) => entry.item.id === itemId);
    return this.#entries[at - 1]?.item.id ?? null;
  }

  lastId(): string | null {
    return this.#entries.at(-1)?.item.id ?? null;
  }

  append(entry: Entry): Entry {
    this.#insert(this.#entries.length, entry);
    return entry;
  }

  #insert(index: number, entry: Entry): void {
    this.#entries.splice(index, 0, entry);
    this.#byId.set(entry.item.id, entry);
    if (entry.pcm) this.forgetOldSound();
  }

  /** `conversation.item.create`: checks and inserts. `format` is that of its sound. Throws RealtimeError. */
  create(request: { item?: unknown; previous_item_id?: unknown }, format: Format): Entry {
    const { item: value, previous_item_id: previous } = check(created, request, '');
    const entry = this.#make(value, format, 'item', new Map());
    const size = JSON.stringify(entry.item).length;
    if (this.#characters + size > MAX_CHARACTERS) {
      const message = `The conversation holds ${this.#characters} characters; delete items before you add more.`;
      throw new RealtimeError('conversation_too_large', message, 'item');
    }
    let index = this.#entries.length;
    if (previous === 'root') index = 0;
    else if (previous) {
      index = this.#entries.findIndex((other) => other.item.id === previous) + 1;
      if (index === 0) {
        throw new RealtimeError('invalid_value', `Item '${previous}' does not exist.`, 'previous_item_id');
      }
    }
    this.#insert(index, entry);
    this.#sizes.set(entry, size);
    this.#characters += size;
    return entry;
  }

  /** Items of `response.input`: new ones, or references to ours. Throws RealtimeError. */
  inputs(values: readonly unknown[], format: Format): Entry[] {
    const before = new Map<string, Entry>();
    return values.map((value, index) => {
      const param = `response.input[${index}]`;
      const entry = isReference(value)
        ? this.#must(value.id, 'response_input_invalid_item_id', `${param}.id`)
        : this.#make(check(item, value, param), format, param, before);
      before.set(entry.item.id, entry);
      return entry;
    });
  }

  /** `before`: items that belong to the same request, by id. */
  #make(
    value: z.infer<typeof item>,
    format: Format,
    param: string,
    before: ReadonlyMap<string, Entry>,
  ): Entry {
    const itemId = value.id ?? newId('item');
    short(value.id, `${param}.id`);
    if ('call_id' in value) short(value.call_id, `${param}.call_id`);
    const known = (is: (entry: Entry) => boolean) => this.#entries.some(is) || [...before.values()].some(is);
    if (this.#byId.has(itemId) || before.has(itemId))
      throw new RealtimeError('invalid_value', `Item '${itemId}' exists already.`, `${param}.id`);
    const { type } = value;
    if (type === 'function_call_output' && !known((entry) => isCall(entry, value.call_id))) {
      throw new RealtimeError(
        'invalid_tool_call_id',
        `Tool call ID '${value.call_id}' not found in conversation.`,
        `${param}.call_id`,
      );
    }
    if (
      type === 'mcp_approval_response' &&
      !known((one) => one.item.type === 'mcp_approval_request' && one.item.id === value.approval_request_id)
    ) {
      throw new RealtimeError(
        'invalid_value',
        `Approval request '${value.approval_request_id}' not found in conversation.`,
        `${param}.approval_request_id`,
      );
    }
    if (type === 'function_call') value.call_id ??= newId('call');
    const pcm =
      type === 'message' && value.role === 'user' ? soundOf(value.content, format, param) : undefined;
    const status = type.startsWith('mcp_')
      ? {}
      : { status: ('status' in value && value.status) || 'completed' };
    return {
      item: { ...value, id: itemId, object: 'realtime.item', ...status } as Entry['item'],
      pcm,
      audioMs: pcm ? msOf(pcm.length) : 0,
      answered: false,
    };
  }

  /** The item, with its sound in these formats while that is kept, or without. Throws RealtimeError. */
  retrieve(itemId: unknown, formats: { input: Format; output: Format } | undefined): Item {
    const entry = this.#must(itemId, 'item_retrieve_invalid_item_id');
    const copy = structuredClone(entry.item);
    if (!formats || !entry.pcm || copy.type !== 'message') return copy;
    const audio = encodeSound(entry.pcm, copy.role === 'assistant' ? formats.output : formats.input);
    const part = copy.content.find((one) => one.type === 'input_audio' || one.type === 'output_audio');
    if (part) Object.assign(part, { audio });
    return copy;
  }

  delete(itemId: unknown): string {
    const entry = this.#must(itemId, 'item_delete_invalid_item_id');
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#byId.delete(entry.item.id);
    this.#characters -= this.#sizes.get(entry) ?? 0;
    this.#sizes.delete(entry);
    return entry.item.id;
  }

  /** The session is over: gives the memory back, whoever still holds the session. */
  forget(): void {
    this.#entries.length = 0;
    this.#byId.clear();
    this.#sizes.clear();
  }

  /** Cuts the sound of an assistant item; its transcript goes, as no one can say which words were heard. */
  truncate(itemId: unknown, contentIndex: unknown, endMs: unknown): { itemId: string; endMs: number } {
    const entry = this.#must(itemId, 'item_truncate_invalid_item_id');
    for (const [name, value] of [
      ['content_index', contentIndex],
      ['audio_end_ms', endMs],
    ] as const) {
      if (value === undefined) throw missing(name);
    }
    if (contentIndex !== 0)
      throw new RealtimeError('invalid_value', "Expected 0 for 'content_index'.", 'content_index');
    if (typeof endMs !== 'number' || !Number.isFinite(endMs) || endMs < 0) {
      throw new RealtimeError(
        'invalid_value',
        "Expected milliseconds, 0 or more, for 'audio_end_ms'.",
        'audio_end_ms',
      );
    }
    const { item: target } = entry;
    if (target.type !== 'message' || target.role !== 'assistant' || entry.audioMs === 0) {
      throw new RealtimeError(
        'invalid_value',
        `Item '${target.id}' is not an assistant message with audio.`,
        'item_id',
      );
    }
    if (endMs > entry.audioMs) {
      throw new RealtimeError(
        'invalid_value',
        `Audio content of ${Math.round(entry.audioMs)}ms is already shorter than ${Math.round(endMs)}ms`,
        'audio_end_ms',
      );
    }
    entry.audioMs = endMs;
    entry.pcm = entry.pcm?.slice(0, Math.round((endMs * RATE) / 1000));
    target.content = [{ type: 'output_audio' }];
    return { itemId: target.id, endMs: Math.round(endMs) };
  }

  #must(itemId: unknown, code: string, param = 'item_id'): Entry {
    if (itemId === undefined) throw missing(param);
    if (typeof itemId !== 'string') {
      throw new RealtimeError('invalid_type', `Expected a string for '${param}'.`, param);
    }
    const entry = this.find(itemId);
    if (!entry)
      throw new RealtimeError(code, `Item with item_id '${itemId.slice(0, 64)}' does not exist.`, param);
    return entry;
  }

  forgetOldSound(): void {
    let kept = 0;
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at]!;
      kept += entry.pcm?.length ?? 0;
      if (kept > KEPT_SAMPLES) entry.pcm = undefined;
    }
  }
}

function isReference(value: unknown): value is { id: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'item_reference' &&
    'id' in value
  );
}

function missing(param: string): RealtimeError {
  return new RealtimeError('missing_required_parameter', `Missing required parameter: '${param}'.`, param);
}

function isCall({ item }: Entry, callId: string): boolean {
  return item.type === 'function_call' && item.call_id === callId;
}

function short(value: string | undefined, param: string): void {
  if (value === undefined || value.length <= MAX_ID) return;
  throw new RealtimeError(
    'string_above_max_length',
    `Invalid '${param}': string too long. Expected a string with maximum length ${MAX_ID}, ` +
      `but got a string with length ${value.length} instead.`,
    param,
  );
}

/** Sound inside a user message, and what must not stay in the item. Throws RealtimeError. */
function soundOf(
  content: { type: string; audio?: string | null }[],
  format: Format,
  param: string,
): Int16Array | undefined {
  const parts: Int16Array[] = [];
  for (const [index, part] of content.entries()) {
    if (part.type !== 'input_audio') continue;
    if (part.audio) parts.push(decodeSound(part.audio, format, `${param}.content[${index}].audio`));
    delete part.audio;
  }
  return parts.length > 0 ? join(parts) : undefined;
}
