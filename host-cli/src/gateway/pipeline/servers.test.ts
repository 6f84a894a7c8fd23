/** Mode `pipeline`: servers that refuse, break off, say nothing, or are not there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, tone } from '../test-session.ts';
import type { PipelineOptions } from './index.ts';
import { done, Pipeline, type Setup, speak, travelled, until, user } from './test-pipeline.ts';
import { type Exchange, TestServer } from './test-server.ts';

let pipeline: Pipeline;
let server: TestServer;
const session = (setup?: Setup) => pipeline.session(setup);
beforeEach(async () => {
  pipeline = await Pipeline.start();
  server = pipeline.server;
});
afterEach(() => pipeline.close());

describe('a server', () => {
  const failure = async (bench: Bench) => {
    await until(bench, () => bench.types().includes('response.done'));
    expect(done(bench).status).toBe('failed');
    return pipeline.logged.join('\n');
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
    const bench = await session({
      options: { llm: { at: server.url, model: 'm', limitMs: 5000 } },
      config: { output_modalities: ['text'] },
    });
    bench.send(user('Hello'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    await bench.run(4000);
    chat.text('Well');
    await travelled(() => bench.types().includes('response.output_text.delta'));
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
    expect(pipeline.logged).toEqual([
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
