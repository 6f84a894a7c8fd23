/** Mode `pipeline`: the person speaks while a stage works. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silence, tone } from '../test-session.ts';
import { done, Pipeline, type Setup, settle, speak, until, user } from './test-pipeline.ts';
import type { TestServer } from './test-server.ts';

let pipeline: Pipeline;
let server: TestServer;
const session = (setup?: Setup) => pipeline.session(setup);
beforeEach(async () => {
  pipeline = await Pipeline.start();
  server = pipeline.server;
});
afterEach(() => pipeline.close());

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

  it('stops the mouth before its first sound', async () => {
    const bench = await session();
    await speak(bench);
    (await server.stt()).words('Talk.');
    const chat = await server.llm();
    chat.text('Here I am. ');
    const first = await server.tts();
    await bench.hear(tone(300));
    await first.gone();
    await chat.gone();
    expect(done(bench)).toMatchObject({ status: 'cancelled', output: [] });
    await settle();
    expect(bench.frames).toEqual([]);
  });

  it('leaves what an answer beside the conversation does not change', async () => {
    const bench = await session();
    bench.send(user('Count.'));
    bench.send({ type: 'response.create' });
    const chat = await server.llm();
    chat.text('One two three four. ');
    const first = await server.tts();
    first.begin();
    first.sound(tone(1000));
    await until(bench, () => bench.frames.length >= 25);
    bench.send({ type: 'response.create', response: { conversation: 'none', output_modalities: ['text'] } });
    const beside = await server.llm();
    await bench.hear(tone(300));
    await chat.gone();
    beside.text('A note.');
    beside.finish();
    await until(bench, () => bench.types().includes('response.output_text.done'));
    await bench.hear(silence(700));
    (await server.stt()).words('Stop.');
    expect((await server.llm()).asked.messages[1]).toMatchObject({
      role: 'assistant',
      content: expect.stringMatching(/^One two( three)?( four\.)?…?$/),
    });
  });

  it('by the end of the call stops all', async () => {
    const bench = await session({ transcription: { model: 'm' } });
    await speak(bench);
    const heard = await server.stt();
    bench.session.close();
    await heard.gone();
    await settle();
    expect(pipeline.logged).toEqual([]);
  });
});
