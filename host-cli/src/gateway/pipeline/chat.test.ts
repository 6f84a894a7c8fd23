/** What servers make of the API: answers that differ from OpenAI's, and are understood all the same. */
import { manualClock } from '@tincan/boards';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, type Outcome } from './chat.ts';
import { Endpoint } from './endpoint.ts';
import { type Exchange, TestServer } from './test-server.ts';
import { Thoughts } from './thoughts.ts';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.close());

async function answer(act: (exchange: Exchange<unknown>) => void): Promise<Outcome & { text: string }> {
  let text = '';
  const asked = ask(
    new Endpoint('llm', { url: server.url, key: undefined, limitMs: 1000 }),
    { model: 'm', stream: true, messages: [{ role: 'user', content: 'x' }] },
    {
      clock: manualClock(),
      signal: new AbortController().signal,
      onText: (words) => {
        text += words;
      },
    },
  );
  asked.catch(() => {});
  act(await server.llm());
  return { ...(await asked), text };
}
const piece = (fields: object, args?: unknown, name?: string) => ({
  tool_calls: [
    {
      ...fields,
      function: { ...(name ? { name } : {}), ...(args === undefined ? {} : { arguments: args }) },
    },
  ],
});

describe('calls', () => {
  it('without an index, whole or in pieces', async () => {
    const { calls } = await answer((x) => {
      x.chunk(piece({ id: 'a' }, '{"x":1}', 'one'));
      x.chunk(piece({ id: 'b' }, '{"y"', 'two'));
      x.chunk(piece({ id: 'b' }, ':2'));
      x.chunk(piece({}, '}'));
      x.finish('tool_calls');
    });
    expect(calls).toEqual([
      { name: 'one', arguments: '{"x":1}' },
      { name: 'two', arguments: '{"y":2}' },
    ]);
  });

  it('that are all numbered 0, without ids, in any order, with parsed arguments', async () => {
    const same = await answer((x) => {
      x.chunk(piece({ index: 0, id: 'a' }, '{}', 'one'));
      x.chunk(piece({ index: 0, id: 'b' }, '{}', 'two'));
      x.finish();
    });
    expect(same.calls.map(({ name }) => name)).toEqual(['one', 'two']);
    const mixed = await answer((x) => {
      x.chunk(piece({ index: 1 }, '{"b":', 'two'));
      x.chunk(piece({ index: 0 }, '', 'one'));
      x.chunk(piece({ index: 1 }, '2}'));
      x.chunk(piece({ index: 2 }, { c: 3 }, 'three'));
      x.finish();
    });
    expect(mixed.calls).toEqual([
      { name: 'one', arguments: '{}' },
      { name: 'two', arguments: '{"b":2}' },
      { name: 'three', arguments: '{"c":3}' },
    ]);
  });

  it('without an end fail', async () => {
    await expect(
      answer((x) => {
        x.call(0, 'a', 'one', ...Array.from({ length: 30 }, () => 'x'.repeat(10_000)));
      }),
    ).rejects.toThrow(/without an end/);
  });
});

describe('text', () => {
  it('of a server that does not stream', async () => {
    const whole = await answer((x) => {
      x.write(
        'application/json',
        JSON.stringify({
          choices: [
            {
              message: {
                role: 'assistant',
                content: 'Hi.',
                tool_calls: [{ id: 'a', type: 'function', function: { name: 'one', arguments: '{}' } }],
              },
              finish_reason: 'length',
            },
          ],
        }),
      );
      x.end();
    });
    expect(whole).toEqual({
      text: 'Hi.',
      calls: [{ name: 'one', arguments: '{}' }],
      finish: 'max_output_tokens',
    });
  });

  it('is without thoughts, reasoning, usage and comments', async () => {
    const { text, finish } = await answer((x) => {
      x.write('text/event-stream', ': OPENROUTER PROCESSING\n\n');
      x.chunk({ role: 'assistant', content: '', reasoning_content: 'hm' });
      for (const part of ['\n<th', 'ink>hm', 'm</thi', 'nk>\n\nYes', '.']) x.text(part);
      x.chunk({ content: null }, 'content_filter');
      x.write('', 'data: {"choices":[],"usage":{"total_tokens":3}}\n\n');
      x.end();
    });
    expect(text).toBe('Yes.');
    expect(finish).toBe('content_filter');
  });

  it('without an end is stopped', async () => {
    const { text, finish } = await answer((x) => {
      for (let round = 0; round < 40; round++) x.text('again '.repeat(200));
    });
    expect(finish).toBe('max_output_tokens');
    expect(text.length).toBeLessThan(40_000);
  });
});

describe('thoughts', () => {
  it.each([
    ['Just text <think>here</think>', 'Just text <think>here</think>'],
    ['<think>only', ''],
    ['<thin', '<thin'],
    ['<think></think>a', 'a'],
    ['  \n', '  \n'],
  ])('%j', (written, said) => {
    for (const size of [1, 2, 5, 100]) {
      const thoughts = new Thoughts();
      let out = '';
      for (let at = 0; at < written.length; at += size) out += thoughts.push(written.slice(at, at + size));
      expect(out + thoughts.end()).toBe(said);
    }
  });
});
