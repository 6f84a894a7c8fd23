/** The conversation of one session: items in order, as the client and the brain see them. */
import { z } from 'zod';
import { msOf } from './audio.ts';
import { check } from './config.ts';
import { type Item, newId, RealtimeError } from './events.ts';

/** Sound kept for the brain, all items together: 60 s. Older sound is forgotten, its duration stays. */
const KEPT_SAMPLES = 60 * 24_000;

export interface Entry {
  item: Item & { id: string };
  /** What was heard (user) or said (assistant), 24 kHz, while it is kept. */
  pcm?: Int16Array;
  /** Duration of the sound, also after it was forgotten. */
  audioMs: number;
  /** A response has been made since. */
  answered: boolean;
}

const id = z.string().min(1).max(64).optional();
const common = {
  id,
  object: z.literal('realtime.item').optional(),
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
            audio: words.optional(),
            transcript: words.nullable().optional(),
          }),
          z.strictObject({
            type: z.literal('input_image'),
            image_url: words,
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
    call_id: z.string().min(1).max(64).optional(),
  }),
  z.strictObject({
    ...common,
    type: z.literal('function_call_output'),
    call_id: z.string().min(1).max(64),
    output: words,
  }),
]);
const created = z.strictObject({ item, previous_item_id: z.string().nullable().optional() });

export class Conversation {
  readonly id = newId('conv');
  #entries: Entry[] = [];

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  find(itemId: string): Entry | undefined {
    return this.#entries.find((entry) => entry.item.id === itemId);
  }

  /** The item before this one, or null. */
  previousOf(itemId: string): string | null {
    const at = this.#entries.findIndex((entry) => entry.item.id === itemId);
    return this.#entries[at - 1]?.item.id ?? null;
  }

  lastId(): string | null {
    return this.#entries.at(-1)?.item.id ?? null;
  }

  append(entry: Entry): Entry {
    this.#entries.push(entry);
    this.#forgetOldSound();
    return entry;
  }

  /** `conversation.item.create`: checks and inserts. Throws RealtimeError. */
  create(request: { item?: unknown; previous_item_id?: unknown }): Entry {
    const { item: value, previous_item_id: previous } = check(created, request, '');
    const entry = this.make(value);
    let index = this.#entries.length;
    if (previous === 'root') index = 0;
    else if (previous) {
      index = this.#entries.findIndex((other) => other.item.id === previous) + 1;
      if (index === 0) {
        throw new RealtimeError('invalid_value', `Item '${previous}' does not exist.`, 'previous_item_id');
      }
    }
    this.#entries.splice(index, 0, entry);
    return entry;
  }

  /** Items of `response.input`: new ones, or references to ours. Throws RealtimeError. */
  inputs(values: readonly unknown[]): Entry[] {
    return values.map((value, index) => {
      if (isReference(value))
        return this.#must(value.id, 'response_input_invalid_item_id', `response.input[${index}].id`);
      return this.make(check(item, value, `response.input[${index}]`));
    });
  }

  private make(value: z.infer<typeof item>): Entry {
    const itemId = value.id ?? newId('item');
    if (this.find(itemId))
      throw new RealtimeError('invalid_value', `Item '${itemId}' exists already.`, 'item.id');
    if (value.type === 'function_call_output' && !this.#called(value.call_id)) {
      throw new RealtimeError(
        'invalid_tool_call_id',
        `Tool call ID '${value.call_id}' not found in conversation.`,
        'item.call_id',
      );
    }
    if (value.type === 'function_call') value.call_id ??= newId('call');
    const pcm = value.type === 'message' && value.role === 'user' ? soundOf(value.content) : undefined;
    return {
      item: {
        ...value,
        id: itemId,
        object: 'realtime.item',
        status: value.status ?? 'completed',
      } as Entry['item'],
      pcm,
      audioMs: pcm ? msOf(pcm.length) : 0,
      answered: false,
    };
  }

  #called(callId: string): boolean {
    return this.#entries.some(
      (entry) => entry.item.type === 'function_call' && entry.item.call_id === callId,
    );
  }

  retrieve(itemId: unknown): Entry {
    return this.#must(itemId, 'item_retrieve_invalid_item_id');
  }

  delete(itemId: unknown): string {
    const entry = this.#must(itemId, 'item_delete_invalid_item_id');
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    return entry.item.id;
  }

  /** Cuts the sound of an assistant item; its transcript goes, as no one can say which words were heard. */
  truncate(itemId: unknown, contentIndex: unknown, endMs: unknown): { itemId: string; endMs: number } {
    const entry = this.#must(itemId, 'item_truncate_invalid_item_id');
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
    target.content = [{ type: 'output_audio' }];
    return { itemId: target.id, endMs: Math.round(endMs) };
  }

  #must(itemId: unknown, code: string, param = 'item_id'): Entry {
    if (typeof itemId !== 'string') {
      throw new RealtimeError('missing_required_parameter', `Missing required parameter: '${param}'.`, param);
    }
    const entry = this.find(itemId);
    if (!entry)
      throw new RealtimeError(code, `Item with item_id '${itemId.slice(0, 64)}' does not exist.`, param);
    return entry;
  }

  #forgetOldSound(): void {
    let kept = 0;
    for (const entry of [...this.#entries].reverse()) {
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

/** Sound inside a user message: base64 of 24 kHz mono 16-bit PCM, and what must not stay in the item. */
function soundOf(content: { type: string; audio?: string }[]): Int16Array | undefined {
  const parts: Int16Array[] = [];
  for (const part of content) {
    if (part.type !== 'input_audio' || part.audio === undefined) continue;
    parts.push(decodePcm(part.audio, 'item.content'));
    delete part.audio;
  }
  if (parts.length === 0) return undefined;
  const out = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Base64 of little-endian 16-bit samples. Throws RealtimeError. */
export function decodePcm(base64: unknown, param: string): Int16Array {
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new RealtimeError('invalid_value', `Expected base64 for '${param}'.`, param);
  }
  const bytes = Buffer.from(base64, 'base64');
  const pcm = new Int16Array(bytes.length >> 1);
  for (let i = 0; i < pcm.length; i++) pcm[i] = bytes.readInt16LE(2 * i);
  return pcm;
}
