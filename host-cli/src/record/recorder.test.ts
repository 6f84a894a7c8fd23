import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { forgetSecrets, registerSecret } from '../redact.ts';
import { readOggOpus } from './ogg.ts';
import { clock } from './page.ts';
import { Recorder } from './recorder.ts';

const START = Date.UTC(2026, 10, 20, 14, 3);
/** 20 ms of silence, as any encoder may make it. */
const PACKET = Buffer.from([0xf8, 0xff, 0xfe]);
const packets = (count: number) => Array.from({ length: count }, () => PACKET.toString('base64'));

function desk() {
  const parent = mkdtempSync(join(tmpdir(), 'tincan-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, 'talk');
  let at = START;
  const recorder = new Recorder(folder, { now: () => at });
  onTestFinished(() => void recorder.close());
  const message = (method: string, params: object) => recorder.message({ method, params: { ...params }, at });
  return {
    folder,
    recorder,
    message,
    wait: (ms: number) => {
      at += ms;
    },
    event: (event: object) => message('realtime.event', { event }),
    sound: (from: string, from_at: number, count = 5) =>
      message('sound', { from, at: from_at, packets: packets(count) }),
    read: (name: string) => readFileSync(join(folder, name), 'utf8'),
    json: (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, never>,
    opus: (name: string) => readOggOpus(readFileSync(join(folder, `${name}.opus`))),
  };
}
const session = (model = 'gpt-realtime-2.1') => ({
  type: 'session.created',
  session: { type: 'realtime', model, audio: { input: { transcription: { model: 'gpt-transcribe' } } } },
});
const committed = (item_id: string, previous_item_id: string | null) => ({
  type: 'input_audio_buffer.committed',
  item_id,
  previous_item_id,
});
const heard = (item_id: string, transcript: string, usage?: object) => ({
  type: 'conversation.item.input_audio_transcription.completed',
  item_id,
  content_index: 0,
  transcript,
  usage,
});
const answer = (id: string, previous_item_id: string, text: string) => ({
  type: 'conversation.item.done',
  previous_item_id,
  item: {
    id,
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_audio', transcript: text }],
  },
});

test('everything is in the folder before the end', () => {
  const { message, event, read, json, wait, recorder, folder } = desk();
  message('realtime.sent', { event: { type: 'session.update', session: { type: 'realtime' } } });
  event(session());
  event(committed('u1', null));
  wait(1200);
  event(answer('a1', 'u1', 'It is *on*.'));
  expect(read('transcript.md')).not.toContain('Tincan');
  wait(800);
  expect(event(heard('u1', 'Turn on the light.', { type: 'duration', seconds: 2 }))).toHaveLength(2);
  event({
    type: 'response.done',
    response: {
      id: 'r',
      status: 'completed',
      usage: {
        total_tokens: 1300,
        input_tokens: 1200,
        output_tokens: 100,
        input_token_details: {
          text_tokens: 200,
          audio_tokens: 1000,
          cached_tokens: 500,
          cached_tokens_details: { text_tokens: 100, audio_tokens: 400 },
        },
        output_token_details: { text_tokens: 20, audio_tokens: 80 },
      },
    },
  });
  recorder.record({ at: 'then', text: 'I (5) tincan: hello' });
  expect(readdirSync(folder).sort()).toEqual([
    'cost.json',
    'events.jsonl',
    'loudspeaker.opus',
    'microphone.opus',
    'transcript.md',
  ]);
  const lines = read('events.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(
    lines.map(({ method, params, text }) => (method && params.event ? params.event.type : text)),
  ).toEqual([
    'session.update',
    'session.created',
    'input_audio_buffer.committed',
    'conversation.item.done',
    'conversation.item.input_audio_transcription.completed',
    'response.done',
    'I (5) tincan: hello',
  ]);
  expect(lines[3].at).toBe('2026-11-20T14:03:01.200Z');
  // In order, though the words came last; each with the time at which it began.
  expect(read('transcript.md')).toBe(
    '# Conversation of 2026-11-20, 14:03 UTC\n\n**Person** (0:00): Turn on the light.\n\n**Tincan** (0:01): It is \\*on\\*.\n',
  );
  // 100 fresh and 100 cached text, 600 fresh and 400 cached audio, 20 text and 80 audio made; dollars a million.
  const dollars = (100 * 4 + 100 * 0.4 + 600 * 32 + 400 * 0.4 + 20 * 24 + 80 * 64) / 1e6;
  expect(json('cost.json')).toEqual({
    models: {
      'gpt-realtime-2.1': {
        responses: 1,
        tokens: {
          input: 1200,
          output: 100,
          input_text: 200,
          input_audio: 1000,
          input_image: 0,
          cached: 500,
          output_text: 20,
          output_audio: 80,
        },
        dollars: expect.closeTo(dollars, 9),
      },
    },
    dollars: expect.closeTo(dollars, 9),
    unpriced: 0,
    transcription: { turns: 1, tokens: 0, seconds: 2 },
  });
  message('state', { state: 'ready', reason: 'end_session' });
  expect(recorder.close()).toMatchObject({
    started: '2026-11-20T14:03:00.000Z',
    ms: 2000,
    sessions: 1,
    turns: 2,
    responses: 1,
    ended: 'end_session',
  });
  expect(json('summary.json')).toEqual(recorder.summary);
});

test('both voices have one clock; where a voice is silent its file goes on', () => {
  const { sound, recorder, opus, wait } = desk();
  for (let i = 0; i < 50; i++) {
    sound('microphone', i * 4800);
    if (i >= 20 && i < 30) sound('loudspeaker', i * 4800 + 77);
    wait(100);
    if (i % 5 === 4) recorder.tick();
  }
  recorder.close();
  const [microphone, loudspeaker] = [opus('microphone'), opus('loudspeaker')];
  expect(microphone).toMatchObject({ length: 240_000, ended: true });
  expect(loudspeaker).toMatchObject({ length: 240_000, ended: true });
  expect(recorder.summary.voices).toEqual({
    microphone: { packets: 250, lost: 0, refused: 0 },
    loudspeaker: { packets: 50, lost: 0, refused: 0 },
  });
});

test('a recording that begins in the middle of a session begins with its first sound', () => {
  const { sound, recorder, opus } = desk();
  sound('microphone', 86_400_000);
  sound('loudspeaker', 86_400_000 - 4800);
  sound('microphone', 86_404_800);
  recorder.close();
  // 0.2 s before the first packet, for what the other voice has to say.
  expect(opus('microphone').length).toBe(9600 + 9600);
  expect(recorder.summary.voices.loudspeaker).toEqual({ packets: 5, lost: 0, refused: 0 });
});

test.each([
  ['announced', true],
  ['seen by its times only', false],
])('a new session (%s) stands as much later in the files as it came', (_name, announced) => {
  const { sound, event, recorder, opus, wait } = desk();
  event(session());
  for (let i = 0; i < 100; i++) {
    sound('microphone', i * 4800);
    wait(100);
  }
  wait(3000);
  if (announced) event(session());
  for (let i = 0; i < 10; i++) {
    sound('microphone', i * 4800);
    wait(100);
  }
  recorder.close();
  expect(opus('microphone').length).toBe((13_000 + 1000) * 48);
  expect(recorder.summary.sessions).toBe(announced ? 2 : 1);
});

test('a time from nowhere fills no disk', () => {
  const { sound, recorder, opus, wait } = desk();
  sound('microphone', 0);
  for (const at of [4_294_967_295, 1e15, -5, 0, 2e9]) {
    wait(100);
    sound('loudspeaker', at);
  }
  recorder.close();
  expect(opus('loudspeaker').length).toBeLessThan(48_000);
});

test('what is missing in the middle of a frame is concealed, what is no packet refused', () => {
  const { message, sound, recorder } = desk();
  const [one] = packets(1);
  message('sound', { from: 'microphone', at: 0, packets: [one, null, one, '', one] });
  for (const params of [
    { from: 'radio', at: 0, packets: [one] },
    { from: 'microphone', at: 'x', packets: [one] },
    { from: 'microphone', at: 0, packets: 'x' },
    { from: 'microphone', at: 4800, packets: [5, {}, null] },
    {},
  ])
    message('sound', params);
  sound('microphone', 4800);
  expect(recorder.close().voices.microphone).toEqual({ packets: 8, lost: 2, refused: 1 });
});

test('what waits is written after half a second of sound, or at the next tick', () => {
  const { sound, recorder, opus } = desk();
  sound('microphone', 0);
  expect(opus('microphone').packets).toHaveLength(0);
  recorder.tick();
  expect(opus('microphone').packets).toHaveLength(5);
  for (let i = 1; i < 8; i++) sound('microphone', i * 4800);
  expect(opus('microphone').packets.length).toBeGreaterThanOrEqual(30);
});

test('sessions follow each other on the page; a history that is given back is not written twice', () => {
  const { event, read, wait, recorder } = desk();
  event(session());
  event(committed('u1', null));
  event(heard('u1', 'Who are you?'));
  event(answer('a1', 'u1', 'A box.'));
  event(committed('u2', 'a1'));
  wait(65_000);
  event(session());
  event(answer('h2', 'h1', 'A box.'));
  event(committed('u3', 'h2'));
  event(heard('u3', 'Still there?'));
  recorder.close();
  expect(read('transcript.md').split('\n\n').slice(1)).toEqual([
    '**Person** (0:00): Who are you?',
    '**Tincan** (0:00): A box.',
    '*A new session, 1:05*',
    '**Person** (1:05): Still there?\n',
  ]);
});

test('secrets stay out of all files', () => {
  const { event, message, recorder, folder } = desk();
  registerSecret('my-own-wifi-password');
  onTestFinished(forgetSecrets);
  const words = 'my-own-wifi-password and ek_0123456789abcdef0123';
  event(session());
  event(answer('a', 'b', words));
  message('problem', { code: 'x', message: words });
  recorder.close();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'latin1');
    expect(text, name).not.toMatch(/wifi-password|ek_0123/);
  }
});

test('a model without a price costs nobody knows what', () => {
  const { event, json } = desk();
  event(session('my-model'));
  const usage = { input_tokens: 5, output_tokens: 6, input_token_details: 'x', output_token_details: null };
  event({ type: 'response.done', response: { usage } });
  event({ type: 'response.done', response: { usage: { input_tokens: Number.NaN, output_tokens: -1 } } });
  event({ type: 'response.done', response: null });
  event({ type: 'response.done' });
  expect(json('cost.json')).toMatchObject({
    models: { 'my-model': { responses: 2, tokens: { input: 5, output: 6 }, dollars: null } },
    dollars: null,
    unpriced: 2,
  });
});

test('a recording that joins a session goes by the model of the settings, until it hears another', () => {
  const { event, json, recorder } = desk();
  recorder.joined('gpt-realtime-2.1');
  const usage = { input_tokens: 0, output_tokens: 5, output_token_details: { text_tokens: 5 } };
  event({ type: 'response.done', response: { usage } });
  expect(recorder.cost.dollars).toBeGreaterThan(0);
  event(session('my-model'));
  recorder.joined('gpt-realtime-2.1');
  event({ type: 'response.done', response: { usage } });
  expect(json('cost.json').models).toMatchObject({
    'gpt-realtime-2.1': { responses: 1 },
    'my-model': { responses: 1 },
  });
});

test('why it ended is the last end of a session, a restart too, and not what came after', () => {
  const { message, recorder } = desk();
  const ended = (...states: [state: string, reason: string][]) => {
    for (const [state, reason] of states) message('state', { state, reason });
    return recorder.summary.ended;
  };
  expect(ended(['live', 'none'], ['backoff', 'peer_failed'])).toBe('peer_failed');
  expect(ended(['connecting', 'none'], ['live', 'none'])).toBeUndefined();
  expect(ended(['joining', 'boot'], ['ready', 'wifi_up'])).toBe('boot');
  expect(ended(['live', 'none'], ['closing', 'host'], ['ready', 'host'])).toBe('host');
});

test('a folder that holds a recording is left as it is; other files are no hindrance', () => {
  const parent = mkdtempSync(join(tmpdir(), 'tincan-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, 'talk');
  mkdirSync(folder);
  writeFileSync(join(folder, 'mine.txt'), 'keep');
  const first = new Recorder(folder, { now: () => START });
  first.close();
  const before = readFileSync(join(folder, 'events.jsonl'));
  mkdirSync(`${folder}-2`);
  expect(() => new Recorder(folder, { now: () => START })).toThrow(
    expect.objectContaining({
      code: 'RECORDING_EXISTS',
      exitCode: 2,
      hint: expect.stringContaining(`${folder}-3`),
    }),
  );
  expect(readFileSync(join(folder, 'events.jsonl'))).toEqual(before);
  writeFileSync(join(parent, 'file'), '');
  expect(() => new Recorder(join(parent, 'file', 'x'), { now: () => START })).toThrow(
    expect.objectContaining({ code: 'FILE_WRITE' }),
  );
});

test('times are told as a person reads them', () => {
  expect([0, 59_999, 60_000, 3_599_999, 3_600_000, -5].map(clock)).toEqual([
    '0:00',
    '0:59',
    '1:00',
    '59:59',
    '1:00:00',
    '0:00',
  ]);
});
