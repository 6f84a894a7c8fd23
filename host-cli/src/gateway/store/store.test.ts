import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transact } from './database.ts';
import { type NewCall, Store, statusOf, type Usage, usageIn } from './index.ts';
import { isGone, parseHolder, thisProcess, withLock } from './lock.ts';

let folder: string;
let file: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-store-'));
  file = join(folder, 'gateway.db');
  store = new Store(file);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOON = new Date(2026, 10, 20, 12).getTime();
const MINUTE = 60_000;
const call = (id: string, device: number | undefined, at: number, more: Partial<NewCall> = {}): NewCall => ({
  id,
  device,
  mode: 'relay',
  server: 'https://api.example/calls',
  upstream: `up_${id}`,
  model: 'gpt-realtime-2.1-mini',
  metered: true,
  at,
  ...more,
});
const response = (id: string, audioIn: number, audioOut: number): Usage => ({
  kind: 'response',
  ref: id,
  seconds: 0,
  tokens: {
    textIn: 0,
    textCached: 0,
    audioIn,
    audioCached: 0,
    imageIn: 0,
    imageCached: 0,
    textOut: 0,
    audioOut,
  },
});
/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '0']).pid;
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return String((error as { code?: string }).code);
  }
  return 'nothing was thrown';
};

describe('devices', () => {
  it('are known by the hash of a token that is told once', () => {
    const { token, again, device } = store.addDevice('kitchen', { minutesPerDay: 30 }, NOON);
    expect(token).toMatch(/^tcd_[\w-]{32}$/);
    expect(again).toBe(false);
    expect(device).toMatchObject({
      name: 'kitchen',
      minutesPerDay: 30,
      centsPerDay: undefined,
      revoked: undefined,
    });
    const [row] = store.devices();
    expect(row!.hash).toHaveLength(32);
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name)).includes(token.slice(4)), name).toBe(false);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('get a new token after they were revoked, and keep their past', () => {
    const first = store.addDevice('kitchen', { calls: 1 }, NOON);
    expect(codeOf(() => store.addDevice('kitchen', {}, NOON))).toBe('DEVICE_EXISTS');
    expect(store.revokeDevice('kitchen', NOON + 1)).toBe(true);
    expect(store.revokeDevice('kitchen', NOON + 2)).toBe(false);
    const second = store.addDevice('kitchen', {}, NOON + 3);
    expect(second).toMatchObject({
      again: true,
      device: { id: first.device.id, calls: 1, revoked: undefined },
    });
    expect(second.token).not.toBe(first.token);
  });

  it('have limits that change one by one', () => {
    store.addDevice('kitchen', { minutesPerDay: 30, calls: 2 }, NOON);
    expect(store.limitDevice('kitchen', { centsPerDay: 12.5 })).toMatchObject({
      minutesPerDay: 30,
      centsPerDay: 12.5,
      calls: 2,
    });
    expect(store.limitDevice('kitchen', { minutesPerDay: null })).toMatchObject({
      minutesPerDay: undefined,
      calls: 2,
    });
  });

  it('that nobody knows are named, and make no file', () => {
    expect(codeOf(() => store.revokeDevice('x', NOON))).toBe('DEVICE_UNKNOWN');
    expect(codeOf(() => store.limitDevice('x', {}))).toBe('DEVICE_UNKNOWN');
    expect(existsSync(file)).toBe(false);
    store.addDevice('kitchen', {}, NOON);
    expect(() => store.revokeDevice('kitchn', NOON)).toThrow(/no device "kitchn"/);
  });

  it.each(['', ' kitchen', 'kitchen ', 'a\nb', 'a\u202eb', 'x'.repeat(65)])('refuses the name %j', (name) => {
    expect(codeOf(() => store.addDevice(name, {}, NOON))).toBe('DEVICE_NAME');
  });
});

describe('what was used', () => {
  it('is counted once, however often it is told, by the prices of its model', () => {
    const { device } = store.addDevice('kitchen', {}, NOON);
    store.startCall(call('a', device.id, NOON));
    for (let i = 0; i < 3; i++)
      store.addUsage('a', 'gpt-realtime-2.1-mini', response('resp_1', 1000, 500), NOON + 1);
    // 1000 × 10,000 + 500 × 20,000 nanodollars.
    expect(store.used(device.id, NOON, NOON + 2).nanodollars).toBe(20_000_000);
    const [status] = statusOf(store, NOON, NOON + 2);
    expect(status).toMatchObject({
      dollars: 0.02,
      unpriced: false,
      tokens: { input: 1000, cached: 0, output: 500 },
    });
  });

  it('of a model without a price is no free ride: it is said', () => {
    store.startCall(call('a', undefined, NOON));
    store.addUsage('a', 'my-deployment', response('resp_1', 1000, 500), NOON);
    const [status] = statusOf(store, NOON, NOON);
    expect(status).toMatchObject({
      name: null,
      dollars: 0,
      unpriced: true,
      tokens: { input: 1000, output: 500 },
    });
  });

  it('counts minutes of the day only, of calls that run too', () => {
    const { device } = store.addDevice('kitchen', {}, NOON);
    store.startCall(call('before', device.id, NOON - 90 * MINUTE));
    store.endCall('before', NOON - 60 * MINUTE, 'hung up');
    store.startCall(call('across', device.id, NOON - 10 * MINUTE));
    store.endCall('across', NOON + 5 * MINUTE, 'hung up');
    store.startCall(call('now', device.id, NOON + 6 * MINUTE));
    expect(store.used(device.id, NOON, NOON + 8 * MINUTE)).toEqual({ minutes: 7, nanodollars: 0, live: 1 });
  });

  it('counts no call for longer than one can be, where the clock was put right while it ran', () => {
    const { device } = store.addDevice('kitchen', {}, NOON);
    store.startCall(call('a', device.id, NOON - 11 * 60 * MINUTE));
    store.beat(['a'], NOON);
    expect(store.used(device.id, NOON - 12 * 60 * MINUTE, NOON).minutes).toBe(60);
    expect(statusOf(store, NOON - 12 * 60 * MINUTE, NOON)[0]).toMatchObject({ minutes: 60, live: 1 });
    store.startCall(call('of-1970', device.id, MINUTE));
    store.beat(['of-1970'], NOON);
    expect(store.used(device.id, NOON - MINUTE, NOON)).toMatchObject({ minutes: 2, live: 2 });
  });

  it('of a gateway that was killed ends where it was last seen', () => {
    const { device } = store.addDevice('kitchen', {}, NOON);
    store.startCall(call('a', device.id, NOON));
    store.beat(['a'], NOON + 3 * MINUTE);
    const dead = JSON.stringify({ pid: deadPid(), host: hostname(), start: '' });
    transact(file, (sql) => sql.run('UPDATE calls SET owner = ?', dead));
    expect(store.used(device.id, NOON, NOON + 60 * MINUTE)).toEqual({ minutes: 3, nanodollars: 0, live: 0 });
    expect(store.openCalls(NOON)).toMatchObject([{ id: 'a', orphan: true, upstream: 'up_a' }]);
    store.adoptCall('a');
    expect(store.openCalls(NOON)).toMatchObject([{ id: 'a', orphan: false }]);
  });

  it('of the same call is not written over by a second end', () => {
    store.startCall(call('a', undefined, NOON));
    store.endCall('a', NOON + MINUTE, 'hung up');
    store.endCall('a', NOON + 9 * MINUTE, 'again');
    expect(statusOf(store, 0, NOON + 10 * MINUTE)[0]).toMatchObject({ minutes: 1, live: 0 });
  });
});

describe('usage in events', () => {
  const done = (usage: unknown) => ({ type: 'response.done', response: { id: 'resp_1', usage } });

  it('is read with its parts', () => {
    const usage = {
      input_token_details: {
        text_tokens: 5,
        audio_tokens: 7,
        cached_tokens_details: { text_tokens: 2, audio_tokens: 3 },
      },
      output_token_details: { text_tokens: 11, audio_tokens: 13 },
    };
    expect(usageIn(done(usage))).toMatchObject({
      ref: 'resp_1',
      tokens: { textIn: 5, textCached: 2, audioIn: 7, audioCached: 3, textOut: 11, audioOut: 13 },
    });
  });

  it('of transcription is in tokens or in seconds', () => {
    const completed = (usage: unknown) => ({
      type: 'conversation.item.input_audio_transcription.completed',
      item_id: 'item_1',
      usage,
    });
    expect(usageIn(completed({ type: 'duration', seconds: 2.5 }))).toMatchObject({
      kind: 'transcription',
      seconds: 2.5,
    });
    expect(
      usageIn(completed({ type: 'tokens', output_tokens: 9, input_token_details: { audio_tokens: 4 } })),
    ).toMatchObject({ seconds: 0, tokens: { audioIn: 4, textOut: 9 } });
  });

  it('of a server that tells sums only is not nothing', () => {
    const { tokens } = usageIn(done({ input_tokens: 30, output_tokens: 4 }))!;
    expect(tokens).toMatchObject({ textIn: 30, audioIn: 0, textOut: 4, audioOut: 0 });
  });

  it.each([
    null,
    'x',
    [],
    {},
    { type: 'response.done' },
    { type: 'response.done', response: null },
    { type: 'response.done', response: { id: 7, usage: {} } },
    done(null),
    done('x'),
  ])('is not in %j', (event) => {
    expect(usageIn(event)).toBeUndefined();
  });

  it('that makes no sense counts as nothing', () => {
    const odd = [-1, Number.NaN, Number.POSITIVE_INFINITY, '7', null, {}, 1e300];
    for (const audio_tokens of odd) {
      const usage = usageIn(
        done({ input_token_details: { audio_tokens }, output_token_details: audio_tokens }),
      );
      const { audioIn } = usage!.tokens;
      expect(Number.isSafeInteger(audioIn)).toBe(true);
      expect(audioIn).toBe(audio_tokens === 1e300 ? 1e9 : 0);
    }
  });
});

describe('the file', () => {
  it('is refused where a newer Tincan wrote it, and left as it is', () => {
    store.addDevice('kitchen', {}, NOON);
    transact(file, (sql) => sql.run('PRAGMA user_version = 99'));
    const before = readFileSync(file);
    expect(codeOf(() => store.devices())).toBe('STORE_NEWER');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is refused where it is that of another program', () => {
    transact(file, (sql) => sql.run('PRAGMA application_id = 7'));
    expect(codeOf(() => store.devices())).toBe('STORE_FOREIGN');
  });

  it('is refused where it is no database', () => {
    writeFileSync(file, 'these are the notes of somebody\n'.repeat(400));
    expect(codeOf(() => store.devices())).toBe('STORE_BROKEN');
    rmSync(file);
    mkdirSync(file);
    expect(codeOf(() => store.devices())).toBe('STORE_FILE');
  });

  it('is worked on where a process was killed in the middle of its work', () => {
    store.addDevice('kitchen', {}, NOON);
    // What a killed process leaves: our lock with its number, and the folder of the library.
    writeFileSync(`${file}.busy`, JSON.stringify({ pid: deadPid(), host: hostname(), start: '' }));
    mkdirSync(`${file}.lock`);
    expect(store.devices()).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['gateway.db']);
  });

  it('leaves alone what has the name of the lock by chance', () => {
    mkdirSync(`${file}.lock`);
    writeFileSync(join(`${file}.lock`, 'of-somebody'), 'x');
    // The library cannot lock then.
    expect(codeOf(() => store.devices())).toMatch(/^STORE_/);
    expect(existsSync(join(`${file}.lock`, 'of-somebody'))).toBe(true);
  });

  it('takes back all of a piece of work that failed', () => {
    store.addDevice('kitchen', {}, NOON);
    expect(() =>
      transact(file, (sql) => {
        sql.run('DELETE FROM devices');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(store.devices()).toHaveLength(1);
  });
});

describe('the lock', () => {
  const lock = () => join(folder, 'lock');

  it('waits for others, and says who it waited for', () => {
    writeFileSync(lock(), JSON.stringify(thisProcess()));
    expect(() => withLock(lock(), () => 1, { waitMs: 20 })).toThrow(lock());
    rmSync(lock());
    expect(withLock(lock(), () => 1, { waitMs: 20 })).toBe(1);
    expect(existsSync(lock())).toBe(false);
  });

  it('does not take a process of another machine for a dead one, nor a later one with the same number for it', () => {
    expect(isGone(thisProcess())).toBe(false);
    expect(isGone({ ...thisProcess(), pid: deadPid(), host: 'elsewhere' })).toBe(false);
    expect(isGone({ ...thisProcess(), pid: deadPid() })).toBe(true);
    // Where the system tells when a process started.
    if (thisProcess().start !== '') expect(isGone({ ...thisProcess(), start: '1' })).toBe(true);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"pid":"1","host":"h","start":""}',
    '{"pid":-1,"host":"h","start":""}',
    '{"pid":1.5,"host":"h","start":""}',
  ])('reads no holder in %j', (text) => expect(parseHolder(text)).toBeUndefined());

  it('is free again after a failure under it', () => {
    expect(() =>
      withLock(lock(), () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(withLock(lock(), () => 2)).toBe(2);
  });
});
