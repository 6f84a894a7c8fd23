import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeFlasherArgs } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { createOutput } from '../output.ts';
import { forgetSecrets } from '../redact.ts';
import { flashedBoard, testFiles } from '../testing/hello-app.ts';
import { flashAll, provisionAll } from './fleet.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  forgetSecrets();
  for (const end of close.splice(0).reverse()) await end();
});

/** Nobody listens there. */
const DEAD = 'rfc2217://127.0.0.1:1';
const TOKENS = ['tok_first_0123456789', 'tok_second_0123456789'];

/** Two boards, and a folder with an image and a CSV file of settings. */
async function bench() {
  const boards = await Promise.all([flashedBoard(), flashedBoard()]);
  for (const { board } of boards) {
    close.push(() => board.close());
    await expect.poll(() => board.state).toBe('app');
  }
  const folder = mkdtempSync(join(tmpdir(), 'tincan-fleet-'));
  close.push(() => rmSync(folder, { recursive: true }));
  const files = testFiles().map(({ offset, name, data }) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), data);
    return { offset, file: name, name };
  });
  writeFileSync(
    join(folder, 'flasher_args.json'),
    writeFlasherArgs({ chip: 'esp32s3', mode: 'dio', size: '8MB', freq: '80m', files }),
  );
  const settings = join(folder, 'boards.csv');
  writeFileSync(settings, `server.token,room\n${TOKENS[0]},hall\n${TOKENS[1]},attic\n`);
  return { boards, folder, settings, ports: boards.map(({ board }) => board.port) };
}

function context(ports: readonly string[], json = false) {
  let stdout = '';
  let stderr = '';
  const out = createOutput(json, {
    out: { write: (text: string) => (stdout += text) },
    err: { write: (text: string) => (stderr += text) },
    env: {},
    now: () => 0,
  });
  const self: Context = { out, signal: new AbortController().signal, env: {}, port: ports.join(',') };
  return { self, stdout: () => stdout, all: () => stdout + stderr };
}

test('all boards are flashed and get their own settings, although one is not there', async () => {
  const { boards, folder, settings, ports } = await bench();
  const { self, stdout, all } = context([ports[0]!, DEAD, ports[1]!], true);
  const status = await flashAll(self, folder, { board: 'virtual', settings });
  const lines = stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.at(-1)).toEqual({ boards: 3, failed: 1 });
  expect(status).toBe(1);
  const [first, dead, last] = lines.slice(-4);
  for (const done of [first, last])
    expect(done).toMatchObject({ ok: true, name: 'tester', settings: ['server.token'] });
  expect(dead).toMatchObject({ ok: false, port: DEAD, error: { hint: expect.any(String) } });
  expect(lines.filter(({ phase }) => phase === 'writing').length).toBeGreaterThan(1);
  // Handed out in the order in which boards asked.
  expect(boards.map(({ current }) => current().settings['server.token']).sort()).toEqual(TOKENS);
  for (const token of TOKENS) expect(all()).not.toContain(token);
});

test('running boards get what all share and what is theirs; the labels say what the file says', async () => {
  const { boards, settings, ports } = await bench();
  const { self, stdout, all } = context(ports);
  const set = ['audio.volume=33'];
  expect(await provisionAll(self, { board: 'virtual', settings, set, labels: 'csv', jobs: 1 })).toBe(0);
  expect(boards.map(({ current }) => current().settings)).toMatchObject([
    { 'server.token': TOKENS[0], 'audio.volume': 33 },
    { 'server.token': TOKENS[1], 'audio.volume': 33 },
  ]);
  expect(stdout()).toMatch(/^name,mac,firmware,image,port,room\ntester,02:54:43:00:00:01,.*,hall\n/);
  for (const token of TOKENS) expect(all()).not.toContain(token);
});

test('nothing to write and no board are said before anything is touched', async () => {
  await expect(provisionAll(context([DEAD]).self, { board: 'virtual' })).rejects.toMatchObject({
    code: 'NOTHING_TO_DO',
    exitCode: 2,
  });
  await expect(
    flashAll(context([DEAD]).self, undefined, { board: 'virtual', settings: 'a', settingsCommand: 'b' }),
  ).rejects.toMatchObject({ exitCode: expect.any(Number) });
});
