import {
  buildAppImage,
  buildOtaRecord,
  buildPartitionTable,
  parseOtaData,
  virtualBootloader,
} from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { bootFromFlash } from './boot.ts';
import { DEFAULT_MAC } from './chip.ts';
import { NorFlash } from './flash.ts';
import type { ChipIdentity } from './registers.ts';
import { bootableFlash, overwrite, TEST_PARTITIONS, testApp } from './testing.ts';

const IDENTITY: ChipIdentity = {
  mac: DEFAULT_MAC,
  chipId: 9,
  revision: 2,
  flashSize: 0x800000,
  secureDownload: false,
  secureBoot: false,
  flashEncryption: false,
  psramMb: 8,
};
const boot = (flash: NorFlash, identity: Partial<ChipIdentity> = {}) =>
  bootFromFlash(flash, { ...IDENTITY, ...identity }, 'POWERON');

/** The image with one byte changed. */
function broken(image: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(image);
  copy[at]! ^= 1;
  return copy;
}

test('boots the first slot of a fresh board, prints what an S3 prints, and writes down its choice', () => {
  const flash = bootableFlash();
  const { rom, loader, outcome } = boot(flash);
  expect(rom.split('\r\n').slice(0, 5)).toEqual([
    'ESP-ROM:esp32s3-20210327',
    'Build:Mar 27 2021',
    'rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)',
    'SPIWP:0xee',
    'mode:DIO, clock div:1',
  ]);
  expect(rom).toMatch(/load:0x403c8700,len:0x[0-9a-f]+\r\nentry 0x403c8700\r\n$/);
  expect(loader).toMatch(/^I \(24\) boot: /);
  expect(loader).toContain('boot:  2 ota_0            OTA app          00 10 00020000 00100000\r\n');
  expect(loader).toContain('No factory image, trying OTA 0');
  expect(loader).toMatch(
    /esp_image: segment 0: paddr=00020020 vaddr=3c000020 size=[0-9a-f]{5}h \( +\d+\) map/,
  );
  expect(loader).toMatch(
    /Loaded app from partition at offset 0x20000\r\n.*Set actual ota_seq=1 in otadata\[0\]/,
  );
  expect(outcome).toEqual({
    kind: 'app',
    image: {
      wasm: Uint8Array.from(Buffer.from('test')),
      hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      version: '1.2.3',
      project: 'tincan-virtual',
    },
    nvs: { offset: 0x9000, size: 0x6000 },
    ota: {
      otadata: { offset: 0xf000, size: 0x2000 },
      slots: [
        { offset: 0x20000, size: 0x100000 },
        { offset: 0x120000, size: 0x100000 },
      ],
      running: 0,
    },
  });
  expect(parseOtaData(flash.read(0xf000, 0x2000)).data[0]).toEqual({ sequence: 1, state: 'valid' });
  expect(boot(flash).loader).not.toContain('Set actual');
});

test('otadata chooses the slot; a bad image there falls back to the other', () => {
  const flash = bootableFlash([testApp('zero'), testApp('one')]);
  flash.program(0xf000, buildOtaRecord({ sequence: 2, state: 'valid' }));
  expect(boot(flash).outcome).toMatchObject({ image: { wasm: Uint8Array.from(Buffer.from('one')) } });
  overwrite(flash, 0x120000, broken(testApp('one'), 0x128));
  const { loader, outcome } = boot(flash);
  expect(loader).toContain('OTA app partition slot 1 is not bootable');
  expect(outcome).toMatchObject({ image: { wasm: Uint8Array.from(Buffer.from('zero')) } });
});

test('falls forward to a later slot, and the factory app comes before it', () => {
  expect(boot(bootableFlash([undefined, testApp('one')])).outcome).toMatchObject({
    image: { wasm: Uint8Array.from(Buffer.from('one')) },
  });
  const flash = bootableFlash([testApp('zero')]);
  const factory = { name: 'factory', type: 0, subtype: 0, offset: 0x220000, size: 0x100000 };
  overwrite(flash, 0x8000, buildPartitionTable([...TEST_PARTITIONS, factory]));
  flash.program(0x220000, testApp('factory'));
  const { loader, outcome } = boot(flash);
  expect(loader).toContain('Defaulting to factory image');
  expect(outcome).toMatchObject({ image: { wasm: Uint8Array.from(Buffer.from('factory')) } });
});

test('otadata that is torn is said to be, and all slots are tried', () => {
  const flash = bootableFlash();
  flash.program(0xf000, Uint8Array.of(1, 0, 0, 0)); // no CRC
  const { loader, outcome } = boot(flash);
  expect(loader).toContain('ota data partition invalid and no factory, will try all partitions');
  expect(outcome.kind).toBe('app');
});

/** A bootable flash whose boot loader has this header, with a right SHA-256. */
function flashWithLoader(options: Partial<Parameters<typeof buildAppImage>[0]>, size?: number): NorFlash {
  const segments = [{ address: 0x403c8700, data: new Uint8Array(4) }];
  const flash = NorFlash.inMemory(size, bootableFlash().read(0, size ?? 0x800000));
  overwrite(flash, 0, buildAppImage({ segments, entry: 0x403c8700, ...options }));
  return flash;
}

test('a boot loader of another chip goes nowhere, and the watchdog resets', () => {
  const { rom, loader, outcome } = boot(flashWithLoader({ chip: 5 }));
  expect(rom).toContain('entry 0x403c8700');
  expect(loader).toBe('');
  expect(outcome).toMatchObject({ kind: 'loop', reason: 'the boot loader is for chip 5, this chip is 9' });
});

test('a boot loader whose entry is not in it goes nowhere either', () => {
  expect(boot(flashWithLoader({ entry: 0x403c8704 })).outcome).toMatchObject({
    kind: 'loop',
    reason: 'the boot loader begins at an address where nothing was loaded',
  });
});

test('the flash is as large as the boot loader says: no partition lies behind that', () => {
  const { loader, outcome } = boot(flashWithLoader({ flashSize: '2MB' }));
  expect(loader).toContain(
    'partition 3 invalid - offset 0x120000 size 0x100000 exceeds flash chip size 0x200000',
  );
  expect(outcome).toMatchObject({ kind: 'loop', reason: 'the partition table is not valid' });
});

test('an application stops in its start where the flash is smaller than the boot loader says', () => {
  const { loader, outcome } = boot(flashWithLoader({ flashSize: '8MB' }, 0x400000));
  expect(loader).toContain('Detected size(4096k) smaller than the size in the binary image header(8192k)');
  expect(outcome).toMatchObject({ kind: 'loop', reset: 'RTC_SW_CPU_RST' });
});

test('a blank flash is an invalid header', () => {
  const { rom, loader, outcome } = boot(NorFlash.inMemory());
  expect(rom).toContain('invalid header: 0xffffffff\r\n');
  expect(loader).toBe('');
  expect(outcome).toMatchObject({ kind: 'loop', reset: 'TG0WDT_SYS_RST' });
});

test('a boot loader with a wrong checksum does not start; with a wrong SHA-256 it does, after a complaint', () => {
  const flash = bootableFlash();
  overwrite(flash, 0, broken(virtualBootloader(), 40));
  expect(boot(flash).rom).toMatch(/csum err:0x[0-9a-f]{2}!=0x[0-9a-f]{2}/);
  expect(boot(flash).outcome.kind).toBe('loop');
  overwrite(flash, 0, broken(virtualBootloader(), virtualBootloader().length - 1));
  expect(boot(flash).rom).toMatch(
    /SHA-256 comparison failed:\r\nCalculated: [0-9a-f]{64}\r\nExpected: [0-9a-f]{64}\r\nAttempting to boot anyway/,
  );
  expect(boot(flash).outcome.kind).toBe('app');
});

test('a flash that should be encrypted and is not is noise', () => {
  expect(boot(bootableFlash(), { flashEncryption: true }).rom).toMatch(/invalid header: 0x[0-9a-f]{8}/);
});

const table = buildPartitionTable(TEST_PARTITIONS);
test.each([
  ['magic', broken(table, 32), 'flash_parts: partition 1 invalid magic number 0x50ab'],
  ['MD5', broken(table, 9), 'flash_parts: Incorrect MD5 checksum'],
])('a partition table with a wrong %s is refused', (_name, bytes, message) => {
  const flash = bootableFlash();
  overwrite(flash, 0x8000, bytes);
  const { loader, outcome } = boot(flash);
  expect(loader).toContain(message);
  expect(loader).toContain('boot: Failed to verify partition table');
  expect(outcome).toMatchObject({ kind: 'loop', reset: 'RTC_SW_SYS_RST' });
});

test('a partition past the end of the flash is refused', () => {
  const flash = bootableFlash();
  const far = { name: 'far', type: 1, subtype: 0x82, offset: 0x700000, size: 0x200000 };
  overwrite(flash, 0x8000, buildPartitionTable([...TEST_PARTITIONS, far]));
  expect(boot(flash).loader).toContain(
    'partition 4 invalid - offset 0x700000 size 0x200000 exceeds flash chip size 0x800000',
  );
});

test('a blank partition table is a board without applications', () => {
  const flash = bootableFlash();
  overwrite(flash, 0x8000, new Uint8Array(0xc00).fill(0xff));
  expect(boot(flash).loader).toContain('No bootable app partitions in the partition table');
});

const app = testApp();
const other = (options: object) =>
  buildAppImage({ segments: [{ address: 0x3c000020, data: new Uint8Array(256) }], entry: 0, ...options });
test.each([
  [
    'nothing',
    new Uint8Array(64).fill(0xff),
    'image at 0x20000 has invalid magic byte (nothing flashed here?)',
  ],
  ['another chip', other({ chip: 5 }), 'boot_comm: mismatch chip ID, expected 9, found 5'],
  ['a later revision', other({ minRev: 100 }), 'chip revision check failed. Required >= v1.0, found v0.2.'],
  ['a wrong checksum', broken(app, 0x128), 'esp_image: Checksum failed. Calculated 0x'],
  ['a wrong SHA-256', broken(app, app.length - 1), 'esp_image: Image hash failed - image is corrupt'],
  [
    'a segment at a wrong place',
    other({ segments: [{ address: 0x3c000000, data: new Uint8Array(16) }] }),
    "Segment 0 load address 0x3c000000, doesn't match data 0x00020020",
  ],
  ['a segment that is too long', broken(app, 30), "doesn't fit in partition length"],
  ['an odd segment', broken(app, 28), 'esp_image: invalid segment length 0x'],
])('an application with %s is not booted, and the log says why', (_name, image, message) => {
  const bytes = Uint8Array.from(image);
  if (message.includes('fit')) bytes[30] = 0x20; // 2 MB
  const flash = bootableFlash([bytes]);
  const { loader, outcome } = boot(flash);
  expect(loader).toContain(message);
  expect(loader).toContain('OTA app partition slot 0 is not bootable');
  expect(loader).toContain('No bootable app partitions in the partition table');
  expect(outcome.kind).toBe('loop');
});

test('an application for a real chip is whole, but does not run here', () => {
  const { loader, outcome } = boot(bootableFlash([other({})]));
  expect(loader).toContain('Loaded app from partition at offset 0x20000');
  expect(loader).toMatch(/E \(\d+\) virtual: .*tincan build --board virtual/);
  expect(outcome.kind).toBe('halt');
});
