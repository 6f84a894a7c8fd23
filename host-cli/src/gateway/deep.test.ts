/** JSON that is nested so deeply that whoever writes it out again runs out of stack. */
import { manualClock } from '@tincan/boards';
import { expect, it } from 'vitest';
import { defaultConfig, parseSession } from './config.ts';
import { Conversation } from './conversation.ts';
import { Bench, fixedBrain, silence, tone } from './test-session.ts';
import { Turns } from './turns.ts';

const deep: unknown = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`);
const tools = [{ type: 'function', name: 'x', parameters: deep }];

it.each([
  ['tools of a session', { type: 'session.update', session: { type: 'realtime', tools } }],
  ['tools of a response', { type: 'response.create', response: { tools } }],
  ['items of a response', { type: 'response.create', response: { input: [deep] } }],
  [
    'an item',
    {
      type: 'conversation.item.create',
      item: { type: 'mcp_list_tools', server_label: 'a', tools: [{ name: 'b', input_schema: deep }] },
    },
  ],
])('is refused in %s, and the session goes on', async (_, event) => {
  const bench = new Bench(fixedBrain([{ type: 'say', text: 'Yes.', pcm: tone(200) }]));
  bench.send(event);
  expect(bench.last('error').error).toMatchObject({
    code: 'invalid_value',
    message: expect.stringMatching(/levels/),
  });
  await bench.hear(tone(500));
  await bench.hear(silence(700));
  await bench.run(200);
  expect(bench.last('response.done').response.status).toBe('completed');
});

it('is refused over HTTP too', () => {
  expect(() => parseSession({ type: 'realtime', tools })).toThrow(/levels/);
});

it('what goes wrong with a turn is a line of the log', async () => {
  const lines: string[] = [];
  const turns = new Turns({
    clock: manualClock(),
    mind: fixedBrain([]).open(),
    conversation: new Conversation(),
    config: () => defaultConfig(),
    send: () => {},
    heard: () => {},
    answer: () => {
      throw new Error('no stack is left');
    },
    interrupt: () => {},
    busy: () => false,
    log: (line) => lines.push(line),
  });
  for (const sound of [tone(500), silence(700)])
    for (let at = 0; at < sound.length; at += 480) turns.hear(sound.slice(at, at + 480));
  await expect.poll(() => lines).toEqual(['a turn failed: no stack is left']);
});
