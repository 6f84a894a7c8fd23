/** Helpers that all formats share: problems, errors, little-endian words, fixed-width text, checksums. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What is wrong with some bytes: a code for programs, a sentence for people. */
export interface FormatProblem {
  readonly code: string;
  readonly message: string;
}

/** Bytes or values that a format does not allow. `code` is stable; `message` is one sentence. */
export class FormatError extends Error {
  readonly code: string;
  readonly problems: readonly FormatProblem[];

  constructor(code: string, message: string, problems?: readonly FormatProblem[]) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.problems = problems ?? [{ code, message }];
  }
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** `0x9000`: how addresses and sizes are written for people. */
export function hex0x(value: number): string {
  return `0x${value.toString(16)}`;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A copy in memory of its own; `slice` of a Node Buffer would not be one. */
export function copy(bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

export function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0xff) return false;
  return true;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

export function md5(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('md5').update(bytes).digest());
}

/** CRC-32 as ESP-IDF's `esp_rom_crc32_le(UINT32_MAX, …)`, and as zlib's `crc32(…, 0xffffffff)`. */
export function espCrc32(bytes: Uint8Array): number {
  // For no bytes at all, Node's answer depends on where they lie: zlib takes a null pointer for "begin anew".
  return bytes.length === 0 ? 0xffffffff : crc32(bytes, 0xffffffff);
}

/** Text of a fixed field up to its first NUL; bytes that are no UTF-8 become U+FFFD. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Puts UTF-8 text into a fixed field; the caller has checked that it fits. */
export function putText(out: Uint8Array, at: number, text: string): void {
  out.set(new TextEncoder().encode(text), at);
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
