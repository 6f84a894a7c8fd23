import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backupRegion, restoreRegion } from './backup.ts';
import { md5Of } from './difference.ts';

const SIZE = 0x50000;

/** A chip that only reads; the middle of its flash is blank. */
function chip() {
  const flash = new Uint8Array(SIZE).map((_, i) => (i * 7) ^ (i >> 8));
  flash.fill(0xff, 0x20000, 0x30000);
  const reads: number[] = [];
  return {
    flash,
    reads,
    md5: async (offset: number, length: number) => md5Of(flash.subarray(offset, offset + length)),
    read: async (offset: number, length: number) => {
      reads.push(offset);
      return flash.slice(offset, offset + length);
    },
  };
}

const file = () => join(mkdtempSync(join(tmpdir(), 'tincan-')), 'b.bin');
const whole = { offset: 0, length: SIZE };

test('what is blank is not read; the file is whole, verified, and for its owner alone', async () => {
  const board = chip();
  const path = file();
  const report = await backupRegion(board, whole, path);
  expect(report).toMatchObject({ bytes: SIZE, read: 0x40000, blank: 0x10000, resumed: 0 });
  expect(report.md5).toBe(md5Of(board.flash));
  expect(Buffer.compare(readFileSync(path), board.flash)).toBe(0);
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).toBe(0);
  await expect(backupRegion(board, whole, path)).rejects.toMatchObject({
    code: 'BACKUP_EXISTS',
    exitCode: 2,
  });
});

test('one that was stopped goes on where it was, and reads again what has changed since', async () => {
  const board = chip();
  const path = file();
  const stop = new AbortController();
  const stopped = backupRegion(board, whole, path, {
    signal: stop.signal,
    onProgress: (done) => done >= 0x40000 && stop.abort(),
  });
  await expect(stopped).rejects.toMatchObject({
    code: 'INTERRUPTED',
    hint: expect.stringContaining('.part'),
  });
  board.reads.length = 0;
  board.flash[0x10123]! ^= 1;
  expect(await backupRegion(board, whole, path)).toMatchObject({ resumed: 0x20000, read: 0x20000 });
  expect(board.reads).toEqual([0x10000, 0x40000]);
  expect(Buffer.compare(readFileSync(path), board.flash)).toBe(0);
});

test('a part of another board, or longer than the region, leaves nothing behind', async () => {
  const board = chip();
  const path = file();
  writeFileSync(`${path}.part`, new Uint8Array(2 * SIZE).fill(3));
  expect(await backupRegion(board, whole, path)).toMatchObject({ resumed: 0 });
  expect(Buffer.compare(readFileSync(path), board.flash)).toBe(0);
});

test('a flash that changes meanwhile is no backup', async () => {
  const board = chip();
  const path = file();
  const reading = backupRegion(board, whole, path, {
    onProgress: (done) => {
      if (done === SIZE) board.flash[5]! ^= 1;
    },
  });
  await expect(reading).rejects.toMatchObject({ code: 'BACKUP_CHANGED', exitCode: 4 });
  expect(await backupRegion(board, whole, path)).toMatchObject({ read: 0x10000 });
});

test('a file of another size is not written', async () => {
  const write = () => Promise.reject(new Error('written'));
  const place = { name: 'x.bin', place: 'the partition nvs' };
  await expect(
    restoreRegion({ write }, { offset: 0, length: 5 }, new Uint8Array(4), place),
  ).rejects.toMatchObject({
    code: 'RESTORE_SIZE',
    message: 'x.bin has 4 bytes, but the partition nvs has 5 bytes.',
    exitCode: 4,
  });
});
