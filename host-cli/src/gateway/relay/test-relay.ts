/** For tests: a relay between a strict server and whoever posts, on a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@tincan/boards';
import { afterEach, beforeEach, expect } from 'vitest';
import type { SessionUpdate } from '../config.ts';
import { type Gateway, startGateway } from '../index.ts';
import { DeviceDesk, dayOf } from '../store/desk.ts';
import { type DeviceStatus, Store, statusOf } from '../store/index.ts';
import { Relay, Upstream } from './index.ts';
import { FakeUpstream, KEY } from './test-upstream.ts';

export const NOON = new Date(2026, 10, 20, 12).getTime();
export const OWN = 'tc_the-token-of-the-gateway';
export const OFFER = `${[
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  'a=fingerprint:sha-256 00:11',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=rtpmap:111 opus/48000/2',
  'a=candidate:1 1 UDP 1 192.0.2.1 9 typ host',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
].join('\r\n')}\r\n`;

let folder: string;
export let upstream: FakeUpstream;
export let clock: ReturnType<typeof manualClock>;
export let store: Store;
export let lines: string[];
let desk: DeviceDesk;
export let gateway: Gateway;
export const open: Gateway[] = [];
export const now = () => NOON + clock.now();

export async function start(
  options: { session?: SessionUpdate; model?: null; url?: string; timeoutMs?: number } = {},
): Promise<Relay> {
  desk = new DeviceDesk({ store, clock, now, log: (line) => lines.push(line) });
  const target = new Upstream({
    url: new URL(options.url ?? upstream.url),
    auth: upstream.auth,
    key: KEY,
    timeoutMs: options.timeoutMs ?? 10_000,
    log: (line) => lines.push(line),
  });
  const relay = new Relay({
    upstream: target,
    desk,
    clock,
    now,
    log: (line) => lines.push(line),
    ...options,
  });
  gateway = await startGateway({
    mode: relay,
    desk,
    token: OWN,
    clock,
    unixNow: () => now() / 1000,
    log: (line) => lines.push(line),
  });
  open.push(gateway);
  return relay;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-relay-'));
  store = new Store(join(folder, 'gateway.db'));
  clock = manualClock();
  lines = [];
  upstream = await FakeUpstream.start();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  const { faults } = upstream;
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
  // Nothing of the key is in what was said or kept; the server saw nothing that it should not.
  expect(lines.join('\n')).not.toMatch(/real-key|tcd_|ek_\w/);
  expect(faults).toEqual([]);
});

export const post = (path: string, token: string, body?: string | FormData, type?: string) =>
  fetch(gateway.url + path, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}`, ...(type === undefined ? {} : { 'content-type': type }) },
  });
export const call = (token: string, body: string | FormData = OFFER) =>
  post('/v1/realtime/calls', token, body, typeof body === 'string' ? 'application/sdp' : undefined);
export async function problem(
  response: Response,
): Promise<{ status: number; code: string; message: string; after: string | null }> {
  const text = await response.text();
  expect(text).not.toMatch(/real-key|sk-/);
  const { error } = JSON.parse(text) as { error: { code: string; message: string } };
  return {
    status: response.status,
    code: error.code,
    message: error.message,
    after: response.headers.get('retry-after'),
  };
}
export const idOf = (response: Response) => response.headers.get('location')!.split('/').at(-1)!;
export const watched = (calls = 1) => expect.poll(() => upstream.sockets.size).toBe(calls);
export const status = (name: string): DeviceStatus =>
  statusOf(store, dayOf(now()), now()).find((one) => one.name === name)!;
export const done = (id: string, audio = 1000) => ({
  type: 'response.done',
  event_id: 'event_1',
  response: {
    id,
    usage: { input_token_details: { audio_tokens: audio }, output_token_details: { audio_tokens: audio } },
  },
});
/** What is there after so much more time, again and again. */
export const after = <T>(ms: number, look: () => T) =>
  expect.poll(() => {
    clock.advance(ms);
    return look();
  });
/** Lets time pass as the desk sees it. */
export const pass = (ms: number) => {
  for (let left = ms; left > 0; left -= 1000) clock.advance(Math.min(1000, left));
};
