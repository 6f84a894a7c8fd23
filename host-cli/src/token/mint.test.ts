import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asTincanError, errorReport } from '../errors.ts';
import { makeCertificate } from '../gateway/certificate.ts';
import { mintSecret, secretsUrl } from './mint.ts';

const KEY = 'sk-a-key-that-nobody-may-see-0123';
let server: Server;
let url: URL;
let seen: { path: string; headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
let answer: { status: number; headers?: Record<string, string>; body?: string } | 'never';

const listener: Parameters<typeof createServer>[1] = (request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += String(chunk);
  });
  request.on('end', () => {
    seen.push({ path: request.url ?? '', headers: request.headers, body });
    if (answer !== 'never') response.writeHead(answer.status, answer.headers).end(answer.body);
  });
};
const listen = (one: Server) => new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
const portOf = (one: Server) => (one.address() as AddressInfo).port;
const close = (one: Server) =>
  new Promise<void>((resolve) => {
    one.close(() => resolve());
    one.closeAllConnections();
  });

beforeAll(async () => {
  server = createServer(listener);
  await listen(server);
  url = secretsUrl('openai', `http://127.0.0.1:${portOf(server)}`);
});
afterAll(() => close(server));
beforeEach(() => {
  seen = [];
  answer = { status: 200, body: '{"value":"ek_0123456789","expires_at":1800000600,"session":{}}' };
});
const codeOf = async (run: Promise<unknown>): Promise<string> => {
  try {
    await run;
    return 'it came';
  } catch (error) {
    const report = JSON.stringify(errorReport(error));
    expect(report).not.toContain(KEY);
    return asTincanError(error).code;
  }
};

describe('a secret', () => {
  it('is asked for with time and session, and comes with its end', async () => {
    const session = { type: 'realtime', model: 'gpt-realtime-2.1' };
    expect(await mintSecret({ from: 'openai', url, key: KEY, seconds: 60, session })).toEqual({
      value: 'ek_0123456789',
      expiresAt: 1_800_000_600,
    });
    expect(seen).toMatchObject([
      {
        path: '/v1/realtime/client_secrets',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      },
    ]);
    expect(JSON.parse(seen[0]!.body)).toEqual({
      expires_after: { anchor: 'created_at', seconds: 60 },
      session,
    });
  });

  it('of Azure is asked for with api-key', async () => {
    await mintSecret({ from: 'azure', url, key: KEY });
    expect(seen[0]!.headers).toMatchObject({ 'api-key': KEY });
    expect(seen[0]!.headers.authorization).toBeUndefined();
    expect(seen[0]!.body).toBe('{}');
  });

  it.each([
    [401, '', 'TOKEN_REFUSED'],
    [403, '', 'TOKEN_REFUSED'],
    [404, '<html></html>', 'TOKEN_URL'],
    [302, '', 'TOKEN_URL'],
    [400, `{"error":{"message":"Bad ${KEY}"}}`, 'TOKEN_REQUEST'],
    [429, '', 'TOKEN_LIMIT'],
    [500, '', 'TOKEN_SERVER'],
    [200, '', 'TOKEN_SERVER'],
    [200, '{"value":""}', 'TOKEN_SERVER'],
    [200, '{"value":"two words here"}', 'TOKEN_SERVER'],
    [200, '[]', 'TOKEN_SERVER'],
    [200, 'x'.repeat(300_000), 'TOKEN_UNREACHABLE'],
  ])('does not come of %i %#', async (status, body, code) => {
    answer = { status, body, headers: status === 302 ? { Location: 'https://elsewhere.example/' } : {} };
    expect(await codeOf(mintSecret({ from: 'openai', url, key: KEY }))).toBe(code);
    expect(seen).toHaveLength(1);
  });

  it('does not come of silence, of a closed door, or where it is stopped', async () => {
    answer = 'never';
    expect(await codeOf(mintSecret({ from: 'openai', url, key: KEY, timeoutMs: 50 }))).toBe('TOKEN_TIMEOUT');
    const stopped = AbortSignal.abort();
    expect(await codeOf(mintSecret({ from: 'openai', url, key: KEY, signal: stopped }))).toBe('INTERRUPTED');
    const nobody = new URL('http://127.0.0.1:9/v1/realtime/client_secrets');
    expect(await codeOf(mintSecret({ from: 'openai', url: nobody, key: KEY }))).toBe('TOKEN_UNREACHABLE');
  });
});

describe('a server with a certificate of its own', () => {
  it('is trusted by its pin alone, and hears nothing before', async () => {
    const { key, cert, pin } = await makeCertificate();
    const secure = createTlsServer({ key, cert }, listener);
    await listen(secure);
    const target = secretsUrl('gateway', `https://127.0.0.1:${portOf(secure)}`);
    const mint = (one: string | undefined) =>
      mintSecret({ from: 'gateway', url: target, key: KEY, pin: one });
    try {
      expect(await codeOf(mint(undefined))).toBe('TOKEN_CERTIFICATE');
      expect(await codeOf(mint('0'.repeat(64)))).toBe('TOKEN_CERTIFICATE');
      expect(seen).toEqual([]);
      expect(await mint(pin.toUpperCase())).toMatchObject({ value: 'ek_0123456789' });
    } finally {
      await close(secure);
    }
  });
});

describe('where secrets are made', () => {
  it.each([
    ['openai', undefined, 'https://api.openai.com/v1/realtime/client_secrets'],
    [
      'openai',
      'https://api.openai.com/v1/realtime/calls',
      'https://api.openai.com/v1/realtime/client_secrets',
    ],
    ['openai', ' https://proxy.example/v1/ ', 'https://proxy.example/v1/realtime/client_secrets'],
    ['azure', 'https://r.openai.azure.com', 'https://r.openai.azure.com/openai/v1/realtime/client_secrets'],
    [
      'azure',
      'https://r.openai.azure.com/openai/',
      'https://r.openai.azure.com/openai/v1/realtime/client_secrets',
    ],
    [
      'azure',
      'https://r.openai.azure.com/openai/v1/realtime/calls?webrtcfilter=on&x=1',
      'https://r.openai.azure.com/openai/v1/realtime/client_secrets?x=1',
    ],
    ['gateway', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080/v1/realtime/client_secrets'],
    ['gateway', 'https://[::1]:1/v1/realtime', 'https://[::1]:1/v1/realtime/client_secrets'],
  ] as const)('%s, %s', (from, given, wanted) => expect(secretsUrl(from, given).href).toBe(wanted));

  it.each([
    ['azure', undefined],
    ['openai', 'https://a b.example'],
    ['openai', 'ftp://a.example'],
    ['openai', 'nonsense'],
    ['openai', 'https://user:word@a.example'],
    ['gateway', 'http://192.0.2.1:8080'],
  ] as const)('is not %s, %s', async (from, given) => {
    expect(await codeOf(Promise.resolve().then(() => secretsUrl(from, given)))).toBe('TOKEN_URL');
  });
});
