import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { bootableFlash } from '../chip/testing.ts';
import { startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from '../start.ts';
import { BUSY_LINE } from './server.ts';

const boards: VirtualBoard[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const board of boards.splice(0)) await board.close();
});

/** A board whose application gives back what it hears. */
async function start(options: Partial<VirtualBoardOptions> = {}) {
  let write: (text: string) => void = () => {};
  let starts = 0;
  const board = await startVirtualBoard({
    flash: bootableFlash(),
    loader: async (_image, host) => {
      starts++;
      write = (text) => void host.serialWrite(Buffer.from(text, 'latin1'));
      return { serialIn: (bytes) => void host.serialWrite(bytes), stop: () => {} };
    },
    ...options,
  });
  boards.push(board);
  await until(() => board.state === 'app' || options.power === false);
  return { board, write: (text: string) => write(text), starts: () => starts };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A plain TCP client; what the server negotiates is dropped. */
async function client(board: VirtualBoard) {
  const { hostname, port } = new URL(board.port);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let all = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    all = Buffer.concat([all, bytes]);
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return {
    socket,
    text: () => all.toString('latin1').replace(/\xff(\xfa.*?\xff\xf0|[\xfb-\xfe].)/gs, ''),
    control: (value: number) => socket.write(Uint8Array.of(255, 250, 44, 5, value, 255, 240)),
  };
}

test('carries bytes both ways, IAC doubled', async () => {
  const { board } = await start();
  const one = await client(board);
  one.socket.write(Buffer.from('a\xff\xffb', 'latin1'));
  await until(() => one.text().includes('b'));
  expect(one.text()).toBe('a\xff\xffb');
});

test('a second client is told that the port is busy, and the first does not notice', async () => {
  const { board } = await start();
  const first = await client(board);
  await until(() => board.connected);
  const second = await client(board);
  second.socket.write('hello');
  await once(second.socket, 'close');
  expect(second.text()).toBe(BUSY_LINE);
  first.socket.write('still here');
  await until(() => first.text() === 'still here');
});

test('when a client goes the next one comes; what was said in between is lost', async () => {
  const { board, write, starts } = await start();
  const first = await client(board);
  await until(() => board.connected);
  first.socket.destroy();
  await until(() => !board.connected);
  write('nobody hears this');
  const second = await client(board);
  await until(() => board.connected);
  write('but this');
  await until(() => second.text() !== '');
  expect(second.text()).toBe('but this');
  expect(starts()).toBe(1);
});

test('a client may close and open again at once', async () => {
  const { board } = await start();
  const first = await client(board);
  await until(() => board.connected);
  first.socket.destroy();
  const second = await client(board); // the board learns of both at the same time
  second.socket.write('here again');
  await until(() => second.text() !== '');
  expect(second.text()).toBe('here again');
});

test('DTR and RTS reset the chip into the ROM and back into the application', async () => {
  const { board, starts } = await start();
  const one = await client(board);
  one.control(9); // DTR off
  one.control(11); // RTS on
  await until(() => board.state === 'reset');
  one.control(8);
  one.control(12);
  await until(() => board.state === 'rom');
  one.control(9);
  one.control(11);
  one.control(12);
  await until(() => board.state === 'app');
  expect(starts()).toBe(2);
  expect(one.text()).toContain('waiting for download');
});

test('a client that goes with RTS asserted does not leave the chip in reset', async () => {
  const { board } = await start();
  const one = await client(board);
  one.control(11);
  await until(() => board.state === 'reset');
  one.socket.destroy();
  await until(() => board.state === 'app');
});

test('a client at another rate reads nonsense', async () => {
  const { board, write } = await start();
  const one = await client(board);
  one.socket.write(Uint8Array.of(255, 250, 44, 1, 0, 7, 8, 0, 255, 240)); // 460,800
  one.socket.write('hello?');
  await until(() => one.text() !== ''); // the echo: the rate was set before
  write('The quick brown fox');
  await until(() => one.text().length > 12);
  expect(one.text()).not.toContain('quick');
  expect(one.text()).not.toContain('hello');
});

test('a port that is taken is an error that says so', async () => {
  const { board } = await start();
  const port = Number(new URL(board.port).port);
  await expect(start({ listen: { port } })).rejects.toMatchObject({
    code: 'listen',
    message: expect.stringContaining('another program listens there'),
  });
});
