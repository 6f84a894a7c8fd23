/**
 * Mode relay as people run it: the command, a server behind it, a virtual board that has no valid token of its own, and
 * the plug pulled in the middle. At the end everything that the run wrote is searched for its keys and tokens.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Gateway, repositoryPath, startGateway } from '@tincan/host-cli';
import { afterEach, expect, test } from 'vitest';
import { startTestBoard, type TestBoard } from './support/board.ts';
import { Desk, type Ended, EXIT, type Running } from './support/cli.ts';

const KEY = 'sk-run-upstream-key-6f1d2c3b4a59';
const OWN = 'tc_run_gateway_token_0a1b2c3d4e5f';
const STALE = 'ek_run_stale_token_77aa88bb99cc';

let desk: Desk;
let server: Gateway | undefined;
let board: TestBoard | undefined;
afterEach(async () => {
  await board?.close();
  await desk.clear();
  await server?.close();
  board = server = undefined;
});

interface Status {
  name: string | null;
  calls: number;
  live: number;
  minutes: number;
  unmetered: number;
  tokens: { input: number; output: number };
  dollars: number;
}

const filesIn = (folder: string, under = ''): string[] =>
  readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const name = join(under, entry.name);
    return entry.isDirectory() ? filesIn(folder, name) : entry.isFile() ? [name] : [];
  });

test('a board talks through a relay that is killed and started again, and nobody sees a key', {
  timeout: 300_000,
}, async () => {
  desk = new Desk();
  const script = repositoryPath('host-cli/data/demo.script.json');
  server = await startGateway({ mode: 'script', script, token: KEY });
  const behind = server;
  const said: string[] = [];
  const run = async (args: string[], env: Record<string, string> = {}): Promise<Ended> => {
    const ended = await desk.run(args, { env: { TINCAN_DEBUG: '1', ...env } });
    said.push(ended.stdout + ended.stderr);
    return ended;
  };
  const session = { type: 'realtime', model: 'gpt-realtime-2.1-mini', instructions: 'Be kind.' };
  writeFileSync(desk.path('kitchen.json'), JSON.stringify(session));
  const startRelay = async (listen: string): Promise<{ relay: Running; url: string }> => {
    const relay = desk.start(
      [
        'gateway',
        '--mode',
        'relay',
        '--upstream',
        behind.callsUrl,
        '--listen',
        listen,
        '--session',
        'kitchen.json',
      ],
      { env: { TINCAN_UPSTREAM_KEY: KEY, TINCAN_GATEWAY_TOKEN: OWN, TINCAN_DEBUG: '1' } },
    );
    void relay.ended.then((ended) => said.push(ended.stdout + ended.stderr));
    const url = await relay.line(
      (line) => /^(http:\S+)\/v1\/realtime\/calls$/.exec(line)?.[1],
      'where it listens',
    );
    return { relay, url };
  };
  const { relay: first, url } = await startRelay('127.0.0.1:0');

  // A device of its own; the same again is refused with a sentence.
  const added = await run([
    'gateway',
    'device',
    'add',
    'kitchen',
    '--calls',
    '2',
    '--token-out',
    'kitchen.txt',
  ]);
  expect(added).toMatchObject({ status: EXIT.ok, stdout: 'kitchen.txt\n' });
  expect((await run(['gateway', 'device', 'add', 'kitchen'])).status).toBe(EXIT.usage);
  const token = readFileSync(desk.path('kitchen.txt'), 'utf8').trim();
  expect(token).toMatch(/^tcd_/);

  // A secret by the device's token, twice the same way.
  for (const name of ['ek.txt', 'ek.txt']) {
    const minted = await run(
      [
        'token',
        '--from',
        'gateway',
        '--url',
        url,
        '--key-file',
        'kitchen.txt',
        '--seconds',
        '60',
        '--out',
        name,
      ],
      {},
    );
    expect(minted).toMatchObject({ status: EXIT.ok, stdout: 'ek.txt\n' });
  }
  expect(statSync(desk.path('ek.txt')).mode & 0o777).toBe(0o600);
  const secret = readFileSync(desk.path('ek.txt'), 'utf8').trim();
  const printed = await run(['token', '--from', 'gateway', '--url', url, '--json'], {
    TINCAN_GATEWAY_TOKEN: OWN,
  });
  expect(printed.json()).toMatchObject([
    { value: expect.stringMatching(/^ek_/), expires_at: expect.any(Number) },
  ]);
  said.pop();

  // The board holds a token that has long expired; it lives on what it is lent.
  board = await startTestBoard({
    attach: false,
    settings: { 'server.url': `${url}/v1/realtime/calls`, 'server.token': STALE },
  });
  const tail = await run(
    [
      'tail',
      '--port',
      board.board.port,
      '--start',
      '--token',
      'gateway',
      '--token-url',
      url,
      '--until',
      'response.done',
      '--events',
      'events.jsonl',
    ],
    { TINCAN_GATEWAY_TOKEN: token },
  );
  expect(tail.stderr).toMatch(/the device has a token until \d\d:\d\d:\d\d/);
  expect(tail.status).toBe(EXIT.ok);

  const status = async (): Promise<Status> => {
    const ended = await run(['gateway', 'status', '--json']);
    const [{ devices }] = ended.json() as unknown as [{ devices: Status[] }];
    return devices.find((one) => one.name === 'kitchen')!;
  };
  await expect.poll(async () => (await status()).tokens.output).toBeGreaterThan(0);
  const before = await status();
  expect(before).toMatchObject({ calls: 1, live: 1, unmetered: 0 });
  expect(before.dollars).toBeGreaterThan(0);
  expect((await run(['gateway', 'status'])).stdout).toMatch(
    /^kitchen +1 +1 +\d+\.\d +\d+ +\d+ +\$0\.\d{4} /m,
  );

  // The plug: the call goes on, since its media never passed here; and it is counted again by the next one.
  first.kill('SIGKILL');
  await first.ended;
  expect((await status()).live).toBe(0);
  const { relay: second } = await startRelay(new URL(url).host);
  await second.line(
    (line) => (/watched from beside/.test(line) ? true : undefined),
    'that it watches the call again',
  );
  const answer = await run(['say', 'Please turn on the light.', '--port', board.board.port]);
  expect(answer.status).toBe(EXIT.ok);
  await expect.poll(async () => (await status()).tokens.output).toBeGreaterThan(before.tokens.output);
  expect(await status()).toMatchObject({ calls: 1, live: 1 });

  // Taken back while it talks.
  expect(behind.calls().filter((call) => call.ended === undefined)).toHaveLength(1);
  expect((await run(['gateway', 'device', 'revoke', 'kitchen'])).status).toBe(EXIT.ok);
  expect((await run(['gateway', 'device', 'revoke', 'kitchen'])).stdout).toMatch(/revoked already/);
  await expect.poll(() => behind.calls().filter((call) => call.ended === undefined)).toEqual([]);
  expect(await status()).toMatchObject({ live: 0 });

  second.kill('SIGINT');
  expect((await second.ended).status).toBe(EXIT.ok);

  // What may hold them: the files that were asked for.
  const may = new Set(['kitchen.txt', 'ek.txt']);
  for (const [what, hidden] of Object.entries({ KEY, OWN, STALE, token, secret })) {
    const inner = Buffer.from(hidden).subarray(1, 13).toString('base64').slice(0, 16);
    for (const text of said) {
      expect(text.includes(hidden), `${what} in ${text.slice(0, 200)}`).toBe(false);
      expect(text.includes(inner), `${what} as base64`).toBe(false);
    }
    for (const name of filesIn(desk.folder)) {
      if (may.has(name)) continue;
      expect(readFileSync(join(desk.folder, name)).includes(hidden), `${what} in ${name}`).toBe(false);
    }
    expect(board.wire().includes(hidden), `${what} on the board's line`).toBe(false);
  }
  expect(filesIn(desk.folder)).toContain('.config/tincan/gateway.db');
  expect(said.join('')).toContain('taken up again');
});

/** Ends the process at the nth change that it makes to files, as a power cut would. */
const PLUG = `
const fs = require('node:fs');
let left = Number(process.env.CRASH_AT);
for (const name of ['writeSync', 'fsyncSync', 'ftruncateSync', 'mkdirSync', 'rmdirSync', 'unlinkSync', 'writeFileSync', 'symlinkSync', 'rmSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
    return real(...args);
  };
}
require('node:module').syncBuiltinESMExports();
`;

test('a device is there or not, wherever its being added was cut off', { timeout: 300_000 }, async () => {
  desk = new Desk();
  writeFileSync(desk.path('plug.cjs'), PLUG);
  expect((await desk.run(['gateway', 'device', 'add', 'first', '--db', 'base/gateway.db'])).status).toBe(
    EXIT.ok,
  );
  const seen = new Set<string>();
  let at = 1;
  for (; at < 200; at++) {
    rmSync(desk.path('now'), { recursive: true, force: true });
    mkdirSync(desk.path('now'));
    cpSync(desk.path('base'), desk.path('now'), { recursive: true });
    const cut = await desk.start(['gateway', 'device', 'add', 'second', '--db', 'now/gateway.db'], {
      env: { NODE_OPTIONS: `--require ${desk.path('plug.cjs')}`, CRASH_AT: String(at) },
    }).ended;
    const list = await desk.run(['gateway', 'device', 'list', '--json', '--db', 'now/gateway.db']);
    expect(list.status, `cut off at ${at}: ${list.stdout}`).toBe(EXIT.ok);
    const [{ devices }] = list.json() as unknown as [{ devices: { name: string }[] }];
    const names = devices.map((one) => one.name).join();
    expect(['first', 'first,second']).toContain(names);
    if (cut.signal === null) {
      // It came to its end: what it told is true.
      expect(cut).toMatchObject({ status: EXIT.ok, stdout: expect.stringMatching(/^tcd_/) });
      expect(names).toBe('first,second');
      break;
    }
    // A token that nobody was told may be kept; one that was told is.
    if (names === 'first') expect(cut.stdout).toBe('');
    if (seen.has(names)) continue;
    seen.add(names);
    // And goes on being worked with.
    expect(
      (await desk.run(['gateway', 'device', 'limit', 'first', '--calls', '3', '--db', 'now/gateway.db']))
        .status,
    ).toBe(EXIT.ok);
    expect(readdirSync(desk.path('now'))).toEqual(['gateway.db']);
  }
  expect(at).toBeGreaterThan(8);
  expect([...seen].sort()).toEqual(['first', 'first,second']);
});

test('devices that are added at the same time by many are all there', async () => {
  desk = new Desk();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const all = await Promise.all(names.map((name) => desk.run(['gateway', 'device', 'add', name])));
  expect(all.map((one) => one.status)).toEqual(names.map(() => EXIT.ok));
  const [{ devices }] = (await desk.run(['gateway', 'device', 'list', '--json'])).json() as unknown as [
    { devices: { name: string }[] },
  ];
  expect(devices.map((one) => one.name)).toEqual(names);
});

test('a gateway says at its start that its devices cannot be read', async () => {
  desk = new Desk();
  writeFileSync(desk.path('notes.db'), 'these are the notes of somebody\n');
  const ended = await desk.run(['gateway', '--listen', '127.0.0.1:0', '--db', 'notes.db']);
  expect(ended).toMatchObject({ status: 1, stdout: '' });
  expect(ended.stderr).toMatch(/notes\.db is no database/);
});
