/**
 * Partition tables: the CSV that people write and the 3,072 bytes that the boot loader reads. Source: "Partition
 * Tables" in the ESP-IDF programming guide. Binary entries have 32 bytes, little-endian:
 *
 *     AA 50  type  subtype  offset:u32  size:u32  label[16]  flags:u32
 *
 * then EB EB, 14 times FF and the MD5 of the entries, then FF to the end.
 */
import {
  FormatError,
  type FormatProblem,
  hex0x,
  isBlank,
  md5,
  putText,
  readText,
  same,
  utf8Length,
  view,
} from './bytes.ts';

export class PartitionError extends FormatError {}

export const PARTITION_TABLE_OFFSET = 0x8000;
/** The table owns a flash sector, of which it uses this much. */
export const PARTITION_TABLE_SIZE = 0xc00;
const TABLE_SECTOR = 0x1000;
const ENTRY_SIZE = 32;
const MAX_ENTRIES = PARTITION_TABLE_SIZE / ENTRY_SIZE - 1;
const LABEL_SIZE = 16;

export const PARTITION_TYPE = { app: 0, data: 1 } as const;
export const APP_SUBTYPE = { factory: 0x00, ota_0: 0x10, test: 0x20 } as const;
export const DATA_SUBTYPE = {
  ota: 0x00,
  phy: 0x01,
  nvs: 0x02,
  coredump: 0x03,
  nvs_keys: 0x04,
  efuse: 0x05,
  undefined: 0x06,
  esphttpd: 0x80,
  fat: 0x81,
  spiffs: 0x82,
  littlefs: 0x83,
} as const;
export const OTA_SLOTS = 16;

export interface Partition {
  /** At most 16 bytes of UTF-8. */
  name: string;
  type: number;
  subtype: number;
  /** Bytes. */
  offset: number;
  size: number;
  encrypted?: boolean;
  readonly?: boolean;
}

/** `app/ota_0`, `data/nvs`; numbers where there is no name. */
export function partitionKind(partition: Pick<Partition, 'type' | 'subtype'>): string {
  const { type, subtype } = partition;
  if (type === PARTITION_TYPE.app) return `app/${nameOf(appSubtypes(), subtype)}`;
  if (type === PARTITION_TYPE.data) return `data/${nameOf(DATA_SUBTYPE, subtype)}`;
  return `${hex0x(type)}/${hex0x(subtype)}`;
}

/** The partition of this type and subtype that comes first in the table. */
export function findPartition(
  entries: readonly Partition[],
  type: keyof typeof PARTITION_TYPE,
  subtype: number,
): Partition | undefined {
  return entries.find((entry) => entry.type === PARTITION_TYPE[type] && entry.subtype === subtype);
}

/** The partitions that OTA switches between, in the order of their slots. */
export function otaSlots(entries: readonly Partition[]): Partition[] {
  return entries
    .filter(
      ({ type, subtype }) =>
        type === PARTITION_TYPE.app &&
        subtype >= APP_SUBTYPE.ota_0 &&
        subtype < APP_SUBTYPE.ota_0 + OTA_SLOTS,
    )
    .sort((a, b) => a.subtype - b.subtype);
}

/**
 * Reads `name, type, subtype, offset, size, flags` lines; `#` begins a comment line. An empty offset is the next free
 * one; sizes may end in K or M, and a negative size is the address where the partition ends. Throws `PartitionError`
 * that names the line.
 */
export function parsePartitionCsv(csv: string): Partition[] {
  const entries: Partition[] = [];
  let free = PARTITION_TABLE_OFFSET + TABLE_SECTOR;
  for (const [i, raw] of csv.split(/\r\n|\r|\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const fail = (message: string) =>
      new PartitionError('csv', `line ${i + 1} of the partition table: ${message}`);
    const [name = '', typeText = '', subtypeText = '', offsetText = '', sizeText = '', flagText = ''] = line
      .split(',')
      .map((field) => field.trim());
    const type = parseNumber(typeText, PARTITION_TYPE);
    if (type === undefined || type < 0 || type > 0xff)
      throw fail(`"${typeText}" is no type; use app, data, or a number up to 255`);
    const subtypes =
      type === PARTITION_TYPE.app ? appSubtypes() : type === PARTITION_TYPE.data ? DATA_SUBTYPE : {};
    const subtype =
      subtypeText === '' && type !== PARTITION_TYPE.app
        ? DATA_SUBTYPE.undefined
        : parseNumber(subtypeText, subtypes);
    if (subtype === undefined || subtype < 0 || subtype > 0xff)
      throw fail(`"${subtypeText}" is no subtype of ${typeText}`);
    const alignment = type === PARTITION_TYPE.app ? 0x10000 : 0x1000;
    const offset = offsetText === '' ? Math.ceil(free / alignment) * alignment : parseNumber(offsetText);
    if (offset === undefined || offset < 0) throw fail(`"${offsetText}" is no offset`);
    if (offset < free)
      throw fail(`"${name}" begins at ${hex0x(offset)}, but the space before it ends at ${hex0x(free)}`);
    const given = parseNumber(sizeText);
    if (given === undefined) throw fail(`"${sizeText}" is no size`);
    const size = given < 0 ? -given - offset : given;
    if (size <= 0) throw fail(`"${name}" has no space`);
    const entry: Partition = { name, type, subtype, offset, size };
    for (const flag of flagText.split(':').filter((word) => word !== '')) {
      if (flag !== 'encrypted' && flag !== 'readonly')
        throw fail(`"${flag}" is no flag; use encrypted or readonly`);
      entry[flag] = true;
    }
    entries.push(entry);
    free = offset + size;
  }
  return entries;
}

/** The 3,072 bytes for 0x8000, as Espressif's generator writes them. Throws `PartitionError` on an illegal table. */
export function buildPartitionTable(entries: readonly Partition[]): Uint8Array {
  if (entries.length >= MAX_ENTRIES)
    throw new PartitionError(
      'count',
      `a table has room for ${MAX_ENTRIES - 1} partitions, here are ${entries.length}`,
    );
  const problems = checkPartitions(entries);
  if (problems.length > 0) throw new PartitionError(problems[0]!.code, problems[0]!.message, problems);
  const out = new Uint8Array(PARTITION_TABLE_SIZE).fill(0xff);
  const fields = view(out);
  for (const [i, entry] of entries.entries()) {
    const at = i * ENTRY_SIZE;
    out.fill(0, at, at + ENTRY_SIZE);
    out.set([0xaa, 0x50, entry.type, entry.subtype], at);
    fields.setUint32(at + 4, entry.offset, true);
    fields.setUint32(at + 8, entry.size, true);
    putText(out, at + 12, entry.name);
    fields.setUint32(at + 28, (entry.encrypted ? 1 : 0) | (entry.readonly ? 2 : 0), true);
  }
  const end = entries.length * ENTRY_SIZE;
  out.set([0xeb, 0xeb], end);
  out.set(md5(out.subarray(0, end)), end + 16);
  return out;
}

/** Reads a binary table up to its end mark; never throws. With `flashSize` also what lies past the flash is found. */
export function parsePartitionTable(
  bytes: Uint8Array,
  options: { flashSize?: number } = {},
): { entries: Partition[]; problems: FormatProblem[] } {
  const entries: Partition[] = [];
  const problems: FormatProblem[] = [];
  const fields = view(bytes);
  let md5Seen = false;
  let ended = false;
  for (let at = 0; at + ENTRY_SIZE <= Math.min(bytes.length, PARTITION_TABLE_SIZE); at += ENTRY_SIZE) {
    const row = bytes.subarray(at, at + ENTRY_SIZE);
    if (isBlank(row)) {
      ended = true;
      break;
    }
    if (row[0] === 0xeb && row[1] === 0xeb) {
      md5Seen = true;
      if (!same(md5(bytes.subarray(0, at)), row.subarray(16)))
        problems.push({ code: 'md5', message: 'the MD5 in the partition table does not match its entries' });
      continue;
    }
    if (row[0] !== 0xaa || row[1] !== 0x50 || md5Seen) {
      problems.push({
        code: 'magic',
        message: `entry ${at / ENTRY_SIZE} of the partition table begins with ${hex0x(row[0]!)} ${hex0x(row[1]!)}, not with 0xaa 0x50`,
      });
      ended = true;
      break;
    }
    const flags = fields.getUint32(at + 28, true);
    entries.push({
      name: readText(row.subarray(12, 12 + LABEL_SIZE)),
      type: row[2]!,
      subtype: row[3]!,
      offset: fields.getUint32(at + 4, true),
      size: fields.getUint32(at + 8, true),
      ...(flags & 1 ? { encrypted: true } : {}),
      ...(flags & 2 ? { readonly: true } : {}),
    });
  }
  if (!ended) problems.push({ code: 'end', message: 'the partition table has no end mark' });
  if (entries.length === 0 && problems.length === 0)
    problems.push({ code: 'empty', message: 'the partition table is empty' });
  problems.push(...checkPartitions(entries, options.flashSize));
  return { entries, problems };
}

/** What is wrong with a list of partitions: alignment, overlap, size, duplicate names, the end of the flash. */
export function checkPartitions(entries: readonly Partition[], flashSize?: number): FormatProblem[] {
  const problems: FormatProblem[] = [];
  const add = (code: string, message: string) => problems.push({ code, message });
  const names = new Set<string>();
  for (const entry of entries) {
    const { name, type, subtype, offset, size } = entry;
    if (name === '' || utf8Length(name) > LABEL_SIZE || name.includes('\0'))
      add('name', `the partition name "${name}" is empty or has more than ${LABEL_SIZE} bytes`);
    if (names.has(name)) add('name', `two partitions are named "${name}"`);
    names.add(name);
    const alignment = type === PARTITION_TYPE.app ? 0x10000 : 0x1000;
    if (offset % alignment !== 0)
      add('align', `"${name}" begins at ${hex0x(offset)}, which is no multiple of ${hex0x(alignment)}`);
    if (type === PARTITION_TYPE.app && size % 0x1000 !== 0)
      add('align', `"${name}" has ${hex0x(size)} bytes, which is no multiple of 0x1000`);
    if (offset < PARTITION_TABLE_OFFSET + TABLE_SECTOR)
      add('overlap', `"${name}" begins at ${hex0x(offset)}, before the end of the partition table`);
    if (type === PARTITION_TYPE.data && subtype === DATA_SUBTYPE.ota && size !== 0x2000)
      add('size', `otadata must have 0x2000 bytes, "${name}" has ${hex0x(size)}`);
    if (type === PARTITION_TYPE.data && subtype === DATA_SUBTYPE.nvs && size < 0x3000 && !entry.readonly)
      add('size', `NVS needs at least 0x3000 bytes, "${name}" has ${hex0x(size)}`);
    if (flashSize !== undefined && offset + size > flashSize)
      add(
        'flash',
        `"${name}" ends at ${hex0x(offset + size)}, past the end of the flash (${hex0x(flashSize)})`,
      );
  }
  const otadata = entries.filter(
    ({ type, subtype }) => type === PARTITION_TYPE.data && subtype === DATA_SUBTYPE.ota,
  );
  if (otadata.length > 1) add('otadata', 'there is more than one otadata partition');
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [i, entry] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before && entry.offset < before.offset + before.size)
      add(
        'overlap',
        `"${entry.name}" begins at ${hex0x(entry.offset)}, but "${before.name}" ends at ${hex0x(before.offset + before.size)}`,
      );
  }
  return problems;
}

function appSubtypes(): Record<string, number> {
  const all: Record<string, number> = { factory: APP_SUBTYPE.factory, test: APP_SUBTYPE.test };
  for (let slot = 0; slot < OTA_SLOTS; slot++) all[`ota_${slot}`] = APP_SUBTYPE.ota_0 + slot;
  return all;
}

function nameOf(names: Record<string, number>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? hex0x(value);
}

/** A keyword, or a number: decimal or 0x, with K or M behind it. */
function parseNumber(text: string, keywords: Record<string, number> = {}): number | undefined {
  const word = text.toLowerCase();
  if (Object.hasOwn(keywords, word)) return keywords[word];
  const match = /^(-?)(0x[0-9a-f]+|\d+)([km]?)$/.exec(word);
  if (!match) return undefined;
  const value = Number(match[2]) * (match[3] === 'k' ? 1024 : match[3] === 'm' ? 1024 * 1024 : 1);
  if (value > 0xffffffff) return undefined;
  return match[1] === '-' ? -value : value;
}
