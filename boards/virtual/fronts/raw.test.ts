import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeRequest, ROM_OP, SYNC_DATA, slipEncode } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { bootableFlash } from '../chip/testing.ts';
import { startVirtualBoard } from '../start.ts';
import { serveRaw } from './raw.ts';

test('carries bytes as they are; a flasher’s SYNC takes the board into its loader', async () => {
  const board = await startVirtualBoard({
    flash: bootableFlash(),
    loader: async (_image, host) => ({
      serialIn: (bytes) => void host.serialWrite(bytes),
      stop: () => {},
    }),
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await until(() => board.state === 'app');
  const front = await serveRaw(board.chip);
  const { hostname, port } = new URL(front.port);
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('data', (bytes: Buffer) => {
    heard += bytes.toString('latin1');
  });
  await once(socket, 'connect');
  await until(() => front.connected);
  socket.write(Buffer.from([65, 255, 250, 66]));
  await until(() => heard.length === 4);
  expect(heard).toBe('A\xff\xfaB');
  const sync = slipEncode(encodeRequest(ROM_OP.sync, SYNC_DATA));
  socket.write(sync.subarray(0, 20));
  socket.write(sync.subarray(20));
  await until(() => board.state === 'rom');
  await until(() => heard.includes('waiting for download'));
  heard = '';
  socket.write(sync);
  await until(() => heard.length >= 8 * 14);
  socket.destroy();
  await front.close();
  await board.close();
});

test('a client of another front leaves no baud rate behind', async () => {
  const board = await startVirtualBoard({
    flash: bootableFlash(),
    loader: async (_image, host) => ({
      serialIn: (bytes) => void host.serialWrite(bytes),
      stop: () => {},
    }),
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await until(() => board.state === 'app');
  const front = await serveRaw(board.chip);
  const socket = connect(Number(new URL(front.port).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (bytes: Buffer) => {
    heard += bytes.toString('latin1');
  });
  await until(() => front.connected);
  const flasher = connect(Number(new URL(board.port).port), '127.0.0.1');
  await until(() => board.connected);
  flasher.end(Uint8Array.of(255, 250, 44, 1, 0, 7, 8, 0, 255, 240)); // 460,800
  await until(() => !board.connected);
  socket.write('hello');
  await until(() => heard.length >= 5);
  expect(heard).toBe('hello');
  socket.destroy();
  await front.close();
  await board.close();
});
