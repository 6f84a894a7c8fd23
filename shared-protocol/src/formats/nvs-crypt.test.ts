import { expect, test } from 'vitest';
import {
  buildNvsImage,
  decryptNvs,
  encodeNvsKeys,
  encryptedRegion,
  encryptNvs,
  generateNvsKeys,
  isNvsReadable,
  type NvsEntry,
  type NvsKeys,
  type NvsRegion,
  NvsStore,
  nvsKeysFromHmac,
  parseNvsKeys,
  readNvs,
} from './nvs.ts';

const SIZE = 0x4000;
const ENTRIES: NvsEntry[] = [
  { namespace: 'a', key: 'text', type: 'string', value: 'as clear as it gets' },
  { namespace: 'a', key: 'number', type: 'u32', value: 7 },
  // Data that looks like flash that was never written.
  { namespace: 'b', key: 'blank', type: 'blob', value: new Uint8Array(5000).fill(0xff) },
];
const KEYS: NvsKeys = { data: new Uint8Array(32).fill(0x11), tweak: new Uint8Array(32).fill(0x22) };

/** Flash in memory that fails at write number `cutAt`, half done. */
function flash(bytes: Uint8Array, cutAt = Number.POSITIVE_INFINITY): NvsRegion {
  let writes = 0;
  const write = (length: number, put: (i: number) => void) => {
    const cut = ++writes >= cutAt;
    for (let i = 0; i < (cut ? length >> 1 : length); i++) put(i);
    if (cut) throw new Error('power');
  };
  return {
    size: bytes.length,
    read: (at, length) => bytes.slice(at, at + length),
    program: (at, data) =>
      write(data.length, (i) => {
        bytes[at + i]! &= data[i]!;
      }),
    erase: (at, length) =>
      write(length, (i) => {
        bytes[at + i] = 0xff;
      }),
  };
}

test('encrypting hides all entries, and decrypting gives them back', () => {
  const plain = buildNvsImage(ENTRIES, { size: SIZE });
  const secret = encryptNvs(plain, KEYS);
  expect(Buffer.from(secret).includes('as clear')).toBe(false);
  expect(isNvsReadable(secret)).toBe(false);
  expect(isNvsReadable(decryptNvs(secret, generateNvsKeys()))).toBe(false);
  expect(isNvsReadable(plain)).toBe(true);
  expect(readNvs(decryptNvs(secret, KEYS))).toEqual({ entries: ENTRIES, problems: [] });
  expect(secret.subarray(0, 64)).toEqual(plain.subarray(0, 64));
});

test('the same value at another place looks different', () => {
  const twice: NvsEntry[] = ['one', 'two'].map((namespace) => ({ ...ENTRIES[1]!, namespace }) as NvsEntry);
  const secret = encryptNvs(buildNvsImage(twice, { size: SIZE }), KEYS);
  expect(secret.subarray(96, 128)).not.toEqual(secret.subarray(160, 192));
});

test('a store works on an encrypted partition as on a plain one', () => {
  const bytes = encryptNvs(buildNvsImage(ENTRIES, { size: SIZE }), KEYS);
  const store = NvsStore.open(encryptedRegion(flash(bytes), KEYS));
  expect(store.entries()).toEqual(ENTRIES);
  for (let i = 0; i < 400; i++) store.set('a', 'number', { type: 'u32', value: i });
  store.set('a', 'text', { type: 'string', value: 'another text' });
  const again = NvsStore.open(encryptedRegion(flash(bytes), KEYS));
  expect(again.get('a', 'number')).toEqual({ type: 'u32', value: 399 });
  expect(again.get('b', 'blank')).toEqual({ type: 'blob', value: new Uint8Array(5000).fill(0xff) });
  expect(Buffer.from(bytes).includes('another text')).toBe(false);
});

test('whatever write the power is cut at, an encrypted value is the old one or the new one', () => {
  const before = encryptNvs(buildNvsImage(ENTRIES, { size: SIZE }), KEYS);
  const value = (i: number) => `value ${i} `.repeat(12);
  const outcomes = new Set<string>();
  for (let cut = 1; cut < 12; cut++) {
    const bytes = before.slice();
    try {
      NvsStore.open(encryptedRegion(flash(bytes, cut), KEYS)).set('a', 'text', {
        type: 'string',
        value: value(1),
      });
    } catch (error) {
      expect(String(error)).toContain('power');
    }
    const store = NvsStore.open(encryptedRegion(flash(bytes), KEYS));
    const found = store.get('a', 'text')?.value;
    expect([ENTRIES[0]!.value, value(1)]).toContain(found);
    expect(store.get('b', 'blank')?.type).toBe('blob');
    outcomes.add(String(found));
  }
  expect(outcomes.size).toBe(2);
});

test('keys are made anew each time, and go through their partition', () => {
  const keys = generateNvsKeys();
  expect(keys).not.toEqual(generateNvsKeys());
  const image = encodeNvsKeys(keys);
  expect(image.length).toBe(4096);
  expect(parseNvsKeys(image)).toEqual(keys);
});

test.each([
  ['damaged', () => Uint8Array.from(encodeNvsKeys(KEYS), (byte, i) => byte ^ Number(i === 5))],
  ['blank', () => new Uint8Array(4096).fill(0xff)],
  ['too short', () => new Uint8Array(32)],
  ['two equal halves', () => encodeNvsKeys({ data: KEYS.data, tweak: KEYS.data })],
])('keys that are none are refused: %s', (_, bytes) => {
  expect(() => parseNvsKeys(bytes())).toThrow(expect.objectContaining({ code: 'NVS_KEYS' }));
});

test('the HMAC scheme wants 32 bytes, and gives the same keys for the same key', () => {
  const efuse = new Uint8Array(32).fill(9);
  expect(nvsKeysFromHmac(efuse)).toEqual(nvsKeysFromHmac(efuse));
  expect(() => nvsKeysFromHmac(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'NVS_KEYS' }));
});
