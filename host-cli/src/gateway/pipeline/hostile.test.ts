/** Mode `pipeline` and what servers do to it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultConfig } from '../config.ts';
import { silence } from '../test-session.ts';
import { done, Pipeline, settle, speak, until, user } from './test-pipeline.ts';
import type { TestServer } from './test-server.ts';

let pipeline: Pipeline;
let server: TestServer;
beforeEach(async () => {
  pipeline = await Pipeline.start();
  server = pipeline.server;
});
afterEach(() => pipeline.close());

const tools = [{ type: 'function' as const, name: 'set_light' }];

it('broken arguments of a call do not spoil what is asked afterwards', async () => {
  const bench = await pipeline.session({ config: { tools, output_modalities: ['text'] } });
  bench.send(user('Light.'));
  bench.send({ type: 'response.create' });
  const chat = await server.llm();
  chat.call(0, 'call_a', 'set_light', '{"on":');
  chat.finish('tool_calls');
  await until(bench, () => bench.types().includes('response.done'));
  const [call] = done(bench).output ?? [];
  // The client gets what the model wrote, and says what is wrong with it.
  expect(call).toMatchObject({ type: 'function_call', arguments: '{"on":' });
  bench.send({
    type: 'conversation.item.create',
    item: {
      type: 'function_call_output',
      call_id: (call as { call_id: string }).call_id,
      output: '{"error":"not JSON"}',
    },
  });
  bench.send({ type: 'response.create' });
  const { messages } = (await server.llm()).asked;
  for (const message of messages)
    if (message.role === 'assistant')
      for (const { function: made } of message.tool_calls ?? [])
        expect(() => JSON.parse(made.arguments)).not.toThrow();
});

it('a turn that the ear refuses fails its own answer, not all that follow', async () => {
  const bench = await pipeline.session({ config: { output_modalities: ['text'] } });
  await speak(bench);
  (await server.stt()).refuse(400, '{"error":"too short"}');
  await until(bench, () => bench.all('response.done').length === 1);
  expect(done(bench).status).toBe('failed');
  await speak(bench);
  const asked = [await server.stt(), await server.stt()];
  asked[0]!.refuse(400, '{"error":"too short"}');
  asked[1]!.words('And now?');
  const chat = await server.llm();
  expect(chat.asked.messages).toEqual([{ role: 'user', content: 'And now?' }]);
  chat.text('Yes.');
  chat.finish();
  await until(bench, () => bench.all('response.done').length === 2);
  expect(done(bench).status).toBe('completed');
});

it('a silence that is too long is not written down', async () => {
  const detection = {
    ...defaultConfig().input.turn_detection,
    type: 'server_vad',
    idle_timeout_ms: 5000,
  } as ReturnType<typeof defaultConfig>['input']['turn_detection'];
  const bench = await pipeline.session({ detection, transcription: { model: 'whisper-1' } });
  bench.send(user('Hello'));
  bench.send({ type: 'response.create' });
  (await server.llm()).finish();
  await until(bench, () => bench.types().includes('response.done'));
  for (let at = 0; at < 5100; at += 100) await bench.hear(silence(100));
  await server.llm();
  await settle();
  expect(server.pending('stt')).toBe(0);
  expect(bench.last('conversation.item.input_audio_transcription.completed').transcript).toBe('');
});

it('a call that was cut off is not made', async () => {
  const bench = await pipeline.session({ config: { tools, output_modalities: ['text'] } });
  bench.send(user('Light.'));
  bench.send({ type: 'response.create' });
  const chat = await server.llm();
  chat.call(0, 'call_a', 'set_light', '{"on":true}');
  chat.call(1, 'call_b', 'set_light', '{"on":fa');
  chat.finish('length');
  await until(bench, () => bench.types().includes('response.done'));
  expect(done(bench)).toMatchObject({
    status: 'incomplete',
    output: [{ type: 'function_call', arguments: '{"on":true}' }],
  });
});
