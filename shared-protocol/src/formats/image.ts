/**
 * ESP32-S3 firmware images, as the ROM and the boot loader read them. Source: "Firmware Image Format" in the
 * documentation of esptool; esp_app_format.h and esp_image_format.h of ESP-IDF. All words are little-endian.
 *
 *     header (24)  { load address, length, data } per segment  padding  checksum  SHA-256 of all before it
 *
 * The checksum is the last byte of a 16-byte row.
 */
import { copy, FormatError, type FormatProblem, hex0x, same, sha256, view } from './bytes.ts';
import { ROM, romChecksum } from './rom.ts';

export class ImageError extends FormatError {}

export const FLASH_MODES = { qio: 0, qout: 1, dio: 2, dout: 3 } as const;
export const FLASH_SIZES = { '1MB': 0, '2MB': 1, '4MB': 2, '8MB': 3, '16MB': 4, '32MB': 5 } as const;
export const FLASH_FREQS = { '40m': 0x0, '26m': 0x1, '20m': 0x2, '80m': 0xf } as const;
export type FlashMode = keyof typeof FLASH_MODES;
export type FlashSize = keyof typeof FLASH_SIZES;
export type FlashFreq = keyof typeof FLASH_FREQS;

export const IMAGE_MAGIC = 0xe9;
export const IMAGE_HEADER_SIZE = 24;
export const IMAGE_MAX_SEGMENTS = 16;
const SEGMENT_HEADER_SIZE = 8;
const HASH_SIZE = 32;
/** Flash is mapped in pages of 64 KiB: a mapped segment lies at the same place in its page as in the file. */
const MMU_PAGE = 0x10000;

export interface ImageHeader {
  /** Number of segments. */
  segments: number;
  /** The names, or `undefined` where the code has none. */
  flashMode: FlashMode | undefined;
  flashSize: FlashSize | undefined;
  flashFreq: FlashFreq | undefined;
  /** Address where the program begins. */
  entry: number;
  chip: number;
  /** Chip revisions that this runs on: major * 100 + minor; a `maxRev` of 65535 or 0 is "any". */
  minRev: number;
  maxRev: number;
  hashAppended: boolean;
}
export interface Segment {
  address: number;
  data: Uint8Array;
}
export interface ParsedSegment extends Segment {
  /** Where its data begins in the file. */
  offset: number;
}
export interface ParsedImage {
  header: ImageHeader | undefined;
  segments: ParsedSegment[];
  /** Bytes from the header to the end of checksum or hash; 0 if the image does not get that far. */
  length: number;
  checksumOk: boolean;
  /** `undefined` where the image has no hash. */
  hashOk: boolean | undefined;
  /** Empty if the chip's boot loader would take it (chip, revision and size are for `verifyImage`). */
  problems: FormatProblem[];
}

export interface ImageOptions {
  segments: readonly Segment[];
  entry: number;
  flashMode?: FlashMode;
  flashSize?: FlashSize;
  flashFreq?: FlashFreq;
  chip?: number;
  minRev?: number;
  maxRev?: number;
}

/** The bytes of an image, with checksum and SHA-256. Segment data is padded with zeros to whole words. */
export function buildAppImage(options: ImageOptions): Uint8Array {
  const { segments } = options;
  if (segments.length === 0 || segments.length > IMAGE_MAX_SEGMENTS)
    throw new ImageError(
      'segments',
      `an image has 1 to ${IMAGE_MAX_SEGMENTS} segments, not ${segments.length}`,
    );
  const padded = segments.map(({ address, data }) => {
    const whole = new Uint8Array(align(data.length, 4));
    whole.set(data);
    return { address, data: whole };
  });
  let end = IMAGE_HEADER_SIZE;
  for (const { data } of padded) end += SEGMENT_HEADER_SIZE + data.length;
  const checksumAt = align(end + 1, 16) - 1;
  const out = new Uint8Array(checksumAt + 1 + HASH_SIZE);
  const fields = view(out);
  out[0] = IMAGE_MAGIC;
  out[1] = padded.length;
  out[2] = FLASH_MODES[options.flashMode ?? 'dio'];
  out[3] = (FLASH_SIZES[options.flashSize ?? '8MB'] << 4) | FLASH_FREQS[options.flashFreq ?? '80m'];
  fields.setUint32(4, options.entry, true);
  out[8] = 0xee; // the WP pin is not set by the image
  fields.setUint16(12, options.chip ?? ROM.chipId, true);
  fields.setUint16(15, options.minRev ?? 0, true);
  fields.setUint16(17, options.maxRev ?? 0xffff, true);
  out[23] = 1;
  let at = IMAGE_HEADER_SIZE;
  let checksum: number = ROM.checksumSeed;
  for (const { address, data } of padded) {
    fields.setUint32(at, address, true);
    fields.setUint32(at + 4, data.length, true);
    out.set(data, at + SEGMENT_HEADER_SIZE);
    checksum = romChecksum(data, checksum);
    at += SEGMENT_HEADER_SIZE + data.length;
  }
  out[checksumAt] = checksum;
  out.set(sha256(out.subarray(0, checksumAt + 1)), checksumAt + 1);
  return out;
}

/** Reads an image from the start of `bytes`; what follows it is ignored. Never throws: see `problems`. */
export function parseImage(bytes: Uint8Array): ParsedImage {
  const image: ParsedImage = {
    header: undefined,
    segments: [],
    length: 0,
    checksumOk: false,
    hashOk: undefined,
    problems: [],
  };
  const problem = (code: string, message: string): ParsedImage => {
    image.problems.push({ code, message });
    return image;
  };
  if (bytes.length < IMAGE_HEADER_SIZE)
    return problem('truncated', `an image has at least ${IMAGE_HEADER_SIZE} bytes, here are ${bytes.length}`);
  if (bytes[0] !== IMAGE_MAGIC)
    return problem('magic', `an image begins with 0xe9, this begins with ${hex0x(bytes[0]!)}`);
  const header = readHeader(bytes);
  image.header = header;
  if (header.segments === 0 || header.segments > IMAGE_MAX_SEGMENTS)
    return problem(
      'segments',
      `an image has 1 to ${IMAGE_MAX_SEGMENTS} segments, this claims ${header.segments}`,
    );

  const fields = view(bytes);
  let at = IMAGE_HEADER_SIZE;
  let checksum: number = ROM.checksumSeed;
  for (let i = 0; i < header.segments; i++) {
    if (at + SEGMENT_HEADER_SIZE > bytes.length)
      return problem('truncated', `the image ends at ${bytes.length} bytes, before segment ${i}`);
    const address = fields.getUint32(at, true);
    const length = fields.getUint32(at + 4, true);
    const offset = at + SEGMENT_HEADER_SIZE;
    if (length % 4 !== 0)
      return problem('segment-length', `segment ${i} has ${length} bytes, which is not whole words`);
    if (length > bytes.length - offset)
      return problem(
        'truncated',
        `segment ${i} needs ${length} bytes at ${hex0x(offset)}, but the image ends at ${hex0x(bytes.length)}`,
      );
    if (isMapped(address) && address % MMU_PAGE !== offset % MMU_PAGE)
      problem(
        'segment-address',
        `segment ${i} is to be mapped at ${hex0x(address)}, but lies at ${hex0x(offset)} in the file: the two differ within a 64 KiB page`,
      );
    const data = bytes.subarray(offset, offset + length);
    image.segments.push({ address, data, offset });
    checksum = romChecksum(data, checksum);
    at = offset + length;
  }

  const bodyEnd = align(at + 1, 16);
  if (bodyEnd > bytes.length) return problem('truncated', 'the image ends before its checksum');
  const stored = bytes[bodyEnd - 1]!;
  image.checksumOk = stored === checksum;
  if (!image.checksumOk)
    problem('checksum', `the checksum is ${hex0x(stored)}, but the segments give ${hex0x(checksum)}`);
  image.length = bodyEnd;
  if (!header.hashAppended) return image;
  if (bodyEnd + HASH_SIZE > bytes.length) {
    image.length = 0;
    return problem('truncated', 'the image ends before its SHA-256');
  }
  image.length = bodyEnd + HASH_SIZE;
  image.hashOk = same(sha256(bytes.subarray(0, bodyEnd)), bytes.subarray(bodyEnd, bodyEnd + HASH_SIZE));
  if (!image.hashOk) problem('hash', 'the SHA-256 at its end does not match the image');
  return image;
}

export interface VerifyOptions {
  /** Chip id; 9 is the ESP32-S3, and the default. */
  chip?: number;
  /** Size of the partition, in bytes. */
  maxSize?: number;
  /** Revision of the chip: major * 100 + minor. */
  revision?: number;
}

/** An image that this chip will boot; throws `ImageError` with the first problem and all in `problems`. */
export function verifyImage(
  bytes: Uint8Array,
  options: VerifyOptions = {},
): ParsedImage & { header: ImageHeader } {
  const image = parseImage(bytes);
  const { header } = image;
  const chip = options.chip ?? ROM.chipId;
  const problems: FormatProblem[] = [];
  if (header && header.chip !== chip)
    problems.push({ code: 'chip', message: `the image is for chip ${header.chip}, this chip is ${chip}` });
  const revision = options.revision;
  const tooNew = header && header.maxRev !== 0 && revision !== undefined && revision > header.maxRev;
  if (header && revision !== undefined && (revision < header.minRev || tooNew))
    problems.push({
      code: 'revision',
      message: `the image is for chip revisions ${rev(header.minRev)} to ${anyRev(header.maxRev)}, this is ${rev(revision)}`,
    });
  const size = Math.max(image.length, header ? 0 : bytes.length);
  if (options.maxSize !== undefined && size > options.maxSize)
    problems.push({
      code: 'size',
      message: `the image has ${size} bytes, the partition only ${options.maxSize}`,
    });
  problems.push(...image.problems);
  if (problems.length > 0 || !header) throw new ImageError(problems[0]!.code, problems[0]!.message, problems);
  return { ...image, header };
}

/**
 * A copy with other flash parameters and a SHA-256 that matches again; what is not named stays. The checksum covers
 * segments only. Throws `ImageError` if the image was not whole before.
 */
export function patchFlashParams(
  bytes: Uint8Array,
  params: { mode?: FlashMode; freq?: FlashFreq; size?: FlashSize },
): Uint8Array {
  const image = parseImage(bytes);
  if (image.problems.length > 0)
    throw new ImageError(image.problems[0]!.code, image.problems[0]!.message, image.problems);
  const out = copy(bytes);
  if (params.mode !== undefined) out[2] = FLASH_MODES[params.mode];
  if (params.size !== undefined) out[3] = (FLASH_SIZES[params.size] << 4) | (out[3]! & 0x0f);
  if (params.freq !== undefined) out[3] = (out[3]! & 0xf0) | FLASH_FREQS[params.freq];
  if (image.hashOk !== undefined) {
    const bodyEnd = image.length - HASH_SIZE;
    out.set(sha256(out.subarray(0, bodyEnd)), bodyEnd);
  }
  return out;
}

/** Whether an address lies in flash mapped as data (DROM) or code (IROM). */
export function isMapped(address: number): boolean {
  return (address >= 0x3c000000 && address < 0x3e000000) || (address >= 0x42000000 && address < 0x44000000);
}

function readHeader(bytes: Uint8Array): ImageHeader {
  const fields = view(bytes);
  const sizeFreq = bytes[3]!;
  return {
    segments: bytes[1]!,
    flashMode: nameOf(FLASH_MODES, bytes[2]!),
    flashSize: nameOf(FLASH_SIZES, sizeFreq >> 4),
    flashFreq: nameOf(FLASH_FREQS, sizeFreq & 0x0f),
    entry: fields.getUint32(4, true),
    chip: fields.getUint16(12, true),
    minRev: fields.getUint16(15, true),
    maxRev: fields.getUint16(17, true),
    hashAppended: bytes[23] !== 0,
  };
}

function nameOf<T extends string>(codes: Record<T, number>, code: number): T | undefined {
  return (Object.keys(codes) as T[]).find((name) => codes[name] === code);
}

function rev(value: number): string {
  return `v${Math.floor(value / 100)}.${value % 100}`;
}

function anyRev(value: number): string {
  return value === 0xffff || value === 0 ? 'any' : rev(value);
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
