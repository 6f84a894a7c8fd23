/**
 * The bytes of NVS, ESP-IDF's key-value store in flash (format version 2). Source: "Non-Volatile Storage Library",
 * section Internals, in the ESP-IDF programming guide. A page is one flash sector, little-endian:
 *
 *     header (32)  two state bits for each entry (32)  126 entries of 32 bytes
 *
 * An item is one entry, or a header entry and its data in the entries behind it.
 */
import { copy, espCrc32, FormatError, type FormatProblem, isBlank, utf8Length, view } from './bytes.ts';

/** `code`: NVS_FULL, NVS_KEY, NVS_VALUE, NVS_TOO_LONG, NVS_SIZE, NVS_NO_FREE_PAGE, NVS_NEW_VERSION. */
export class NvsError extends FormatError {}

export const NVS_PAGE_SIZE = 4096;
export const NVS_ENTRY_SIZE = 32;
export const NVS_ENTRIES = 126;
export const NVS_MAX_KEY = 15;
/** Longest string with its NUL, and longest part of a blob in one page, in bytes. */
export const NVS_MAX_DATA = (NVS_ENTRIES - 1) * NVS_ENTRY_SIZE;
export const NVS_MAX_BLOB = 508_000;
/** Fewer pages leave no room for writing: one is always kept free. */
export const NVS_MIN_PAGES = 3;
export const NVS_MAX_NAMESPACES = 254;
export const BITMAP_AT = 32;
export const ENTRIES_AT = 64;
/** Chunk index of items that are no parts of a blob. */
export const CHUNK_ANY = 0xff;
/** Parts of a blob count from 0 or from here; a new value uses the range that the old one does not. */
export const CHUNK_SECOND = 0x80;
const VERSION_2 = 0xfe;

export type NvsIntType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32';
export type NvsBigType = 'u64' | 'i64';
export type NvsType = NvsIntType | NvsBigType | 'string' | 'blob';
export type NvsValue =
  | { type: NvsIntType; value: number }
  | { type: NvsBigType; value: bigint }
  | { type: 'string'; value: string }
  | { type: 'blob'; value: Uint8Array };
export type NvsEntry = NvsValue & { namespace: string; key: string };

export const ITEM = {
  u8: 0x01,
  i8: 0x11,
  u16: 0x02,
  i16: 0x12,
  u32: 0x04,
  i32: 0x14,
  u64: 0x08,
  i64: 0x18,
  string: 0x21,
  /** A whole blob as format version 1 had it; read, never written. */
  oldBlob: 0x41,
  blobData: 0x42,
  blobIndex: 0x48,
} as const;
const NUMBER_TYPES = new Map<number, NvsIntType | NvsBigType>(
  (['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64'] as const).map((name) => [ITEM[name], name]),
);
const VAR_TYPES: ReadonlySet<number> = new Set([ITEM.string, ITEM.oldBlob, ITEM.blobData]);

export const PAGE_STATE = {
  blank: 0xffffffff,
  active: 0xfffffffe,
  full: 0xfffffffc,
  freeing: 0xfffffff8,
  /** Not read; erased before it is used again. */
  corrupt: 0xfffffff0,
} as const;
export type PageState = keyof typeof PAGE_STATE;

export const ENTRY_STATE = { empty: 3, written: 2, erased: 0 } as const;

/** An item in a page: its header, and where it is. */
export interface Item {
  /** Number of its first entry in the page. */
  entry: number;
  namespace: number;
  type: number;
  /** How many entries it takes. */
  span: number;
  chunk: number;
  key: string;
  /** The last 8 bytes of the header: the number, or length and CRC, or the blob's index. */
  value: Uint8Array;
}

export interface ParsedPage {
  state: PageState;
  sequence: number;
  /** 0xFE for version 2, 0xFF for version 1; newer versions count down. */
  version: number;
  /** Two bits for each entry. */
  states: Uint8Array;
  /** Whole items only, in order. */
  items: Item[];
  /** Entries that are marked as written, but belong to no whole item. */
  broken: { entry: number; span: number }[];
  /** From here on all entries are empty and blank. */
  next: number;
}

export function itemIsVar(type: number): boolean {
  return VAR_TYPES.has(type);
}
export function itemDataLength(item: Item): number {
  return view(item.value).getUint16(0, true);
}
export function blobIndexOf(item: Item): { size: number; count: number; start: number } {
  return { size: view(item.value).getUint32(0, true), count: item.value[4]!, start: item.value[5]! };
}

/** An entry: header with CRC; `value` is padded with FF to 8 bytes. */
export function encodeHeader(item: Omit<Item, 'entry'>): Uint8Array {
  const out = new Uint8Array(NVS_ENTRY_SIZE).fill(0xff);
  out.set([item.namespace, item.type, item.span, item.chunk]);
  out.fill(0, 8, 24);
  out.set(Buffer.from(item.key, 'latin1'), 8);
  out.set(item.value, 24);
  view(out).setUint32(4, headerCrc(out), true);
  return out;
}

/** A header entry and its data, padded with FF to whole entries. */
export function encodeVarItem(
  item: { namespace: number; type: number; chunk: number; key: string },
  data: Uint8Array,
): Uint8Array {
  const span = 1 + Math.ceil(data.length / NVS_ENTRY_SIZE);
  const value = new Uint8Array(8).fill(0xff);
  view(value).setUint16(0, data.length, true);
  view(value).setUint32(4, espCrc32(data), true);
  const out = new Uint8Array(span * NVS_ENTRY_SIZE).fill(0xff);
  out.set(encodeHeader({ ...item, span, value }));
  out.set(data, NVS_ENTRY_SIZE);
  return out;
}

/** The index that makes a blob of its parts. */
export function encodeBlobIndex(
  item: { namespace: number; key: string },
  blob: { size: number; count: number; start: number },
): Uint8Array {
  const value = new Uint8Array(8).fill(0xff);
  view(value).setUint32(0, blob.size, true);
  value[4] = blob.count;
  value[5] = blob.start;
  return encodeHeader({ ...item, type: ITEM.blobIndex, span: 1, chunk: CHUNK_ANY, value });
}

/** A number or a string as one item. Throws `NvsError` NVS_VALUE or NVS_TOO_LONG. */
export function encodeValue(
  namespace: number,
  key: string,
  given: Exclude<NvsValue, { type: 'blob' }>,
): Uint8Array {
  if (given.type === 'string') {
    if (given.value.includes('\0')) throw new NvsError('NVS_VALUE', `the string for "${key}" holds a NUL`);
    const data = new TextEncoder().encode(`${given.value}\0`);
    if (data.length > NVS_MAX_DATA)
      throw new NvsError(
        'NVS_TOO_LONG',
        `the string for "${key}" has ${data.length - 1} bytes, NVS takes ${NVS_MAX_DATA - 1}`,
      );
    return encodeVarItem({ namespace, type: ITEM.string, chunk: CHUNK_ANY, key }, data);
  }
  const { type } = given;
  const bits = Number(type.slice(1));
  const [min, max] = type.startsWith('u')
    ? [0n, 2n ** BigInt(bits) - 1n]
    : [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
  if (typeof given.value !== 'bigint' && !Number.isInteger(given.value))
    throw new NvsError('NVS_VALUE', `the value for "${key}" is no whole number`);
  const number = BigInt(given.value);
  if (number < min || number > max)
    throw new NvsError(
      'NVS_VALUE',
      `the value for "${key}" is ${number}; ${type} goes from ${min} to ${max}`,
    );
  const wide = new Uint8Array(8);
  view(wide).setBigUint64(0, BigInt.asUintN(64, number), true);
  return encodeHeader({
    namespace,
    type: ITEM[type],
    span: 1,
    chunk: CHUNK_ANY,
    key,
    value: wide.subarray(0, bits / 8),
  });
}

/** A number item's value; `undefined` for other items. */
export function numberOf(item: Item): Extract<NvsValue, { value: number | bigint }> | undefined {
  const type = NUMBER_TYPES.get(item.type);
  if (!type) return undefined;
  const wide = view(item.value).getBigUint64(0, true);
  const bits = Number(type.slice(1));
  const value = type.startsWith('u') ? BigInt.asUintN(bits, wide) : BigInt.asIntN(bits, wide);
  return type === 'u64' || type === 'i64' ? { type, value } : { type, value: Number(value) };
}

/** A string item's text without its NUL. A byte order mark is kept: it is what somebody stored. */
export function textOf(data: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    data.at(-1) === 0 ? data.subarray(0, -1) : data,
  );
}

/** Throws `NvsError` NVS_KEY unless a name fits NVS: 1 to 15 printable ASCII characters. */
export function checkNvsName(name: string, what: 'key' | 'namespace'): void {
  if (!/^[\x20-\x7e]{1,15}$/.test(name))
    throw new NvsError(
      'NVS_KEY',
      `an NVS ${what} has 1 to ${NVS_MAX_KEY} ASCII characters; "${name}" has ${utf8Length(name)} bytes`,
    );
}

export function encodePageHeader(state: PageState, sequence: number): Uint8Array {
  const out = new Uint8Array(32).fill(0xff);
  view(out).setUint32(0, PAGE_STATE[state], true);
  view(out).setUint32(4, sequence, true);
  out[8] = VERSION_2;
  view(out).setUint32(28, espCrc32(out.subarray(4, 28)), true);
  return out;
}

/** Reads the 4,096 bytes of a page; never throws. */
export function parsePage(bytes: Uint8Array): ParsedPage {
  const states = new Uint8Array(NVS_ENTRIES).fill(ENTRY_STATE.empty);
  const page: ParsedPage = {
    state: 'blank',
    sequence: 0,
    version: VERSION_2,
    states,
    items: [],
    broken: [],
    next: 0,
  };
  const fields = view(bytes);
  const word = fields.getUint32(0, true);
  if (word === PAGE_STATE.blank) {
    if (!isBlank(bytes)) page.state = 'corrupt';
    return page;
  }
  page.state = 'corrupt';
  if (fields.getUint32(28, true) !== espCrc32(bytes.subarray(4, 28))) return page;
  const known = (['active', 'full', 'freeing'] as const).find((name) => PAGE_STATE[name] === word);
  if (!known) return page;
  page.state = known;
  page.sequence = fields.getUint32(4, true);
  page.version = bytes[8]!;
  for (let i = 0; i < NVS_ENTRIES; i++) states[i] = (bytes[BITMAP_AT + (i >> 2)]! >> ((i & 3) * 2)) & 3;
  page.next = NVS_ENTRIES;
  while (
    page.next > 0 &&
    states[page.next - 1] === ENTRY_STATE.empty &&
    isBlank(entryBytes(bytes, page.next - 1))
  )
    page.next--;
  let span = 1;
  for (let i = 0; i < NVS_ENTRIES; i += span) {
    span = 1;
    if (states[i] === ENTRY_STATE.empty || states[i] === ENTRY_STATE.erased) continue;
    const item = states[i] === ENTRY_STATE.written ? readHeader(bytes, i) : undefined;
    if (item) span = item.span;
    if (item && isWhole(bytes, states, item)) page.items.push(item);
    else page.broken.push({ entry: i, span });
  }
  return page;
}

/** The data of a string or of a blob's part, from the bytes of its page. */
export function itemData(page: Uint8Array, item: Item): Uint8Array {
  const at = ENTRIES_AT + (item.entry + 1) * NVS_ENTRY_SIZE;
  return copy(page, at, at + itemDataLength(item));
}

export interface NvsListing {
  entries: NvsEntry[];
  problems: FormatProblem[];
}

function entryBytes(page: Uint8Array, entry: number): Uint8Array {
  const at = ENTRIES_AT + entry * NVS_ENTRY_SIZE;
  return page.subarray(at, at + NVS_ENTRY_SIZE);
}

/** `undefined` unless the entry is the header of an item that could stand here. */
function readHeader(page: Uint8Array, entry: number): Item | undefined {
  const bytes = entryBytes(page, entry);
  if (view(bytes).getUint32(4, true) !== headerCrc(bytes)) return undefined;
  const span = bytes[2]!;
  if (span < 1 || entry + span > NVS_ENTRIES) return undefined;
  const name = Buffer.from(bytes.subarray(8, 24)).toString('latin1');
  const end = name.indexOf('\0');
  const key = end < 0 ? name : name.slice(0, end);
  return {
    entry,
    namespace: bytes[0]!,
    type: bytes[1]!,
    span,
    chunk: bytes[3]!,
    key,
    value: copy(bytes, 24),
  };
}

function isWhole(page: Uint8Array, states: Uint8Array, item: Item): boolean {
  for (let i = 0; i < item.span; i++) if (states[item.entry + i] !== ENTRY_STATE.written) return false;
  if (!itemIsVar(item.type))
    return item.span === 1 && (NUMBER_TYPES.has(item.type) || item.type === ITEM.blobIndex);
  const length = itemDataLength(item);
  if (item.span !== 1 + Math.ceil(length / NVS_ENTRY_SIZE)) return false;
  return espCrc32(itemData(page, item)) === view(item.value).getUint32(4, true);
}

function headerCrc(entry: Uint8Array): number {
  const covered = new Uint8Array(28);
  covered.set(entry.subarray(0, 4));
  covered.set(entry.subarray(8, 32), 4);
  return espCrc32(covered);
}
