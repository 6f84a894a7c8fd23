import { createServer, type Server, type Socket } from 'node:net';
import { startVirtualBoard, type VirtualBoard } from '@tincan/boards';
import { escapeIac } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { helloApp } from '../testing/hello-app.ts';
import { openLine, type SerialLine } from './line.ts';
import { parseRfc2217, TelnetReader } from './rfc2217.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

async function board(): Promise<VirtualBoard> {
  const started = await startVirtualBoard({ loader: helloApp().loader });
  close.push(() => started.close());
  return started;
}

async function open(port: string): Promise<SerialLine> {
  const line = await openLine(port, { timeoutMs: 500 });
  close.push(() => line.close());
  return line;
}

/** A plain TCP server that does what `run` says with each client. */
async function server(run: (socket: Socket) => void): Promise<string> {
  const listening: Server = createServer(run);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  close.push(() => listening.close());
  const address = listening.address();
  return `rfc2217://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

test('bytes go out with every IAC doubled, and come in as they were, in any pieces', () => {
  const bytes = Uint8Array.from({ length: 700 }, (_, i) => (i % 3 === 0 ? 255 : i & 255));
  const wire = Uint8Array.from([
    ...escapeIac(bytes.subarray(0, 350)),
    ...[255, 251, 0], // WILL binary
    ...[255, 250, 44, 101, 0, 1, 194, 255, 255, 255, 240], // an answer whose value holds an IAC
    ...escapeIac(bytes.subarray(350)),
  ]);
  for (const piece of [1, 2, 7, 2000]) {
    const seen: number[] = [];
    const told: string[] = [];
    const reader = new TelnetReader({
      data: (data) => seen.push(...data),
      command: (verb, option) => told.push(`${verb} ${option}`),
      subnegotiation: (sub) => told.push(`sub ${[...sub].join(' ')}`),
    });
    for (let at = 0; at < wire.length; at += piece) reader.feed(wire.subarray(at, at + piece));
    expect(seen).toEqual([...bytes]);
    expect(told).toEqual(['251 0', 'sub 44 101 0 1 194 255']);
  }
});

test('opening does not touch the board; lines and baud are acknowledged and arrive', async () => {
  const virtual = await board();
  const resets: string[] = [];
  virtual.chip.onEvent((event) => {
    if (event.type === 'reset') resets.push(event.mode);
  });
  const line = await open(virtual.port);
  expect(resets).toEqual([]);
  await line.setBaud(921_600);
  await line.setLines({ dtr: false, rts: true });
  expect(virtual.state).toBe('reset');
  await line.setLines({ dtr: true, rts: false });
  await expect.poll(() => virtual.state).toBe('rom');
  expect(resets).toEqual(['download']);
  await line.purge();
});

test('nobody listens there: the hint says how to start a board there', async () => {
  await expect(openLine('rfc2217://127.0.0.1:1')).rejects.toMatchObject({
    code: 'PORT_REFUSED',
    message: 'Nothing listens at 127.0.0.1:1.',
    hint: expect.stringContaining('tincan virtual'),
    exitCode: 3,
  });
});

test.each(['rfc2217://', 'rfc2217://host', 'tcp://127.0.0.1:4000', 'rfc2217://:4000'])(
  '%s is no port',
  async (url) => {
    await expect(openLine(url)).rejects.toMatchObject({ code: 'PORT_URL', exitCode: 3 });
  },
);

test('an IPv6 address loses its brackets', () => {
  expect(parseRfc2217('rfc2217://[::1]:4000')).toEqual({ host: '::1', port: 4000 });
});

test('the second client hears that the port is in use', async () => {
  const virtual = await board();
  await open(virtual.port);
  await expect(openLine(virtual.port, { timeoutMs: 500 })).rejects.toMatchObject({
    code: 'PORT_BUSY',
    exitCode: 3,
  });
});

test('a server that speaks no RFC 2217 is recognised, whether it is silent or chatty', async () => {
  const silent = await server(() => undefined);
  await expect(openLine(silent, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'PORT_NOT_RFC2217' });
  const chatty = await server((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await expect(openLine(chatty, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'PORT_NOT_RFC2217' });
});

test('a server that sets another baud than asked is not believed', async () => {
  const wrong = await server((socket) => {
    socket.write(Uint8Array.of(255, 253, 44)); // DO com-port
    const reader = new TelnetReader({
      data: () => undefined,
      command: () => undefined,
      subnegotiation: (sub) => {
        const value = sub[1] === 1 ? [0, 0, 37, 128] : [...sub.subarray(2)]; // 9600, always
        socket.write(Uint8Array.of(255, 250, 44, (sub[1] ?? 0) + 100, ...value, 255, 240));
      },
    });
    socket.on('data', (bytes) => reader.feed(bytes));
    socket.on('error', () => undefined);
  });
  await expect(openLine(wrong, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'PORT_SETTING' });
});

test('when the board goes away, listeners hear it once and nothing waits for ever', async () => {
  const virtual = await board();
  const line = await open(virtual.port);
  let heard = 0;
  const gone = new Promise<void>((resolve) => {
    line.onClose(() => {
      heard++;
      resolve();
    });
  });
  await virtual.close();
  await gone;
  await expect(line.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'PORT_LOST', exitCode: 3 });
  await expect(line.setBaud(9600)).rejects.toMatchObject({ code: 'PORT_LOST' });
  expect(heard).toBe(1);
});
