import { afterEach, expect, test } from 'vitest';
import { Device } from '../device/device.ts';
import { forgetSecrets } from '../redact.ts';
import { openLine } from '../serial/line.ts';
import { flashedBoard, type HelloAppOptions } from '../testing/hello-app.ts';
import { collectSettings, fillRequired, parsePair } from './collect.ts';
import { applyAndJoin, applySettings, chunkValues, fingerprintOf } from './online.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  forgetSecrets();
  for (const end of close.splice(0).reverse()) await end();
});

async function running(options: HelloAppOptions = {}) {
  const { board, current } = await flashedBoard(options);
  close.push(() => board.close());
  await expect.poll(() => board.state).toBe('app');
  const device = new Device(await openLine(board.port));
  close.push(() => device.close());
  return { device, app: current() };
}

const SECRETS = { 'wifi.password': 'correct horse', 'server.token': 'tok_0123456789' };

test('settings go in one commit, and are read back; secrets by their fingerprints', async () => {
  const { device, app } = await running();
  const answer = await applySettings(device, {
    'wifi.ssid': 'home',
    'audio.volume': 40,
    'tools.enabled': false,
    ...SECRETS,
  });
  expect(answer.changed.sort()).toEqual([
    'audio.volume',
    'server.token',
    'tools.enabled',
    'wifi.password',
    'wifi.ssid',
  ]);
  expect(app.settings).toMatchObject({ 'wifi.ssid': 'home', 'audio.volume': 40, ...SECRETS });
  expect(app.requests).toEqual(['settings.set', 'settings.commit', 'settings.get']);
});

test('large settings go in pieces, still in one commit', async () => {
  const { device, app } = await running();
  await applySettings(device, {
    'session.instructions': 'x'.repeat(3000),
    'server.token': 't'.repeat(2047),
    'session.greeting': 'g',
  });
  expect(app.requests.filter((method) => method === 'settings.set').length).toBe(2);
  expect(app.requests.filter((method) => method === 'settings.commit').length).toBe(1);
});

test('pieces hold everything once, and a single large one goes alone', () => {
  const values = { a: 'x'.repeat(60), b: 'y'.repeat(200), c: 1, d: true };
  const chunks = chunkValues(values, 100);
  expect(Object.assign({}, ...chunks)).toEqual(values);
  expect(chunks.map((chunk) => Object.keys(chunk).join())).toEqual(['a', 'b', 'c,d']);
});

test('one refused value leaves everything as it was, also for the next commit', async () => {
  const { device, app } = await running();
  const before = { ...app.settings };
  await expect(applySettings(device, { 'audio.volume': 40, 'turn.silence': 99_999 })).rejects.toMatchObject({
    code: 'SETTING_LIMIT',
  });
  expect((await device.request<{ changed: string[] }>('settings.commit')).changed).toEqual([]);
  expect(app.settings).toEqual(before);
});

test('a device that does not keep what it says is found out', async () => {
  const { device } = await running({ forget: 'server.token' });
  await expect(applySettings(device, SECRETS)).rejects.toMatchObject({
    code: 'SETTINGS_DIFFER',
    message: expect.stringContaining('server.token'),
  });
});

test('a fingerprint is SHA-256 over salt and value, four bytes', () => {
  expect(fingerprintOf('', 'abc')).toBe('ba7816bf'); // FIPS 180-2, appendix B.1
  expect(fingerprintOf('61', 'bc')).toBe('ba7816bf');
});

test('settings come from options, environment and files, each checked', async () => {
  const values = await collectSettings({
    ssid: 'home',
    set: ['audio.volume=40', 'session.greeting=a=b'],
    tokenFile: '-',
    readStdin: () => 'tok_0123456789\n',
    env: { TINCAN_WIFI_PASSWORD: 'correct horse', TINCAN_SESSION_VOICE: 'cedar' },
  });
  expect(values).toEqual({
    'wifi.ssid': 'home',
    'audio.volume': 40,
    'session.greeting': 'a=b',
    'session.voice': 'cedar',
    ...SECRETS,
  });
});

test.each([
  [{ set: ['audio.volume=101'] }, 'SETTING_LIMIT'],
  [{ set: ['audio.volume=loud'] }, /SETTING/],
  [{ set: ['session.voice=a\0b'] }, 'SETTING_FORM'],
  [{ set: ['audio.volum=1'] }, 'SETTING_UNKNOWN'],
  [{ set: ['nothing'] }, 'SETTING_SYNTAX'],
  [{ ssid: 'x'.repeat(33) }, 'SETTING_LIMIT'],
  [{ url: 'http://example.com/' }, 'SETTING_FORM'],
  [{ set: ['server.token=x'] }, 'SECRET_ARGUMENT'],
  [{ passwordFile: '-', tokenFile: '-' }, 'SECRET_FILE'],
])('refused before anything leaves this machine: %j', async (options, code) => {
  await expect(collectSettings({ env: {}, ...options })).rejects.toMatchObject({
    code: expect.stringMatching(code),
    hint: expect.any(String),
    exitCode: 2,
  });
});

test('a secret that breaks a rule is not repeated in the error', async () => {
  const reading = collectSettings({ env: {}, passwordFile: '-', readStdin: () => 'short\0secret' });
  const error = await reading.catch((thrown: Error) => thrown);
  expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  expect(error).toMatchObject({ code: 'SETTING_FORM' });
});

test('what is missing is asked for; where nobody can be asked, the error names it', async () => {
  const values = { 'wifi.ssid': 'home' };
  await fillRequired(values, new Set(), {
    env: {},
    prompt: async (text) => (text.includes('token') ? 'tok_1234' : ''),
  });
  expect(values).toEqual({ 'wifi.ssid': 'home', 'wifi.password': '', 'server.token': 'tok_1234' });
  await expect(fillRequired({}, new Set(['wifi.ssid']), { env: {} })).rejects.toMatchObject({
    code: 'SETTINGS_MISSING',
    message: expect.stringContaining('server.token'),
    exitCode: 2,
  });
});

test('name=value may hold more equals signs and nothing at all', () => {
  expect(parsePair('session.greeting=')).toEqual(['session.greeting', '']);
});

const NETWORKS = { networks: { home: 'correct horse', work: 'also long enough' } };

test('a new network is kept once it was joined', async () => {
  const { device, app } = await running(NETWORKS);
  const { answer, joined } = await applyAndJoin(device, {
    'wifi.ssid': 'work',
    'wifi.password': 'also long enough',
    'audio.volume': 33,
  });
  expect(answer.trial).toBe(true);
  expect(joined?.reason).toBe('wifi_up');
  expect(app.settings).toMatchObject({ 'wifi.ssid': 'work', 'audio.volume': 33 });
});

test.each([
  ['home', 'not the password', 'WIFI_PASSWORD'],
  ['nowhere', 'correct horse', 'WIFI_NOT_FOUND'],
])('a network that fails changes nothing: %s', async (ssid, password, code) => {
  const { device, app } = await running(NETWORKS);
  await applySettings(device, { 'wifi.ssid': 'home', 'wifi.password': 'correct horse' });
  const before = { ...app.settings };
  const trying = applyAndJoin(device, { 'wifi.ssid': ssid, 'wifi.password': password, 'audio.volume': 33 });
  await expect(trying).rejects.toMatchObject({
    code,
    hint: expect.stringContaining('former network'),
    exitCode: 5,
  });
  expect(app.settings).toEqual(before);
});

test('whoever stops waiting for a network leaves the former one', async () => {
  const { device, app } = await running(NETWORKS);
  const stop = new AbortController();
  const trying = applyAndJoin(
    device,
    { 'wifi.ssid': 'nowhere', 'wifi.password': 'x'.repeat(8) },
    stop.signal,
  );
  stop.abort();
  await expect(trying).rejects.toMatchObject({ code: 'INTERRUPTED' });
  if (app.requests.includes('settings.commit')) expect(app.requests.at(-1)).toBe('settings.discard');
});
