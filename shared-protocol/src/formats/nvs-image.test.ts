import { expect, test } from 'vitest';
import { buildNvsImage, type NvsEntry, type NvsValue, readNvs } from './nvs.ts';
import { damage, dice, golden, randomBytes } from './testing.ts';

/** The entries of a CSV file as Espressif's generator reads it (no quotes, no commas in values). */
function parseCsv(text: string): NvsEntry[] {
  let namespace = '';
  return text
    .trim()
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [key = '', kind, encoding = '', value = ''] = line.split(',');
      if (kind === 'namespace') {
        namespace = key;
        return [];
      }
      return [{ namespace, key, ...parseValue(encoding, value) }];
    });
}
function parseValue(encoding: string, value: string): NvsValue {
  if (encoding === 'hex2bin') return { type: 'blob', value: new Uint8Array(Buffer.from(value, 'hex')) };
  if (encoding === 'string') return { type: 'string', value };
  if (encoding === 'u64' || encoding === 'i64') return { type: encoding, value: BigInt(value) };
  return { type: encoding, value: Number(value) } as NvsValue;
}
const ENTRIES = parseCsv(Buffer.from(golden('nvs.csv')).toString());

test("an image equals the one of Espressif's generator, byte for byte", () => {
  const image = buildNvsImage(ENTRIES, { size: 0x6000 });
  expect(Buffer.compare(image, golden('nvs.bin'))).toBe(0);
});

test("reads what Espressif's generator wrote", () => {
  const { entries, problems } = readNvs(golden('nvs.bin'));
  expect(problems).toEqual([]);
  expect(entries).toEqual(ENTRIES);
  expect(new Set(entries.map(({ type }) => type)).size).toBe(10);
});

test('an empty image has one active page', () => {
  const image = buildNvsImage([], { size: 0x3000 });
  expect(image.subarray(0, 4)).toEqual(Uint8Array.of(0xfe, 0xff, 0xff, 0xff));
  expect(image.subarray(0x1000).every((byte) => byte === 0xff)).toBe(true);
  expect(readNvs(image)).toEqual({ entries: [], problems: [] });
});

test.each([
  ['a size of no whole pages', { size: 0x3100 }, [], 'NVS_SIZE'],
  ['a size below three pages', { size: 0x2000 }, [], 'NVS_SIZE'],
  ['a key of 16 letters', {}, [entry({ key: 'sixteen__letters' })], 'NVS_KEY'],
  ['an empty key', {}, [entry({ key: '' })], 'NVS_KEY'],
  ['a namespace with an umlaut', {}, [entry({ namespace: 'ä' })], 'NVS_KEY'],
  ['a number over its width', {}, [entry({ type: 'u8', value: 256 })], 'NVS_VALUE'],
  ['a negative number without sign', {}, [entry({ type: 'u32', value: -1 })], 'NVS_VALUE'],
  ['a fraction', {}, [entry({ type: 'u8', value: 1.5 })], 'NVS_VALUE'],
  ['a string with a NUL', {}, [entry({ type: 'string', value: 'a\0b' })], 'NVS_VALUE'],
  ['a string over 3,999 bytes', {}, [entry({ type: 'string', value: 'x'.repeat(4000) })], 'NVS_TOO_LONG'],
  ['more than fits', {}, [entry({ type: 'blob', value: new Uint8Array(9000) })], 'NVS_FULL'],
])('refuses %s', (_, options, entries, code) => {
  expect(() => buildNvsImage(entries as NvsEntry[], { size: 0x3000, ...options })).toThrow(
    expect.objectContaining({ name: 'NvsError', code }),
  );
});

function entry(changes: Partial<Record<keyof NvsEntry, unknown>>): NvsEntry {
  return { namespace: 'n', key: 'k', type: 'u8', value: 1, ...changes } as NvsEntry;
}

test('goes there and back with random entries', () => {
  const roll = dice(31);
  for (let round = 0; round < 60; round++) {
    const entries: NvsEntry[] = Array.from({ length: roll(40) }, (_, i) => ({
      namespace: `ns${roll(3)}`,
      key: `key${i}`,
      ...randomValue(roll),
    }));
    const { entries: back, problems } = readNvs(buildNvsImage(entries, { size: 0x40000 }));
    expect(problems).toEqual([]);
    expect(back).toEqual(entries);
  }
});

function randomValue(roll: (below: number) => number): NvsValue {
  const kind = roll(4);
  if (kind === 0) return { type: 'u8', value: roll(256) };
  if (kind === 1) return { type: 'i32', value: roll(2 ** 32) - 2 ** 31 };
  if (kind === 2) return { type: 'string', value: 'ü'.repeat(roll(400)) };
  return { type: 'blob', value: randomBytes(roll, roll(5) ? roll(200) : roll(9000)) };
}

test('a key that is there twice counts once, with its newer value', () => {
  const image = buildNvsImage([entry({ value: 1 }), entry({ value: 2 })], { size: 0x3000 });
  expect(readNvs(image).entries).toEqual([entry({ value: 2 })]);
});

test('a damaged page or item is named, and the rest is read', () => {
  const image = golden('nvs.bin');
  image[64 + 32 + 40]! ^= 1; // the first string's data
  const { entries, problems } = readNvs(image);
  expect(problems.map(({ code }) => code)).toEqual(['NVS_ITEM']);
  expect(entries).toEqual(ENTRIES.filter(({ key }) => key !== ENTRIES[0]!.key));
  image[5]! ^= 1; // the sequence number of the first page
  expect(readNvs(image).problems.map(({ code }) => code)).toEqual(['NVS_PAGE']);
});

test('takes any bytes without an exception', () => {
  const roll = dice(32);
  const good = golden('nvs.bin');
  for (let i = 0; i < 400; i++)
    readNvs(i % 4 ? damage(good, roll) : randomBytes(roll, roll(3) * 4096 + roll(2)));
});
