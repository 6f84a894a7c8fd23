/**
 * "Bad input gets a sentence, a hint, and nothing lost": what a server can do wrong to the board, what a person sees
 * of it, and that the next good session works.
 */
import { createServer } from 'node:net';
import { applySettings } from '@tincan/host-cli';
import type { Problem, RealtimeFrame, StateChange } from '@tincan/shared-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { GUARD_MS, PASSWORD, startTestBoard, type TestBoard, TOKEN } from './support/board.ts';
import { type HurryClock, hurryClock } from './support/clock.ts';
import {
  type Call,
  type ForeignServer,
  type RealtimeEvent,
  startForeignServer,
} from './support/foreign-server.ts';
import { toneMs } from './support/sound.ts';
import { cuttable } from './support/stack-cut.ts';
import { ndcStack } from './support/stack-ndc.ts';
import { sdp, wrongAnswers } from './support/wrong-answers.ts';

const ANSWER = { transcript: 'Yes.', hertz: 550, ms: 400 };
const STORY = { transcript: 'Once upon a time …', hertz: 700, ms: 4000, slow: true };

/** The server tells its story instead of an answer. */
let telling = false;
let clock: HurryClock;
let board: TestBoard;
let server: ForeignServer;
let vanished: ReturnType<typeof vanish>;
/** The sentences of the table, without what is behind them, and the reasons that they stand for. */
const sentences = new Map<string, Set<string>>();

beforeAll(async () => {
  // It takes ICE half a minute to give up (RFC 7675 section 5.1), so this goes on beside the other tests.
  vanished = vanish();
  vanished.catch(() => undefined);
  clock = hurryClock();
  server = await startForeignServer({
    stack: ndcStack,
    token: TOKEN,
    script: () => (telling ? STORY : ANSWER),
  });
  board = await startTestBoard({
    clock,
    settings: {
      'server.url': server.url,
      'session.greeting': '',
      'audio.volume': 100,
      'device.idle_limit': 0,
    },
  });
  await board.state('ready');
});

afterAll(async () => {
  await board?.close();
  await server?.close();
});

/** After every wrong: the board has not restarted, the link has lost nothing, and a good session works. */
afterEach(async () => {
  server.http = undefined;
  await board.device.request('session.stop').catch(() => undefined); // where it would go on by itself
  await goodSession();
  const stats = await board.device.request<{ session: { illegal: number } }>('device.stats');
  expect(stats.session.illegal).toBe(0);
  expect(board.device).toMatchObject({ lost: 0, broken: 0 });
  expect(board.messages.filter(({ method }) => method === 'hello')).toHaveLength(1);
  expect(board.messages.filter(({ method }) => method === 'dropped')).toEqual([]);
  const written = board.wire().toString('latin1');
  for (const secret of [TOKEN, PASSWORD, TOKEN.slice(3, 15), PASSWORD.slice(-10)])
    expect(written).not.toContain(secret);
});

/** Starts a session; `live` or what came instead. */
async function start(): Promise<{ state: StateChange; problems: Problem[]; from: number }> {
  const from = board.messages.length;
  await board.device.request('session.start');
  return { ...(await settled(from)), from };
}

/** What a person sees from `from` on, up to the state in which the device stays. */
async function settled(from: number): Promise<{ state: StateChange; problems: Problem[] }> {
  const state = await board.until(
    ({ method, params }) =>
      method === 'state' &&
      ['live', 'ready', 'backoff'].includes(String(params.state)) &&
      params.activity !== 'speaking'
        ? (params as unknown as StateChange)
        : undefined,
    'how it ended',
    from,
  );
  const problems = board.messages
    .slice(from)
    .flatMap(({ method, params }) => (method === 'problem' ? [params as unknown as Problem] : []));
  return { state, problems };
}

async function live(): Promise<Call> {
  const { state } = await start();
  expect(state.state).toBe('live');
  return server.calls.at(-1)!;
}

async function stop(): Promise<void> {
  const from = board.messages.length;
  await board.device.request('session.stop');
  await board.state('ready', from);
}

/** A written message is answered by voice, and the loudspeaker plays it. */
async function answers(): Promise<void> {
  const from = board.messages.length;
  const before = toneMs(board.speaker.pcm(), ANSWER.hertz);
  await board.device.request('session.say', { text: 'Are you there?' });
  await event('output_audio_buffer.stopped', from);
  await board.until(
    ({ method, params }) => (method === 'state' && params.activity === 'listening' ? true : undefined),
    'listening again',
    from,
  );
  expect(toneMs(board.speaker.pcm(), ANSWER.hertz) - before).toBeGreaterThan(0.7 * ANSWER.ms);
}

async function goodSession(): Promise<void> {
  await live();
  await answers();
  await stop();
}

function event(type: string, from: number): Promise<RealtimeEvent> {
  return board.until(
    ({ method, params }) => {
      const event = params.event as RealtimeEvent | undefined;
      return method === 'realtime.event' && event?.type === type ? event : undefined;
    },
    type,
    from,
  );
}

/** Frames about events of the server from `from` on. */
function forwarded(from: number): RealtimeFrame[] {
  return board.messages
    .slice(from)
    .flatMap(({ method, params }) => (method === 'realtime.event' ? [params as RealtimeFrame] : []));
}

describe('instead of an answer', () => {
  test.each(wrongAnswers(TOKEN))('$name', async (wrong) => {
    server.http = (_request, response) => wrong.answer(response, server.url);
    const offers = server.offers.length;
    const { state, problems } = await start();
    expect(state).toMatchObject({ state: wrong.goes, reason: wrong.reason });
    expect(problems).toHaveLength(1);
    expect(problems[0]!.code).toBe(wrong.reason);
    expect(problems[0]!.message).toMatch(wrong.says);
    expect(problems[0]!.hint).toMatch(wrong.hint);
    if (wrong.detail) expect(state.detail).toMatch(wrong.detail);
    if (wrong.retryMs) expect(state.retry_ms).toBeGreaterThanOrEqual(wrong.retryMs);
    if (wrong.retryMostMs) expect(state.retry_ms).toBeLessThanOrEqual(wrong.retryMostMs);
    // What passes by itself is tried again; what a person has to mend is not.
    expect(state.retry_ms !== undefined).toBe(wrong.goes === 'backoff');
    const [sentence = ''] = /^[^(.;]+/.exec(problems[0]!.message) ?? [];
    sentences.set(sentence.trim(), (sentences.get(sentence.trim()) ?? new Set()).add(wrong.reason));
    expect(server.offers.length).toBe(offers + 1);
  });

  test('each reason has its own sentence', () => {
    expect(sentences.size).toBeGreaterThan(8);
    for (const [sentence, reasons] of sentences) expect([sentence, ...reasons]).toHaveLength(2);
  });

  test('a token that has ended: the server is not even asked; one that is lent will do', async () => {
    const now = Math.floor(Date.now() / 1000);
    await applySettings(board.device, { 'server.token_expires': now - 60 });
    const offers = server.offers.length;
    const { state, problems } = await start();
    expect(state).toMatchObject({ state: 'ready', reason: 'token_expired' });
    expect(problems).toEqual([
      {
        code: 'token_expired',
        message: 'The token has ended.',
        hint: expect.stringContaining('tincan provision'),
      },
    ]);
    expect(server.offers.length).toBe(offers);
    await board.device.request('token.lend', { token: TOKEN, expires_at: now + 600 });
    await live();
    await stop();
    await board.device.request('token.lend', { token: '' });
    await applySettings(board.device, { 'server.token_expires': 0 });
  });

  test('nothing at all: the device gives up waiting', async () => {
    server.http = () => {};
    const from = board.messages.length;
    const offers = server.offers.length;
    await board.device.request('session.start');
    await server.until('the offer', () => (server.offers.length > offers ? true : undefined));
    clock.skip(15_000);
    const { state, problems } = await settled(from);
    expect(state).toMatchObject({ state: 'backoff', reason: 'timeout' });
    expect(problems).toEqual([
      expect.objectContaining({ code: 'timeout', hint: expect.stringContaining('server.url') }),
    ]);
  });

  test('nobody listens there', async () => {
    const gone = createServer();
    const port = await new Promise<number>((resolve) => {
      gone.listen(0, '127.0.0.1', () => resolve((gone.address() as { port: number }).port));
    });
    await new Promise((resolve) => gone.close(resolve));
    await applySettings(board.device, { 'server.url': `http://127.0.0.1:${port}/v1/realtime/calls` });
    const { state, problems } = await start();
    await applySettings(board.device, { 'server.url': server.url });
    expect(state).toMatchObject({ state: 'backoff', reason: 'tcp' });
    expect(problems[0]).toMatchObject({ code: 'tcp', message: 'The server could not be reached.' });
  });

  test('an answer of a server that UDP does not reach', async () => {
    server.http = async (_request, response) => {
      const dead = await ndcStack(server.offers.at(-1)!, { open() {}, text() {}, sound() {}, closed() {} });
      await dead.close();
      sdp(dead.answer)(response);
    };
    const from = board.messages.length;
    const offers = server.offers.length;
    await board.device.request('session.start');
    await server.until('the offer', () => (server.offers.length > offers ? true : undefined));
    // The answer is on its way to the device, over loopback.
    await new Promise((resolve) => setTimeout(resolve, 200));
    clock.skip(10_000);
    const { state, problems } = await settled(from);
    expect(state).toMatchObject({ state: 'backoff', reason: 'peer_failed' });
    expect(problems[0]!.hint).toMatch(/UDP/);
  });

  test('five failures in a row: the device stops trying, and says so', async () => {
    let tries = 0;
    server.http = (_request, response) => {
      tries++;
      response.writeHead(503).end();
    };
    let from = board.messages.length;
    await board.device.request('session.start');
    const waits: number[] = [];
    for (;;) {
      const { state } = await settled(from);
      expect(state.reason).toBe('http_5xx');
      if (state.state === 'ready') break;
      waits.push(state.retry_ms!);
      from = board.messages.length;
      clock.skip(state.retry_ms!);
    }
    expect(tries).toBe(5);
    // Each wait is longer than the one before, and none is exactly what another device waits.
    expect(waits.map((ms) => Math.floor(Math.log2(ms / 1000)))).toEqual([0, 1, 2, 3]);
  });
});

describe('on the data channel', () => {
  const strange: [name: string, text: string, expected: (frame: RealtimeFrame, bytes: number) => void][] = [
    [
      'an event that is not JSON',
      'hello? {"type":"response.done"',
      (frame, bytes) => expect(frame).toEqual({ bytes, omitted: 'not_json' }),
    ],
    [
      'an event that is not UTF-8 or JSON at all',
      '\u0000\u001e\u0007',
      (frame) => expect(frame.omitted).toBe('not_json'),
    ],
    ['JSON that is no object', '[1,2,3]', (frame) => expect(frame.event).toEqual([1, 2, 3])],
    [
      'an event of 200 kB',
      JSON.stringify({ type: 'conversation.item.done', text: 'x'.repeat(200_000) }),
      (frame, bytes) =>
        expect(frame).toEqual({ type: 'conversation.item.done', bytes, omitted: 'too_large' }),
    ],
    [
      'an event one byte over the limit',
      JSON.stringify({ type: 'x', t: 'y'.repeat(65_537 - 19) }),
      (frame, bytes) => {
        expect(bytes).toBe(65_537);
        expect(frame).toMatchObject({ bytes, omitted: 'too_large' });
      },
    ],
    [
      'an event exactly at the limit',
      JSON.stringify({ type: 'x', t: 'y'.repeat(65_536 - 19) }),
      (frame, bytes) => {
        expect(bytes).toBe(65_536);
        expect((frame.event as { t: string }).t).toHaveLength(65_536 - 19);
      },
    ],
    [
      'unknown fields beside and before the known ones',
      '{"new":{"type":"response.done"},"x":[1.5e3,null,true],"type":"rate_limits.updated","\\u0074ype2":""}',
      (frame) =>
        expect(frame.event).toMatchObject({ type: 'rate_limits.updated', new: { type: 'response.done' } }),
    ],
    [
      'an event type that nobody knows',
      '{"type":"session.telepathy.started","event_id":"e"}',
      (frame) => expect(frame.event).toEqual({ type: 'session.telepathy.started', event_id: 'e' }),
    ],
    [
      'a type that is no text',
      '{"type":{"a":1},"response":[]}',
      (frame) => expect(frame.event).toEqual({ type: { a: 1 }, response: [] }),
    ],
    [
      'a response.done without a response',
      '{"type":"response.done"}',
      (frame) => expect(frame.event).toEqual({ type: 'response.done' }),
    ],
    [
      'nesting of 100',
      `{"type":"x","deep":${'['.repeat(100)}${']'.repeat(100)}}`,
      (frame, bytes) => {
        // The reader on the device goes 64 deep.
        expect(frame).toEqual({ bytes, omitted: 'too_deep' });
      },
    ],
  ];

  test.each(strange)('%s', async (_name, text, expected) => {
    const call = await live();
    const from = board.messages.length;
    call.sendRaw(text);
    call.send({ type: 'conversation.created', conversation: { id: 'after' } });
    await event('conversation.created', from);
    const frames = forwarded(from);
    expect(frames).toHaveLength(2);
    expected(frames[0]!, Buffer.byteLength(text));
    await answers();
    await stop();
  });

  test('an empty message', async () => {
    const call = await live();
    const from = board.messages.length;
    call.sendRaw('');
    call.send({ type: 'conversation.created', conversation: { id: 'after' } });
    await event('conversation.created', from);
    await answers();
    await stop();
  });

  test('a tool call that asks for what the tool does not allow', async () => {
    const call = await live();
    const from = board.messages.length;
    const item = {
      id: 'i',
      type: 'function_call',
      call_id: 'c',
      name: 'set_volume',
      arguments: '{"percent":1000}',
    };
    call.send({ type: 'response.created', response: { id: 'r', status: 'in_progress' } });
    call.send({ type: 'response.output_item.done', response_id: 'r', item });
    call.send({ type: 'response.done', response: { id: 'r', status: 'completed', output: [item] } });
    const output = await board.until(
      ({ method, params }) => (method === 'tool' ? (params.output as { error?: string }) : undefined),
      'the tool',
      from,
    );
    expect(output.error).toMatch(/percent/);
    await event('output_audio_buffer.stopped', from); // the model is told, and goes on
    await stop();
  });
});

describe('in the middle of a sentence', () => {
  /** A session in which the loudspeaker is playing a long answer. */
  async function story(): Promise<{ call: Call; from: number }> {
    const call = await live();
    const from = board.messages.length;
    const silent = board.speaker.pcm().length;
    telling = true;
    await board.device.request('session.say', { text: 'Tell me a story.' });
    await sounding(silent);
    telling = false;
    return { call, from };
  }

  async function sounding(since: number): Promise<void> {
    const limit = performance.now() + GUARD_MS;
    while (toneMs(board.speaker.pcm().subarray(since), STORY.hertz) < 200) {
      if (performance.now() > limit) throw new Error('the story is not heard');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const endings: [name: string, end: (call: Call) => unknown][] = [
    ['the server closes the data channel', (call) => call.peer!.closeChannel()],
    ['the server hangs up', (call) => call.peer!.close()],
  ];
  test.each(endings)('%s: the device says so, and connects again by itself', async (_name, end) => {
    const { call } = await story();
    const from = board.messages.length;
    await end(call);
    const closing = await board.state('closing', from);
    expect(closing.reason).toBe('channel_closed');
    const { state, problems } = await settled(from);
    expect(state).toMatchObject({ state: 'backoff', reason: 'channel_closed' });
    expect(problems).toEqual([
      {
        code: 'channel_closed',
        message: 'The server closed the connection.',
        hint: 'The device connects again by itself.',
      },
    ]);
    await call.peer!.close();
    const next = board.messages.length;
    clock.skip(state.retry_ms!);
    expect((await settled(next)).state.state).toBe('live');
    await answers();
    await stop();
  });

  test('the server vanishes without a word: the device notices, and says so', async () => {
    const { state, problem } = await vanished;
    expect(state).toMatchObject({ state: 'backoff', reason: 'peer_failed' });
    expect(problem).toMatchObject({ code: 'peer_failed', message: 'The peer connection failed.' });
    expect(problem?.hint).toMatch(/UDP/);
  });
});

/** A board of its own, whose server is cut off while the loudspeaker plays. */
async function vanish(): Promise<{ state: StateChange; problem: Problem | undefined }> {
  const wire = cuttable(ndcStack);
  const gone = await startForeignServer({ stack: wire.stack, token: TOKEN, script: () => STORY });
  const lone = await startTestBoard({ settings: { 'server.url': gone.url, 'device.idle_limit': 0 } });
  try {
    await lone.state('ready');
    await lone.device.request('session.start');
    await lone.until(({ params }) => (params.activity === 'speaking' ? true : undefined), 'the story');
    wire.cut();
    const state = await lone.state('backoff');
    const problem = lone.messages.find(({ method }) => method === 'problem')?.params as Problem | undefined;
    return { state, problem };
  } finally {
    await lone.close();
    await gone.close();
    wire.close();
  }
}
