import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { writeWav } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { join } from './audio.ts';
import { scriptBrain } from './brain-script.ts';
import { defaultConfig, mergeConfig, parseSession } from './config.ts';
import { loadScript } from './script.ts';
import { Bench, silence } from './test-session.ts';
import { DATA, overOpus, voice } from './test-sounds.ts';

const DEMO = new URL('demo.script.json', DATA).pathname;
const folder = mkdtempSync(path(tmpdir(), 'script-'));
cpSync(new URL('voices/', DATA).pathname, path(folder, 'voices'), { recursive: true });
const say = { say: 'x', audio: 'voices/assistant-failed.wav' };
const sentence = { id: 'a', text: 'A.', samples: ['voices/person-light-on.wav'], reply: [say] };
const base = { greeting: say, goodbye: say, not_understood: say, sentences: [sentence] };

function file(content: unknown): string {
  const name = path(folder, `${Math.random()}.json`);
  writeFileSync(name, typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

describe('a script file', () => {
  it('is read with all its sounds', async () => {
    const script = await loadScript(DEMO);
    expect(script.sentences.map((one) => one.id)).toEqual([
      'light-on',
      'light-off',
      'light-blue',
      'volume-30',
      'goodbye',
    ]);
    expect(script.greeting.pcm.length / 24_000).toBeCloseTo(2.225, 2);
  });

  it('may have the faults that its page shows', async () => {
    const page = readFileSync(new URL('../../docs/gateway-script.md', DATA), 'utf8');
    const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const script = await loadScript(file({ ...base, ...(JSON.parse(example) as object) }));
    expect(script).toMatchObject({ seed: 7, faults: [{ http: 503 }, { do: 'delay' }, { do: 'drop' }] });
  });

  it.each([
    ['no file', () => path(folder, 'none.json'), /cannot be read/],
    ['no JSON', () => file('{'), /is not JSON/],
    ['a missing part', () => file({ ...base, greeting: undefined }), /greeting/],
    ['an unknown field', () => file({ ...base, greting: say }), /greting/],
    ['no sentence', () => file({ ...base, sentences: [] }), /sentences/],
    [
      'two of one id',
      () => file({ ...base, sentences: [sentence, sentence] }),
      /two sentences with the id "a"/,
    ],
    [
      'a bad tool name',
      () => file({ ...base, sentences: [{ ...sentence, reply: [{ tool: 'set light' }] }] }),
      /sentences\.0\.reply\.0/,
    ],
    [
      'a fault without its event',
      () => file({ ...base, faults: [{ do: 'drop' }] }),
      /faults\.0: expected one with event or http or expire_after/,
    ],
    [
      'a fault that nobody knows',
      () => file({ ...base, faults: [{ event: 'response.done', do: 'eat' }] }),
      /faults\.0\.do/,
    ],
    [
      'a delay without its time',
      () => file({ ...base, sentences: [{ ...sentence, reply: [{ event: '*', do: 'delay' }] }] }),
      /sentences\.0\.reply\.0\.ms/,
    ],
    ['a status that is no fault', () => file({ ...base, faults: [{ http: 201 }] }), /faults\.0\.http/],
    [
      'a chance over 1',
      () => file({ ...base, faults: [{ http: 500, probability: 2 }] }),
      /faults\.0\.probability/,
    ],
    [
      'a sound that is not there',
      () => file({ ...base, greeting: { say: 'x', audio: 'none.wav' } }),
      /none\.wav/,
    ],
    [
      'a sound that is none',
      () => file({ ...base, greeting: { say: 'x', audio: 'voices/README.md' } }),
      /no WAV file/,
    ],
    [
      'a sound that is too short',
      () => {
        writeFileSync(path(folder, 'short.wav'), writeWav(new Int16Array(100), 16_000));
        return file({ ...base, greeting: { say: 'x', audio: 'short.wav' } });
      },
      /lasts 0\.0 s/,
    ],
  ])('with %s is refused, and says where', async (_, name, message) => {
    await expect(loadScript(name())).rejects.toMatchObject({
      code: 'GATEWAY_SCRIPT',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  });
});

describe('the conversation of a script', () => {
  async function begin(tools = ['set_light', 'set_volume', 'end_session'], script = DEMO): Promise<Bench> {
    const session = parseSession({
      type: 'realtime',
      tools: tools.map((name) => ({ type: 'function', name })),
      audio: { input: { transcription: { model: 'gpt-transcribe' } } },
    });
    return new Bench(scriptBrain(await loadScript(script)), mergeConfig(defaultConfig(), session));
  }
  const create = (bench: Bench, response?: object) => bench.send({ type: 'response.create', response });
  const hear = async (bench: Bench, name: string) =>
    bench.hear(join([silence(200), await overOpus(voice(name)), silence(900)]));
  const write = (bench: Bench, text: string) => {
    const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
    bench.send({ type: 'conversation.item.create', item });
    create(bench);
  };
  const said = (bench: Bench) =>
    bench.all('response.output_audio_transcript.done').map((one) => one.transcript);
  const output = (bench: Bench, value: unknown) =>
    bench.send({
      type: 'conversation.item.create',
      item: {
        type: 'function_call_output',
        call_id: bench.last('response.function_call_arguments.done').call_id,
        output: JSON.stringify(value),
      },
    });

  it('greets, calls the tool of the sentence, and goes on when its output is there', async () => {
    const bench = await begin();
    create(bench);
    await bench.run(3000);
    await hear(bench, 'person-light-blue');
    await bench.run(300);
    expect(bench.last('conversation.item.input_audio_transcription.completed').transcript).toBe(
      'Make the light blue.',
    );
    expect(bench.last('response.function_call_arguments.done')).toMatchObject({
      name: 'set_light',
      arguments: '{"on":true,"color":"blue"}',
    });
    output(bench, { ok: true });
    create(bench);
    await bench.run(2000);
    expect(said(bench)).toEqual(['Hello! What can I do for you?', 'The light is blue now.']);
  });

  it('takes the other way when the tool fails', async () => {
    const bench = await begin();
    await hear(bench, 'person-light-on');
    await bench.run(300);
    output(bench, { error: 'no light' });
    create(bench);
    await bench.run(1000);
    expect(said(bench)).toEqual(['Sorry, that did not work.']);
  });

  it('does not call a tool that the session does not offer', async () => {
    const bench = await begin([]);
    await hear(bench, 'person-light-on');
    await bench.run(1000);
    expect(bench.types()).not.toContain('response.function_call_arguments.done');
    expect(said(bench)).toEqual(['Sorry, that did not work.']);
  });

  it('says goodbye after end_session', async () => {
    const bench = await begin();
    await hear(bench, 'person-goodbye');
    await bench.run(300);
    expect(bench.last('response.function_call_arguments.done').name).toBe('end_session');
    output(bench, { ok: true });
    create(bench, { instructions: 'Say goodbye.', tool_choice: 'none' });
    await bench.run(1000);
    expect(said(bench)).toEqual(['Goodbye! Have a nice day.']);
  });

  it('does not understand noise, and writes nothing down', async () => {
    const bench = await begin();
    await hear(bench, 'noise');
    await bench.run(1000);
    expect(bench.last('conversation.item.input_audio_transcription.completed').transcript).toBe('');
    expect(said(bench)).toEqual(['Sorry, I did not understand that.']);
  });

  it('reads what is written instead of spoken', async () => {
    const bench = await begin();
    const text = 'turn the light off PLEASE!';
    bench.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
    });
    create(bench);
    await bench.run(300);
    expect(bench.last('response.function_call_arguments.done').arguments).toBe('{"on":false}');
  });

  it('calls two tools at once, and goes on when both outputs are there', async () => {
    const tools = [{ tool: 'set_light', arguments: { on: true } }, { tool: 'set_volume' }];
    const both = { ...sentence, reply: [{ tools }, { say: 'Done.' }] };
    const script = file({ ...base, sentences: [both] });
    const calls = (bench: Bench) => bench.all('response.function_call_arguments.done');
    const answer = (bench: Bench, call_id: string) =>
      bench.send({
        type: 'conversation.item.create',
        item: { type: 'function_call_output', call_id, output: '{}' },
      });
    const bench = await begin(undefined, script);
    write(bench, 'A.');
    await bench.run(300);
    expect(calls(bench).map((one) => one.name)).toEqual(['set_light', 'set_volume']);
    expect(bench.last('response.done').response.output).toHaveLength(2);
    answer(bench, calls(bench)[1]!.call_id);
    create(bench);
    await bench.run(300);
    expect(bench.last('response.done').response.output).toEqual([]);
    answer(bench, calls(bench)[0]!.call_id);
    create(bench);
    await bench.run(300);
    expect(bench.last('response.output_text.done').text).toBe('Done.');

    const single = await begin(undefined, script);
    single.send({ type: 'session.update', session: { type: 'realtime', parallel_tool_calls: false } });
    write(single, 'A.');
    await single.run(300);
    expect(calls(single)).toHaveLength(1);
    answer(single, calls(single)[0]!.call_id);
    create(single);
    await single.run(300);
    expect(calls(single)).toHaveLength(2);
  });

  it('calls what is not offered, and with arguments that are no JSON, where it is written so', async () => {
    const tool = { tool: 'nobody_has_this', arguments: '{"on": tru', unoffered: true };
    const bench = await begin([], file({ ...base, sentences: [{ ...sentence, reply: [tool] }] }));
    write(bench, 'A.');
    await bench.run(300);
    expect(bench.last('response.function_call_arguments.done')).toMatchObject({
      name: 'nobody_has_this',
      arguments: '{"on": tru',
    });
  });

  it('expires, uses up its limits, and spoils events where it is written so', async () => {
    const steps = [
      [{ event: 'response.done', do: 'drop' }, { say: 'x' }],
      [{ fault: 'rate_limit' }],
      [{ fault: 'expire' }],
    ];
    const sentences = steps.map((reply, i) => ({ ...sentence, id: `s${i}`, text: `S${i}.`, reply }));
    const bench = await begin([], file({ ...base, sentences }));
    write(bench, 'S0.');
    await bench.run(300);
    expect(bench.armed).toMatchObject([{ event: 'response.done', do: 'drop' }]);
    write(bench, 'S1.');
    await bench.run(300);
    expect(bench.last('rate_limits.updated').rate_limits.map((one) => one.remaining)).toEqual([0, 0]);
    expect(bench.last('response.done').response).toMatchObject({
      status: 'failed',
      status_details: { error: { code: 'rate_limit_exceeded' } },
    });
    await bench.run(61_000);
    write(bench, 'S2.');
    await bench.run(300);
    expect(bench.last('error').error.code).toBe('session_expired');
    expect(bench.hungUp).toBeDefined();
  });

  it('waits where a sentence is not finished, with semantic turn detection', async () => {
    const bench = await begin();
    const turn_detection = { type: 'semantic_vad', eagerness: 'high' };
    bench.send({
      type: 'session.update',
      session: { type: 'realtime', audio: { input: { turn_detection } } },
    });
    const pcm = await overOpus(voice('person-light-blue'));
    await bench.hear(join([silence(200), pcm, silence(700)]));
    expect(bench.all('input_audio_buffer.speech_stopped')).toHaveLength(1);
    await bench.hear(join([pcm.subarray(0, pcm.length / 2), silence(1500)]));
    expect(bench.all('input_audio_buffer.speech_stopped')).toHaveLength(1);
    await bench.hear(silence(700));
    expect(bench.all('input_audio_buffer.speech_stopped')).toHaveLength(2);
  });

  it('fails and hangs up where it is written so', async () => {
    const wrong = { ...sentence, id: 'b', text: 'B.', reply: [say, { fault: 'hang_up' }] };
    const fail = { ...sentence, reply: [{ fault: 'response' }] };
    const bench = await begin([], file({ ...base, sentences: [fail, wrong] }));
    write(bench, 'A.');
    await bench.run(100);
    expect(bench.last('response.done').response.status).toBe('failed');
    write(bench, 'B.');
    await bench.run(1000);
    expect(bench.hungUp).toBe('the script says so');
    // In the middle of the sentence: it was being played.
    expect(bench.frames.length).toBeGreaterThan(5);
    expect(bench.types()).not.toContain('output_audio_buffer.stopped');
  });
});
