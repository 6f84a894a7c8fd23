/** The device's history against the golden vectors of transcripts, which the host's transcript passes as well. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileTests } from '../index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { wasm } = await compileTests({ cacheDir: `${root}/node_modules/.cache/tincan` });
const { instance } = await WebAssembly.instantiate(new Uint8Array(wasm));
const call = (name: string, ...args: number[]) =>
  (instance.exports[name] as (...args: number[]) => number)(...args);
call('_initialize');

interface Turn {
  item_id: string;
  role: 'user' | 'assistant';
  text: string;
  complete: boolean;
}

/** What the core makes of these events. */
function turns(events: readonly object[], limit = 32): Turn[] {
  const bytes = Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
  const memory = instance.exports.memory as WebAssembly.Memory;
  new Uint8Array(memory.buffer).set(bytes, call('golden_buffer'));
  const length = call('golden_history', bytes.length, limit);
  return JSON.parse(
    Buffer.from(memory.buffer.slice(call('golden_buffer')))
      .subarray(0, length)
      .toString(),
  ) as Turn[];
}

/** The core knows an item by the hash of its id (FNV-1a, 64 bits). */
function hash(id: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(id)) value = ((value ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return value.toString(16).padStart(16, '0');
}

const said = (id: string, role: Turn['role'], text: string, previous?: string) => ({
  type: 'conversation.item.added',
  previous_item_id: previous ?? null,
  item: {
    id,
    type: 'message',
    role,
    status: 'completed',
    content: [{ type: role === 'user' ? 'input_text' : 'output_text', text }],
  },
});

describe('the history is what golden/transcript.json says', () => {
  const { transcripts } = JSON.parse(
    readFileSync(`${root}/shared-protocol/golden/transcript.json`, 'utf8'),
  ) as { transcripts: { name: string; events: object[]; turns: Turn[] }[] };
  it.each(transcripts.map((one) => [one.name, one] as const))('%s', (_name, { events, turns: expected }) => {
    expect(turns(events)).toEqual(expected.map((turn) => ({ ...turn, item_id: hash(turn.item_id) })));
  });
});

describe('the history stays within its bounds', () => {
  const many = Array.from({ length: 200 }, (_, n) =>
    said(`i${n}`, n % 2 === 0 ? 'user' : 'assistant', `text ${n}`, n > 0 ? `i${n - 1}` : undefined),
  );
  it('keeps the last turns only', () => {
    expect(turns(many, 5).map(({ text }) => text)).toEqual([195, 196, 197, 198, 199].map((n) => `text ${n}`));
    expect(turns(many, 255)).toHaveLength(32);
    expect(turns(many, 0)).toEqual([]);
  });
  it('forgets the oldest texts where all together are too long', () => {
    const long = many.map((_, n) =>
      said(`i${n}`, 'user', `${n} `.padEnd(1000, 'x'), n > 0 ? `i${n - 1}` : undefined),
    );
    const kept = turns(long, 32).filter(({ text }) => text !== '');
    expect(kept).toHaveLength(16);
    expect(kept.at(-1)!.text).toMatch(/^199 x+$/);
  });
  it('cuts one that is too long, at a character', () => {
    const [turn] = turns([said('a', 'user', 'é'.repeat(3000))]);
    expect(turn!.text).toBe('é'.repeat(2048));
    const [odd] = turns([said('a', 'user', `x${'é'.repeat(3000)}`)]);
    expect(odd!.text).toBe(`x${'é'.repeat(2047)}`);
  });
  it('takes an answer in thousands of pieces, while another text grows', () => {
    const pieces = Array.from({ length: 3000 }, (_, n) => [
      {
        type: 'response.output_text.delta',
        response_id: 'r',
        item_id: 'a',
        content_index: 0,
        delta: `${n % 10}`,
      },
      {
        type: 'conversation.item.input_audio_transcription.delta',
        item_id: 'u',
        content_index: 0,
        delta: 'é',
      },
    ]).flat();
    const known = ['u', 'a'].map((id, n) => ({
      type: 'conversation.item.added',
      previous_item_id: n === 0 ? null : 'u',
      item: {
        id,
        type: 'message',
        role: n === 0 ? 'user' : 'assistant',
        content: n === 0 ? [{ type: 'input_audio' }] : [],
      },
    }));
    const [user, answer] = turns([...known, ...pieces]);
    expect(answer!.text).toBe('0123456789'.repeat(300));
    expect(user!.text).toBe('é'.repeat(2048));
  });
});
