import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { VirtualBoard } from '@tincan/boards';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { createOutput } from '../output.ts';
import { openLine } from '../serial/line.ts';
import { flashedBoard } from '../testing/hello-app.ts';
import { backup, restore } from './backup.ts';
import { coredump } from './coredump.ts';
import { chipChecks } from './doctor-board.ts';
import { erase } from './erase.ts';

const NVS = { offset: 0x9000, size: 0x6000 };
const COREDUMP = 0x620000;
let board: VirtualBoard;
let said: string;
let context: Context;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-'));
  ({ board } = await flashedBoard());
  said = '';
  const out = {
    write: (text: string) => {
      said += text;
      return true;
    },
  };
  context = {
    out: createOutput(true, { out, err: { write: () => true }, env: {}, now: () => 0 }),
    signal: new AbortController().signal,
    env: { XDG_CONFIG_HOME: folder },
    port: board.port,
  };
});
afterEach(() => board.close());

const result = () => JSON.parse(said.trim().split('\n').at(-1)!);

test('a partition is saved, erased and restored, and the application starts after each', async () => {
  const before = new Uint8Array(NVS.size).map((_, i) => i * 13);
  board.flash.erase(NVS.offset, NVS.size);
  board.flash.program(NVS.offset, before);
  const file = join(folder, 'nvs.bin');
  await backup(context, file, { partition: 'nvs' });
  expect(result()).toMatchObject({ stage: 'done', file, bytes: NVS.size, offset: NVS.offset });
  expect(Buffer.compare(readFileSync(file), before)).toBe(0);
  await erase(context, { partition: 'nvs', yes: true });
  expect(board.flash.read(NVS.offset, NVS.size).every((byte) => byte === 0xff)).toBe(true);
  expect(board.flash.read(0x8000, 2)).toEqual(Uint8Array.of(0xaa, 0x50));
  await restore(context, file, { partition: 'nvs' });
  expect(Buffer.compare(board.flash.read(NVS.offset, NVS.size), before)).toBe(0);
  await expect.poll(() => board.state).toBe('app');
});

test('the whole flash goes into a file and comes back from it', async () => {
  const before = board.flash.read(0, board.flash.size);
  const file = join(folder, 'all.bin');
  await backup(context, file, {});
  expect(result()).toMatchObject({ bytes: 8 << 20, blank: expect.any(Number) });
  expect(Buffer.compare(readFileSync(file), before)).toBe(0);
  await erase(context, { yes: true });
  await restore(context, file, {});
  expect(Buffer.compare(board.flash.read(0, board.flash.size), before)).toBe(0);
  await expect.poll(() => board.state).toBe('app');
});

test('erase asks; a no leaves all as it is, and where nobody can be asked it refuses', async () => {
  const questions: string[] = [];
  const no = async (question: string) => {
    questions.push(question);
    return false;
  };
  await expect(erase(context, { partition: 'ota_0' }, no)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(questions).toEqual([
    'Erase the partition ota_0 of 02:54:43:00:00:01 (3,145,728 bytes), with all that it holds?',
  ]);
  await expect(erase(context, {}, undefined)).rejects.toMatchObject({
    code: 'ERASE_UNCONFIRMED',
    exitCode: 2,
  });
  expect(board.flash.read(0x20000, 1)[0]).toBe(0xe9);
});

test('a partition that is not there names those that are; a file of another size is refused', async () => {
  await expect(backup(context, join(folder, 'x'), { partition: 'nsv' })).rejects.toMatchObject({
    code: 'PARTITION_UNKNOWN',
    hint: expect.stringContaining('nvs, otadata'),
  });
  const file = join(folder, 'short.bin');
  writeFileSync(file, 'short');
  await expect(restore(context, file, {})).rejects.toMatchObject({ code: 'RESTORE_SIZE' });
  await expect(restore(context, join(folder, 'none'), {})).rejects.toMatchObject({ code: 'RESTORE_FILE' });
  await expect.poll(() => board.state).toBe('app');
});

test('a core dump is saved as ELF; none is said; a damaged one is an error that keeps it', async () => {
  const file = join(folder, 'crash.elf');
  await coredump(context, file, {});
  expect(result()).toMatchObject({ coredump: null });
  expect(existsSync(file)).toBe(false);
  const elf = Buffer.concat([Buffer.from('\x7fELF'), Buffer.alloc(500, 9)]);
  const header = Buffer.alloc(24);
  for (const [i, word] of [24 + elf.length + 4, (9 << 16) | 0x0102, 3, 348, 7, 2].entries())
    header.writeUInt32LE(word, i * 4);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(Buffer.concat([header, elf])));
  board.flash.program(COREDUMP, Buffer.concat([header, elf, sum]));
  await coredump(context, file, {});
  expect(result()).toMatchObject({ coredump: { file, tasks: 3, checksum: 'crc32' } });
  expect(Buffer.compare(readFileSync(file), elf)).toBe(0);
  board.flash.program(COREDUMP + 100, Uint8Array.of(0));
  await expect(coredump(context, join(folder, 'b.elf'), {})).rejects.toMatchObject({
    code: 'COREDUMP_BROKEN',
    hint: expect.stringContaining('tincan backup --partition coredump'),
  });
});

test('doctor asks the chip, and the board runs again afterwards', async () => {
  const line = await openLine(board.port);
  const checks = await chipChecks(line, 'virtual', join(folder, 'no-build'));
  await line.close();
  expect(checks).toMatchObject([{ name: 'chip', state: 'ok', found: expect.stringContaining('8 MB flash') }]);
  await expect.poll(() => board.state).toBe('app');
});
