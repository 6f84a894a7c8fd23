/** A client that makes more of everything than anybody needs, on a server that others use too. */
import { expect, it } from 'vitest';
import { Bench, fixedBrain } from './test-session.ts';

const message = (text: string) => ({
  type: 'message',
  role: 'user',
  content: [{ type: 'input_text', text }],
});
const create = (text: string) => ({ type: 'conversation.item.create', item: message(text) });

// The guard is the time limit: where each item looks at all others, this takes minutes.
it('makes thousands of items, and nobody waits for it', () => {
  const bench = new Bench(fixedBrain([]));
  for (let i = 0; i < 10_000; i++) bench.send(create('word '.repeat(16)));
  expect(bench.all('conversation.item.done')).toHaveLength(10_000);
  const last = bench.all('conversation.item.done').slice(-2);
  expect(last[1]!.previous_item_id).toBe(last[0]!.item.id);
  bench.send({ type: 'response.create' });
  expect(bench.last('response.created').response.status).toBe('in_progress');
  const input = Array.from({ length: 20_000 }, () => message('x'));
  bench.send({ type: 'response.create', response: { conversation: 'none', input } });
  expect(bench.all('response.created')).toHaveLength(2);
}, 15_000);

it('fills the memory, and is told when it is enough', () => {
  const bench = new Bench(fixedBrain([]));
  const large = create('x'.repeat(262_144));
  for (let i = 0; i < 130; i++) bench.send(large);
  const made = bench.all('conversation.item.added').map(({ item }) => item.id!);
  expect(made.length).toBe(127);
  expect(bench.last('error').error).toMatchObject({
    code: 'conversation_too_large',
    message: expect.stringMatching(/delete items/),
  });
  bench.send({ type: 'conversation.item.delete', item_id: made[0] });
  bench.send(large);
  expect(bench.events.at(-1)!.type).toBe('conversation.item.done');
});
