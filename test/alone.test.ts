/** A board that nobody tends: it finds one of its networks, wakes when it is spoken to, and tells how it fared. */
import { type Gateway, startGateway } from '@tincan/host-cli';
import type { MemoryStats, Problem, SessionEnd, StateChange } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { PASSWORD, type Settings, SSID, startTestBoard, type TestBoard, TOKEN } from './support/board.ts';
import { voice } from './support/sound.ts';

let gateway: Gateway | undefined;
let board: TestBoard | undefined;
afterEach(async () => {
  await board?.close();
  await gateway?.close();
  board = gateway = undefined;
});

async function start(settings: Settings, sentences: readonly Int16Array[] = []): Promise<TestBoard> {
  gateway = await startGateway({ mode: 'echo', token: TOKEN });
  board = await startTestBoard({
    settings: { 'server.url': gateway.callsUrl, 'session.greeting': '', ...settings },
    sentences,
  });
  return board;
}

interface Stats {
  session: { muted: boolean; illegal: number };
  capture: { sent: number };
  ends: SessionEnd[];
  memory: MemoryStats;
  tasks: unknown[];
  uptime_ms: number;
}

test('a voice starts a session, which then hears the person; mute ends the listening', async () => {
  const one = await start({ 'device.wake': 'voice' }, [voice('person-light-on')]);
  await one.state('ready');
  expect((await one.state('connecting')).reason).toBe('voice');
  await one.state('live');
  // The sentence that woke it is said again to the session.
  await one.until(
    ({ method, params }) =>
      method === 'realtime.event' &&
      (params.event as { type: string }).type === 'input_audio_buffer.speech_started'
        ? true
        : undefined,
    'speech heard by the server',
  );
  one.app.mute(true);
  const muted = await one.until(
    ({ method, params }) => (method === 'state' && params.muted === true ? params : undefined),
    'that it is muted',
  );
  expect(muted.state).toBe('live');
  const before = await one.device.request<Stats>('device.stats');
  expect(before.session).toMatchObject({ muted: true, illegal: 0 });
  await one.device.request('session.stop');
  const { capture, ends, uptime_ms, memory, tasks } = await one.device.request<Stats>('device.stats');
  expect(capture.sent).toBe(before.capture.sent);
  expect(ends).toEqual([{ reason: 'host', at_ms: expect.any(Number), lasted_ms: expect.any(Number) }]);
  expect(ends[0]!.at_ms).toBeLessThanOrEqual(uptime_ms);
  expect(ends[0]!.lasted_ms).toBeLessThan(uptime_ms);
  // The core allocates nothing: what is free stays so.
  expect(memory.internal.free).toBe(memory.internal.low);
  expect(memory.external).toEqual({ free: 0, low: 0 });
  expect(tasks).toEqual([]);
});

test('of two networks the one that is there is joined, and the other one is told once', async () => {
  const one = await start({
    'wifi.ssid': 'elsewhere',
    'wifi.password': 'not of interest',
    'wifi2.ssid': SSID,
    'wifi2.password': PASSWORD,
  });
  await one.state('ready');
  const said = one.messages.map(({ method, params }) => ({ method, ...params }));
  const states = said.filter(({ method }) => method === 'state') as unknown as StateChange[];
  expect(states.map(({ state, reason, detail }) => [state, reason, detail])).toEqual([
    ['joining', 'boot', 'elsewhere'],
    ['joining', 'wifi_not_found', SSID],
    ['ready', 'wifi_up', '127.0.0.1'],
  ]);
  const problems = said.filter(({ method }) => method === 'problem') as unknown as Problem[];
  expect(problems).toMatchObject([
    { code: 'wifi_not_found', message: 'The Wi-Fi network is not in reach (elsewhere).' },
  ]);
  one.app.loseWifi();
  await one.state('joining', one.messages.length);
  await one.state('ready', one.messages.length);
  expect(one.app.stats().proven).toBe(true);
  expect(one.wire().includes(PASSWORD)).toBe(false);
});
