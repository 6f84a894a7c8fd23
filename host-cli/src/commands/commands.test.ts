import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWav } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { buildImage } from '../build/virtual.ts';
import { runDemo } from '../demo/index.ts';
import { checkFiles } from '../flash/check.ts';
import { readPlan } from '../flash/plan.ts';
import { makeCertificate } from '../gateway/certificate.ts';
import { createOutput } from '../output.ts';
import { repositoryPath } from '../root.ts';
import { readSentence } from '../sentence.ts';
import { nodeCheck } from './doctor.ts';
import { serverCheck } from './doctor-server.ts';
import { gateway, gatewayToken } from './gateway.ts';
import { answerTo } from './say.ts';
import { parseListen } from './virtual.ts';

const silent = { out: { write: () => 0 }, err: { write: () => 0 }, env: {}, now: () => 0 };
const folder = () => mkdtempSync(join(tmpdir(), 'tincan-'));

test('build writes a whole image: what flash would check is right, and hello will say its hash', async () => {
  const out = folder();
  const cacheDir = repositoryPath('build/cache');
  const built = await buildImage({ board: 'virtual', out, version: '1.2.3', cacheDir });
  const { app, table } = checkFiles(readPlan(out).files, { board: 'virtual', flashBytes: 8 << 20 });
  expect(app).toMatchObject({
    project: 'tincan-virtual',
    version: '1.2.3',
    image: built.image,
    offset: 0x20000,
  });
  expect(table?.map((one) => one.name)).toEqual([
    'nvs',
    'otadata',
    'phy_init',
    'nvs_keys',
    'ota_0',
    'ota_1',
    'coredump',
  ]);
  expect(built.files.map((file) => file.offset)).toEqual([0, 0x8000, 0xf000, 0x20000]);
});

test('the gateway keeps its token in a file that only its owner can read, and uses it again', () => {
  const env = { XDG_CONFIG_HOME: folder() };
  const first = gatewayToken({ env });
  expect(first).toMatchObject({ made: true, from: join(env.XDG_CONFIG_HOME, 'tincan/gateway-token') });
  expect(first.token).toMatch(/^tc_[0-9a-f]{32}$/);
  expect(statSync(first.from).mode & 0o077).toBe(0);
  expect(readFileSync(first.from, 'utf8').trim()).toBe(first.token);
  expect(gatewayToken({ env })).toMatchObject({ token: first.token, made: false });
  expect(gatewayToken({ env: { ...env, TINCAN_GATEWAY_TOKEN: 'mine' } })).toMatchObject({ token: 'mine' });
});

test('the gateway with TLS says its pin, the same at each start, and an address that devices can use', async () => {
  const env = { XDG_CONFIG_HOME: folder(), TINCAN_GATEWAY_TOKEN: 'tc_0123456789abcdef' };
  const run = async (listen: string, announce?: string[]) => {
    const stop = new AbortController();
    let said = '';
    let notes = '';
    const streams = {
      out: {
        write: (text: string) => {
          said += text;
          stop.abort();
          return true;
        },
      },
      err: {
        write: (text: string) => {
          notes += text;
          return true;
        },
      },
    };
    const out = createOutput(true, { ...silent, ...streams } as never);
    const context = { out, signal: stop.signal, env };
    await gateway(context, { mode: 'echo', listen, tls: true, ...(announce && { announce }) }).catch(
      (error) => {
        if (error.code !== 'INTERRUPTED') throw error;
      },
    );
    return { result: JSON.parse(said.split('\n')[0]!), notes };
  };
  const { result, notes } = await run('127.0.0.1:0');
  expect(result).toMatchObject({
    callsUrl: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/v1\/realtime\/calls$/),
    pin: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(notes).not.toContain('tc_0123456789abcdef');
  expect(statSync(join(env.XDG_CONFIG_HOME, 'tincan/gateway-tls.pem')).mode & 0o077).toBe(0);
  const again = await run('127.0.0.1:0', ['10.0.2.2']);
  expect(again.result).toMatchObject({ pin: result.pin });
  expect(again.result.deviceUrl).toMatch(/^https:\/\/10\.0\.2\.2:\d+\//);
});

test('a token file that is empty or missing is an error, and is not written over', () => {
  const file = join(folder(), 'token');
  expect(() => gatewayToken({ env: {} }, file)).toThrow(expect.objectContaining({ code: 'SECRET_FILE' }));
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, '\n');
  expect(() => gatewayToken({ env: {} }, file)).toThrow(expect.objectContaining({ code: 'SECRET_FILE' }));
});

test('HOST:PORT, with IPv6 in brackets; all else is a usage error', () => {
  expect(parseListen('127.0.0.1:4000')).toEqual({ host: '127.0.0.1', port: 4000 });
  expect(parseListen('[::1]:0')).toEqual({ host: '::1', port: 0 });
  for (const wrong of ['4000', '127.0.0.1', 'host:70000', '::1:4000', '']) {
    expect(() => parseListen(wrong)).toThrow(expect.objectContaining({ code: 'LISTEN_SYNTAX', exitCode: 2 }));
  }
});

test('what a person says is read at any rate; what is no sound is refused', () => {
  const path = join(folder(), 'a.wav');
  writeFileSync(path, writeWav(new Int16Array(4800), 48_000));
  expect(readSentence(path).length).toBe(1600);
  writeFileSync(path, 'ID3 not a wav at all');
  expect(() => readSentence(path)).toThrow(expect.objectContaining({ code: 'WAV_BROKEN', exitCode: 2 }));
});

test.each([
  ['20.18.3', 'fail'],
  ['18.99.0', 'fail'],
  ['20.19.0', 'ok'],
  ['22.1.0', 'ok'],
])('Node %s: %s', (version, state) => {
  expect(nodeCheck(version).state).toBe(state);
});

test.each([
  [401, 'ok'],
  [400, 'ok'],
  [404, 'fail'],
  [302, 'fail'],
  [200, 'warn'],
  [503, 'warn'],
])('a server that answers an empty offer with %i: %s', async (status, state) => {
  const server = createServer((_, response) =>
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('{}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const check = await serverCheck(`http://127.0.0.1:${port}/v1/realtime/calls`);
  server.close();
  expect(check.state).toBe(state);
  if (state !== 'ok') expect(check.next).toBeDefined();
});

test('doctor knows a server by its pinned key, and another one by that it has another', async () => {
  const { key, cert, pin } = await makeCertificate();
  const server = createTlsServer({ key, cert }, (_, response) => response.writeHead(401).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as { port: number }).port}/v1/realtime/calls`;
  expect(await serverCheck(url, pin.toUpperCase())).toMatchObject({ state: 'ok' });
  expect(await serverCheck(url, '0'.repeat(64))).toMatchObject({
    state: 'fail',
    found: expect.stringContaining('another key'),
    next: expect.stringContaining('server.pin'),
  });
  expect(await serverCheck(url)).toMatchObject({ state: 'fail', found: expect.stringContaining('self') });
  server.close();
});

test('what answers a text is not the greeting that was being made when it came', () => {
  const answer = answerTo('Hi.');
  const event = (type: string, more: object) =>
    answer({ method: 'realtime.event', params: { event: { type, ...more } }, at: 0 });
  const item = { id: 'u', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi.' }] };
  const words = (response_id: string, item_id: string, transcript: string) => {
    event('conversation.item.added', {
      item: { id: item_id, type: 'message', role: 'assistant', content: [] },
    });
    event('response.output_audio_transcript.delta', { response_id, item_id, content_index: 0, delta: 'H' });
    event('response.output_audio_transcript.done', { response_id, item_id, content_index: 0, transcript });
  };
  event('response.created', { response: { id: 'greeting' } });
  event('conversation.item.added', { item });
  words('greeting', 'a1', 'Hello!');
  expect(event('response.done', { response: { id: 'greeting' } })).toBeUndefined();
  event('response.created', { response: { id: 'empty' } });
  expect(event('response.done', { response: { id: 'empty', status: 'cancelled' } })).toBeUndefined();
  // First a tool, with words about it.
  event('response.created', { response: { id: 'tool' } });
  words('tool', 'a2', 'Let me see.');
  const output = [{ type: 'function_call' }];
  expect(event('response.done', { response: { id: 'tool', output } })).toBeUndefined();
  event('response.created', { response: { id: 'answer' } });
  words('answer', 'a3', 'Hi yourself.');
  expect(event('response.done', { response: { id: 'answer' } })).toEqual(['Let me see.', 'Hi yourself.']);
});

test('an answer that fails is an error, and not what is said next; a rate limit is waited for once', () => {
  const answer = answerTo('Hi.');
  const event = (type: string, more: object) =>
    answer({ method: 'realtime.event', params: { event: { type, ...more } }, at: 0 });
  const failed = (id: string, error: object) => {
    event('response.created', { response: { id } });
    return event('response.done', { response: { id, status: 'failed', status_details: { error } } });
  };
  event('conversation.item.added', { item: { role: 'user', content: [{ text: 'Hi.' }] } });
  expect(failed('r0', { code: 'rate_limit_exceeded' })).toBeUndefined();
  expect(failed('r1', { code: 'rate_limit_exceeded' })).toMatchObject({ code: 'ANSWER_FAILED' });
  expect(failed('r2', { code: 'server_error', message: 'It broke.' })).toMatchObject({
    code: 'ANSWER_FAILED',
    message: 'The server could not answer: server_error (It broke.).',
    exitCode: 6,
  });
});

test('the demo clears away its own files, and no others', async () => {
  const out = folder();
  writeFileSync(join(out, 'mine.txt'), 'keep');
  writeFileSync(join(out, 'summary.json'), '{}');
  const stop = new AbortController();
  stop.abort();
  const context = { out: createOutput(true, silent), signal: stop.signal, env: {} };
  await expect(runDemo(context, { out })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(readdirSync(out)).toEqual(['mine.txt']);
});
