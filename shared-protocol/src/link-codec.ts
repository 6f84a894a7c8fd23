/** The frame codec of the serial link; the format is in `link.ts`, golden vectors in `golden/link.json`. */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { LINK } from './link.ts';

/** A text that cannot travel as a frame. */
export class FrameError extends Error {
  readonly code: 'TOO_LARGE' | 'CONTROL_CHARACTER' | 'EMPTY';
  constructor(code: FrameError['code'], message: string) {
    super(message);
    this.name = 'FrameError';
    this.code = code;
  }
}

const LF = 0x0a;
const TAB = 0x09;
/** TAB, number, TAB, CRC: what follows the JSON, without the LF. */
const TAIL = 18;
const MAX_FRAME = LINK.maxJson + TAIL;
/** A longer line of text (noise, mostly) comes in pieces of at most this many bytes. */
export const MAX_TEXT_PIECE = 4096;

const hex8 = (value: number) => value.toString(16).padStart(8, '0');

/**
 * One frame, from the mark to the line break. `number` is taken modulo 2^32. `json` holds no raw control character
 * (JSON.stringify writes none) and at most LINK.maxJson bytes. Throws {@link FrameError}.
 */
export function encodeFrame(json: string, number: number): Uint8Array {
  if (json === '') throw new FrameError('EMPTY', 'a frame without JSON');
  if (/[\0-\x1f]/.test(json))
    throw new FrameError('CONTROL_CHARACTER', 'the JSON of a frame holds a raw control character');
  const bytes = Buffer.byteLength(json);
  if (bytes > LINK.maxJson)
    throw new FrameError('TOO_LARGE', `the JSON of a frame has ${bytes} bytes; ${LINK.maxJson} have room`);
  const body = `${json}\t${hex8(number >>> 0)}`;
  return Buffer.from(`\x1e${body}\t${hex8(crc32(body))}\n`);
}

/**
 * Why a frame was not taken: `cut_off` (another mark, or the end, came before its line break), `too_long`,
 * `shape` (JSON, number and CRC are not where they belong), `crc`, `utf8`.
 */
export type BrokenWhy = 'cut_off' | 'too_long' | 'shape' | 'crc' | 'utf8';
export type LinkItem =
  /**
   * `lost`: how many frames are missing before this one. `restart`: the numbers began anew, so the other side did
   * too; then `lost` counts from its frame 0.
   */
  | { kind: 'frame'; number: number; json: string; lost: number; restart: boolean }
  /** A line of log text, without its line break. A frame in the middle of a line comes before the line. */
  | { kind: 'text'; line: string }
  /** `bytes`: how many lay between the mark and the end. */
  | { kind: 'broken'; why: BrokenWhy; bytes: number };

/** Takes the bytes of one direction, in any pieces. Memory is bounded, whatever comes. */
export class LinkDecoder {
  private mode: 'text' | 'frame' | 'skip' = 'text';
  private readonly text = new Pending(MAX_TEXT_PIECE);
  private readonly frame = new Pending(MAX_FRAME);
  /** Bytes of an overlong frame, which are counted only. */
  private skipped = 0;
  /** The number that comes next; undefined before the first frame. */
  private next: number | undefined;

  push(bytes: Uint8Array): LinkItem[] {
    const items: LinkItem[] = [];
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const find = (byte: number, from: number) => {
      const found = chunk.indexOf(byte, from);
      return found < 0 ? chunk.length : found;
    };
    let at = 0;
    let mark = find(LINK.mark, 0);
    let line = find(LF, 0);
    while (at < chunk.length) {
      if (mark < at) mark = find(LINK.mark, at);
      if (line < at) line = find(LF, at);
      const end = Math.min(mark, line);
      if (this.mode === 'text') this.takeText(chunk, at, end, line < mark, items);
      else this.takeFrame(chunk, at, end, line < mark, items);
      if (end === mark && mark < chunk.length) {
        if (this.mode !== 'text') this.breakFrame('cut_off', items);
        this.mode = 'frame';
      }
      at = end + 1;
    }
    return items;
  }

  /** No more bytes will come: gives what is left. */
  end(): LinkItem[] {
    const items: LinkItem[] = [];
    if (this.mode !== 'text') this.breakFrame('cut_off', items);
    if (this.text.length > 0) items.push(textItem(this.text.view()));
    this.text.length = 0;
    return items;
  }

  private takeText(chunk: Buffer, from: number, to: number, whole: boolean, items: LinkItem[]): void {
    if (whole && this.text.length === 0 && to - from <= MAX_TEXT_PIECE) {
      items.push(textItem(chunk.subarray(from, to)));
      return;
    }
    let at = this.text.append(chunk, from, to);
    while (at < to) {
      const piece = this.text.view();
      const cut = characterBoundary(piece);
      items.push({ kind: 'text', line: piece.toString('utf8', 0, cut) });
      this.text.dropFirst(cut);
      at = this.text.append(chunk, at, to);
    }
    if (whole) {
      items.push(textItem(this.text.view()));
      this.text.length = 0;
    }
  }

  private takeFrame(chunk: Buffer, from: number, to: number, whole: boolean, items: LinkItem[]): void {
    if (this.mode === 'frame' && this.frame.length + (to - from) > MAX_FRAME) {
      this.mode = 'skip';
      this.skipped = this.frame.length;
      this.frame.length = 0;
    }
    if (this.mode === 'skip') {
      this.skipped += to - from;
      if (whole) this.breakFrame('too_long', items);
      return;
    }
    if (!whole || this.frame.length > 0) this.frame.append(chunk, from, to);
    if (!whole) return;
    items.push(this.readFrame(this.frame.length > 0 ? this.frame.view() : chunk.subarray(from, to)));
    this.frame.length = 0;
    this.mode = 'text';
  }

  private breakFrame(why: BrokenWhy, items: LinkItem[]): void {
    const skipped = this.mode === 'skip';
    items.push({
      kind: 'broken',
      why: skipped ? 'too_long' : why,
      bytes: skipped ? this.skipped : this.frame.length,
    });
    this.frame.length = 0;
    this.mode = 'text';
  }

  /** `bytes`: everything between the mark and the line break. */
  private readFrame(bytes: Buffer): LinkItem {
    const broken = (why: BrokenWhy): LinkItem => ({ kind: 'broken', why, bytes: bytes.length });
    const length = bytes.length - TAIL;
    if (length < 1 || bytes[length] !== TAB || bytes[length + 9] !== TAB) return broken('shape');
    const number = readHex8(bytes, length + 1);
    const sum = readHex8(bytes, length + 10);
    if (number < 0 || sum < 0) return broken('shape');
    if (crc32(bytes.subarray(0, length + 9)) !== sum) return broken('crc');
    const json = bytes.toString('utf8', 0, length);
    // U+FFFD may stand in the text itself; only then is the slow way back taken.
    if (json.includes('\ufffd') && !Buffer.from(json).equals(bytes.subarray(0, length)))
      return broken('utf8');
    return { kind: 'frame', number, json, ...this.follow(number) };
  }

  private follow(number: number): { lost: number; restart: boolean } {
    const expected = this.next ?? number;
    this.next = (number + 1) >>> 0;
    const ahead = (number - expected) >>> 0;
    // Nothing runs backwards or leaps over half the numbers: the other side began again.
    if (ahead !== 0 && (number === 0 || ahead >= 0x8000_0000)) return { lost: number, restart: true };
    return { lost: ahead, restart: false };
  }
}

/** Bytes that wait for the rest; a fixed buffer, allocated when it is first needed. */
class Pending {
  length = 0;
  private buffer: Buffer | undefined;
  private readonly capacity: number;
  constructor(capacity: number) {
    this.capacity = capacity;
  }
  /** Copies what has room and answers where it stopped. */
  append(source: Buffer, from: number, to: number): number {
    this.buffer ??= Buffer.allocUnsafeSlow(this.capacity);
    const count = source.copy(this.buffer, this.length, from, to);
    this.length += count;
    return from + count;
  }
  view(): Buffer {
    return this.buffer?.subarray(0, this.length) ?? Buffer.alloc(0);
  }
  dropFirst(count: number): void {
    this.buffer?.copyWithin(0, count, this.length);
    this.length -= count;
  }
}

function textItem(bytes: Buffer): LinkItem {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x0d) end--;
  return { kind: 'text', line: bytes.toString('utf8', 0, end) };
}

/** Where to cut so that no UTF-8 character is torn; the whole length where that is not text anyway. */
function characterBoundary(bytes: Buffer): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return bytes.length - back;
  }
  return bytes.length;
}

/** Eight lower-case hex digits, or -1. */
function readHex8(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const byte = bytes[i]!;
    const digit =
      byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
