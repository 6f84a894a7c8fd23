import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bootableFlash } from '../chip/testing.ts';
import { startVirtualBoard, type VirtualBoard } from '../start.ts';
import { servePty } from './pty.ts';

const hasSocat = spawnSync('socat', ['-V']).status === 0;
if (!hasSocat) console.log('socat is not installed: the test that carries bytes through a pty is skipped');

let folder = '';
let board: VirtualBoard;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-pty-'));
  board = await startVirtualBoard({
    flash: bootableFlash(),
    loader: async (_image, host) => ({
      serialIn: (bytes) => void host.serialWrite(bytes),
      stop: () => {},
    }),
  });
  while (board.state !== 'app') await new Promise((resolve) => setTimeout(resolve, 5));
});
afterEach(async () => {
  await board.close();
  rmSync(folder, { recursive: true });
});

test('says what to install where socat is missing', async () => {
  await expect(
    servePty(board.chip, join(folder, 'tty'), { program: 'socat-that-is-not-there' }),
  ).rejects.toMatchObject({ code: 'no-socat', hint: expect.stringContaining('install') });
});

test('does not touch a path that is taken, and tells why socat failed', async () => {
  const path = join(folder, 'tty');
  writeFileSync(path, 'mine');
  await expect(servePty(board.chip, path)).rejects.toMatchObject({ code: 'pty' });
  const failing = join(folder, 'failing.sh');
  writeFileSync(failing, '#!/bin/sh\necho "no terminals left" >&2\nexit 3\n', { mode: 0o755 });
  await expect(servePty(board.chip, join(folder, 'other'), { program: failing })).rejects.toThrow(
    /status 3: no terminals left/,
  );
});

test.skipIf(!hasSocat)('carries bytes between a terminal and the board (needs socat)', async () => {
  const path = join(folder, 'tty');
  const front = await servePty(board.chip, path);
  while (!front.connected) await new Promise((resolve) => setTimeout(resolve, 5));
  const terminal = await open(path, 'r+');
  await terminal.write('hello');
  const heard = Buffer.alloc(5);
  for (let at = 0; at < 5; ) at += (await terminal.read(heard, at, 5 - at)).bytesRead;
  expect(heard.toString()).toBe('hello');
  await terminal.close();
  await front.close();
});
