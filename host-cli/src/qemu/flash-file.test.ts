import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChipBoard } from '@tincan/boards';
import { buildPartitionTable, PARTITION_TABLE_OFFSET, parseMicImage } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { findBoard, partitionsOf } from '../build/board.ts';
import { qemuFiles } from '../testing/qemu-image.ts';
import { prepareFlash } from './flash-file.ts';

const board = findBoard('qemu') as ChipBoard;
const at = (name: string) => partitionsOf(board).find((one) => one.name === name)!;
const newPath = () => join(mkdtempSync(join(tmpdir(), 'tincan-')), 'flash.bin');

function prepare(path: string, files = qemuFiles(), sentences: Int16Array[] = []) {
  const prepared = prepareFlash({ board, path, files, sentences });
  prepared.flash.close();
  return prepared;
}

/** What the board does while it runs. */
function change(path: string, offset: number, bytes: Uint8Array): void {
  const all = readFileSync(path);
  all.set(bytes, offset);
  writeFileSync(path, all);
}

test('a new file is a whole flash: the build in its places, the rest blank', () => {
  const path = newPath();
  const files = qemuFiles();
  expect(prepare(path, files)).toMatchObject({ written: true, settingsLost: false });
  const flash = readFileSync(path);
  expect(flash.length).toBe(8 << 20);
  for (const { offset, data } of files)
    expect(flash.subarray(offset, offset + data.length).equals(data)).toBe(true);
  expect(
    flash.subarray(at('nvs').offset, at('nvs').offset + at('nvs').size).every((byte) => byte === 0xff),
  ).toBe(true);
});

test('the same build again changes nothing: not the settings, not the slot that was chosen', () => {
  const path = newPath();
  prepare(path);
  change(path, at('nvs').offset, Uint8Array.of(1, 2, 3));
  change(path, at('otadata').offset, Uint8Array.of(4, 5, 6));
  const before = readFileSync(path);
  expect(prepare(path).written).toBe(false);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('another build replaces the application and the chosen slot, and keeps the settings', () => {
  const path = newPath();
  prepare(path, qemuFiles(2000));
  change(path, at('nvs').offset, Uint8Array.of(1, 2, 3));
  change(path, at('otadata').offset, Uint8Array.of(4, 5, 6));
  const files = qemuFiles(100);
  expect(prepare(path, files)).toMatchObject({ written: true, settingsLost: false });
  const flash = readFileSync(path);
  expect([...flash.subarray(at('nvs').offset, at('nvs').offset + 3)]).toEqual([1, 2, 3]);
  expect(flash[at('otadata').offset]).toBe(0xff);
  const app = files.at(-1)!;
  const slot = at('ota_0');
  // Nothing of the longer one stays behind.
  const rest = flash.subarray(app.offset + app.data.length, slot.offset + slot.size);
  expect(rest.every((byte) => byte === 0xff)).toBe(true);
});

test('settings that lie elsewhere in the new table are not read as something else', () => {
  const path = newPath();
  prepare(path);
  const moved = partitionsOf(board).map((one) => (one.name === 'nvs' ? { ...one, size: 0x5000 } : one));
  change(path, PARTITION_TABLE_OFFSET, buildPartitionTable(moved));
  change(path, at('nvs').offset, Uint8Array.of(1, 2, 3));
  expect(prepare(path)).toMatchObject({ written: true, settingsLost: true });
  expect(readFileSync(path)[at('nvs').offset]).toBe(0xff);
});

test('the microphone hears what this start was given, and nothing where it was given nothing', () => {
  const path = newPath();
  prepare(path, qemuFiles(), [Int16Array.of(1, -2, 3), Int16Array.of(4)]);
  const mic = () => readFileSync(path).subarray(at('mic').offset, at('mic').offset + at('mic').size);
  expect(parseMicImage(mic())).toEqual([Int16Array.of(1, -2, 3), Int16Array.of(4)]);
  prepare(path);
  expect(mic().every((byte) => byte === 0xff)).toBe(true);
  expect(() => prepare(path, qemuFiles(), [new Int16Array(16_000 * 60).fill(1)])).toThrow(
    expect.objectContaining({ code: 'MIC_TOO_LONG', exitCode: 2 }),
  );
});

test('a file that another board holds, or of another size, is refused', () => {
  const path = newPath();
  const first = prepareFlash({ board, path, files: qemuFiles(), sentences: [] });
  expect(() => prepare(path)).toThrow(expect.objectContaining({ code: 'FLASH_BUSY' }));
  first.flash.close();
  writeFileSync(path, 'short');
  expect(() => prepare(path)).toThrow(expect.objectContaining({ code: 'FLASH_SIZE' }));
});

test('an image of another board is refused before the file is touched', () => {
  const path = newPath();
  expect(() => prepare(path, qemuFiles(64, 'tincan-virtual'))).toThrow(
    expect.objectContaining({ code: 'IMAGE_OTHER_BOARD' }),
  );
  expect(() => readFileSync(path)).toThrow();
});
