/**
 * NVS entries as a CSV file, in the format of Espressif's generator: columns `key,type,encoding,value`; type is
 * `namespace`, `data`, or `file` (the value is then a path). Source: "NVS Partition Generator Utility" in the ESP-IDF
 * programming guide.
 */
import { concat, copy, view } from './bytes.ts';
import { parseCsv } from './csv.ts';
import { checkNvsName, encodeValue, type NvsEntry, NvsError, type NvsValue } from './nvs-format.ts';

const COLUMNS = ['key', 'type', 'encoding', 'value'] as const;
const NUMBERS = new Set(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64']);

/**
 * The entries of a CSV file, in its order. `readFile` gives the bytes of a file that it names. Throws `NvsError`
 * NVS_CSV with the line in its message, which never repeats a value: those may be secrets.
 */
export function parseNvsCsv(text: string, readFile: (path: string) => Uint8Array): NvsEntry[] {
  const [head, ...rows] = parseCsv(text);
  const places = COLUMNS.map((name) => head?.cells.findIndex((cell) => cell.trim() === name) ?? -1);
  if (places.includes(-1))
    throw new NvsError('NVS_CSV', `the first line of the CSV file does not name ${COLUMNS.join(', ')}`);
  let namespace: string | undefined;
  const entries: NvsEntry[] = [];
  for (const { line, cells } of rows) {
    const [key, type, encoding, value] = places.map((place) => cells[place] ?? '') as [
      string,
      string,
      string,
      string,
    ];
    try {
      checkNvsName(key, type === 'namespace' ? 'namespace' : 'key');
      if (type === 'namespace') {
        namespace = key;
        continue;
      }
      if (namespace === undefined) throw problem('comes before any namespace');
      if (type !== 'data' && type !== 'file')
        throw problem('has a type that is none of namespace, data, file');
      const raw = type === 'file' ? readFile(value) : new TextEncoder().encode(value);
      const entry = { namespace, key, ...decode(key, encoding, raw) };
      if (entry.type !== 'blob') encodeValue(1, key, entry);
      entries.push(entry);
    } catch (error) {
      if (!(error instanceof NvsError)) throw error;
      throw new NvsError('NVS_CSV', `line ${line} of the CSV file: ${error.message}`);
    }
  }
  return entries;
}

function problem(what: string): NvsError {
  return new NvsError('NVS_CSV', `the entry ${what}`);
}

function decode(key: string, encoding: string, raw: Uint8Array): NvsValue {
  const fill = /^(blob_fill|blob_sz_fill)\((\d+);0x([0-9a-f]{2})\)$/i.exec(encoding);
  if (fill)
    return { type: 'blob', value: filled(raw, fill[1]!, Number(fill[2]), Number.parseInt(fill[3]!, 16)) };
  const kind = encoding.toLowerCase();
  if (kind === 'binary') return { type: 'blob', value: copy(raw) };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw problem(`"${key}" is no UTF-8 text`);
  }
  if (kind === 'string') return { type: 'string', value: text };
  if (kind === 'hex2bin') {
    const digits = text.trim();
    if (!/^([0-9a-f]{2})*$/i.test(digits)) throw problem(`"${key}" has no even number of hex digits`);
    return { type: 'blob', value: copy(Buffer.from(digits, 'hex')) };
  }
  if (kind === 'base64') {
    const packed = text.replaceAll(/\s/g, '');
    if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed))
      throw problem(`"${key}" is no base64`);
    return { type: 'blob', value: copy(Buffer.from(packed, 'base64')) };
  }
  if (!NUMBERS.has(kind)) throw problem(`"${key}" has an encoding that NVS does not know`);
  return numberValue(key, kind, text.trim());
}

/** Bytes, and a filling up to `length`; `blob_sz_fill` puts the number of bytes before them. */
function filled(bytes: Uint8Array, kind: string, length: number, filling: number): Uint8Array {
  if (bytes.length > length) throw problem(`holds ${bytes.length} bytes, and its blob ${length}`);
  const rest = new Uint8Array(length - bytes.length).fill(filling);
  const size = new Uint8Array(4);
  view(size).setUint32(0, bytes.length, true);
  return concat(kind.toLowerCase() === 'blob_sz_fill' ? [size, bytes, rest] : [bytes, rest]);
}

function numberValue(key: string, type: string, text: string): NvsValue {
  if (!/^[+-]?(\d+|0x[0-9a-f]+)$/i.test(text)) throw problem(`"${key}" is no whole number`);
  const size = BigInt(text.replace(/^[+-]/, ''));
  const value = text.startsWith('-') ? -size : size;
  if (type === 'u64' || type === 'i64') return { type, value };
  return { type, value: Number(value) } as NvsValue;
}
