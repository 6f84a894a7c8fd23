/**
 * The serial protocol of the ESP32-S3's ROM loader and of Espressif's flasher stub: names and packet headers.
 * Source: "Serial Protocol" in the documentation of esptool, and esp_rom headers. All words are little-endian.
 *
 *     request:  00 op size:u16 checksum:u32 data      response:  01 op size:u16 value:u32 data status
 */
import { view } from './bytes.ts';

export const ROM_OP = {
  flashBegin: 0x02,
  flashData: 0x03,
  flashEnd: 0x04,
  memBegin: 0x05,
  memEnd: 0x06,
  memData: 0x07,
  sync: 0x08,
  writeReg: 0x09,
  readReg: 0x0a,
  spiSetParams: 0x0b,
  spiAttach: 0x0d,
  changeBaudrate: 0x0f,
  flashDeflBegin: 0x10,
  flashDeflData: 0x11,
  flashDeflEnd: 0x12,
  spiFlashMd5: 0x13,
  getSecurityInfo: 0x14,
  /** From here on the stub only. */
  eraseFlash: 0xd0,
  eraseRegion: 0xd1,
  readFlash: 0xd2,
  runUserCode: 0xd3,
} as const;
export type RomOp = keyof typeof ROM_OP;
const OP_NAMES = new Map<number, RomOp>(Object.entries(ROM_OP).map(([name, op]) => [op, name as RomOp]));
export function romOpName(op: number): RomOp | undefined {
  return OP_NAMES.get(op);
}

/** Operations whose request carries a checksum over its payload. */
export const ROM_DATA_OPS: ReadonlySet<number> = new Set([
  ROM_OP.flashData,
  ROM_OP.memData,
  ROM_OP.flashDeflData,
]);
/** What Secure Download Mode still allows. */
export const ROM_SECURE_OPS: ReadonlySet<number> = new Set([
  ROM_OP.sync,
  ROM_OP.spiAttach,
  ROM_OP.spiSetParams,
  ROM_OP.changeBaudrate,
  ROM_OP.flashBegin,
  ROM_OP.flashData,
  ROM_OP.flashEnd,
  ROM_OP.getSecurityInfo,
]);

/** The ROM's status: four bytes {failed, error, 0, 0}. */
export const ROM_STATUS_LENGTH = 4;
export const ROM_ERROR = {
  invalidMessage: 0x05,
  failed: 0x06,
  checksum: 0x07,
  flashWrite: 0x08,
  flashRead: 0x09,
  flashReadLength: 0x0a,
  deflate: 0x0b,
  deflateAdler: 0x0c,
  deflateParameter: 0x0d,
  ramSize: 0x0e,
  ramAddress: 0x0f,
  parameter: 0x64,
  format: 0x65,
  tooLong: 0x66,
  tooShort: 0x67,
  order: 0x68,
} as const;

/** The stub's status: two bytes, 0 or this code in big-endian. */
export const STUB_STATUS_LENGTH = 2;
export const STUB_ERROR = {
  dataLength: 0xc000,
  checksum: 0xc100,
  blockSize: 0xc200,
  command: 0xc300,
  spi: 0xc400,
  spiUnlock: 0xc500,
  notFlashMode: 0xc600,
  inflate: 0xc700,
  notEnoughData: 0xc800,
  tooMuchData: 0xc900,
  notImplemented: 0xff00,
} as const;

/** Payload of SYNC: 07 07 12 20 and 32 times 55. */
export const SYNC_DATA = new Uint8Array(36).fill(0x55);
SYNC_DATA.set([0x07, 0x07, 0x12, 0x20]);
/** One SYNC is answered this many times. */
export const SYNC_REPLIES = 8;
/** Value in the ROM's SYNC replies (any but 0); the stub's is 0. */
export const SYNC_VALUE_ROM = 0x20120707;
/** Raw frame that the stub sends when it has started. */
export const STUB_HELLO = new TextEncoder().encode('OHAI');

export const ROM = {
  chipId: 9,
  /** Value of `REG.chipMagic`. */
  chipMagic: 0x00000009,
  baud: 115_200,
  /** Largest payload of a data packet, in bytes. */
  ramBlock: 0x1800,
  flashBlock: 0x400,
  stubFlashBlock: 0x4000,
  /** Payload of a *_DATA packet begins after {length, sequence, 0, 0}. */
  dataHeader: 16,
  flashSector: 0x1000,
  flashEraseBlock: 0x10000,
  flashPage: 0x100,
  /** READ_FLASH: bytes in a frame, frames in flight. */
  readBlock: 0x1000,
  readInFlight: 64,
  checksumSeed: 0xef,
} as const;

/** Registers of the ESP32-S3 that flashers read or write (Technical Reference Manual; esptool's target file). */
export const REG = {
  chipMagic: 0x40001000,
  uart0ClkDiv: 0x60000014,
  uartDate: 0x60000080,
  spiBase: 0x60002000,
  spiCmd: 0x60002000,
  spiAddr: 0x60002004,
  spiCtrl: 0x60002008,
  spiUser: 0x60002018,
  spiUser1: 0x6000201c,
  spiUser2: 0x60002020,
  spiMosiLength: 0x60002024,
  spiMisoLength: 0x60002028,
  spiW0: 0x60002058,
  gpioStrap: 0x60004038,
  efuseBase: 0x60007000,
  macLow: 0x60007044,
  macHigh: 0x60007048,
  efuseBlock1Word3: 0x60007050,
  efuseBlock1Word5: 0x60007058,
  rtcWdtConfig0: 0x60008098,
  rtcWdtConfig1: 0x6000809c,
  rtcWdtFeed: 0x600080ac,
  rtcWdtProtect: 0x600080b0,
  rtcSwdConf: 0x600080b4,
  rtcSwdProtect: 0x600080b8,
  rtcOption1: 0x6000812c,
  /** Which console the ROM uses (data memory of the ROM): see `ROM_CONSOLE`. */
  romConsole: 0x3fcef14c,
} as const;
export const REG_VALUE = {
  /** Opens the RTC watchdog's registers for writing. */
  rtcWdtUnlock: 0x50d83aa1,
  rtcSwdUnlock: 0x8f1d312a,
  /** In `rtcSwdConf`: the super watchdog feeds itself. */
  rtcSwdAutoFeed: 0x80000000,
  /** In `rtcOption1`: the next reset enters download mode whatever the pins say. */
  forceDownloadBoot: 0x00000001,
  /** In `spiCmd`: run a user-defined transaction; reads 0 when it is over. */
  spiCmdUser: 0x00040000,
} as const;
export const ROM_CONSOLE = { uart: 0, usbOtg: 3, usbSerialJtag: 4 } as const;

/** XOR of all bytes, begun with EF: checks *_DATA payloads and image segments. */
export function romChecksum(bytes: Uint8Array, seed: number = ROM.checksumSeed): number {
  let sum = seed;
  // By index: an iterator takes ten times as long, and an image has millions of bytes.
  for (let i = 0; i < bytes.length; i++) sum ^= bytes[i]!;
  return sum;
}

export interface RomRequest {
  op: number;
  checksum: number;
  data: Uint8Array;
}
export interface RomResponse {
  op: number;
  value: number;
  /** Body and status; what is what depends on operation and on who answers. */
  data: Uint8Array;
}

/** The payload of a SLIP frame. The checksum of *_DATA operations is computed from the bytes after their header. */
export function encodeRequest(op: number, data: Uint8Array): Uint8Array {
  const checksum = ROM_DATA_OPS.has(op) ? romChecksum(data.subarray(ROM.dataHeader)) : 0;
  return encode(0, op, checksum, data);
}
export function encodeResponse(op: number, value: number, data: Uint8Array): Uint8Array {
  return encode(1, op, value, data);
}

/** `undefined` unless the frame is a request whose size field matches its length. */
export function decodeRequest(frame: Uint8Array): RomRequest | undefined {
  const parts = decode(0, frame);
  return parts && { op: parts.op, checksum: parts.word, data: parts.data };
}
/** `undefined` unless the frame is a response whose size field matches its length. */
export function decodeResponse(frame: Uint8Array): RomResponse | undefined {
  const parts = decode(1, frame);
  return parts && { op: parts.op, value: parts.word, data: parts.data };
}

/** A *_DATA body: {length, sequence, 0, 0} and the bytes. */
export function dataBody(sequence: number, bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(ROM.dataHeader + bytes.length);
  view(body).setUint32(0, bytes.length, true);
  view(body).setUint32(4, sequence, true);
  body.set(bytes, ROM.dataHeader);
  return body;
}

/** 32-bit words as bytes: the body of most requests. */
export function words(...values: number[]): Uint8Array {
  const body = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) view(body).setUint32(i * 4, value >>> 0, true);
  return body;
}

const ROM_ERROR_TEXT: Record<number, string> = {
  [ROM_ERROR.invalidMessage]: 'the message is not valid',
  [ROM_ERROR.failed]: 'the operation failed',
  [ROM_ERROR.checksum]: 'the checksum does not match',
  [ROM_ERROR.flashWrite]: 'the flash does not hold what was written',
  [ROM_ERROR.flashRead]: 'the flash could not be read',
  [ROM_ERROR.flashReadLength]: 'too much was to be read at once',
  [ROM_ERROR.deflate]: 'the compressed data is broken',
  [ROM_ERROR.deflateAdler]: 'the checksum of the decompressed data does not match',
  [ROM_ERROR.deflateParameter]: 'a parameter of the decompression is wrong',
};
const STUB_ERROR_TEXT: Record<number, string> = {
  [STUB_ERROR.dataLength]: 'the length of the data is wrong',
  [STUB_ERROR.checksum]: 'the checksum does not match',
  [STUB_ERROR.blockSize]: 'the block size is wrong',
  [STUB_ERROR.command]: 'the command is not valid',
  [STUB_ERROR.spi]: 'an operation of the flash failed',
  [STUB_ERROR.spiUnlock]: 'the flash could not be unlocked',
  [STUB_ERROR.notFlashMode]: 'no write to the flash was begun',
  [STUB_ERROR.inflate]: 'the compressed data is broken',
  [STUB_ERROR.notEnoughData]: 'less data came than was announced',
  [STUB_ERROR.tooMuchData]: 'more data came than was announced',
  [STUB_ERROR.notImplemented]: 'the command is not known',
};
/** The error of a status, in words: an error byte of the ROM, or a 16-bit code of the stub. */
export function romErrorText(code: number): string {
  return (code > 0xff ? STUB_ERROR_TEXT : ROM_ERROR_TEXT)[code] ?? `error ${code.toString(16)}`;
}

function encode(direction: number, op: number, word: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + data.length);
  out[0] = direction;
  out[1] = op;
  view(out).setUint16(2, data.length, true);
  view(out).setUint32(4, word >>> 0, true);
  out.set(data, 8);
  return out;
}

function decode(
  direction: number,
  frame: Uint8Array,
): { op: number; word: number; data: Uint8Array } | undefined {
  if (frame.length < 8 || frame[0] !== direction) return undefined;
  const fields = view(frame);
  if (fields.getUint16(2, true) !== frame.length - 8) return undefined;
  return { op: frame[1]!, word: fields.getUint32(4, true), data: frame.subarray(8) };
}
