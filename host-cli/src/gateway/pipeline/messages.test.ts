import { describe, expect, it } from 'vitest';
import type { Question } from '../brain.ts';
import { defaultConfig, type SessionConfig } from '../config.ts';
import type { Entry } from '../conversation.ts';
import { chatRequest } from './messages.ts';

/** The request for these items. */
function request(items: object[], config: Partial<SessionConfig> = {}, openai = false) {
  const entries = items.map((item): Entry => ({ item: item as Entry['item'], audioMs: 0, answered: false }));
  const question: Question = {
    entries,
    config: { ...defaultConfig(), ...config },
    params: undefined,
    first: false,
    idle: false,
    signal: new AbortController().signal,
  };
  const wordsOf = ({ item }: Entry) =>
    item.type === 'message' ? item.content.map((part) => ('text' in part && part.text) || '').join('') : '';
  return chatRequest(question, { model: 'm', openai, wordsOf });
}
const message = (role: string, ...content: object[]) => ({ type: 'message', role, content });
const text = (words: string) => ({ type: 'input_text', text: words });

describe('a conversation', () => {
  it('keeps pictures beside words, and leaves out what says nothing', () => {
    const picture = { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' };
    expect(
      request([
        message('system', text('Rules.')),
        message('user', text('Look.'), picture),
        message('user', picture),
        message('user', { type: 'input_audio', transcript: null }),
        message('assistant', { type: 'output_audio' }),
      ]).messages,
    ).toEqual([
      { role: 'system', content: 'Rules.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look.' },
          { type: 'image_url', image_url: { url: picture.image_url, detail: 'low' } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: picture.image_url, detail: 'low' } }],
      },
    ]);
  });

  it('puts the output of a call behind it, whoever spoke in between, and says what has lost its call', () => {
    const call = (id: string) => ({ type: 'function_call', call_id: id, name: 'f', arguments: '' });
    const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: `"${id}"` });
    const { messages } = request([
      message('user', text('Do.')),
      call('a'),
      message('user', text('Hm.')),
      call('b'),
      output('b'),
      output('a'),
      output('lost'),
    ]);
    expect(messages.map((one) => (one.role === 'tool' ? one.tool_call_id : one.role))).toEqual([
      'user',
      'assistant',
      'a',
      'user',
      'assistant',
      'b',
      'user',
    ]);
    expect(messages.at(-1)).toEqual({ role: 'user', content: '(A tool answered: "lost")' });
  });
});

describe('settings', () => {
  it('go on as chat completions have them; what only the real server can do is left out', () => {
    const mcp = { type: 'mcp', server_label: 'x', server_url: 'https://x' } as const;
    const asked = request([message('user', text('Hi'))], {
      tools: [mcp, { type: 'function', name: 'f' }],
      tool_choice: { type: 'mcp', server_label: 'x' },
      reasoning: { effort: 'low' },
      max_output_tokens: 9,
    });
    expect(asked).toEqual({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }],
      reasoning_effort: 'low',
      max_tokens: 9,
    });
    expect(request([], { tools: [mcp], max_output_tokens: 9 }, true)).toMatchObject({
      max_completion_tokens: 9,
    });
    expect(request([], { tools: [mcp] })).not.toHaveProperty('tools');
  });
});
