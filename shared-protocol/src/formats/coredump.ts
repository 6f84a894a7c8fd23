/**
 * A core dump as ESP-IDF leaves it in the flash: a header, an ELF file, a checksum over both. Source: "Core Dump" in the
 * ESP-IDF programming guide; the header of its espcoredump component. Words are little-endian:
 *
 *     length:u32  version:u32 (chip << 16 | format)  tasks  size of a task's control block  segments  [chip revision]
 *
 * `length` counts everything from the header to the end of the checksum.
 */
import { crc32 } from 'node:zlib';
import { FormatError, hex0x, isBlank, same, sha256, view } from './bytes.ts';

export class CoredumpError extends FormatError {}

/** Longest header of a known format; what has to be read to learn the length. */
export const COREDUMP_HEADER_SIZE = 24;

/** The formats that hold an ELF file; those before them are older than ESP-IDF 4.3. */
const FORMATS: Record<number, { header: number; checksum: 'crc32' | 'sha256' }> = {
  256: { header: 20, checksum: 'crc32' },
  257: { header: 20, checksum: 'sha256' },
  258: { header: 24, checksum: 'crc32' },
  259: { header: 24, checksum: 'sha256' },
};
const CHECKSUM_SIZE = { crc32: 4, sha256: 32 } as const;
const ELF_MAGIC = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

export interface CoredumpHeader {
  /** Of the whole dump, in bytes. */
  length: number;
  /** As image headers count chips. */
  chip: number;
  tasks: number;
  /** major * 100 + minor; undefined in the formats before 1.2. */
  chipRevision: number | undefined;
  /** Where the ELF file begins. */
  header: number;
  checksum: 'crc32' | 'sha256';
}

/**
 * Reads the header of a dump; undefined where the partition holds none (blank, or its length erased). `room` is the size
 * of the partition in bytes. Throws `CoredumpError` (`version`, `length`).
 */
export function parseCoredumpHeader(bytes: Uint8Array, room: number): CoredumpHeader | undefined {
  if (bytes.length < COREDUMP_HEADER_SIZE)
    throw new CoredumpError('length', 'there are fewer bytes than the header of a core dump has');
  const fields = view(bytes);
  const length = fields.getUint32(0, true);
  // The firmware rubs a dump out by its first word.
  if (length === 0 || length === 0xffffffff || isBlank(bytes.subarray(0, COREDUMP_HEADER_SIZE)))
    return undefined;
  const version = fields.getUint32(4, true);
  const format = FORMATS[version & 0xffff];
  if (format === undefined)
    throw new CoredumpError(
      'version',
      `its format ${hex0x(version & 0xffff)} holds no ELF file that is known`,
    );
  const { header, checksum } = format;
  if (length > room || length < header + CHECKSUM_SIZE[checksum])
    throw new CoredumpError('length', `its header speaks of ${length} bytes, the partition has ${room}`);
  return {
    length,
    chip: version >>> 16,
    tasks: fields.getUint32(8, true),
    chipRevision: header === 24 ? fields.getUint32(20, true) : undefined,
    header,
    checksum,
  };
}

/** The ELF file in a dump. Throws `CoredumpError` (`length`, `checksum`, `elf`). */
export function coredumpElf(bytes: Uint8Array, found: CoredumpHeader): Uint8Array {
  const { length, header, checksum } = found;
  if (bytes.length < length)
    throw new CoredumpError('length', `it is cut off after ${bytes.length} of ${length} bytes`);
  const end = length - CHECKSUM_SIZE[checksum];
  const covered = bytes.subarray(0, end);
  const right =
    checksum === 'sha256'
      ? same(sha256(covered), bytes.subarray(end, length))
      : crc32(covered) === view(bytes).getUint32(end, true);
  if (!right) {
    const name = checksum === 'sha256' ? 'SHA-256' : 'CRC-32';
    throw new CoredumpError('checksum', `its ${name} does not match its bytes`);
  }
  const elf = bytes.slice(header, end);
  if (!same(ELF_MAGIC, elf.subarray(0, 4)))
    throw new CoredumpError('elf', 'behind its header is no ELF file');
  return elf;
}
