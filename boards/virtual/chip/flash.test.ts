import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FLASH_TIME, NorFlash, PowerCut } from './flash.ts';
import { noise } from './testing.ts';

describe('NOR', () => {
  test('is blank, programs by clearing bits, and erases sectors to FF', () => {
    const flash = NorFlash.inMemory(0x10000);
    expect(flash.isBlank(0, flash.size)).toBe(true);
    flash.program(0x1ffe, Uint8Array.of(0xf0, 0x0f, 0xaa));
    flash.program(0x1ffe, Uint8Array.of(0x3c, 0xff, 0x55));
    expect(flash.read(0x1ffe, 3)).toEqual(Uint8Array.of(0x30, 0x0f, 0x00));
    flash.erase(0x1000, 0x1000);
    expect(flash.read(0x1ffe, 3)).toEqual(Uint8Array.of(0xff, 0xff, 0x00));
  });

  test('erases whole sectors only, and nothing lies past its end', () => {
    const flash = NorFlash.inMemory(0x10000);
    expect(() => flash.erase(0x800, 0x1000)).toThrow(RangeError);
    expect(() => flash.erase(0, 0x800)).toThrow(RangeError);
    expect(() => flash.read(0xffff, 2)).toThrow(RangeError);
    expect(() => flash.program(-1, Uint8Array.of(0))).toThrow(RangeError);
  });

  test('counts what it does, and how long a real part would take', () => {
    const flash = NorFlash.inMemory(0x40000);
    flash.program(0x80, new Uint8Array(0x100)); // two pages
    flash.erase(0xf000, 0x12000); // a sector, a block, a sector
    expect(flash.counters).toEqual({
      programs: 2,
      erases: 18,
      bytes: 0x100,
      busyMs: 2 * FLASH_TIME.page + 2 * FLASH_TIME.sector + FLASH_TIME.block,
    });
  });

  test('gives copies: nobody changes flash by accident', () => {
    const flash = NorFlash.inMemory(0x1000);
    flash.read(0, 4).fill(0);
    expect(flash.isBlank(0, 4)).toBe(true);
  });
});

describe('a power cut', () => {
  test('leaves half a page programmed, and no flash until power is back', () => {
    const flash = NorFlash.inMemory(0x10000);
    let cuts = 0;
    flash.onPowerCut = () => cuts++;
    flash.cutPowerAt(2);
    expect(() => flash.program(0, new Uint8Array(0x300))).toThrow(PowerCut);
    expect(cuts).toBe(1);
    expect(() => flash.read(0, 1)).toThrow(PowerCut);
    flash.restorePower();
    expect(flash.read(0, 0x180)).toEqual(new Uint8Array(0x180));
    expect(flash.isBlank(0x180, 0x300)).toBe(true);
    flash.program(0x180, new Uint8Array(0x80)); // and no second cut
  });

  test('leaves half a sector erased', () => {
    const flash = NorFlash.inMemory(0x10000);
    flash.program(0, new Uint8Array(0x3000));
    flash.cutPowerAt(2);
    expect(() => flash.erase(0, 0x3000)).toThrow(PowerCut);
    flash.restorePower();
    expect(flash.isBlank(0, 0x1800)).toBe(true);
    expect(flash.read(0x1800, 0x1800)).toEqual(new Uint8Array(0x1800));
  });
});

describe('in a file', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tincan-flash-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('every operation is in the file at once', () => {
    const path = join(folder, 'flash.bin');
    const flash = NorFlash.open(path, 0x10000);
    const bytes = noise(1000);
    flash.program(0x1234, bytes);
    expect(
      readFileSync(path)
        .subarray(0x1234, 0x1234 + 1000)
        .equals(bytes),
    ).toBe(true);
    flash.erase(0x1000, 0x1000);
    expect(readFileSync(path).every((byte) => byte === 0xff)).toBe(true);
    flash.program(0, Uint8Array.of(1, 2, 3));
    flash.close();
    const again = NorFlash.open(path, 0x10000);
    expect(again.read(0, 4)).toEqual(Uint8Array.of(1, 2, 3, 0xff));
    again.close();
  });

  test('a cut operation is in the file as far as it came', () => {
    const path = join(folder, 'flash.bin');
    const flash = NorFlash.open(path, 0x10000);
    flash.cutPowerAt(2);
    expect(() => flash.program(0, new Uint8Array(0x200))).toThrow(PowerCut);
    const file = readFileSync(path);
    expect(file.subarray(0, 0x180).every((byte) => byte === 0)).toBe(true);
    expect(file[0x180]).toBe(0xff);
    flash.close();
  });

  test('belongs to one board at a time', () => {
    const path = join(folder, 'flash.bin');
    const first = NorFlash.open(path, 0x10000);
    expect(() => NorFlash.open(path, 0x10000)).toThrow(expect.objectContaining({ code: 'flash-busy' }));
    symlinkSync(path, join(folder, 'link.bin'));
    const busy = expect.objectContaining({ code: 'flash-busy' });
    expect(() => NorFlash.open(join(folder, 'link.bin'), 0x10000)).toThrow(busy);
    first.close();
    const second = NorFlash.open(path, 0x10000);
    first.close(); // changes nothing for the next one
    expect(() => NorFlash.open(path, 0x10000)).toThrow(busy);
    second.close();
  });

  test('a lock that a dead process left is no lock; one of a living process is', () => {
    const path = join(folder, 'flash.bin');
    for (const stale of ['4194305 77\n', `${process.pid} 1\n`, 'nonsense\n']) {
      writeFileSync(`${path}.lock`, stale);
      NorFlash.open(path, 0x10000).close();
    }
    const stat = () => readFileSync(`/proc/${process.ppid}/stat`, 'latin1');
    if (process.platform !== 'linux') return;
    const text = stat();
    const start = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
    writeFileSync(`${path}.lock`, `${process.ppid} ${start}\n`);
    expect(() => NorFlash.open(path, 0x10000)).toThrow(/in use/);
  });

  test('refuses a file of another size, and a path that is none', () => {
    const path = join(folder, 'small.bin');
    writeFileSync(path, 'hello');
    expect(() => NorFlash.open(path, 0x10000)).toThrow(expect.objectContaining({ code: 'flash-size' }));
    expect(readFileSync(path, 'utf8')).toBe('hello');
    expect(() => NorFlash.open(join(folder, 'no', 'such'), 0x1000)).toThrow(
      expect.objectContaining({ code: 'flash-file' }),
    );
    for (const other of [folder, '/dev/null'])
      expect(() => NorFlash.open(other, 0x1000)).toThrow(expect.objectContaining({ code: 'flash-file' }));
  });
});
