/**
 * Encrypted NVS: each entry of 32 bytes is one data unit of AES-XTS-256 whose number is its place in the partition;
 * page headers and state bits stay in the clear. Source: "NVS Encryption" in the ESP-IDF programming guide.
 *
 * Keys come from an nvs_keys partition, or from a key in an eFuse (the HMAC scheme), which only the chip can read.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { concat, copy, espCrc32, isBlank, same, view } from './bytes.ts';
import {
  BITMAP_AT,
  ENTRIES_AT,
  ENTRY_STATE,
  NVS_ENTRY_SIZE,
  NVS_PAGE_SIZE,
  NvsError,
  parsePage,
} from './nvs-format.ts';
import type { NvsRegion } from './nvs-store.ts';

/** The two AES-256 keys of XTS, 32 bytes each: for the data, and for the tweak. They differ. */
export interface NvsKeys {
  readonly data: Uint8Array;
  readonly tweak: Uint8Array;
}

const KEY = 32;
const CIPHER = 'aes-256-xts';
/** Smallest partition that ESP-IDF takes as nvs_keys, in bytes. */
export const NVS_KEYS_SIZE = 4096;

/** New keys from the system's cryptographic generator. */
export function generateNvsKeys(): NvsKeys {
  return keysOf(randomBytes(2 * KEY));
}

/** The image of an nvs_keys partition: 64 bytes of keys, their CRC-32, and blank flash up to `size` bytes. */
export function encodeNvsKeys(keys: NvsKeys, size = NVS_KEYS_SIZE): Uint8Array {
  const both = concat([keys.data, keys.tweak]);
  const out = new Uint8Array(size).fill(0xff);
  out.set(both);
  view(out).setUint32(both.length, espCrc32(both), true);
  return out;
}

/** Reads an nvs_keys partition. Throws `NvsError` NVS_KEYS where it holds no keys, or damaged ones. */
export function parseNvsKeys(bytes: Uint8Array): NvsKeys {
  if (bytes.length < 2 * KEY + 4)
    throw new NvsError('NVS_KEYS', `NVS keys take 68 bytes, here are ${bytes.length}`);
  const both = bytes.subarray(0, 2 * KEY);
  if (isBlank(both)) throw new NvsError('NVS_KEYS', 'the nvs_keys partition is empty');
  if (view(bytes).getUint32(2 * KEY, true) !== espCrc32(both))
    throw new NvsError('NVS_KEYS', 'the checksum of the NVS keys is wrong');
  return keysOf(both);
}

/** The keys that a chip derives from the 32 bytes of its eFuse key. Throws `NvsError` NVS_KEYS. */
export function nvsKeysFromHmac(efuseKey: Uint8Array): NvsKeys {
  if (efuseKey.length !== KEY)
    throw new NvsError('NVS_KEYS', `an eFuse key has 32 bytes, not ${efuseKey.length}`);
  const derive = (seed: string) =>
    createHmac('sha256', efuseKey)
      .update(Buffer.from(seed.repeat(8), 'hex'))
      .digest();
  return keysOf(concat([derive('5a5abeae'), derive('a5a5dece')]));
}

/** A copy of a plain partition (bytes, whole pages) with its entries encrypted. */
export function encryptNvs(partition: Uint8Array, keys: NvsKeys): Uint8Array {
  return throughEntries(partition, 0, (entry, at) =>
    isEmpty(partition, at) ? entry : encryptEntry(entry, at, keys),
  );
}

/** A copy of an encrypted partition with its entries in the clear; what was never written stays blank. */
export function decryptNvs(partition: Uint8Array, keys: NvsKeys): Uint8Array {
  return throughEntries(partition, 0, (entry, at) => decryptEntry(entry, at, keys));
}

/** The flash under an encrypted partition, as `NvsStore` sees a plain one. */
export function encryptedRegion(region: NvsRegion, keys: NvsKeys): NvsRegion {
  return {
    size: region.size,
    read(offset, length) {
      const begin = offset - (offset % NVS_ENTRY_SIZE);
      const end = Math.ceil((offset + length) / NVS_ENTRY_SIZE) * NVS_ENTRY_SIZE;
      const clear = throughEntries(region.read(begin, end - begin), begin, (entry, at) =>
        decryptEntry(entry, at, keys),
      );
      return copy(clear, offset - begin, offset - begin + length);
    },
    // Items are programmed as whole entries, and headers and state bits are in the clear.
    program(offset, bytes) {
      region.program(
        offset,
        throughEntries(bytes, offset, (entry, at) => encryptEntry(entry, at, keys)),
      );
    },
    erase: (offset, length) => region.erase(offset, length),
  };
}

/**
 * Whether a partition's entries make sense as they are: false where there are entries and not one is whole, which is
 * how a partition looks that is encrypted, or was decrypted by other keys.
 */
export function isNvsReadable(partition: Uint8Array): boolean {
  let whole = 0;
  let broken = 0;
  for (let at = 0; at + NVS_PAGE_SIZE <= partition.length; at += NVS_PAGE_SIZE) {
    const page = parsePage(partition.subarray(at, at + NVS_PAGE_SIZE));
    whole += page.items.length;
    broken += page.broken.length;
  }
  // One broken entry is what a power cut leaves; whoever encrypts has at least a namespace and a key.
  return whole > 0 || broken < 2;
}

function keysOf(both: Uint8Array): NvsKeys {
  const keys = { data: copy(both, 0, KEY), tweak: copy(both, KEY, 2 * KEY) };
  if (same(keys.data, keys.tweak))
    throw new NvsError('NVS_KEYS', 'the two halves of the NVS keys are the same');
  return keys;
}

/** Changes the entries among some bytes that lie `offset` bytes from the start of the partition. */
function throughEntries(
  bytes: Uint8Array,
  offset: number,
  change: (entry: Uint8Array, at: number) => Uint8Array,
): Uint8Array {
  const out = copy(bytes);
  for (
    let i = (NVS_ENTRY_SIZE - (offset % NVS_ENTRY_SIZE)) % NVS_ENTRY_SIZE;
    i < bytes.length;
    i += NVS_ENTRY_SIZE
  ) {
    const at = offset + i;
    if (at % NVS_PAGE_SIZE >= ENTRIES_AT && i + NVS_ENTRY_SIZE <= bytes.length)
      out.set(change(bytes.subarray(i, i + NVS_ENTRY_SIZE), at), i);
  }
  return out;
}

/** Whether the state bits of the entry at this place say that nothing was written there. */
function isEmpty(partition: Uint8Array, at: number): boolean {
  const page = at - (at % NVS_PAGE_SIZE);
  const entry = (at - page - ENTRIES_AT) / NVS_ENTRY_SIZE;
  return ((partition[page + BITMAP_AT + (entry >> 2)]! >> ((entry & 3) * 2)) & 3) === ENTRY_STATE.empty;
}

function encryptEntry(entry: Uint8Array, at: number, keys: NvsKeys): Uint8Array {
  const cipher = createCipheriv(CIPHER, concat([keys.data, keys.tweak]), unitNumber(at));
  return concat([cipher.update(entry), cipher.final()]);
}

/** What was never written is blank in the flash itself. */
function decryptEntry(entry: Uint8Array, at: number, keys: NvsKeys): Uint8Array {
  if (isBlank(entry)) return entry;
  const cipher = createDecipheriv(CIPHER, concat([keys.data, keys.tweak]), unitNumber(at));
  return concat([cipher.update(entry), cipher.final()]);
}

/** The number of a data unit, 16 bytes little-endian (IEEE 1619): where the entry begins in the partition. */
function unitNumber(at: number): Uint8Array {
  const out = new Uint8Array(16);
  view(out).setUint32(0, at, true);
  return out;
}
