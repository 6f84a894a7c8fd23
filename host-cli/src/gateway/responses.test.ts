import { describe, expect, it } from 'vitest';
import { RATE } from './audio.ts';
import { echoBrain } from './brain-echo.ts';
import type { ServerEvent } from './events.ts';
import { Bench, fixedBrain, tone } from './test-session.ts';

const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const user = (text: string, id?: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], id },
});

describe('responses', () => {
  it('beside the conversation run at the same time, and end by their id', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(user('hello', 'a'));
    bench.send({ type: 'response.create' });
    const text = { conversation: 'none', output_modalities: ['text'], metadata: { topic: 'aside' } };
    bench.send({ type: 'response.create', response: { ...text, input: [] } });
    bench.send({
      type: 'response.create',
      response: { ...text, input: [{ type: 'item_reference', id: 'a' }, user('more').item] },
    });
    expect(bench.types()).not.toContain('error');
    const [main, first, second] = bench.all('response.created').map((one) => one.response);
    expect(main!.conversation_id).toMatch(/^conv_/);
    expect(first).toMatchObject({ conversation_id: null, metadata: { topic: 'aside' }, usage: null });
    await bench.run(30);
    bench.send({ type: 'response.cancel', response_id: second!.id });
    expect(bench.last('response.done').response).toMatchObject({ id: second!.id, status: 'cancelled' });
    await bench.run(2000);
    const done = bench.all('response.done').map(({ response }) => [response.id, response.status]);
    expect(Object.fromEntries(done)).toEqual({
      [main!.id!]: 'completed',
      [first!.id!]: 'completed',
      [second!.id!]: 'cancelled',
    });
    // Only the answer of the conversation has become an item of it.
    expect(bench.all('conversation.item.added').filter(({ item }) => item.type === 'message')).toHaveLength(
      2,
    );
  });

  it.each([
    [{ conversation: 'other' }, 'response.conversation'],
    [
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) },
      'response.metadata',
    ],
    [{ metadata: { k: 'v'.repeat(513) } }, 'response.metadata'],
    [{ input: [{ type: 'item_reference', id: 'none' }] }, 'response.input[0].id'],
    [{ input: [{ type: 'message' }] }, 'response.input[0]'],
    [{ temperature: 1 }, 'response.temperature'],
    [{ max_output_tokens: 'few' }, 'response.max_output_tokens'],
  ])('are refused for %j', (response, param) => {
    const bench = new Bench(echoBrain());
    bench.send({ type: 'response.create', response });
    expect(bench.last('error').error.param).toContain(param);
    expect(bench.types()).not.toContain('response.created');
  });

  it('take tools and their choice of the request instead of the session', async () => {
    const seen: unknown[] = [];
    const bench = new Bench(
      fixedBrain(({ config }) => {
        seen.push([config.tools.length, config.tool_choice, config.instructions, config.max_output_tokens]);
        return [];
      }),
    );
    bench.send(update({ tools: [{ type: 'function', name: 'f' }], instructions: 'session' }));
    bench.send({ type: 'response.create' });
    await bench.run(10);
    bench.send({
      type: 'response.create',
      response: { tools: [], tool_choice: 'none', instructions: 'request', max_output_tokens: 100 },
    });
    await bench.run(10);
    bench.send({ type: 'response.create' });
    await bench.run(10);
    const session = [1, 'auto', 'session', 'inf'];
    expect(seen).toEqual([session, [0, 'none', 'request', 100], session]);
  });

  it.each([0.5, 0.75, 1.25, 1.5])('last by the speed %f of the voice, at the same pitch', async (speed) => {
    const steady = Int16Array.from({ length: 2 * RATE }, (_, i) =>
      Math.round(9000 * Math.sin((2 * Math.PI * 220 * i) / RATE)),
    );
    const bench = new Bench(fixedBrain([{ type: 'say', text: 'Hm.', pcm: steady }]));
    bench.send(update({ audio: { output: { speed } } }));
    bench.send({ type: 'response.create' });
    await bench.run(2000 / speed + 500);
    const pcm = Int16Array.from(bench.frames.flatMap((frame) => [...frame.pcm]));
    expect(Math.abs(pcm.length / RATE - 2 / speed)).toBeLessThan(0.03);
    const inner = pcm.subarray(RATE / 4, pcm.length - RATE / 4);
    const crossings = inner.reduce(
      (sum, value, i) => sum + (i > 0 && value >= 0 && inner[i - 1]! < 0 ? 1 : 0),
      0,
    );
    expect(Math.abs(crossings / (inner.length / RATE) - 220)).toBeLessThan(5);
    // No holes, no clicks: a steady tone stays steady.
    for (let at = 0; at + 480 <= inner.length; at += 480) {
      expect(Math.max(...inner.subarray(at, at + 480))).toBeGreaterThan(7000);
    }
  });

  it('of several items stop between them at max_output_tokens', async () => {
    const bench = new Bench(
      fixedBrain([
        { type: 'text', text: 'x'.repeat(80) },
        { type: 'call', name: 'f', arguments: '{}' },
      ]),
    );
    bench.send({ type: 'response.create', response: { max_output_tokens: 20 } });
    await bench.run(200);
    const { response } = bench.last('response.done');
    expect(response).toMatchObject({
      status: 'incomplete',
      status_details: { type: 'incomplete', reason: 'max_output_tokens' },
      max_output_tokens: 20,
    });
    expect(response.output).toHaveLength(1);
  });
});

it('has well-formed ids, each once', async () => {
  const bench = new Bench(fixedBrain([speech, { type: 'call', name: 'f', arguments: '{}' }]));
  for (let i = 0; i < 3; i++) {
    bench.send(user('x'));
    bench.send({ type: 'response.create' });
    await bench.run(1500);
  }
  const ids = bench.events.map((event: ServerEvent) => ('event_id' in event ? event.event_id : ''));
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^event_[A-Za-z0-9]{21}$/);
  const items = bench.all('conversation.item.added').map(({ item }) => item.id!);
  expect(new Set(items).size).toBe(9);
  for (const id of items) expect(id).toMatch(/^item_[A-Za-z0-9]{21}$/);
  for (const { response } of bench.all('response.created')) expect(response.id).toMatch(/^resp_\w{21}$/);
});
