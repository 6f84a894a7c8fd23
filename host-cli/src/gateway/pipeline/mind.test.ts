/** Mode `pipeline` behind a session, its three servers acted by one that the test holds. */
import { manualClock } from '@tincan/boards';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig, type SessionConfig } from '../config.ts';
import { Bench, silence, tone } from '../test-session.ts';
import { type PipelineOptions, pipelineBrain } from './index.ts';
import { type Exchange, TestServer } from './test-server.ts';

let server: TestServer;
let logged: string[];
let benches: Bench[] = [];
beforeEach(async () => {
  server = await TestServer.start();
  logged = [];
});
afterEach(async () => {
  for (const bench of benches) bench.session.close();
  benches = [];
  await server.close();
  expect(server.complaints).toEqual([]);
});

interface Setup {
  config?: Partial<SessionConfig>;
  options?: Partial<PipelineOptions>;
  transcription?: object;
  detection?: SessionConfig['input']['turn_detection'];
}
/** A session whose brain asks our server. Its clock stands still unless the test moves it. */
async function session({ config = {}, options = {}, transcription, detection }: Setup = {}): Promise<Bench> {
  const clock = manualClock();
  const at = server.url;
  const brain = await pipelineBrain({
    stt: { at },
    llm: { at, model: 'a-model' },
    tts: { at, voice: 'a-voice' },
    log: (line) => logged.push(line),
    check: false,
    clock,
    ...options,
  });
  const base = defaultConfig();
  const bench = new Bench(
    brain,
    {
      ...base,
      ...config,
      input: {
        ...base.input,
        ...(transcription ? { transcription } : {}),
        ...(detection ? { turn_detection: detection } : {}),
      },
    },
    false,
    { clock, log: (line) => logged.push(line) },
  );
  benches.push(bench);
  return bench;
}

/** Lets requests and answers travel and time pass until something is so. */
async function until(bench: Bench, what: () => boolean): Promise<void> {
  for (let round = 0; !what(); round++) {
    if (round > 20_000)
      throw new Error(`it did not become so; events: ${bench.types().join(', ')}; ${logged}`);
    await bench.run(5);
    if (round % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
/** Lets everything travel that is on its way; no time passes. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setTimeout(resolve, 1));
}

const user = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});
const said = (bench: Bench) =>
  bench
    .all('response.output_audio_transcript.delta')
    .map(({ delta }) => delta)
    .join('');
const done = (bench: Bench) => bench.last('response.done').response;
const tools = [
  {
    type: 'function' as const,
    name: 'set_light',
    description: 'Switches the light.',
    parameters: { type: 'object', properties: { on: { type: 'boolean' } } },
  },
];

/** A turn of 600 ms is heard. */
async function speak(bench: Bench): Promise<void> {
  await bench.hear(tone(600));
  await bench.hear(silence(700));
}

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
    expect(logged.join('\n')).toMatch(
      /answered: words heard \d+ ms, model's first word \d+ ms, first sound \d+ ms/,
    );
    expect(logged.join('\n')).not.toContain('dark');
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

describe('an interruption', () => {
  it('stops the ear; the words are found out for the next answer all the same', async () => {
    const bench = await session();
    await speak(bench);
    const first = await server.stt();
    await bench.hear(tone(300));
    await first.gone();
    expect(done(bench).status).toBe('cancelled');
    await bench.hear(silence(700));
    const [one, two] = [await server.stt(), await server.stt()];
    one.words('What time');
    two.words('is it');
    const chat = await server.llm();
    expect(chat.asked.messages.map(({ content }) => content).sort()).toEqual(['What time', 'is it']);
  });

  it('stops the ear only where no transcript was asked for', async () => {
    const bench = await session({ transcription: { model: 'm' } });
    await speak(bench);
    const first = await server.stt();
    await bench.hear(tone(300));
    expect(done(bench).status).toBe('cancelled');
    await settle();
    expect(first.aborted).toBe(false);
    first.words('What time');
    await until(bench, () => bench.types().includes('conversation.item.input_audio_transcription.completed'));
    expect(server.pending('llm')).toBe(0);
  });

  it('by a cough before anything was said lets the question be answered after it', async () => {
    const bench = await session();
    await speak(bench);
    (await server.stt()).words('What time is it');
    const chat = await server.llm();
    await bench.hear(tone(300));
    await chat.gone();
    await bench.hear(silence(700));
    (await server.stt()).words('(coughing)');
    expect((await server.llm()).asked.messages).toEqual([{ role: 'user', content: 'What time is it' }]);
  });

  it('stops the model', async () => {
    const bench = await session();
    await speak(bench);
    (await server.stt()).words('Talk.');
    const chat = await server.llm();
    chat.text('I am about to');
    await settle();
    await bench.hear(tone(300));
    await chat.gone();
    expect(done(bench)).toMatchObject({
      status: 'cancelled',
      status_details: { reason: 'turn_detected' },
      output: [],
    });
    await settle();
    expect(server.pending('tts')).toBe(0);
    expect(bench.frames).toEqual([]);
  });

  it('stops model and mouth, and leaves of the answer what was heard of it', async () => {
    const bench = await session();
    await speak(bench);
    (await server.stt()).words('Count.');
    const chat = await server.llm();
    chat.text('One two three four. Five six seven eight. ');
    const first = await server.tts();
    first.begin();
    first.sound(tone(400));
    first.end();
    const second = await server.tts();
    second.begin();
    second.sound(tone(400));
    // The second sentence is being said, and its end is not made.
    await until(bench, () => bench.frames.length >= 30);
    await bench.hear(tone(300));
    await chat.gone();
    await second.gone();
    const frames = bench.frames.length;
    await bench.hear(silence(700));
    expect(bench.frames.length).toBe(frames);
    expect(bench.all('output_audio_buffer.cleared')).toHaveLength(1);
    (await server.stt()).words('Stop.');
    const { messages } = (await server.llm()).asked;
    expect(messages).toMatchObject([
      { role: 'user', content: 'Count.' },
      { role: 'assistant', content: expect.stringMatching(/^One two three four\. Five( six)?( seven)?…$/) },
      { role: 'user', content: 'Stop.' },
    ]);
  });

  it('by the end of the call stops all', async () => {
    const bench = await session({ transcription: { model: 'm' } });
    await speak(bench);
    const heard = await server.stt();
    bench.session.close();
    await heard.gone();
    await settle();
    expect(logged).toEqual([]);
  });
});

describe('a server', () => {
  const failure = async (bench: Bench) => {
    await until(bench, () => bench.types().includes('response.done'));
    expect(done(bench).status).toBe('failed');
    return logged.join('\n');
  };
  const asked = async (options?: Partial<PipelineOptions>) => {
    const bench = await session(options ? { options } : {});
    bench.send(user('Hello'));
    bench.send({ type: 'response.create' });
    return bench;
  };

  it('that refuses makes a failed response, and a line without the key it says back', async () => {
    const key = 'sk-test-1234567890';
    const bench = await asked({ llm: { at: server.url, model: 'gone', key } });
    const chat = await server.llm();
    expect(chat.headers.authorization).toBe(`Bearer ${key}`);
    chat.refuse(404, JSON.stringify({ error: { message: `no model "gone" for ${key}` } }));
    const log = await failure(bench);
    expect(log).toContain('the model: http://127.0.0.1:');
    expect(log).toContain('answered 404 (no model "gone" for •••); the address or the model is wrong');
    expect(log).not.toContain(key);
  });

  type Refusal = Parameters<Exchange<unknown>['refuse']>;
  const events = { 'content-type': 'text/event-stream' };
  const refusals: [string, Refusal, string][] = [
    ['a web page', [200, '<html>', { 'content-type': 'text/html' }], 'answered with a web page'],
    [
      'a redirect',
      [302, '', { location: 'https://x.example/?secret=1' }],
      'redirects to https://x.example/;',
    ],
    ['something else', [200, 'data: hello\n\n', events], 'no chat completion: hello'],
    [
      'an error in the middle',
      [200, 'data: {"error":{"message":"out of memory"}}\n\n', events],
      'broke off: out of memory',
    ],
    [
      'an end in the middle',
      [200, 'data: {"choices":[{"delta":{"content":"Hm"}}]}\n\n', events],
      'ended in the middle',
    ],
    ['no welcome', [401, 'no'], 'answered 401 (no); the key (TINCAN_LLM_KEY) is missing or refused'],
  ];
  it.each(refusals)('that answers with %s is told from others', async (_name, refusal, sentence) => {
    const bench = await asked();
    (await server.llm()).refuse(...refusal);
    expect(await failure(bench)).toContain(sentence);
  });

  it('that says nothing is waited for so long, not longer', async () => {
    const bench = await asked({ llm: { at: server.url, model: 'm', limitMs: 5000 } });
    const chat = await server.llm();
    await bench.run(4000);
    chat.text('Well');
    await settle();
    await bench.run(4000);
    expect(bench.types()).not.toContain('response.done');
    await until(bench, () => bench.types().includes('response.done'));
    await chat.gone();
    expect(await failure(bench)).toContain('said nothing for 5 s');
  });

  it('that breaks off in the middle leaves what was said', async () => {
    const bench = await asked();
    const chat = await server.llm();
    chat.text('The first. The sec');
    const first = await server.tts();
    chat.cut();
    first.begin();
    first.sound(tone(100));
    first.end();
    expect(await failure(bench)).toMatch(/the model: .* broke off/);
    expect(done(bench).output).toMatchObject([
      { status: 'incomplete', content: [{ transcript: 'The first.' }] },
    ]);
  });

  it('that speaks MP3 is told', async () => {
    const bench = await asked();
    const chat = await server.llm();
    chat.text('Hello.');
    chat.finish();
    (await server.tts()).refuse(200, 'ID3\x04', { 'content-type': 'audio/mpeg' });
    expect(await failure(bench)).toContain('text-to-speech: it sent MP3 where WAV or PCM was asked for');
  });

  it('of speech that fails is told to who wants transcripts, and fails the answer once', async () => {
    const bench = await session({ transcription: { model: 'm' } });
    await speak(bench);
    (await server.stt()).refuse(500, 'out of memory');
    const log = await failure(bench);
    expect(bench.last('conversation.item.input_audio_transcription.failed').error).toMatchObject({
      code: 'transcription_failed',
    });
    expect(log).toContain('answered 500 (out of memory)');
    expect(server.requests).toHaveLength(1);
  });

  it('that is not there is told when the pipeline starts, and a model that it does not list', async () => {
    server.models = ['x', 'y'];
    const gone = await TestServer.start();
    const at = gone.url;
    await gone.close();
    await session({ options: { check: true, stt: { at }, llm: { at: server.url, model: 'z' } } });
    expect(logged).toEqual([
      expect.stringMatching(/^the model: .* does not list the model z; it has x, y$/),
      expect.stringMatching(/^speech-to-text: http:.*\/v1\/audio\/transcriptions cannot be reached: /),
    ]);
    expect(server.requests).toEqual(['GET /v1/models', 'GET /v1/models']);
  });

  it('that lists models is asked for the first where none is named', async () => {
    server.models = ['the-first', 'another'];
    const bench = await asked({ check: true, llm: { at: server.url } });
    expect((await server.llm()).asked.model).toBe('the-first');
    bench.send({ type: 'response.cancel' });
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
