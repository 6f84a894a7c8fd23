/** What happens to a board in its life: settings, power, Wi-Fi, the button, noise on the line, nobody on the line. */
import { createConnection } from 'node:net';
import { NorFlash, SilentRoom } from '@tincan/boards';
import { applySettings, differing, type SettingValues } from '@tincan/host-cli';
import { encodeFrame, type Hello, type Problem, type SettingsAnswer } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import {
  GUARD_MS,
  PASSWORD,
  SSID,
  startTestBoard,
  type TestBoard,
  type TestBoardOptions,
  TOKEN,
} from './support/board.ts';
import { chance } from './support/chance.ts';
import { hurryClock } from './support/clock.ts';
import {
  type ForeignServer,
  type RealtimeEvent,
  type Script,
  type Stack,
  startForeignServer,
} from './support/foreign-server.ts';
import { lightScript } from './support/foreign-test.ts';
import { toneMs, voice } from './support/sound.ts';
import { ndcStack } from './support/stack-ndc.ts';

const ANSWER = { transcript: 'Yes.', hertz: 550, ms: 400 };
const STORY = { transcript: 'Once upon a time …', hertz: 700, ms: 4000, slow: true };

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

async function start(options: TestBoardOptions = {}): Promise<TestBoard> {
  const board = await startTestBoard(options);
  open.push(() => board.close());
  return board;
}

async function serve(script: Script, stack = ndcStack): Promise<ForeignServer> {
  const server = await startForeignServer({ stack, token: TOKEN, script });
  open.push(() => server.close());
  return server;
}

function hello(board: TestBoard, from = 0): Promise<Hello> {
  return board.until(
    ({ method, params }) => (method === 'hello' ? (params as unknown as Hello) : undefined),
    'hello',
    from,
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

async function live(board: TestBoard): Promise<void> {
  const from = board.messages.length;
  await board.device.request('session.start');
  await board.state('live', from);
}

/** Says something in text, and hears the answer out. */
async function answers(board: TestBoard): Promise<void> {
  const from = board.messages.length;
  const before = toneMs(board.speaker.pcm(), ANSWER.hertz);
  await board.device.request('session.say', { text: 'Are you there?' });
  await event(board, 'output_audio_buffer.stopped', from);
  await listening(board, from);
  expect(toneMs(board.speaker.pcm(), ANSWER.hertz) - before).toBeGreaterThan(0.7 * ANSWER.ms);
}

function listening(board: TestBoard, from: number): Promise<true> {
  return board.until(
    ({ method, params }) => (method === 'state' && params.activity === 'listening' ? true : undefined),
    'listening',
    from,
  );
}

const NEW: SettingValues = {
  'wifi.password': 'another-secret-00',
  'server.token': 'ek_another_secret_77',
  'session.instructions': `Line one\nZwei Größen, "quoted" \\ and 🫙.\n${'x'.repeat(200)}`,
  'session.voice': 'cedar',
  'session.speed': 125,
  'turn.detection': 'semantic_vad',
  'turn.silence': 700,
  'tools.enabled': false,
  'audio.volume': 33,
  'device.name': 'kitchen',
};

test('settings changed in one commit survive a restart, a reset, and the power', async () => {
  const board = await start();
  const first = await hello(board);
  await applySettings(board.device, NEW);
  const boots: [reset: string, how: () => unknown][] = [
    ['software', () => board.device.request('device.reboot')],
    ['pin', () => board.board.chip.pressReset()],
    [
      'power',
      () => {
        board.board.chip.powerOff();
        board.board.chip.powerOn();
      },
    ],
  ];
  for (const [reset, boot] of boots) {
    const from = board.messages.length;
    await boot();
    expect(await hello(board, from)).toEqual({ ...first, reset, name: 'kitchen' });
    expect(await differing(board.device, NEW)).toEqual([]);
  }
  expect(board.device).toMatchObject({ lost: 0, broken: 0 });
  for (const secret of [PASSWORD, TOKEN, NEW['wifi.password'], NEW['server.token']])
    expect(board.wire().includes(String(secret))).toBe(false);
});

/** What is staged but not committed is gone after a restart. */
test('a restart before the commit keeps the old settings', async () => {
  const board = await start();
  await hello(board);
  await board.device.request('settings.set', { values: { 'device.name': 'kitchen' } });
  const from = board.messages.length;
  board.board.chip.pressReset();
  expect((await hello(board, from)).name).toBe('tincan');
});

const OLD_COMMIT: SettingValues = {
  'server.token': 'ek_old_secret_1',
  'session.voice': 'marin',
  'session.speed': 80,
  'session.goodbye': 'Say bye.',
  'audio.volume': 11,
};
const NEW_COMMIT: SettingValues = {
  'server.token': 'ek_new_secret_22222222222222222222222222222222222222',
  'session.voice': 'a-voice-that-is-longer',
  'session.speed': 90,
  'session.goodbye': null,
  'audio.volume': 99,
};

/**
 * Boots a copy of `flash`, cuts the power at flash operation number `operation` of the commit, and boots again.
 * Undefined: the commit was over before.
 */
async function cutCommit(contents: Uint8Array, operation: number): Promise<'old' | 'new' | undefined> {
  const flash = NorFlash.inMemory(contents.length, contents);
  const board = await startTestBoard({ flash });
  try {
    await hello(board);
    await board.device.request('settings.set', { values: NEW_COMMIT });
    const off = new Promise<'off'>((resolve) => {
      board.board.chip.onEvent((event) => event.type === 'power' && !event.on && resolve('off'));
    });
    flash.cutPowerAt(operation);
    const commit = board.device.request('settings.commit', {}, { timeoutMs: GUARD_MS });
    commit.catch(() => undefined);
    const from = board.messages.length;
    if ((await Promise.race([off, commit])) !== 'off') return undefined;
    board.board.chip.powerOn();
    await hello(board, from);
    const names = Object.keys(NEW_COMMIT);
    const { values } = await board.device.request<SettingsAnswer>('settings.get', { names });
    const old = (await differing(board.device, OLD_COMMIT)).length === 0;
    const fresh =
      (await differing(board.device, NEW_COMMIT)).length === 0 && values['session.goodbye'] !== 'Say bye.';
    if (old === fresh)
      throw new Error(`cut at ${operation}: neither all old nor all new: ${JSON.stringify(values)}`);
    // And what was begun can be done: the flash is not worn by the cut.
    if (operation % 5 === 0) {
      await applySettings(board.device, NEW_COMMIT);
      const next = board.messages.length;
      board.board.chip.pressReset();
      await hello(board, next);
      expect(await differing(board.device, NEW_COMMIT)).toEqual([]);
    }
    return fresh ? 'new' : 'old';
  } finally {
    await board.close();
  }
}

async function cutEverywhere(contents: Uint8Array): Promise<void> {
  const seen: ('old' | 'new')[] = [];
  for (let operation = 1; ; operation++) {
    const after = await cutCommit(contents, operation);
    if (!after) break;
    seen.push(after);
  }
  expect(seen.length).toBeGreaterThan(5);
  // There is one moment at which the commit counts, and no way back from it.
  const turn = seen.indexOf('new');
  expect(turn).toBeGreaterThan(0);
  expect(seen.slice(turn)).not.toContain('old');
}

const contentsOf = (flash: NorFlash) => flash.read(0, flash.size);

test('power cut at any point of a commit: all old settings, or all new', async () => {
  const board = await startTestBoard();
  await hello(board);
  await applySettings(board.device, OLD_COMMIT);
  const contents = contentsOf(board.board.flash);
  await board.close();
  await cutEverywhere(contents);
}, 240_000);

test('power cut at any point of a commit that makes room in the flash', async () => {
  const board = await startTestBoard();
  await hello(board);
  let contents: Uint8Array | undefined;
  for (let i = 0; i < 400 && !contents; i++) {
    await applySettings(board.device, OLD_COMMIT);
    const before = contentsOf(board.board.flash);
    const erased = board.board.flash.counters.erases;
    await applySettings(board.device, NEW_COMMIT);
    if (board.board.flash.counters.erases > erased) contents = before;
  }
  await board.close();
  expect(contents).toBeDefined();
  await cutEverywhere(contents!);
}, 240_000);

test('a wrong Wi-Fi password is named, kept secret, and mended by a new one', async () => {
  const wrong = 'not-the-password-8d2f';
  const board = await start({ settings: { 'wifi.password': wrong } });
  const state = await board.state('backoff');
  expect(state).toMatchObject({ reason: 'wifi_password' });
  expect(state.retry_ms).toBeGreaterThan(0);
  const problem = board.messages.find(({ method }) => method === 'problem')?.params as unknown as Problem;
  expect(problem).toEqual({
    code: 'wifi_password',
    message: `The Wi-Fi network refused the password (${SSID}).`,
    hint: 'Set it again: tincan provision.',
  });
  const from = board.messages.length;
  await applySettings(board.device, { 'wifi.password': PASSWORD });
  await board.state('ready', from);
  expect(board.wire().includes(wrong)).toBe(false);
});

test('a network that is not there is named, and joined when the name is right', async () => {
  const board = await start({ settings: { 'wifi.ssid': 'nowhere' } });
  expect(await board.state('backoff')).toMatchObject({ reason: 'wifi_not_found' });
  const from = board.messages.length;
  await applySettings(board.device, { 'wifi.ssid': SSID });
  await board.state('ready', from);
});

test('a board that nobody provisioned says so, and works as soon as it is', async () => {
  const server = await serve(() => ANSWER);
  const board = await start({ settings: null });
  expect((await hello(board)).state).toBe('unprovisioned');
  await expect(board.device.request('session.start')).rejects.toMatchObject({ code: 'DEVICE_STATE' });
  await applySettings(board.device, {
    'wifi.ssid': SSID,
    'wifi.password': PASSWORD,
    'server.url': server.url,
    'server.token': TOKEN,
    'audio.volume': 100,
  });
  await board.state('ready');
  await live(board);
});

test('a Wi-Fi network that goes away in a session: it is joined again, and the session with it', async () => {
  const server = await serve(() => ANSWER);
  const board = await start({
    settings: { 'server.url': server.url, 'session.greeting': '', 'audio.volume': 100 },
  });
  await board.state('ready');
  await live(board);
  const from = board.messages.length;
  board.app.loseWifi();
  expect(await board.state('joining', from)).toMatchObject({ reason: 'wifi_lost' });
  await board.state('live', from);
  expect(server.calls).toHaveLength(2);
  await answers(board);
});

test('the button silences an answer at once, and the next answer is heard', async () => {
  let telling = true;
  // What the server sent already is still on its way for a while: the device must not play it either.
  const late: Stack = async (offer, events) => {
    const peer = await ndcStack(offer, events);
    return { ...peer, hush: () => void setTimeout(() => peer.hush(), 300) };
  };
  const server = await serve(() => (telling ? STORY : ANSWER), late);
  const board = await start({ settings: { 'server.url': server.url, 'audio.volume': 100 } });
  await board.state('ready');
  await live(board);
  await heard(board, STORY.hertz, 400);
  telling = false;
  const from = board.messages.length;
  const pressed = performance.now();
  board.app.button(true);
  await event(board, 'output_audio_buffer.cleared', from);
  await event(board, 'response.done', from);
  board.app.button(false);
  await listening(board, from);
  const rest = board.speaker.pcm().subarray(Math.round((pressed - board.speaker.begin!) * 16));
  // The frame that was on its way, and the one that was due.
  expect(toneMs(rest, STORY.hertz)).toBeLessThanOrEqual(40);
  const call = server.calls[0]!;
  expect(call.received.map(({ type }) => type)).toEqual([
    'session.update',
    'response.create',
    'response.cancel',
    'output_audio_buffer.clear',
  ]);
  await answers(board);
  expect(toneMs(board.speaker.pcm(), STORY.hertz)).toBeLessThan(STORY.ms / 2);
});

/** Waits until the loudspeaker has played so much of a tone. */
async function heard(board: TestBoard, hertz: number, ms: number): Promise<void> {
  const limit = performance.now() + GUARD_MS;
  while (toneMs(board.speaker.pcm(), hertz) < ms) {
    if (performance.now() > limit) throw new Error(`nothing is heard of the tone of ${hertz} Hz`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One piece of what a serial line may carry that is no request. */
function noise(roll: (below: number) => number): Uint8Array {
  const bytes = (length: number) => Uint8Array.from({ length }, () => roll(256));
  const frame = encodeFrame(`{"jsonrpc":"2.0","id":"n","method":"device.hello","params":{}}`, roll(1000));
  switch (roll(8)) {
    case 0:
      return bytes(1 + roll(400));
    case 1: // cut off
      return frame.slice(0, 1 + roll(frame.length - 1));
    case 2: {
      // one bit wrong
      const broken = frame.slice();
      broken[roll(broken.length)]! ^= 1 << roll(8);
      return broken;
    }
    case 3: // whole, and no JSON
      return encodeFrame(`{"jsonrpc":"2.0","id":1,"method":`, roll(2 ** 32));
    case 4: // whole, and nothing that the device knows
      return encodeFrame(
        `{"jsonrpc":"2.0","id":"n","method":"device.explode","params":{"x":[[[]]]}}`,
        roll(9),
      );
    case 5: // nested too deep
      return encodeFrame(`${'['.repeat(300)}${']'.repeat(300)}`, roll(9));
    case 6: // a frame that never ends
      return Uint8Array.from([0x1e, ...bytes(70_000).map((byte) => (byte === 10 ? 11 : byte))]);
    default:
      return new TextEncoder().encode('AT+GMR\r\nhello?\r\n\u001e\u001e\t\t\n'.repeat(1 + roll(20)));
  }
}

test.each([1, 2, 3])('noise and broken frames on the line do not disturb (seed %i)', async (seed) => {
  const roll = chance(seed);
  const server = await serve(() => ({ ...STORY, ms: 1500 }));
  const board = await start({
    settings: { 'server.url': server.url, 'audio.volume': 100 },
    microphone: new SilentRoom(),
  });
  await board.state('ready');
  await live(board);
  const from = board.messages.length;
  for (let i = 0; i < 40; i++) {
    await board.line.write(noise(roll));
    const { name } = await board.device.request<Hello>('device.hello');
    expect(name).toBe('tincan');
  }
  await event(board, 'output_audio_buffer.stopped', 0);
  await listening(
    board,
    board.messages.findLastIndex(({ method }) => method === 'realtime.event'),
  );
  const stats = await board.device.request<{ link: { frames_broken: number }; playout: { lost: number } }>(
    'device.stats',
  );
  expect(stats.link.frames_broken).toBeGreaterThan(0);
  expect(stats.playout.lost).toBe(0);
  expect(toneMs(board.speaker.pcm(), STORY.hertz)).toBeGreaterThan(0.8 * 1500);
  expect(board.device).toMatchObject({ lost: 0, broken: 0 });
  expect(board.messages.slice(from).map(({ method }) => method)).not.toContain('hello');
});

const idle: [name: string, connect: (port: string) => () => void][] = [
  ['nobody is connected', () => () => undefined],
  [
    'a program is connected that does not read',
    (port) => {
      const { hostname, port: number } = new URL(port.replace('rfc2217:', 'http:'));
      const socket = createConnection(Number(number), hostname);
      socket.pause();
      return () => socket.destroy();
    },
  ],
];

test.each(idle)('an idle host does not stop a session: %s', async (_name, connect) => {
  const server = await serve(lightScript);
  const clock = hurryClock();
  const board = await start({
    attach: false,
    // At 115,200 baud, so that the ring really fills.
    pace: true,
    clock,
    sentences: [voice('person-light-blue')],
    settings: { 'server.url': server.url, 'device.autostart': true, 'audio.volume': 100 },
  });
  const disconnect = connect(board.board.port);
  const call = await server.until('session.update', (one) =>
    one && one.received.length > 0 ? one : undefined,
  );
  for (let i = 0; i < 30; i++)
    call.send({ type: 'conversation.item.done', item: { id: `flood_${i}`, text: 'flood '.repeat(4000) } });
  await server.until('the answer to the tool', (one) =>
    one?.sent.some((text) => text.includes('The light is blue now.')) &&
    one.sent.filter((text) => text.includes('"output_audio_buffer.stopped"')).length === 2
      ? true
      : undefined,
  );
  expect(board.light.on).toBe(true);
  expect(call.closed).toBe(false);
  expect(toneMs(board.speaker.pcm(), 660)).toBeGreaterThan(400);
  // What waits leaves the slow line, FIFO by FIFO; then somebody comes.
  disconnect();
  for (let i = 0; i < 80 || board.board.connected; i++) {
    clock.skip(400);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const device = await board.attach();
  const stats = await device.request<{
    link: { dropped: Record<string, number> };
    session: { state: string };
  }>('device.stats', {}, { timeoutMs: GUARD_MS });
  expect(stats.session.state).toBe('live');
  // Never silently: what the full ring did not take was counted, and reported on the line.
  expect(stats.link.dropped.event).toBeGreaterThan(0);
  expect(board.wire().toString('latin1')).toContain('"method":"dropped"');
});
