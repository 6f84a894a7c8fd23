import { describe, expect, it } from 'vitest';
import { echoBrain } from './brain-echo.ts';
import { encodeSound } from './sound-format.ts';
import { Bench, fixedBrain, tone } from './test-session.ts';

const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const user = (text: string, id?: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], id },
});

describe('items', () => {
  it('of the person may bring their sound, in the format of the session', () => {
    const bench = new Bench(echoBrain());
    bench.send(update({ audio: { input: { format: { type: 'audio/pcmu' } } } }));
    const audio = encodeSound(tone(500), { type: 'audio/pcmu' });
    const content = [{ type: 'input_audio', audio, transcript: 'Hello.' }];
    bench.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', id: 'a', content },
    });
    expect(bench.last('conversation.item.done').item).toMatchObject({
      content: [{ type: 'input_audio', transcript: 'Hello.' }],
    });
    expect(JSON.stringify(bench.last('conversation.item.done'))).not.toContain('audio":');
    bench.send({ type: 'conversation.item.retrieve', item_id: 'a' });
    const { item } = bench.last('conversation.item.retrieved') as unknown as {
      item: { content: { audio: string }[] };
    };
    expect(Buffer.from(item.content[0]!.audio, 'base64')).toHaveLength(4000);
  });

  it.each([
    [
      { type: 'message', role: 'assistant', content: [{ type: 'output_audio', transcript: 'x' }] },
      'invalid_value',
      'item.content[0]',
    ],
    [
      { type: 'message', role: 'system', content: [{ type: 'input_audio' }] },
      'invalid_value',
      'item.content[0]',
    ],
    [{ type: 'message', role: 'nobody', content: [] }, 'invalid_value', 'item.role'],
    [{ type: 'message', role: 'user' }, 'missing_required_parameter', 'item.content'],
    [{ role: 'user', content: [] }, 'missing_required_parameter', 'item.type'],
    [{ type: 'item_reference', id: 'x' }, 'invalid_value', 'item.type'],
    [
      {
        type: 'message',
        role: 'user',
        content: [{ type: 'input_image', image_url: 'https://elsewhere/a.png' }],
      },
      'invalid_value',
      'item.content[0].image_url',
    ],
    [
      { type: 'function_call', name: 'f', arguments: '{}', call_id: 'c'.repeat(33) },
      'string_above_max_length',
      'item.call_id',
    ],
    [
      { type: 'message', role: 'user', content: [], id: 'i'.repeat(33) },
      'string_above_max_length',
      'item.id',
    ],
    [{ type: 'function_call_output', call_id: 'none', output: '' }, 'invalid_tool_call_id', 'item.call_id'],
    [
      { type: 'mcp_approval_response', approval_request_id: 'none', approve: true },
      'invalid_value',
      'item.approval_request_id',
    ],
  ])('%j are refused', (item, code, param) => {
    const bench = new Bench(echoBrain());
    bench.send({ type: 'conversation.item.create', event_id: 'mine', item });
    expect(bench.last('error').error).toMatchObject({
      code,
      param: expect.stringContaining(param),
      event_id: 'mine',
    });
    expect(bench.types()).not.toContain('conversation.item.added');
  });

  it('of MCP servers of earlier sessions are kept, and an approval finds its request', () => {
    const bench = new Bench(echoBrain());
    const create = (item: object) => bench.send({ type: 'conversation.item.create', item });
    const tool = { server_label: 's', name: 'n', arguments: '{}' };
    create({ type: 'mcp_list_tools', server_label: 's', tools: [{ name: 'n', input_schema: {} }] });
    create({ type: 'mcp_call', ...tool, output: 'done' });
    create({ type: 'mcp_approval_request', id: 'request', ...tool });
    create({ type: 'mcp_approval_response', approval_request_id: 'request', approve: false });
    expect(bench.types()).not.toContain('error');
    expect(bench.all('conversation.item.done')).toHaveLength(4);
  });

  it('that are gone are gone for what follows', () => {
    const bench = new Bench(echoBrain());
    bench.send(user('one', 'a'));
    bench.send(user('two', 'b'));
    bench.send({ type: 'conversation.item.delete', item_id: 'b' });
    bench.send(user('three', 'c'));
    expect(bench.last('conversation.item.added').previous_item_id).toBe('a');
    bench.send(user('again', 'c'));
    expect(bench.last('error').error).toMatchObject({ code: 'invalid_value', param: 'item.id' });
    bench.send({ type: 'conversation.item.truncate', item_id: 'a', content_index: 0, audio_end_ms: 0 });
    expect(bench.last('error').error.param).toBe('item_id');
    bench.send({ type: 'conversation.item.truncate', item_id: 'a' });
    expect(bench.last('error').error).toMatchObject({
      code: 'missing_required_parameter',
      param: 'content_index',
    });
  });

  it('leave their sound out where it does not fit into a message', async () => {
    const bench = new Bench(fixedBrain([speech]), undefined, false, { maxEvent: 10_000 });
    bench.send({ type: 'response.create' });
    await bench.run(1500);
    bench.send({
      type: 'conversation.item.retrieve',
      item_id: bench.last('response.output_item.done').item.id,
    });
    expect(bench.last('conversation.item.retrieved').item).toMatchObject({
      content: [{ type: 'output_audio', transcript: 'The light is on now.' }],
    });
    expect(JSON.stringify(bench.last('conversation.item.retrieved'))).not.toContain('"audio":');
  });
});
