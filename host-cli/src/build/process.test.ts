import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { capture, follow } from './process.ts';

const posix = process.platform !== 'win32';

function run(
  script: string,
  signal = new AbortController().signal,
  onLine: (line: string) => void = () => {},
) {
  const lines: string[] = [];
  const { ended } = follow(process.execPath, ['-e', script], {
    env: process.env,
    cwd: tmpdir(),
    signal,
    onLine: (line) => {
      lines.push(line);
      onLine(line);
    },
  });
  return { ended, lines };
}

test('lines of both streams come whole, the last one without its end too', async () => {
  const { ended, lines } = run(
    "process.stdout.write('a'); process.stdout.write('b\\r\\nc\\n'); process.stderr.write('d')",
  );
  expect(await ended).toBe(0);
  expect(lines.sort()).toEqual(['ab', 'c', 'd']);
});

test('a program that is not there has no status, and says why', async () => {
  const lines: string[] = [];
  const { ended } = follow('/nowhere/ninja', [], {
    env: {},
    cwd: tmpdir(),
    signal: new AbortController().signal,
    onLine: (line) => lines.push(line),
  });
  expect(await ended).toBeNull();
  expect(lines.join()).toContain('ENOENT');
  expect((await capture('/nowhere/qemu', [])).status).toBeNull();
});

test.skipIf(!posix)(
  'Ctrl-C reaches what the program has started, and waits until it has put itself in order',
  async () => {
    const stop = new AbortController();
    const inner =
      "process.on('SIGINT', () => { console.log('inner done'); process.exit(1) }); console.log('ready'); setInterval(() => {}, 1000)";
    const { ended, lines } = run(
      `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' });
     process.on('SIGINT', () => {});
     child.on('close', () => { console.log('outer done'); process.exit(2) })`,
      stop.signal,
      (line) => line === 'ready' && stop.abort(),
    );
    expect(await ended).toBe(2);
    expect(lines).toEqual(['ready', 'inner done', 'outer done']);
  },
);
