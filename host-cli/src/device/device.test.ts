import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, LINK_ERRORS } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { LineEvents, openLine, type SerialLine } from '../serial/line.ts';
import { flashedBoard } from '../testing/hello-app.ts';
import { Device, type DeviceMessage, deviceError } from './device.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

async function running() {
  const { board, current } = await flashedBoard();
  close.push(() => board.close());
  await expect.poll(() => board.state).toBe('app');
  const device = new Device(await openLine(board.port));
  close.push(() => device.close());
  return { board, current, device };
}

/** A line in memory: what the device says is pushed in by the test. */
function memoryLine(): {
  line: SerialLine;
  say(bytes: Uint8Array | string): void;
  wrote: Uint8Array[];
  vanish(): void;
} {
  const events = new LineEvents();
  const wrote: Uint8Array[] = [];
  return {
    wrote,
    say: (bytes) => events.data(typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
    vanish: () => events.closed(new Error('gone'), true),
    line: {
      path: 'memory',
      hasLines: false,
      write: async (bytes) => void wrote.push(bytes),
      onData: (listener) => events.onData(listener),
      onClose: (listener) => events.onClose(listener),
      setBaud: async () => undefined,
      setLines: async () => undefined,
      purge: async () => undefined,
      close: async () => undefined,
    },
  };
}

const frame = (message: object, number: number) =>
  encodeFrame(JSON.stringify({ jsonrpc: '2.0', ...message }), number);

test('attaching leaves the board running, and it says who it is', async () => {
  const { board, device } = await running();
  const resets: unknown[] = [];
  board.chip.onEvent((event) => {
    if (event.type === 'reset') resets.push(event);
  });
  expect(await device.hello()).toMatchObject({ name: 'tester', firmware: '9.8.7' });
  expect(resets).toEqual([]);
});

test('many requests at once each get their own answer', async () => {
  const { device } = await running();
  const answers = await Promise.all([
    device.request('settings.get', { names: ['audio.volume'] }),
    device.hello(),
    device.request('settings.get', { names: ['session.voice'] }),
  ]);
  expect(answers).toMatchObject([
    { values: { 'audio.volume': 70 } },
    { name: 'tester' },
    { values: { 'session.voice': 'marin' } },
  ]);
});

test("the device's errors keep their meaning", async () => {
  const { device } = await running();
  await expect(device.request('settings.set', { values: { 'audio.volume': 140 } })).rejects.toMatchObject({
    code: 'SETTING_LIMIT',
    exitCode: 5,
  });
  await expect(device.request('session.start')).rejects.toMatchObject({ code: 'DEVICE_METHOD' });
  expect(deviceError('session.stop', { ...LINK_ERRORS.STATE, data: 'joining' }).message).toContain(
    '(joining)',
  );
  expect(deviceError('settings.set', { ...LINK_ERRORS.SETTING_LIMIT, data: 'audio.volume' })).toMatchObject({
    message: expect.stringContaining('audio.volume'),
    hint: expect.stringContaining('0 to 100'),
  });
});

test('gaps, damage and noise are counted and told; what follows is read', async () => {
  const { line, say } = memoryLine();
  const device = new Device(line);
  const seen: string[] = [];
  device.listen({
    message: ({ method }) => seen.push(method),
    text: (text) => seen.push(`text ${text}`),
    lost: (frames) => seen.push(`lost ${frames}`),
    broken: () => seen.push('broken'),
  });
  say(frame({ method: 'a', params: {} }, 7));
  say('I (5) tincan: log text\n');
  say(frame({ method: 'b', params: {} }, 10));
  const damaged = frame({ method: 'c', params: {} }, 11).slice();
  damaged[20]! ^= 4;
  say(damaged);
  say(frame({ method: 'd', params: {} }, 12));
  expect(seen).toEqual(['a', 'text I (5) tincan: log text', 'lost 2', 'b', 'broken', 'lost 1', 'd']);
  expect(device).toMatchObject({ received: 3, lost: 3, broken: 1 });
});

test('a flood of noise does not stop it', async () => {
  const { line, say } = memoryLine();
  const device = new Device(line);
  const messages: DeviceMessage[] = [];
  device.listen({ message: (message) => messages.push(message) });
  let seed = 1;
  const noise = new Uint8Array(300_000).map(() => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed >> 16;
  });
  say(noise);
  say('\n');
  say(frame({ method: 'hello', params: { name: 'x' } }, 0));
  expect(messages.at(-1)).toMatchObject({ method: 'hello', params: { name: 'x' } });
  expect(device.lastText.length).toBeLessThanOrEqual(40);
});

test('frames that are no message, or answers that nobody waits for, are passed over', async () => {
  const { line, say } = memoryLine();
  const device = new Device(line);
  say(encodeFrame('[1,2]', 0));
  say(encodeFrame('{"jsonrpc":"2.0"}', 1));
  say(frame({ id: 99, result: {} }, 2));
  say(frame({ id: null, error: { code: -32700, message: 'not JSON' } }, 3));
  expect(device).toMatchObject({ received: 4, broken: 2, lost: 0 });
});

test('a board that answers nothing: the error shows what it said', async () => {
  const { line, say } = memoryLine();
  const device = new Device(line);
  say('E (20) boot: no bootable app partitions\n');
  await expect(device.hello({ timeoutMs: 50 })).rejects.toMatchObject({
    code: 'BOARD_SILENT',
    cause: expect.objectContaining({ message: expect.stringContaining('no bootable app') }),
    hint: expect.stringContaining('tincan flash'),
  });
});

test('a firmware of another link protocol is recognised', async () => {
  const { line, say, wrote } = memoryLine();
  const device = new Device(line);
  const hello = device.hello();
  await expect.poll(() => wrote.length).toBe(1);
  say(frame({ id: 1, result: { protocol: 99 } }, 0));
  await expect(hello).rejects.toMatchObject({ code: 'PROTOCOL_VERSION', exitCode: 5 });
});

test('after a restart of the board both directions count from 0, and nothing is called lost', async () => {
  const { board, device } = await running();
  await device.hello();
  await device.hello();
  const again = device.waitFor(({ method }) => (method === 'hello' ? true : undefined), 'hello');
  board.chip.pressReset();
  await again;
  expect(await device.hello()).toMatchObject({ name: 'tester' });
  expect(device.lost).toBe(0);
});

test('a port that vanishes fails what waits, and is opened again where asked for', async () => {
  const first = memoryLine();
  const second = memoryLine();
  const lines = [first.line, second.line];
  let tries = 0;
  const device = await Device.open('memory', {
    reconnect: true,
    reconnectMs: 5,
    open: async () => {
      if (tries++ === 1) throw new Error('not there yet');
      return lines.shift()!;
    },
  });
  close.push(() => device.close());
  const connection: boolean[] = [];
  device.listen({ connection: (up) => connection.push(up) });
  const waiting = device.request('device.hello');
  first.vanish();
  await expect(waiting).rejects.toMatchObject({ code: 'PORT_LOST', exitCode: 3 });
  await expect.poll(() => connection).toEqual([false, true]);
  const hello = device.hello();
  await expect.poll(() => second.wrote.length).toBe(1);
  second.say(frame({ id: 2, result: { protocol: 1, name: 'back' } }, 0));
  expect(await hello).toMatchObject({ name: 'back' });
});

test('Ctrl-C ends a request and a wait', async () => {
  const { line } = memoryLine();
  const device = new Device(line);
  const stop = new AbortController();
  const request = device.request('device.hello', {}, { signal: stop.signal });
  const wait = device.waitFor(() => undefined, 'nothing', { signal: stop.signal });
  request.catch(() => undefined);
  wait.catch(() => undefined);
  await sleep(1);
  stop.abort();
  await expect(request).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  await expect(wait).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

test('a request that has no room in a frame is refused, and leaves no gap in the numbers', async () => {
  const { device } = await running();
  await expect(
    device.request('realtime.send', { event: { type: 'x', text: 'a'.repeat(200_000) } }),
  ).rejects.toMatchObject({
    code: 'TOO_LARGE',
    exitCode: 2,
    hint: expect.stringMatching(/nothing was sent/),
  });
  expect(await device.hello()).toMatchObject({ name: 'tester' });
});
