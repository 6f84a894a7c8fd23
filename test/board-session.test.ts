/** What a host does with a session that runs: changes it, serves tools, listens in. */
import { applySettings } from '@tincan/host-cli';
import type { CommitAnswer, Problem, Sound, ToolCall } from '@tincan/shared-protocol';
import { createDecoder } from 'libopus-wasm';
import { afterEach, expect, test } from 'vitest';
import { startTestBoard, type TestBoard, type TestBoardOptions, TOKEN } from './support/board.ts';
import {
  type ForeignServer,
  type RealtimeEvent,
  type Script,
  startForeignServer,
} from './support/foreign-server.ts';
import { toneMs, voice } from './support/sound.ts';
import { ndcStack } from './support/stack-ndc.ts';

const ANSWER = { transcript: 'Yes.', hertz: 550, ms: 600 };

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

/** A board in a live session with a server that follows the script. */
async function converse(script: Script, options: TestBoardOptions = {}) {
  const server = await startForeignServer({ stack: ndcStack, token: TOKEN, script });
  open.push(() => server.close());
  const board = await startTestBoard({
    ...options,
    settings: { 'server.url': server.url, 'session.greeting': '', 'audio.volume': 100, ...options.settings },
  });
  open.push(() => board.close());
  await board.state('ready');
  return { server, board, live: () => live(board) };
}

async function live(board: TestBoard): Promise<void> {
  const from = board.messages.length;
  await board.device.request('session.start');
  await board.state('live', from);
}

function received(server: ForeignServer, type: string, count = 1): Promise<RealtimeEvent> {
  return server.until(
    `${type} number ${count}`,
    (call) => call?.received.filter((event) => event.type === type)[count - 1],
  );
}

function event(board: TestBoard, type: string, from: number): Promise<RealtimeEvent> {
  return board.until(
    ({ method, params }) => {
      const event = params.event as RealtimeEvent | undefined;
      return method === 'realtime.event' && event?.type === type ? event : undefined;
    },
    type,
    from,
  );
}

test('a session that runs is told what changed, and the device follows', async () => {
  const { server, board, live } = await converse(() => ANSWER);
  await live();
  const from = board.messages.length;
  const answer = await applySettings(board.device, {
    'session.instructions': 'Be brief.',
    'turn.detection': 'none',
    'session.model': 'another',
    'server.label': 'events',
  });
  expect(answer).toMatchObject({ effect: 'session', waits: ['server.label', 'session.model'] });
  const update = await received(server, 'session.update', 2);
  expect(update.session).toEqual({
    type: 'realtime',
    instructions: 'Be brief.',
    audio: { input: { turn_detection: null } },
  });
  await event(board, 'session.updated', from);
  // Push-to-talk now: nothing is sent before the button is down.
  const sent = async () =>
    (await board.device.request<{ capture: { sent: number } }>('device.stats')).capture.sent;
  const before = await sent();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await sent()).toBe(before);
  await board.device.request('talk.press');
  await new Promise((resolve) => setTimeout(resolve, 200));
  await board.device.request('talk.release');
  await received(server, 'response.create');
  expect(server.calls[0]!.received.map(({ type }) => type).slice(2)).toEqual([
    'input_audio_buffer.clear',
    'input_audio_buffer.commit',
    'response.create',
  ]);
  expect(await sent()).toBeGreaterThan(before);

  // It has spoken: its voice is fixed, which is said, and kept for the next session.
  await event(board, 'output_audio_buffer.stopped', from);
  const late = board.messages.length;
  const fixed = await applySettings(board.device, { 'session.voice': 'cedar' });
  expect((fixed as CommitAnswer).waits).toEqual(['session.voice']);
  const problem = await board.until(
    ({ method, params }) => (method === 'problem' ? (params as unknown as Problem) : undefined),
    'a problem',
    late,
  );
  expect(problem.code).toBe('voice_fixed');
  await board.device.request('session.stop');
  await live();
  const session = (await received(server, 'session.update')).session as Record<string, unknown>;
  expect(session).toMatchObject({ audio: { output: { voice: 'cedar' } } });
  expect(session).not.toHaveProperty('model'); // the server has chosen it
  expect(board.device).toMatchObject({ lost: 0, broken: 0 });
});

test('a tool of the host is called, waited for, and its output answered', async () => {
  const { server, board, live } = await converse(({ responses }) =>
    responses === 0 ? { tool: 'room_temperature', arguments: { room: 'Küche "2"' } } : ANSWER,
  );
  await live();
  const tools = [
    {
      type: 'function',
      name: 'room_temperature',
      description: 'How warm it is in a room, in °C.',
      parameters: { type: 'object', properties: { room: { type: 'string' } }, required: ['room'] },
    },
  ];
  await board.device.request('tools.serve', { tools, timeout_ms: 20_000 });
  const update = await received(server, 'session.update', 2);
  expect(Object.keys(update.session as object)).toEqual(['type', 'tools']);
  expect((update.session as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual([
    'end_session',
    'set_volume',
    'set_light',
    'room_temperature',
  ]);
  expect((update.session as { tools: unknown[] }).tools[3]).toEqual(tools[0]);
  await board.device.request('session.say', { text: 'How warm is it?' });
  const call = await board.until(
    ({ method, params }) => (method === 'tool.call' ? (params as unknown as ToolCall) : undefined),
    'a call',
  );
  expect(call).toMatchObject({
    name: 'room_temperature',
    arguments: { room: 'Küche "2"' },
    timeout_ms: 20_000,
  });
  const from = board.messages.length;
  await board.device.request('tool.result', { call_id: call.call_id, output: { celsius: 21.5 } });
  const output = await received(server, 'conversation.item.create', 2);
  expect(output.item).toEqual({
    type: 'function_call_output',
    call_id: call.call_id,
    output: '{"celsius":21.5}',
  });
  await received(server, 'response.create', 2);
  await event(board, 'output_audio_buffer.stopped', from);
  await expect(
    board.device.request('tool.result', { call_id: call.call_id, output: '' }),
  ).rejects.toMatchObject({ code: 'DEVICE_STATE' });
  await expect(
    board.device.request('tools.serve', { tools: [{ type: 'function', name: 'set_light' }] }),
  ).rejects.toMatchObject({ code: 'DEVICE_PARAMS', hint: 'A tool of the device has this name already.' });
});

/** Puts the packets of one voice together, each where it belongs; what is missing is silence. */
async function listen(sounds: readonly Sound[], from: Sound['from']): Promise<Int16Array> {
  const decoder = await createDecoder({ sampleRate: 16_000, channels: 1 });
  const mine = sounds.filter((sound) => sound.from === from);
  const last = mine.at(-1)!;
  const pcm = new Int16Array((last.at + last.packets.length * 960) / 3);
  let end = 0;
  for (const { at, packets } of mine) {
    expect(at).toBeGreaterThanOrEqual(end);
    expect(packets.length).toBeLessThanOrEqual(5);
    end = at + packets.length * 960;
    for (const [i, packet] of packets.entries()) {
      if (packet === null) continue;
      pcm.set(decoder.decode(Buffer.from(packet, 'base64')), Math.floor((at + i * 960) / 3));
    }
  }
  decoder.free();
  return pcm;
}

test('both voices can be listened to, on one clock', async () => {
  const sentence = voice('person-light-blue');
  const { server, board, live } = await converse(() => ANSWER, { sentences: [sentence] });
  await board.device.request('sound.tap', { on: true });
  await live();
  const from = board.messages.length;
  await event(board, 'output_audio_buffer.stopped', from);
  await board.until(
    ({ method, params }) => (method === 'state' && params.activity === 'listening' ? true : undefined),
    'listening',
    board.messages.findLastIndex(
      ({ params }) => (params.event as RealtimeEvent | undefined)?.type === 'output_audio_buffer.stopped',
    ),
  );
  await board.device.request('sound.tap', { on: false });
  const sounds = board.messages
    .filter(({ method }) => method === 'sound')
    .map(({ params }) => params as unknown as Sound);
  const person = await listen(sounds, 'microphone');
  const answer = await listen(sounds, 'loudspeaker');
  // The server heard as much of the person as the copy holds.
  const packets = sounds
    .filter((one) => one.from === 'microphone')
    .flatMap((one) => one.packets)
    .filter((one) => one !== null);
  const heard = (await server.calls[0]!.peer!.audio()).received;
  expect(packets.length).toBeGreaterThan(50);
  expect(packets.length).toBeLessThanOrEqual(heard + 5);
  const loud = (pcm: Int16Array) => pcm.findIndex((sample) => Math.abs(sample) > 1500);
  expect(loud(person)).toBeGreaterThan(-1);
  expect(toneMs(answer, ANSWER.hertz)).toBeGreaterThan(0.8 * ANSWER.ms);
  // The answer comes behind the sentence, and the half second of silence that ends it.
  expect(loud(answer) - loud(person)).toBeGreaterThan(16 * 900);
  expect(board.device).toMatchObject({ lost: 0, broken: 0 });
});
