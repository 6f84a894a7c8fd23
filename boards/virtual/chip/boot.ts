/**
 * What happens between reset and application: the ROM reads the boot loader at 0x0, the boot loader reads partition
 * table, otadata and application. It says what the real ones say. Sources: logs of ESP32-S3 boards; the messages of
 * ESP-IDF's bootloader_support (esp_image_format.c, flash_partitions.c, bootloader_utility.c).
 */
import {
  DATA_SUBTYPE,
  FLASH_SIZES,
  FormatError,
  findPartition,
  isMapped,
  otaSlots,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type ParsedImage,
  type Partition,
  parseImage,
  parsePartitionTable,
  romChecksum,
  unwrapWasm,
} from '@tincan/shared-protocol';
import type { AppImage, FlashArea, OtaPlaces } from '../contract.ts';
import { sha256Hex } from './digest.ts';
import type { NorFlash } from './flash.ts';
import { Log } from './log.ts';
import { type BootChoice, chooseApp, firstOtaRecord, markTrials } from './ota.ts';
import type { ChipIdentity } from './registers.ts';

/** Why the ROM runs, with its numbers and names. */
export const RESET_CODE = {
  POWERON: 0x1,
  RTC_SW_SYS_RST: 0x3,
  TG0WDT_SYS_RST: 0x7,
  RTC_SW_CPU_RST: 0xc,
  RTCWDT_RTC_RST: 0x10,
} as const;
export type ResetCode = keyof typeof RESET_CODE;

export type BootOutcome =
  | { kind: 'app'; image: AppImage; nvs: FlashArea; ota: OtaPlaces | undefined }
  /** It resets and tries again, for ever. */
  | { kind: 'loop'; reset: ResetCode; reason: string }
  /** It stands still until somebody resets it. */
  | { kind: 'halt'; reason: string };

export interface BootReport {
  /** What the ROM prints, then what the boot loader prints. */
  rom: string;
  loader: string;
  outcome: BootOutcome;
}

const CHIP_ESP32_S3 = 9;
const INVALID_HEADER_LINES = 8;
const MODE_NAMES = { qio: 'QIO', qout: 'QOUT', dio: 'DIO', dout: 'DOUT' } as const;

/** The ROM's first lines. */
export function romBanner(reset: ResetCode, mode: 'run' | 'download'): string {
  const boot = mode === 'run' ? '0x8 (SPI_FAST_FLASH_BOOT)' : '0x0 (DOWNLOAD(USB/UART0))';
  return lines(
    'ESP-ROM:esp32s3-20210327',
    'Build:Mar 27 2021',
    `rst:0x${RESET_CODE[reset].toString(16)} (${reset}),boot:${boot}`,
    ...(mode === 'download' ? ['waiting for download'] : []),
  );
}

/** Boots as a reset to run mode does. May write otadata, as the boot loader does on its first start. */
export function bootFromFlash(flash: NorFlash, identity: ChipIdentity, reset: ResetCode): BootReport {
  const banner = romBanner(reset, 'run');
  const bytes = flash.read(0, PARTITION_TABLE_OFFSET);
  const stuck = (text: string, reason: string): BootReport => ({
    rom: banner + text,
    loader: '',
    outcome: { kind: 'loop', reset: 'TG0WDT_SYS_RST', reason },
  });
  if (identity.flashEncryption || bytes[0] !== 0xe9) {
    // With flash encryption, what was written in the clear is read as noise.
    const word =
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) ^
      (identity.flashEncryption ? 0x5ac3 : 0);
    const line = `invalid header: 0x${hex(word >>> 0, 8)}`;
    return stuck(lines(...Array<string>(INVALID_HEADER_LINES).fill(line)), 'there is no boot loader at 0x0');
  }
  const image = parseImage(bytes);
  const header = image.header!;
  const mode = header.flashMode ? MODE_NAMES[header.flashMode] : 'DIO';
  const loads = image.segments.map((s) => `load:0x${hex(s.address, 8)},len:0x${s.data.length.toString(16)}`);
  const start = lines('SPIWP:0xee', `mode:${mode}, clock div:1`, ...loads);
  if (image.length === 0)
    return stuck(
      start + lines("Invalid image block, can't boot.", 'ets_main.c 329 '),
      'the boot loader is cut off',
    );
  if (!image.checksumOk) {
    const { stored, calculated } = checksums(image, bytes);
    return stuck(
      start + lines(`csum err:0x${hex(calculated, 2)}!=0x${hex(stored, 2)}`, 'ets_main.c 329 '),
      'the checksum of the boot loader is wrong',
    );
  }
  // The ROM complains of a wrong SHA-256 here, and boots: tools change flash parameters in the header.
  const digest = image.hashOk === false ? hashMismatch(image, bytes) : '';
  const entry = lines(`entry 0x${hex(header.entry, 8)}`);
  // The ROM looks at neither of these. Such a program goes nowhere, and the watchdog resets.
  const foreign = header.chip !== CHIP_ESP32_S3;
  const inside = image.segments.some(
    ({ address, data }) => header.entry >= address && header.entry < address + data.length,
  );
  if (foreign || !inside)
    return stuck(
      start + digest + entry,
      foreign
        ? `the boot loader is for chip ${header.chip}, this chip is ${CHIP_ESP32_S3}`
        : 'the boot loader begins at an address where nothing was loaded',
    );
  const rom = banner + start + digest + entry;
  const log = new Log();
  const outcome = runLoader(flash, identity, image, log);
  return { rom, loader: log.text, outcome };
}

function runLoader(flash: NorFlash, identity: ChipIdentity, loader: ParsedImage, log: Log): BootOutcome {
  const { revision } = identity;
  log.info('boot', '2nd stage bootloader of the virtual ESP32-S3');
  log.info('boot', 'Multicore bootloader');
  log.info('boot', `chip revision: v${Math.floor(revision / 100)}.${revision % 100}`);
  log.info('boot.esp32s3', 'Boot SPI Speed : 80MHz');
  log.info('boot.esp32s3', `SPI Mode       : ${MODE_NAMES[loader.header?.flashMode ?? 'dio']}`);
  log.info('boot.esp32s3', `SPI Flash Size : ${loader.header?.flashSize ?? '2MB'}`);
  log.info('boot', 'Enabling RNG early entropy source...');
  const loop = (reason: string): BootOutcome => ({ kind: 'loop', reset: 'RTC_SW_SYS_RST', reason });

  const flashSize = claimedSize(loader);
  const partitions = readPartitions(flash, flashSize, log);
  if (!partitions) {
    log.error('boot', 'load partition table error!');
    return loop('the partition table is not valid');
  }
  const slots = otaSlots(partitions);
  const otadata = findPartition(partitions, 'data', DATA_SUBTYPE.ota);
  const ota = otadata && markTrials(flash, otadata, slots.length);
  const choice = chooseApp(partitions, slots, ota, log);
  for (const candidate of choice.candidates) {
    if (candidate.partition.size === 0) continue;
    const image = tryApp(flash, candidate.partition, identity, log);
    if (!image) {
      log.error('boot', `${candidate.name} is not bootable`);
      continue;
    }
    log.info('boot', `Loaded app from partition at offset 0x${candidate.partition.offset.toString(16)}`);
    rememberFirstSlot(flash, choice, candidate.slot, otadata, log);
    log.info('boot', 'Disabling RNG early entropy source...');
    if (flashSize > flash.size) {
      // ESP-IDF's spi_flash/esp_flash_spi_init.c: the application stops in its start.
      const kib = (bytes: number) => `${bytes / 1024}k`;
      log.error(
        'spi_flash',
        `Detected size(${kib(flash.size)}) smaller than the size in the binary image header(${kib(flashSize)}). Probe failed.`,
      );
      const reason = `the boot loader says that the flash has ${kib(flashSize)}, but it has ${kib(flash.size)}`;
      return { kind: 'loop', reset: 'RTC_SW_CPU_RST', reason };
    }
    return startApp(image, partitions, placesOf(otadata, slots, candidate.slot), log);
  }
  log.error('boot', 'No bootable app partitions in the partition table');
  return loop('no application can be booted');
}

/** The flash size in a boot loader's header, in bytes; 2 MB where it names none (bootloader_esp32s3.c). */
function claimedSize(loader: ParsedImage): number {
  return (1 << 20) * 2 ** FLASH_SIZES[loader.header?.flashSize ?? '2MB'];
}

/** `undefined` if the boot loader refuses the table. */
function readPartitions(flash: NorFlash, claimed: number, log: Log): Partition[] | undefined {
  const bytes = flash.read(PARTITION_TABLE_OFFSET, PARTITION_TABLE_SIZE);
  // The boot loader believes its own header; what is not there cannot be read either.
  const flashSize = Math.min(claimed, flash.size);
  const { entries, problems } = parsePartitionTable(bytes, { flashSize });
  const fields = new DataView(bytes.buffer, bytes.byteOffset);
  const code = problems.find((problem) => ['magic', 'md5', 'end', 'flash'].includes(problem.code))?.code;
  if (code === 'flash') {
    const index = entries.findIndex(({ offset, size }) => offset + size > flashSize);
    const { offset, size } = entries[index]!;
    log.error(
      'flash_parts',
      `partition ${index} invalid - offset 0x${offset.toString(16)} size 0x${size.toString(16)} exceeds flash chip size 0x${flashSize.toString(16)}`,
    );
  } else if (code === 'magic') {
    const found = fields.getUint16(entries.length * 32, true);
    log.error('flash_parts', `partition ${entries.length} invalid magic number 0x${found.toString(16)}`);
  } else if (code === 'md5') {
    log.error('flash_parts', 'Incorrect MD5 checksum');
  } else if (code === 'end') {
    log.error('flash_parts', 'partition table has no terminating entry, not valid');
  }
  if (code) {
    log.error('boot', 'Failed to verify partition table');
    return undefined;
  }
  log.info('boot', 'Partition Table:');
  log.info('boot', '## Label            Usage          Type ST Offset   Length');
  for (const [i, entry] of entries.entries()) {
    const { name, type, subtype, offset, size } = entry;
    const numbers = `${hex(type, 2)} ${hex(subtype, 2)} ${hex(offset, 8)} ${hex(size, 8)}`;
    log.info('boot', `${String(i).padStart(2)} ${name.padEnd(16)} ${usage(entry).padEnd(16)} ${numbers}`);
  }
  log.info('boot', 'End of partition table');
  return entries;
}

/** The application of a partition, if the boot loader would start it. */
function tryApp(
  flash: NorFlash,
  partition: Partition,
  identity: ChipIdentity,
  log: Log,
): ParsedImage | undefined {
  const { offset, size } = partition;
  const bytes = flash.read(offset, size);
  const image = parseImage(bytes);
  const fail = (message: string, tag = 'esp_image'): undefined => {
    log.error(tag, message);
    return undefined;
  };
  const { header } = image;
  if (!header)
    return fail(`image at 0x${offset.toString(16)} has invalid magic byte (nothing flashed here?)`);
  if (header.chip !== CHIP_ESP32_S3)
    return fail(`mismatch chip ID, expected ${CHIP_ESP32_S3}, found ${header.chip}`, 'boot_comm');
  const { revision } = identity;
  if (revision < header.minRev)
    return fail(
      `chip revision check failed. Required >= ${version(header.minRev)}, found ${version(revision)}.`,
      'boot_comm',
    );
  if (header.maxRev !== 0 && header.maxRev !== 0xffff && revision > header.maxRev)
    return fail(
      `chip revision check failed. Required <= ${version(header.maxRev)}, found ${version(revision)}.`,
      'boot_comm',
    );
  if (image.problems.some(({ code }) => code === 'segments'))
    return fail(`image at 0x${offset.toString(16)} segment count ${header.segments} exceeds max 16`);
  for (const [i, segment] of image.segments.entries()) {
    const mapped = isMapped(segment.address);
    const place = `paddr=${hex(offset + segment.offset, 8)} vaddr=${hex(segment.address, 8)}`;
    const length = segment.data.length;
    log.info(
      'esp_image',
      `segment ${i}: ${place} size=${hex(length, 5)}h (${String(length).padStart(6)}) ${mapped ? 'map' : 'load'}`,
    );
  }
  const problem = image.problems[0];
  if (!problem) return image;
  if (problem.code === 'checksum') {
    const { stored, calculated } = checksums(image, bytes);
    return fail(`Checksum failed. Calculated 0x${calculated.toString(16)} read 0x${stored.toString(16)}`);
  }
  if (problem.code === 'hash') return fail('Image hash failed - image is corrupt');
  if (problem.code === 'segment-address') {
    const i = image.segments.findIndex(
      (s) => isMapped(s.address) && s.address % 0x10000 !== s.offset % 0x10000,
    );
    const segment = image.segments[i]!;
    return fail(
      `Segment ${i} load address 0x${hex(segment.address, 8)}, doesn't match data 0x${hex(offset + segment.offset, 8)}`,
    );
  }
  const last = image.segments.at(-1);
  const next = last ? last.offset + last.data.length : 24;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(Math.min(next + 4, size - 4), true);
  if (length % 4 !== 0 || length >= 0x1000000) return fail(`invalid segment length 0x${length.toString(16)}`);
  return fail(`Image length ${next + 8 + length} doesn't fit in partition length ${size}`);
}

/** Without a factory app, the first boot writes down which slot it took. */
function rememberFirstSlot(
  flash: NorFlash,
  choice: BootChoice,
  slot: number | undefined,
  otadata: Partition | undefined,
  log: Log,
): void {
  if (!choice.otadataEmpty || slot === undefined || !otadata || otadata.offset % 0x1000 !== 0) return;
  flash.erase(otadata.offset, 0x1000);
  flash.program(otadata.offset, firstOtaRecord(slot));
  log.info('boot', `Set actual ota_seq=${slot + 1} in otadata[0]`);
}

function placesOf(
  otadata: Partition | undefined,
  slots: readonly Partition[],
  running: number | undefined,
): OtaPlaces | undefined {
  if (!otadata || running === undefined) return undefined;
  const area = ({ offset, size }: Partition): FlashArea => ({ offset, size });
  return { otadata: area(otadata), slots: slots.map(area), running };
}

function startApp(
  parsed: ParsedImage,
  partitions: Partition[],
  ota: OtaPlaces | undefined,
  log: Log,
): BootOutcome {
  try {
    const { wasm, hash, version: app, project } = unwrapWasm(parsed);
    log.info('app_init', 'Application information:');
    log.info('app_init', `Project name:     ${project}`);
    log.info('app_init', `App version:      ${app}`);
    log.info('app_init', `ELF file SHA256:  ${hash.slice(0, 9)}...`);
    const nvs = findPartition(partitions, 'data', DATA_SUBTYPE.nvs);
    return {
      kind: 'app',
      image: { wasm, hash, version: app, project },
      nvs: { offset: nvs?.offset ?? 0, size: nvs?.size ?? 0 },
      ota,
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    log.error('virtual', `${error.message}; this board runs what "tincan build --board virtual" builds`);
    return { kind: 'halt', reason: error.message };
  }
}

function usage({ type, subtype }: Partition): string {
  if (type === 0) {
    if (subtype === 0) return 'factory app';
    if (subtype === 0x20) return 'test app';
    return (subtype & 0xf0) === 0x10 ? 'OTA app' : 'Unknown app';
  }
  if (type !== 1) return 'unknown';
  const names: Record<number, string> = {
    0: 'OTA data',
    1: 'RF data',
    2: 'WiFi data',
    4: 'NVS keys',
    5: 'efuse',
  };
  return names[subtype] ?? 'Unknown data';
}

/** The checksum in the image, and what its segments give. */
function checksums(image: ParsedImage, bytes: Uint8Array): { stored: number; calculated: number } {
  let calculated = 0xef;
  for (const { data } of image.segments) calculated = romChecksum(data, calculated);
  const end = image.length - (image.header?.hashAppended ? 32 : 0);
  return { stored: bytes[end - 1] ?? 0xff, calculated };
}

function hashMismatch(image: ParsedImage, bytes: Uint8Array): string {
  const end = image.length - 32;
  return lines(
    'SHA-256 comparison failed:',
    `Calculated: ${sha256Hex(bytes.subarray(0, end))}`,
    `Expected: ${Buffer.from(bytes.subarray(end, end + 32)).toString('hex')}`,
    'Attempting to boot anyway...',
  );
}

function lines(...all: string[]): string {
  return all.map((line) => `${line}\r\n`).join('');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function version(revision: number): string {
  return `v${Math.floor(revision / 100)}.${revision % 100}`;
}
