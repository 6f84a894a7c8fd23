/** Mode `pipeline` behind a session: a turn's way through ear, model and mouth. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../config.ts';
import { silence, tone } from '../test-session.ts';
import { done, Pipeline, type Setup, said, settle, speak, until, user } from './test-pipeline.ts';
import type { TestServer } from './test-server.ts';

let pipeline: Pipeline;
let server: TestServer;
const session = (setup?: Setup) => pipeline.session(setup);
beforeEach(async () => {
  pipeline = await Pipeline.start();
  server = pipeline.server;
});
afterEach(() => pipeline.close());

const tools = [
  {
    type: 'function' as const,
    name: 'set_light',
    description: 'Switches the light.',
    parameters: { type: 'object', properties: { on: { type: 'boolean' } } },
  },
];

describe('a turn', () => {
  it('goes through ear, model and mouth, and is heard sentence by sentence while the model still writes', async () => {
    const bench = await session({
      config: { instructions: 'Be brief.' },
      transcription: { model: 'session-model', language: 'en', prompt: 'lights' },
    });
    await speak(bench);
    const heard = await server.stt();
    expect(heard.asked).toMatchObject({ model: 'session-model', language: 'en', prompt: 'lights' });
    expect(heard.asked.pcm.length / 16).toBeGreaterThan(600);
    heard.words(' Is it dark?\n');

    const chat = await server.llm();
    expect(chat.asked).toMatchObject({
      model: 'a-model',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Is it dark?' },
      ],
    });
    expect(chat.asked).not.toHaveProperty('tools');
    expect(chat.asked).not.toHaveProperty('max_tokens');
    chat.text('It is **dark**. ');
    const first = await server.tts();
    expect(first.asked).toEqual({
      model: 'tts-1',
      input: 'It is dark.',
      voice: 'a-voice',
      response_format: 'wav',
    });
    first.begin(16_000);
    first.sound(tone(300));
    await until(bench, () => bench.frames.length > 3);
    // Sound is played; neither the sentence nor the answer is whole yet.
    expect('It is **dark**.').toContain(said(bench));
    first.sound(tone(300));
    first.end();
    chat.text('Shall I switch it');
    chat.text(' on? ');
    const second = await server.tts();
    expect(second.asked.input).toBe('Shall I switch it on?');
    second.begin();
    second.sound(tone(400));
    second.end();
    chat.finish();
    await until(bench, () => bench.types().includes('output_audio_buffer.stopped'));

    expect(bench.last('conversation.item.input_audio_transcription.completed').transcript).toBe(
      'Is it dark?',
    );
    expect(done(bench)).toMatchObject({
      status: 'completed',
      output: [{ content: [{ type: 'output_audio', transcript: 'It is **dark**. Shall I switch it on?' }] }],
    });
    // 600 ms at 16 kHz are 900 at 24 kHz... the first file said 16 kHz: its samples last half as long again.
    const played = bench.frames.length * 20;
    expect(played).toBeGreaterThanOrEqual(600 * 1.5 + 400);
    expect(played).toBeLessThan(600 * 1.5 + 400 + 40);
    expect(pipeline.logged.join('\n')).toMatch(
      /answered: words heard \d+ ms, model's first word \d+ ms, first sound \d+ ms/,
    );
    expect(pipeline.logged.join('\n')).not.toContain('dark');
  });

  it('of noise is not answered', async () => {
    const bench = await session();
    await speak(bench);
    (await server.stt()).words(' [BLANK_AUDIO] ');
    await until(bench, () => bench.types().includes('response.done'));
    expect(done(bench)).toMatchObject({ status: 'completed', output: [] });
    expect(server.requests).toEqual(['POST /v1/audio/transcriptions']);
  });

  it('that is whole before its sound comes is made one sentence ahead, not all at once', async () => {
    const bench = await session();
    bench.send(user('Tell me all.'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    chat.text('One is here. Two is here. Three is here.');
    chat.finish();
    const first = await server.tts();
    await settle();
    expect(server.pending('tts')).toBe(0);
    first.begin();
    first.sound(tone(10_000));
    first.end();
    // The second waits until less than eight seconds of sound lie ready.
    await settle();
    expect(server.pending('tts')).toBe(0);
    await until(bench, () => server.pending('tts') === 1);
    const second = await server.tts();
    expect(second.asked.input).toBe('Two is here.');
    expect(bench.types()).not.toContain('output_audio_buffer.stopped');
    for (const exchange of [second]) {
      exchange.begin();
      exchange.sound(tone(100));
      exchange.end();
    }
    const third = await server.tts();
    third.begin();
    third.sound(tone(100));
    third.end();
    await until(bench, () => bench.types().includes('response.done'));
    expect(said(bench)).toBe('One is here. Two is here. Three is here.');
  });

  it('begins at a clause where its first sentence is long, and a slow model is not waited for', async () => {
    const bench = await session();
    bench.send(user('Go.'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    chat.text('In the middle of the night, while everybody');
    const clause = await server.tts();
    expect(clause.asked.input).toBe('In the middle of the night,');
    clause.begin();
    clause.sound(tone(100));
    clause.end();
    chat.text(' sleeps.');
    await settle();
    expect(server.pending('tts')).toBe(0);
    // 200 ms without another word: the sentence looks whole.
    await until(bench, () => server.pending('tts') === 1);
    expect((await server.tts()).asked.input).toBe('while everybody sleeps.');
  });
});

describe('text', () => {
  it('comes as it is written, and nothing is spoken', async () => {
    const bench = await session({ config: { output_modalities: ['text'] } });
    bench.send(user('Hello'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    chat.text('\n\nHel');
    await until(bench, () => bench.types().includes('response.output_text.delta'));
    chat.text('lo, **you**');
    chat.finish();
    await until(bench, () => bench.types().includes('response.done'));
    expect(bench.last('response.output_text.done').text).toBe('Hello, **you**');
    expect(server.requests).toEqual(['POST /v1/chat/completions']);
    expect(bench.frames).toEqual([]);
  });
});

describe('tools', () => {
  it('are called, several at once, after what is said before them, and their outputs come back to the model', async () => {
    const bench = await session({
      config: { tools, tool_choice: 'required', parallel_tool_calls: true, max_output_tokens: 500 },
    });
    bench.send(user('Light, please.'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    expect(chat.asked).toMatchObject({
      max_tokens: 500,
      tool_choice: 'required',
      parallel_tool_calls: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'set_light',
            description: 'Switches the light.',
            parameters: tools[0]!.parameters,
          },
        },
      ],
    });
    chat.text('One moment.');
    chat.call(0, 'call_a', 'set_light', '{"o', 'n":true}');
    chat.call(1, 'call_b', 'get_time');
    chat.finish('tool_calls');
    const moment = await server.tts();
    moment.begin();
    moment.sound(tone(200));
    moment.end();
    await until(bench, () => bench.types().includes('response.done'));
    const output = done(bench).output ?? [];
    expect(output).toMatchObject([
      { type: 'message', content: [{ transcript: 'One moment.' }] },
      { type: 'function_call', name: 'set_light', arguments: '{"on":true}' },
      { type: 'function_call', name: 'get_time', arguments: '{}' },
    ]);
    const ids = output.flatMap((item) => (item.type === 'function_call' ? [item.call_id!] : []));
    // One output is missing when the person speaks: servers refuse a call without one.
    bench.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: ids[0], output: '{"ok":true}' },
    });
    bench.send(user('And now?'));
    bench.send({
      type: 'response.create',
      response: { tool_choice: { type: 'function', name: 'set_light' } },
    });
    const again = await server.llm();
    expect(again.asked.tool_choice).toEqual({ type: 'function', function: { name: 'set_light' } });
    expect(again.asked.messages).toEqual([
      { role: 'user', content: 'Light, please.' },
      {
        role: 'assistant',
        content: 'One moment.',
        tool_calls: [
          { id: ids[0], type: 'function', function: { name: 'set_light', arguments: '{"on":true}' } },
          { id: ids[1], type: 'function', function: { name: 'get_time', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: ids[0], content: '{"ok":true}' },
      { role: 'tool', tool_call_id: ids[1], content: '{"error":"there is no result yet"}' },
      { role: 'user', content: 'And now?' },
    ]);
    again.text('It is on.');
    again.finish('length');
    const on = await server.tts();
    on.begin();
    on.sound(tone(100));
    on.end();
    await until(bench, () => bench.all('response.done').length === 2);
    expect(done(bench)).toMatchObject({
      status: 'incomplete',
      status_details: { reason: 'max_output_tokens' },
    });
  });

  it('called one after the other stay one after the other for the model', async () => {
    const bench = await session({ config: { tools, output_modalities: ['text'] } });
    bench.send(user('Blink.'));
    for (const [round, on] of [
      [1, true],
      [2, false],
    ] as const) {
      bench.send({ type: 'response.create' });
      const chat = await server.llm();
      chat.call(0, `call_${round}`, 'set_light', JSON.stringify({ on }));
      chat.finish('tool_calls');
      await until(bench, () => bench.all('response.done').length === round);
      const [call] = done(bench).output ?? [];
      const call_id = call?.type === 'function_call' ? call.call_id : undefined;
      bench.send({
        type: 'conversation.item.create',
        item: { type: 'function_call_output', call_id, output: `{"round":${round}}` },
      });
    }
    bench.send({ type: 'response.create' });
    const roles = (await server.llm()).asked.messages.map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool']);
  });
});

describe('a silence that is too long', () => {
  it('is told to the model, and nobody listens to it', async () => {
    const { input } = defaultConfig();
    const detection = {
      ...input.turn_detection,
      type: 'server_vad',
      idle_timeout_ms: 5000,
    } as typeof input.turn_detection;
    const bench = await session({ detection });
    bench.send(user('Hello'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    chat.finish();
    await until(bench, () => bench.types().includes('response.done'));
    for (let at = 0; at < 5100; at += 100) await bench.hear(silence(100));
    const { messages } = (await server.llm()).asked;
    expect(messages).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'user', content: '(The person has said nothing for a while.)' },
    ]);
    expect(server.pending('stt')).toBe(0);
  });
});

describe('the very first answer', () => {
  it('is asked for although nobody spoke', async () => {
    const bench = await session();
    bench.send({ type: 'response.create', response: { instructions: 'Greet the person.' } });
    expect((await server.llm()).asked.messages).toEqual([
      { role: 'system', content: 'Greet the person.' },
      { role: 'user', content: expect.stringContaining('nothing') },
    ]);
  });
});

describe('raw sound', () => {
  it('is read at the rate that its type names', async () => {
    const bench = await session({
      options: { tts: { at: server.url, voice: 'v', format: 'pcm' } },
      config: { output: { ...defaultConfig().output, speed: 1.25 } },
    });
    bench.send(user('Hello'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    chat.text('Hello.');
    chat.finish();
    const exchange = await server.tts();
    expect(exchange.asked).toMatchObject({ response_format: 'pcm', speed: 1.25 });
    const pcm = tone(240);
    const bytes = Buffer.from(pcm.buffer);
    // Odd pieces: a sample is cut in two.
    exchange.write('audio/pcm;rate=12000', bytes.subarray(0, 1001));
    exchange.write('', bytes.subarray(1001));
    exchange.end();
    await until(bench, () => bench.types().includes('output_audio_buffer.stopped'));
    expect(bench.frames).toHaveLength((240 * 2) / 20);
  });
});
