/**
 * The relay with a whole server behind it - another gateway - a client whose sound flows, and OpenAI's own client: what
 * neither of them knows of the relay is that it is there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rms } from '../audio.ts';
import { makeCertificate } from '../certificate.ts';
import { systemClock } from '../clock.ts';
import type { SessionUpdate } from '../config.ts';
import { type Gateway, startGateway } from '../index.ts';
import { DeviceDesk } from '../store/desk.ts';
import { Store, statusOf } from '../store/index.ts';
import { TestClient } from '../test-client.ts';
import { DATA, upsample, voice } from '../test-sounds.ts';
import { Relay, Upstream } from './index.ts';

const KEY = 'sk-upstream-key-for-this-test';
const OWN = 'tc_the-token-of-the-relay';
const SCRIPT = new URL('demo.script.json', DATA).pathname;
const TOOLS = [{ type: 'function' as const, name: 'set_light', parameters: { type: 'object' } }];

let folder: string;
let store: Store;
let lines: string[];
const close: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-over-'));
  store = new Store(join(folder, 'gateway.db'));
  lines = [];
});
afterEach(async () => {
  for (const run of close.splice(0).reverse()) await run();
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  options: { session?: SessionUpdate; auth?: 'bearer' | 'api-key'; tls?: boolean } = {},
): Promise<{ server: Gateway; gateway: Gateway }> {
  const tls = options.tls === true ? await makeCertificate() : undefined;
  const server = await startGateway({ mode: 'script', script: SCRIPT, token: KEY, ...(tls ? { tls } : {}) });
  close.push(() => server.close());
  const clock = systemClock();
  const log = (line: string) => lines.push(line);
  const desk = new DeviceDesk({ store, clock, now: Date.now, log });
  const url = new URL(server.callsUrl);
  const upstream = new Upstream({ url, auth: options.auth ?? 'bearer', key: KEY, pin: tls?.pin, log });
  const relay = new Relay({ upstream, desk, clock, now: Date.now, log, session: options.session });
  const gateway = await startGateway({ mode: relay, desk, token: OWN, log });
  close.push(() => gateway.close());
  return { server, gateway };
}
async function connect(gateway: Gateway, token: string): Promise<TestClient> {
  const client = await TestClient.connect({
    url: gateway.callsUrl,
    headers: { authorization: `Bearer ${token}` },
  });
  close.push(() => client.close());
  return client;
}
const status = () => statusOf(store, 0, Date.now())[0]!;

describe.each([
  { auth: 'bearer', tls: false },
  { auth: 'api-key', tls: false },
  { auth: 'bearer', tls: true },
] as const)('a conversation over a relay ($auth, TLS $tls)', (way) => {
  it('hears and speaks, is counted, and ends when its device is revoked', async () => {
    const session: SessionUpdate = { type: 'realtime', model: 'gpt-realtime-2.1-mini', tools: TOOLS };
    const { server, gateway } = await start({ session, ...way });
    const { token } = store.addDevice('kitchen', {}, Date.now());
    const client = await connect(gateway, token);
    const created = await client.event('session.created');
    expect(created.session).toMatchObject({ model: 'gpt-realtime-2.1-mini', tools: [{ name: 'set_light' }] });

    // Sound goes to the server, and is understood there.
    await client.say(upsample(voice('person-light-on')));
    const { call_id } = await client.event('response.function_call_arguments.done');
    await client.event('response.done');
    client.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id, output: '{"ok":true}' },
    });
    const from = client.events.length;
    client.send({ type: 'response.create' });
    await client.event('output_audio_buffer.stopped', from);
    // And comes back from it.
    expect(rms(client.heard())).toBeGreaterThan(0.005);

    const done = client.events.filter((event) => event.type === 'response.done');
    const sum = (side: 'input_tokens' | 'output_tokens') =>
      done.reduce((total, { response }) => total + (response.usage?.[side] ?? 0), 0);
    await expect
      .poll(() => status().tokens)
      .toEqual({ input: sum('input_tokens'), cached: expect.any(Number), output: sum('output_tokens') });
    expect(status()).toMatchObject({ name: 'kitchen', calls: 1, live: 1, unpriced: false, unmetered: 0 });
    expect(status().dollars).toBeGreaterThan(0);

    new Store(store.file).revokeDevice('kitchen', Date.now());
    await client.until('the end', () => client.closed);
    await expect.poll(() => server.calls().every((call) => call.ended !== undefined)).toBe(true);
    expect(status()).toMatchObject({ live: 0, revoked: true });
    expect(lines.join('\n')).not.toMatch(/upstream-key|tcd_|ek_[0-9a-f]/);
  });
});

describe('a device that changes what it may not', () => {
  it('has its session put right, and goes on', async () => {
    const session: SessionUpdate = { type: 'realtime', instructions: 'Be kind.', tools: TOOLS };
    const { gateway } = await start({ session });
    const client = await connect(gateway, store.addDevice('kitchen', {}, Date.now()).token);
    await expect.poll(() => lines.some((line) => /watched from beside/.test(line))).toBe(true);
    client.send({
      type: 'session.update',
      session: { type: 'realtime', instructions: 'Be rude.', audio: { output: { speed: 1.2 } } },
    });
    const updated = await client.until('the second update', () => {
      const all = client.events.filter((event) => event.type === 'session.updated');
      return all.length >= 2 && all.at(-1);
    });
    expect(updated.session).toMatchObject({ instructions: 'Be kind.', audio: { output: { speed: 1.2 } } });
    expect(client.events.filter((event) => event.type === 'error')).toEqual([]);
  });
});

describe("OpenAI's client at the relay", () => {
  it('makes a secret, calls with it, and hangs up', async () => {
    const { server, gateway } = await start();
    const { token } = store.addDevice('kitchen', { calls: 1 }, Date.now());
    const openai = new OpenAI({ apiKey: token, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const secret = await openai.realtime.clientSecrets.create({
      expires_after: { anchor: 'created_at', seconds: 60 },
      session: { type: 'realtime', model: 'gpt-realtime-2.1' },
    });
    expect(secret.value).toMatch(/^ek_/);
    expect(secret.expires_at).toBeGreaterThan(Date.now() / 1000);
    const client = await connect(gateway, secret.value);
    const id = client.location.split('/').at(-1)!;
    // One call at a time; the client sees it as the error that it is.
    const refused = await connect(gateway, token).catch((error: Error) => error.message);
    expect(refused).toMatch(/^429: .*one call at a time/);
    await openai.realtime.calls.hangup(id);
    await client.until('the end', () => client.closed);
    await expect.poll(() => server.calls().every((call) => call.ended !== undefined)).toBe(true);
    await expect(openai.realtime.calls.hangup(id)).rejects.toMatchObject({
      status: 404,
      code: 'call_id_not_found',
    });
    store.revokeDevice('kitchen', Date.now());
    await expect(openai.realtime.clientSecrets.create({})).rejects.toMatchObject({ status: 401 });
  });
});

describe('devices at a gateway of the other modes', () => {
  it('have their tokens and limits there too', async () => {
    const clock = systemClock();
    const desk = new DeviceDesk({ store, clock, now: Date.now, log: (line) => lines.push(line) });
    const gateway = await startGateway({ mode: 'echo', token: OWN, desk });
    close.push(() => gateway.close());
    const { token } = store.addDevice('kitchen', { calls: 1 }, Date.now());
    const client = await connect(gateway, token);
    expect(await connect(gateway, token).catch((error: Error) => error.message)).toMatch(/^429/);
    expect((await connect(gateway, OWN)).location).toMatch(/rtc_/);
    expect(status()).toMatchObject({ name: 'kitchen', calls: 1, live: 1, unmetered: 0 });
    store.revokeDevice('kitchen', Date.now());
    await client.until('the end', () => client.closed);
    await expect.poll(() => status().live).toBe(0);
  });

  it('do not get more by calling many times at once, and have nothing to do with calls of others', async () => {
    const clock = systemClock();
    const desk = new DeviceDesk({ store, clock, now: Date.now, log: (line) => lines.push(line) });
    const gateway = await startGateway({ mode: 'echo', token: OWN, desk });
    close.push(() => gateway.close());
    const { token } = store.addDevice('kitchen', { calls: 1 }, Date.now());
    const other = store.addDevice('hall', {}, Date.now()).token;
    const all = await Promise.allSettled([1, 2, 3].map(() => connect(gateway, token)));
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const id = gateway.calls().find((one) => one.ended === undefined)!.id;
    const hangUp = (key: string) =>
      fetch(`${gateway.callsUrl}/${id}/hangup`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
      });
    expect((await hangUp(other)).status).toBe(404);
    expect((await hangUp(token)).status).toBe(200);
    expect(status()).toMatchObject({ live: 0 });
  });

  it('get a 500 where the store fails, and the gateway goes on without a trace of the call', async () => {
    const clock = systemClock();
    const desk = new DeviceDesk({ store, clock, now: Date.now, log: (line) => lines.push(line) });
    const gateway = await startGateway({ mode: 'echo', token: OWN, desk, maxCalls: 1 });
    close.push(() => gateway.close());
    const { token } = store.addDevice('kitchen', { calls: 1 }, Date.now());
    vi.spyOn(store, 'startCall').mockImplementationOnce(() => {
      throw new Error('no space left');
    });
    expect(await connect(gateway, token).catch((error: Error) => error.message)).toMatch(/^500/);
    expect(gateway.calls()).toEqual([]);
    expect((await connect(gateway, token)).location).toMatch(/rtc_/);
  });
});
