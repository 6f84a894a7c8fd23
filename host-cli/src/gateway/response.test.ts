import { describe, expect, it } from 'vitest';
import { echoBrain } from './brain-echo.ts';
import { Bench, fixedBrain, tone } from './test-session.ts';

const speech = { type: 'say', text: 'The light is on now.', pcm: tone(1000) } as const;
const update = (session: object) => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const userText = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

describe('a response', () => {
  it('is refused while another is being made', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({ type: 'response.create' });
    bench.send({ type: 'response.create', event_id: 'second' });
    expect(bench.last('error').error).toMatchObject({
      code: 'conversation_already_has_active_response',
      event_id: 'second',
    });
    expect(bench.all('response.created')).toHaveLength(1);
  });

  it('calls a tool without any event of sound', async () => {
    const bench = new Bench(
      fixedBrain([{ type: 'call', name: 'set_light', arguments: '{"on":true,"color":"blue"}' }]),
    );
    bench.send({ type: 'response.create' });
    await bench.run(500);
    const argument = (type: string) => type !== 'response.function_call_arguments.delta';
    expect(bench.types(1).filter(argument)).toEqual([
      'response.created',
      'rate_limits.updated',
      'response.output_item.added',
      'conversation.item.added',
      'response.function_call_arguments.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
    ]);
    const done = bench.last('response.function_call_arguments.done');
    expect(
      bench
        .all('response.function_call_arguments.delta')
        .map((one) => one.delta)
        .join(''),
    ).toBe(done.arguments);
    expect(bench.last('response.done').response.output).toMatchObject([
      {
        type: 'function_call',
        name: 'set_light',
        call_id: done.call_id,
        arguments: done.arguments,
        status: 'completed',
      },
    ]);
    bench.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: done.call_id, output: '{"ok":true}' },
    });
    expect(bench.types().slice(-2)).toEqual(['conversation.item.added', 'conversation.item.done']);
  });

  it('is text only where the session or the request wants text', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    await bench.run(1000);
    expect(bench.types().filter((type) => type.includes('audio'))).toEqual([]);
    expect(bench.frames).toEqual([]);
    expect(bench.last('response.output_text.done').text).toBe('The light is on now.');
    expect(
      bench
        .all('response.output_text.delta')
        .map((one) => one.delta)
        .join(''),
    ).toBe('The light is on now.');
  });

  it('stops at max_output_tokens', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({ type: 'response.create', response: { max_output_tokens: 8 } });
    await bench.run(1500);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'incomplete',
      status_details: { reason: 'max_output_tokens' },
    });
    expect(bench.frames.length).toBeLessThan(50);
    expect(bench.types().at(-1)).toBe('output_audio_buffer.stopped');
  });

  it('out of the conversation leaves no item in it', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({
      type: 'response.create',
      response: { conversation: 'none', output_modalities: ['text'], input: [] },
    });
    await bench.run(500);
    expect(bench.types()).not.toContain('conversation.item.added');
    expect(bench.types()).toContain('response.output_item.done');
  });

  it('fails calmly when its brain fails', async () => {
    const bench = new Bench({
      mode: 'broken',
      open: () => ({
        transcribe: async () => null,
        // biome-ignore lint/correctness/useYield: it fails before it has anything to say
        async *answer() {
          throw new Error('no thought');
        },
      }),
    });
    bench.send({ type: 'response.create' });
    await bench.run(20);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'failed',
      status_details: { type: 'failed' },
    });
  });

  it('comes by itself after idle_timeout_ms of silence', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send(
      update({ audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 5000 } } } }),
    );
    bench.send({ type: 'response.create' });
    await bench.run(1200);
    const stopped = bench.last('output_audio_buffer.stopped').at;
    await bench.run(5000);
    expect(bench.last('input_audio_buffer.timeout_triggered').at).toBe(stopped + 5000);
    expect(bench.all('response.created')).toHaveLength(2);
  });
});

describe('speech that is still being made', () => {
  /** Pieces that come when the test lets them. */
  function source() {
    const waiting: ((value: { text: string; pcm: Int16Array } | undefined) => void)[] = [];
    const queue: ({ text: string; pcm: Int16Array } | undefined)[] = [];
    let returned = false;
    const pieces: AsyncIterable<{ text: string; pcm: Int16Array }> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          const value = queue.length > 0 ? queue.shift() : await new Promise((r) => waiting.push(r));
          return value === undefined ? { done: true, value } : { done: false, value: value as never };
        },
        async return() {
          returned = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const give = (value: { text: string; pcm: Int16Array } | undefined) => {
      const next = waiting.shift();
      if (next) next(value);
      else queue.push(value);
    };
    return { pieces, give, returned: () => returned };
  }

  it('is one message, whose words and sound come as they are made', async () => {
    const { pieces, give } = source();
    const bench = new Bench(fixedBrain([{ type: 'speech', pieces }]));
    bench.send({ type: 'response.create' });
    await bench.run(500);
    expect(bench.types(1)).toEqual(['response.created', 'rate_limits.updated']);
    give({ text: 'First sentence.', pcm: tone(400) });
    await bench.run(200);
    expect(bench.types().at(-1)).toBe('response.output_audio_transcript.delta');
    expect(bench.frames.length).toBeGreaterThan(5);
    // The second comes late: the loudspeaker waits, the response stays open.
    await bench.run(1000);
    expect(bench.frames).toHaveLength(20);
    expect(bench.types()).not.toContain('output_audio_buffer.stopped');
    give({ text: ' And a second.', pcm: tone(200) });
    give(undefined);
    await bench.run(500);
    expect(bench.frames).toHaveLength(30);
    const said = 'First sentence. And a second.';
    expect(bench.last('response.done').response).toMatchObject({
      status: 'completed',
      output: [{ content: [{ type: 'output_audio', transcript: said }], status: 'completed' }],
    });
    const deltas = bench.all('response.output_audio_transcript.delta').map((one) => one.delta);
    expect(deltas.join('')).toBe(said);
    expect(bench.types().at(-1)).toBe('output_audio_buffer.stopped');
  });

  it('is told when nobody wants it any more, also while it is being waited for', async () => {
    const { pieces, give, returned } = source();
    let signal: AbortSignal | undefined;
    const bench = new Bench(
      fixedBrain((question) => {
        signal = question.signal;
        return [{ type: 'speech', pieces }];
      }),
    );
    bench.send({ type: 'response.create' });
    await bench.run(20);
    give({ text: 'Half.', pcm: tone(400) });
    await bench.run(200);
    bench.send({ type: 'response.cancel' });
    expect(signal?.aborted).toBe(true);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'cancelled',
      output: [{ status: 'incomplete' }],
    });
    await bench.run(5);
    expect(returned()).toBe(true);
    give({ text: 'Late.', pcm: tone(400) });
    await bench.run(500);
    expect(JSON.stringify(bench.events)).not.toContain('Late');
  });

  it('is written where the session wants text, and nothing where nothing comes', async () => {
    const { pieces, give } = source();
    const bench = new Bench(fixedBrain([{ type: 'speech', pieces }]));
    bench.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    give({ text: 'Words.', pcm: tone(400) });
    give(undefined);
    await bench.run(100);
    expect(bench.last('response.output_text.done').text).toBe('Words.');
    expect(bench.frames).toEqual([]);
    bench.send({ type: 'response.create' });
    await bench.run(5);
    give(undefined);
    await bench.run(50);
    expect(bench.last('response.done').response).toMatchObject({ status: 'completed', output: [] });
  });

  it('that fails in the middle fails the response', async () => {
    async function* pieces() {
      yield { text: 'Begun', pcm: tone(200) };
      throw new Error('the voice is gone');
    }
    const bench = new Bench(fixedBrain([{ type: 'speech', pieces: pieces() }]));
    bench.send({ type: 'response.create' });
    await bench.run(500);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'failed',
      output: [{ status: 'incomplete' }],
    });
  });
});

describe('the conversation', () => {
  it('takes items at the end, at the root, and after another', () => {
    const bench = new Bench(echoBrain());
    const create = (id: string, previous?: string) =>
      bench.send({ ...userText(id), item: { ...userText(id).item, id }, previous_item_id: previous });
    create('a');
    create('b');
    create('root', 'root');
    create('between', 'a');
    create('lost', 'nowhere');
    expect(
      bench.all('conversation.item.done').map(({ item, previous_item_id }) => [item.id, previous_item_id]),
    ).toEqual([
      ['a', null],
      ['b', 'a'],
      ['root', null],
      ['between', 'a'],
    ]);
    expect(bench.last('error').error).toMatchObject({ code: 'invalid_value', param: 'previous_item_id' });
  });

  it('gives items back, and deletes them', () => {
    const bench = new Bench(echoBrain());
    bench.send({ ...userText('hello'), item: { ...userText('hello').item, id: 'a' } });
    bench.send({ type: 'conversation.item.retrieve', item_id: 'a' });
    expect(bench.last('conversation.item.retrieved').item).toMatchObject({
      id: 'a',
      object: 'realtime.item',
      content: [{ type: 'input_text', text: 'hello' }],
    });
    bench.send({ type: 'conversation.item.delete', item_id: 'a' });
    expect(bench.last('conversation.item.deleted').item_id).toBe('a');
    bench.send({ type: 'conversation.item.retrieve', item_id: 'a' });
    expect(bench.last('error').error.param).toBe('item_id');
  });

  it('truncates the sound of an answer, but not beyond its end', async () => {
    const bench = new Bench(fixedBrain([speech]));
    bench.send({ type: 'response.create' });
    await bench.run(1500);
    const id = bench.last('response.output_item.done').item.id;
    bench.send({ type: 'conversation.item.truncate', item_id: id, content_index: 0, audio_end_ms: 1200 });
    expect(bench.last('error').error).toMatchObject({ code: 'invalid_value', param: 'audio_end_ms' });
    bench.send({ type: 'conversation.item.truncate', item_id: id, content_index: 0, audio_end_ms: 400 });
    expect(bench.last('conversation.item.truncated')).toMatchObject({ item_id: id, audio_end_ms: 400 });
    bench.send({ type: 'conversation.item.retrieve', item_id: id });
    expect(bench.last('conversation.item.retrieved').item).toMatchObject({
      content: [{ type: 'output_audio' }],
    });
  });

  it('that is cancelled in the middle of a call has only the arguments that were made', async () => {
    const bench = new Bench(fixedBrain([{ type: 'call', name: 'f', arguments: `"${'x'.repeat(100)}"` }]));
    bench.send({ type: 'response.create' });
    await bench.run(30);
    bench.send({ type: 'response.cancel' });
    const made = bench
      .all('response.function_call_arguments.delta')
      .map((one) => one.delta)
      .join('');
    expect(made.length).toBeLessThan(102);
    expect(bench.last('response.function_call_arguments.done').arguments).toBe(made);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'cancelled',
      output: [{ type: 'function_call', status: 'incomplete', arguments: made }],
    });
  });
});
