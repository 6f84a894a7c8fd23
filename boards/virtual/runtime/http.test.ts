import { createHash, createPublicKey } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock, systemClock } from '../clock.ts';
import { ERR, EVENT, HTTP } from './codes.ts';
import { HttpPort } from './http.ts';
import { selfSigned } from './self-signed.ts';
import { Events, textOf } from './testing.ts';

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    close: () => {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    },
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serve = async (listener: RequestListener) => `http://${await listen(createServer(listener))}/v1/calls`;
const offer = new TextEncoder().encode('v=0\r\n');

function port(online = true) {
  const events = new Events();
  return { events, http: new HttpPort(systemClock(), () => online, events.post) };
}

describe('the HTTP port', () => {
  it('posts the body with its headers and gives back status and body', async () => {
    let got: unknown;
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        const { authorization, 'content-type': type, 'content-length': length } = request.headers;
        got = { method: request.method, url: request.url, authorization, type, length, body };
        response.writeHead(201, { 'Content-Type': 'application/sdp' }).end('v=0\r\nanswer');
      });
    });
    const { events, http } = port();
    const headers = 'Authorization: Bearer ek_test\r\nContent-Type: application/sdp\r\n';
    expect(http.send(7, url, '', headers, offer, 5000)).toBe(0);
    const event = await events.next(EVENT.http);
    expect(event).toMatchObject({ id: 7, code: 201, extra: 0 });
    expect(textOf(event.data)).toBe('v=0\r\nanswer');
    expect(got).toEqual({
      method: 'POST',
      url: '/v1/calls',
      authorization: 'Bearer ek_test',
      type: 'application/sdp',
      length: '5',
      body: 'v=0\r\n',
    });
  });

  it.each([
    [401, {}, '{"error":{}}', 0],
    [503, { 'Retry-After': '17' }, '<html>busy</html>', 17],
    [429, { 'Retry-After': 'Wed, 21 Oct 2026 07:28:00 GMT' }, '', 0],
  ])('passes on status %i as it is', async (status, headers, body, extra) => {
    const url = await serve((_, response) => response.writeHead(status, headers).end(body));
    const { events, http } = port();
    http.send(1, url, '', '', offer, 5000);
    const event = await events.next(EVENT.http);
    expect(event).toMatchObject({ code: status, extra });
    expect(textOf(event.data)).toBe(body);
  });

  it('does not follow a redirect', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });
    const { events, http } = port();
    http.send(1, url, '', '', offer, 5000);
    expect((await events.next(EVENT.http)).code).toBe(307);
    expect(requests).toBe(1);
  });

  it('takes 20,480 bytes and refuses one more, declared or not', async () => {
    const url = await serve((request, response) => {
      const size = Number(request.headers.size);
      if (request.headers.chunked) response.write('');
      else response.setHeader('Content-Length', size);
      response.end('x'.repeat(size));
    });
    const { events, http } = port();
    http.send(1, url, '', 'size: 20480\r\n', offer, 5000);
    expect((await events.next(EVENT.http)).data).toHaveLength(20_480);
    http.send(2, url, '', 'size: 20481\r\n', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 2, code: HTTP.tooLarge });
    http.send(3, url, '', 'size: 300000\r\nchunked: yes\r\n', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 3, code: HTTP.tooLarge });
  });

  it('gives up after its time limit', async () => {
    const clock = manualClock();
    const events = new Events();
    const http = new HttpPort(clock, () => true, events.post);
    let arrived = () => {};
    const here = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const url = await serve(() => arrived());
    http.send(1, url, '', '', offer, 8000);
    await here;
    clock.advance(7999);
    expect(events.all).toEqual([]);
    clock.advance(1);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 1, code: HTTP.timeout });
  });

  it('tells refused connections, broken answers and TLS apart', async () => {
    const { events, http } = port();
    const closed = createTcpServer();
    const address = await listen(closed);
    await new Promise((resolve) => closed.close(resolve));
    http.send(1, `http://${address}/`, '', '', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 1, code: HTTP.tcp });

    const rude = await listen(
      createTcpServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 200'))),
    );
    http.send(2, `http://${rude}/`, '', '', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 2, code: HTTP.io });

    const cut = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('half');
      setImmediate(() => response.destroy());
    });
    http.send(3, cut, '', '', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 3, code: HTTP.io });

    const plain = await serve((_, response) => response.end());
    http.send(4, plain.replace('http:', 'https:'), '', '', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 4, code: HTTP.tls });
  });

  it('refuses a certificate that nobody vouches for', async () => {
    const tls = createTlsServer(selfSigned(), (_, response) => response.end('hello'));
    const address = await listen(tls);
    const { events, http } = port();
    http.send(1, `https://${address}/`, '', 'Authorization: Bearer secret\r\n', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 1, code: HTTP.tls });
  });

  it('takes the pinned key and no other, whatever the certificate says', async () => {
    const pair = selfSigned();
    const asked: string[] = [];
    const tls = createTlsServer(pair, (request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        asked.push(`${request.headers.authorization} ${body}`);
        response.writeHead(201).end('v=0');
      });
    });
    const address = await listen(tls);
    const { events, http } = port();
    const spki = createPublicKey(pair.key).export({ type: 'spki', format: 'der' });
    const pin = createHash('sha256').update(spki).digest('hex');
    const url = `https://${address}/`;
    http.send(1, url, pin, 'Authorization: Bearer secret\r\n', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 1, code: 201 });
    expect(asked).toEqual(['Bearer secret v=0\r\n']);
    http.send(2, url, 'ab'.repeat(32), 'Authorization: Bearer secret\r\n', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 2, code: HTTP.pin });
    expect(asked).toHaveLength(1);
  });

  it('has no use for a pin without TLS', async () => {
    const url = await serve((_, response) => response.end('hello'));
    const { events, http } = port();
    http.send(1, url, 'ab'.repeat(32), '', offer, 5000);
    expect(await events.next(EVENT.http)).toMatchObject({ code: 200 });
  });

  it('finds no name without a network', async () => {
    const { events, http } = port(false);
    expect(http.send(1, 'https://api.openai.com/v1/realtime/calls', '', '', offer, 5000)).toBe(0);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 1, code: HTTP.dns });
  });

  it('refuses what is no URL or no header', () => {
    const { events, http } = port();
    expect(http.send(1, 'nonsense', '', '', offer, 5000)).toBe(ERR.format);
    expect(http.send(1, 'ftp://127.0.0.1/', '', '', offer, 5000)).toBe(ERR.format);
    expect(http.send(1, 'http://127.0.0.1:9/', '', 'no colon\r\n', offer, 5000)).toBe(ERR.format);
    expect(http.send(1, 'http://127.0.0.1:9/', '', 'Authorization: Bearer a\nb\r\n', offer, 5000)).toBe(
      ERR.format,
    );
    expect(events.all).toEqual([]);
  });

  it('does one request at a time, and forgets one that was cancelled', async () => {
    const url = await serve((request, response) => {
      if (request.headers.slow) setTimeout(() => response.end('late'), 30);
      else response.end('fast');
    });
    const { events, http } = port();
    expect(http.send(1, url, '', 'slow: 1\r\n', offer, 5000)).toBe(0);
    expect(http.send(2, url, '', '', offer, 5000)).toBe(ERR.state);
    http.cancel(99);
    http.cancel(1);
    expect(http.send(3, url, '', '', offer, 5000)).toBe(0);
    expect(await events.next(EVENT.http)).toMatchObject({ id: 3, code: 200 });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(events.all).toHaveLength(1);
  });
});
