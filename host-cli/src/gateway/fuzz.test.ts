/** Events that nobody should send: the session answers each with an error at most, and lives. */
import { describe, expect, it } from 'vitest';
import { Bench, fixedBrain, tone } from './test-session.ts';

const AUDIO = Buffer.alloc(960).toString('base64');
const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] };
/** Right ones, of every kind. */
const EVENTS: object[] = [
  {
    type: 'session.update',
    session: {
      type: 'realtime',
      instructions: 'x',
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }],
      tool_choice: { type: 'function', name: 'f' },
      truncation: { type: 'retention_ratio', retention_ratio: 0.5, token_limits: { post_instructions: 99 } },
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          transcription: { model: 'whisper-1', keywords: ['a'] },
          turn_detection: { type: 'server_vad', threshold: 0.5, idle_timeout_ms: 5000 },
          noise_reduction: { type: 'far_field' },
        },
        output: { voice: 'cedar', speed: 1.1, format: { type: 'audio/pcmu' } },
      },
    },
  },
  { type: 'session.update', session: { type: 'transcription', audio: { input: {} } } },
  { type: 'input_audio_buffer.append', audio: AUDIO },
  { type: 'input_audio_buffer.commit' },
  { type: 'input_audio_buffer.clear' },
  { type: 'output_audio_buffer.clear' },
  { type: 'conversation.item.create', item, previous_item_id: 'root' },
  { type: 'conversation.item.create', item: { ...item, id: 'known' } },
  {
    type: 'conversation.item.create',
    item: { type: 'message', role: 'user', content: [{ type: 'input_audio', audio: AUDIO }] },
  },
  {
    type: 'conversation.item.create',
    item: { type: 'function_call', name: 'f', arguments: '{}', call_id: 'c' },
  },
  {
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id: 'c', output: '{}' },
  },
  { type: 'conversation.item.retrieve', item_id: 'known' },
  { type: 'conversation.item.delete', item_id: 'known' },
  { type: 'conversation.item.truncate', item_id: 'known', content_index: 0, audio_end_ms: 10 },
  {
    type: 'response.create',
    response: {
      conversation: 'none',
      input: [item, { type: 'item_reference', id: 'known' }],
      metadata: { a: 'b' },
      max_output_tokens: 100,
      audio: { output: { voice: 'marin' } },
    },
  },
  { type: 'response.create' },
  { type: 'response.cancel', response_id: 'resp_x' },
];
const JUNK: unknown[] = [
  null,
  undefined,
  true,
  0,
  -1,
  1e308,
  Number.NaN,
  '',
  'root',
  'known',
  '\u0000\ud800',
  'x'.repeat(70_000),
  [],
  [[]],
  {},
  { type: 'message' },
  { __proto__: null, type: {} },
  { toString: 1, constructor: 2 },
];

function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A copy in which one member, anywhere, is junk, is gone, or is there twice over. */
function spoil(value: unknown, random: (below: number) => number): unknown {
  if (typeof value !== 'object' || value === null || random(4) === 0) return JUNK[random(JUNK.length)];
  if (Array.isArray(value)) {
    if (value.length === 0 || random(4) === 0) return [...value, ...value];
    const at = random(value.length);
    return value.map((one, index) => (index === at ? spoil(one, random) : (one as unknown)));
  }
  const entries = Object.entries(value);
  const at = random(entries.length + 1);
  if (at === entries.length) return { ...value, unknown_member: JUNK[random(JUNK.length)] };
  if (random(6) === 0) return Object.fromEntries(entries.filter((_, index) => index !== at));
  return Object.fromEntries(
    entries.map(([name, one], index) => [name, index === at ? spoil(one, random) : one]),
  );
}

describe('events that are wrong somewhere', () => {
  it.each([1, 2, 3, 4])('do no harm (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const brain = fixedBrain([{ type: 'say', text: 'words', pcm: tone(100) }]);
    let bench = new Bench(brain);
    for (let i = 0; i < 1500; i++) {
      const right = EVENTS[random(EVENTS.length)]!;
      const before = bench.events.length;
      const event = random(5) === 0 ? right : spoil(right, random);
      expect(() => bench.session.receive(event), JSON.stringify(event)).not.toThrow();
      for (const sent of bench.events.slice(before)) {
        if (sent.type === 'error') expect(sent.error.code, JSON.stringify(event)).not.toBe('server_error');
      }
      if (i % 50 === 0) await bench.run(20);
      // A session of the beta API is hung up on.
      if (bench.hungUp !== undefined) bench = new Bench(brain);
    }
    const before = bench.events.length;
    bench.send({ type: 'input_audio_buffer.clear' });
    expect(bench.types(before)).toEqual(['input_audio_buffer.cleared']);
  });

  it.each(['', '{', 'null', '1', '"x"', '[]', '{"type":null}', '\u0000', '{"type":"response.create"'])(
    'as text %j get one error',
    (text) => {
      const bench = new Bench(fixedBrain([]));
      bench.session.receiveText(text);
      expect(bench.types()).toEqual(['session.created', 'error']);
    },
  );
});
