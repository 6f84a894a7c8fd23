import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { post, type WireError } from './wire.ts';

let server: Server;
beforeAll(async () => {
  server = createServer((request, response) => {
    const often = (run: () => void) => {
      const timer = setInterval(run, 5);
      response.on('close', () => clearInterval(timer));
    };
    const { socket } = response;
    if (request.url === '/drips') {
      response.writeHead(200);
      often(() => response.write('v'));
    }
    if (request.url === '/hints') often(() => response.writeEarlyHints({ link: '</a>; rel=preload' }));
    if (request.url === '/heads') response.writeHead(200, { x: 'y'.repeat(40_000) }).end();
    if (request.url === '/cut') {
      response.writeHead(200, { 'Content-Length': 100 }).write('v=0');
      setTimeout(() => response.destroy(), 20);
    }
    if (request.url === '/101')
      socket?.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    if (request.url === '/noise') socket?.end('\u0000\u0001 what is this\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('a server that misbehaves', () => {
  it.each([
    ['drips', 'timeout'],
    ['hints', 'timeout'],
    ['silence', 'timeout'],
    ['heads', 'unreachable'],
    ['cut', 'unreachable'],
    ['101', 'unreachable'],
    ['noise', 'unreachable'],
  ])('with %s ends as %s, and keeps nobody waiting', async (path, kind) => {
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`);
    const error = await post({ url, headers: {}, body: 'x', timeoutMs: 300 }).catch((one: WireError) => one);
    expect(error).toMatchObject({ name: 'WireError', kind });
  });
});
