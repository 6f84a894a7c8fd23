import { expect, test } from 'vitest';
import {
  buildNvsImage,
  type NvsEntry,
  NvsError,
  type NvsRegion,
  NvsStore,
  type NvsValue,
  readNvs,
} from './nvs.ts';
import { ENTRY_STATE, encodeHeader, ITEM, parsePage } from './nvs-format.ts';
import { damage, dice, golden, randomBytes } from './testing.ts';

const PAGE = 4096;

/** Thrown where the power goes. */
class PowerCut extends Error {}

/** NOR flash in memory that judges every call, and loses power at a chosen one. */
class Nor implements NvsRegion {
  readonly bytes: Uint8Array;
  readonly erases: number[];
  /** Calls of program and erase so far. */
  calls = 0;
  /** The call at which the power goes, and how much of it still happens (0 to 1). */
  cutAt = Infinity;
  cutShare = 0;
  /** Whether a half-done erase begins at the sector's start or at its end. */
  cutFromEnd = false;

  constructor(size: number, bytes?: Uint8Array) {
    this.bytes = bytes ? new Uint8Array(bytes) : new Uint8Array(size).fill(0xff);
    this.erases = new Array(this.bytes.length / PAGE).fill(0);
  }
  get size(): number {
    return this.bytes.length;
  }
  read(offset: number, length: number): Uint8Array {
    return this.bytes.slice(offset, offset + length);
  }
  program(offset: number, bytes: Uint8Array): void {
    const cut = this.#count();
    const length = cut ? Math.floor(bytes.length * this.cutShare) : bytes.length;
    for (let i = 0; i < length; i++) {
      if ((bytes[i]! & ~this.bytes[offset + i]!) !== 0)
        throw new Error(`sets a bit without erase at ${offset + i}`);
      this.bytes[offset + i] = bytes[i]!;
    }
    if (cut) throw new PowerCut();
  }
  erase(offset: number, length: number): void {
    if (offset % PAGE !== 0 || length % PAGE !== 0) throw new Error('erases less than a sector');
    const cut = this.#count();
    const part = cut ? Math.floor(length * this.cutShare) : length;
    const from = this.cutFromEnd ? offset + length - part : offset;
    this.bytes.fill(0xff, from, from + part);
    if (cut) throw new PowerCut();
    for (let at = offset; at < offset + length; at += PAGE) this.erases[at / PAGE]!++;
  }
  #count(): boolean {
    this.calls++;
    return this.calls === this.cutAt;
  }
}

type Roll = (below: number) => number;
interface Step {
  namespace: string;
  key: string;
  /** `undefined` erases. */
  value: NvsValue | undefined;
}

function randomStep(roll: Roll, keys: number, longest: number): Step {
  const key = `key${roll(keys)}`;
  const namespace = roll(2) ? 'tincan' : 'other';
  const kind = roll(13);
  if (kind === 0) return { namespace, key, value: undefined };
  if (kind < 5) return { namespace, key, value: { type: 'u8', value: roll(256) } };
  if (kind < 7) return { namespace, key, value: { type: 'u32', value: roll(2 ** 32) } };
  if (kind === 12) return { namespace, key, value: { type: 'blob', value: disguise(roll, keys) } };
  if (kind < 10) return { namespace, key, value: { type: 'string', value: text(roll, roll(longest)) } };
  return {
    namespace,
    key,
    value: { type: 'blob', value: randomBytes(roll, roll(4) ? roll(longest) : roll(3 * longest)) },
  };
}
/** Data that looks like whole items: it must never be taken for them. */
function disguise(roll: Roll, keys: number): Uint8Array {
  return Buffer.concat(
    Array.from({ length: 1 + roll(9) }, () => {
      const value = Uint8Array.of(roll(256));
      return encodeHeader({
        namespace: 1 + roll(2),
        type: ITEM.u8,
        span: 1,
        chunk: 0xff,
        key: `key${roll(keys)}`,
        value,
      });
    }),
  );
}
function text(roll: Roll, length: number): string {
  return String.fromCharCode(...Array.from({ length }, () => 32 + roll(95)));
}
function apply(store: NvsStore, { namespace, key, value }: Step): void {
  if (value) store.set(namespace, key, value);
  else store.erase(namespace, key);
}
function idOf({ namespace, key }: { namespace: string; key: string }): string {
  return `${namespace}.${key}`;
}
/** A value as one string: quick to compare. */
function plain(value: NvsValue): string {
  return `${value.type} ${value.type === 'blob' ? Buffer.from(value.value).toString('hex') : value.value}`;
}
function contents(entries: readonly NvsEntry[]): Map<string, string> {
  return new Map(entries.map((entry) => [idOf(entry), plain(entry)]));
}

test('keeps values of all types over a restart', () => {
  const nor = new Nor(0x6000);
  const store = NvsStore.open(nor);
  const values: Record<string, NvsValue> = {
    u8: { type: 'u8', value: 255 },
    u16: { type: 'u16', value: 65535 },
    u32: { type: 'u32', value: 4294967295 },
    i32: { type: 'i32', value: -5 },
    u64: { type: 'u64', value: 2n ** 64n - 1n },
    empty: { type: 'string', value: '' },
    string: { type: 'string', value: 'Grüße '.repeat(400) },
    longest: { type: 'string', value: 'x'.repeat(3999) },
    noblob: { type: 'blob', value: new Uint8Array() },
    blob: { type: 'blob', value: randomBytes(dice(1), 6000) },
  };
  for (const [key, value] of Object.entries(values)) store.set('tincan', key, value);
  const again = NvsStore.open(nor);
  for (const [key, value] of Object.entries(values)) expect(again.get('tincan', key), key).toEqual(value);
  expect(again.get('tincan', 'nothing')).toBeUndefined();
  expect(again.get('nothing', 'u8')).toBeUndefined();
  expect(contents(readNvs(nor.bytes).entries)).toEqual(contents(again.entries()));
});

test("starts from an image of Espressif's generator", () => {
  const nor = new Nor(0, golden('nvs.bin'));
  const store = NvsStore.open(nor);
  expect(nor.calls).toBe(0);
  expect(store.entries()).toEqual(readNvs(golden('nvs.bin')).entries);
  store.set('tincan', 'volume', { type: 'u8', value: 1 });
  expect(NvsStore.open(nor).get('tincan', 'volume')).toEqual({ type: 'u8', value: 1 });
  expect(store.entries().length).toBe(readNvs(golden('nvs.bin')).entries.length);
});

test('a key has one value, whatever its type was', () => {
  const nor = new Nor(0x3000);
  const store = NvsStore.open(nor);
  for (const value of [
    { type: 'blob', value: new Uint8Array(300) },
    { type: 'u8', value: 1 },
    { type: 'string', value: 'one' },
    { type: 'blob', value: new Uint8Array(3) },
  ] as const) {
    store.set('n', 'k', value);
    expect(store.get('n', 'k')).toEqual(value);
    expect(NvsStore.open(nor).entries()).toEqual([{ namespace: 'n', key: 'k', ...value }]);
  }
  expect(store.erase('n', 'k')).toBe(true);
  expect(store.erase('n', 'k')).toBe(false);
  expect(NvsStore.open(nor).entries()).toEqual([]);
  expect(store.stats()).toEqual({ used: 1, total: 252 }); // the namespace
});

test('where a power cut left two items for a key, the newer one stands', () => {
  const twice: NvsEntry[] = [1, 2].map((value) => ({ namespace: 'n', key: 'k', type: 'u8', value }));
  const nor = new Nor(0, buildNvsImage(twice, { size: 0x3000 }));
  expect(NvsStore.open(nor).get('n', 'k')).toEqual({ type: 'u8', value: 2 });
  expect(NvsStore.open(nor).stats().used).toBe(2);
});

test('writing the value that is there costs nothing', () => {
  const nor = new Nor(0x3000);
  const store = NvsStore.open(nor);
  store.set('n', 'k', { type: 'blob', value: Uint8Array.of(1, 2) });
  const { calls } = nor;
  store.set('n', 'k', { type: 'blob', value: Uint8Array.of(1, 2) });
  expect(nor.calls).toBe(calls);
});

test('refuses what NVS cannot hold, and writes nothing', () => {
  const nor = new Nor(0x3000);
  const store = NvsStore.open(nor);
  const refused = (namespace: string, key: string, value: NvsValue, code: string) =>
    expect(() => store.set(namespace, key, value)).toThrow(
      expect.objectContaining({ name: 'NvsError', code }),
    );
  refused('n', 'sixteen__letters', { type: 'u8', value: 1 }, 'NVS_KEY');
  refused('', 'k', { type: 'u8', value: 1 }, 'NVS_KEY');
  refused('n', 'k', { type: 'u8', value: 256 }, 'NVS_VALUE');
  refused('n', 'k', { type: 'string', value: 'x'.repeat(4000) }, 'NVS_TOO_LONG');
  refused('n', 'k', { type: 'blob', value: new Uint8Array(8001) }, 'NVS_TOO_LONG');
  expect(nor.calls).toBe(0);
});

test('a full store says so, and keeps all it had', () => {
  const nor = new Nor(0x4000);
  const store = NvsStore.open(nor);
  const roll = dice(4);
  const kept = new Map<string, string>();
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    const step = randomStep(roll, 400, 400);
    if (!step.value) continue;
    try {
      apply(store, step);
      kept.set(idOf(step), plain(step.value));
    } catch (error) {
      expect(error).toMatchObject({ name: 'NvsError', code: 'NVS_FULL' });
      refused++;
    }
    if (i % 20 === 0) expect(contents(NvsStore.open(new Nor(0, nor.bytes)).entries())).toEqual(kept);
  }
  expect(refused).toBeGreaterThan(50);
  expect(contents(store.entries())).toEqual(kept);
  // What is erased can be used again.
  for (const { namespace, key } of store.entries()) store.erase(namespace, key);
  store.set('tincan', 'again', { type: 'string', value: 'x'.repeat(3900) });
  expect(NvsStore.open(nor).entries().length).toBe(1);
});

test('a blob that does not fit leaves nothing of itself behind', () => {
  const nor = new Nor(0x3000);
  const store = NvsStore.open(nor);
  for (const key of ['a', 'b']) store.set('n', key, { type: 'string', value: key.repeat(3000) });
  store.set('n', 'blob', { type: 'blob', value: new Uint8Array(100) });
  const { used } = store.stats();
  const before = contents(store.entries());
  const { calls } = nor;
  expect(() => store.set('n', 'blob', { type: 'blob', value: new Uint8Array(2500) })).toThrow(
    expect.objectContaining({ code: 'NVS_FULL' }),
  );
  expect(nor.calls).toBeGreaterThan(calls); // it was found out half-way
  expect(store.stats().used).toBe(used);
  expect(contents(store.entries())).toEqual(before);
  expect(contents(NvsStore.open(nor).entries())).toEqual(before);
});

test('all pages take turns', () => {
  const nor = new Nor(0x6000);
  let store = NvsStore.open(nor);
  const roll = dice(6);
  for (let i = 0; i < 8000; i++) {
    store.set('tincan', `key${roll(10)}`, { type: 'u32', value: roll(2 ** 32) });
    if (i % 500 === 0) store = NvsStore.open(nor);
  }
  const most = Math.max(...nor.erases);
  const least = Math.min(...nor.erases);
  expect(least).toBeGreaterThan(5);
  expect(most - least).toBeLessThanOrEqual(2);
});

/** Runs steps, with the power going at each call of each step in turn; returns how many cuts there were. */
function cutEverywhere(seed: number, steps: number, size: number, keys: number, longest: number): number {
  const roll = dice(seed);
  let flash = new Nor(size);
  let cuts = 0;
  for (let i = 0; i < steps; i++) {
    const step = randomStep(roll, keys, longest);
    const before = contents(NvsStore.open(new Nor(0, flash.bytes)).entries());
    const whole = new Nor(0, flash.bytes);
    const store = NvsStore.open(whole);
    const opening = whole.calls;
    try {
      apply(store, step);
    } catch (error) {
      if (!(error instanceof NvsError) || error.code !== 'NVS_FULL') throw error;
    }
    const after = contents(NvsStore.open(new Nor(0, whole.bytes)).entries());
    const old = before.get(idOf(step));
    for (let call = opening + 1; call <= whole.calls; call++) {
      const torn = new Nor(0, flash.bytes);
      Object.assign(torn, {
        cutAt: call,
        cutShare: [0, 0.3, 0.7, 0.99, 1][roll(5)],
        cutFromEnd: roll(2) === 0,
      });
      expect(() => apply(NvsStore.open(torn), step)).toThrow(PowerCut);
      cuts++;
      // The power may go again while the store recovers.
      const again = new Nor(0, torn.bytes);
      Object.assign(again, { cutAt: 1 + roll(12), cutShare: roll(100) / 100, cutFromEnd: roll(2) === 0 });
      try {
        NvsStore.open(again);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        cuts++;
      }
      const reopened = new Nor(0, again.bytes);
      const survivor = NvsStore.open(reopened);
      const found = contents(survivor.entries());
      const now = found.get(idOf(step));
      expect([old, after.get(idOf(step))]).toContain(now);
      found.delete(idOf(step));
      const others = new Map(before);
      others.delete(idOf(step));
      expect(found).toEqual(others);
      expect(contents(readNvs(reopened.bytes).entries).get(idOf(step))).toEqual(now);
      // What recovery left must be sound, for ESP-IDF's code as well: nothing half-written is still marked as written
      // or empty, and a second start has nothing to do.
      for (let at = 0; at < size; at += PAGE) {
        const page = parsePage(reopened.read(at, PAGE));
        expect(page.broken).toEqual([]);
        if (page.state === 'active')
          expect(page.states.subarray(0, page.next)).not.toContain(ENTRY_STATE.empty);
      }
      const { calls } = reopened;
      NvsStore.open(reopened);
      expect(reopened.calls).toBe(calls);
      if (call === whole.calls && roll(3) === 0) flash = reopened;
    }
    if (roll(8) !== 0) flash = new Nor(0, whole.bytes);
  }
  return cuts;
}

test('whenever the power goes, every key has its old or its new value: small values', () => {
  expect(cutEverywhere(101, 700, 0x3000, 12, 60)).toBeGreaterThan(2000);
});

test('whenever the power goes, every key has its old or its new value: long values, often full', () => {
  expect(cutEverywhere(102, 300, 0x4000, 8, 1500)).toBeGreaterThan(1000);
});

test('a workload of thousands of steps with cuts now and then loses nothing', () => {
  const roll = dice(103);
  const nor = new Nor(0x6000);
  const expected = new Map<string, string>();
  let store = NvsStore.open(nor);
  let cuts = 0;
  for (let i = 0; i < 6000; i++) {
    const step = randomStep(roll, 15, 250);
    Object.assign(nor, {
      cutAt: roll(20) === 0 ? nor.calls + 1 + roll(8) : Infinity,
      cutShare: roll(100) / 100,
      cutFromEnd: roll(2) === 0,
    });
    const old = expected.get(idOf(step));
    try {
      apply(store, step);
      if (step.value) expected.set(idOf(step), plain(step.value));
      else expected.delete(idOf(step));
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      cuts++;
      nor.cutAt = Infinity;
      store = NvsStore.open(nor);
      const now = store.get(step.namespace, step.key);
      expect([old, step.value && plain(step.value)]).toContain(now && plain(now));
      if (now) expected.set(idOf(step), plain(now));
      else expected.delete(idOf(step));
    }
    if (i % 250 === 0) expect(contents(store.entries())).toEqual(expected);
  }
  nor.cutAt = Infinity;
  expect(contents(NvsStore.open(nor).entries())).toEqual(expected);
  expect(cuts).toBeGreaterThan(100);
});

test('a flash full of noise is an empty store, or an error of its own', () => {
  const roll = dice(104);
  const good = buildNvsImage(readNvs(golden('nvs.bin')).entries, { size: 0x6000 });
  for (let i = 0; i < 300; i++) {
    const bytes = new Uint8Array(0x6000).fill(0xff);
    bytes.set(i % 5 ? damage(good, roll) : randomBytes(roll, 0x6000));
    const nor = new Nor(0, bytes);
    try {
      const store = NvsStore.open(nor);
      store.set('tincan', 'volume', { type: 'u8', value: 7 });
      expect(NvsStore.open(nor).get('tincan', 'volume')).toEqual({ type: 'u8', value: 7 });
    } catch (error) {
      if (!(error instanceof NvsError)) throw error;
    }
  }
  const noise = NvsStore.open(new Nor(0, randomBytes(roll, 0x3000)));
  expect(noise.entries()).toEqual([]);
});

test('refuses a region without a free page, of a newer format, or of a wrong size', () => {
  const image = golden('nvs.bin').slice(0, 0x3000);
  const codeOf = (region: Nor): string => {
    try {
      NvsStore.open(region);
    } catch (error) {
      return (error as NvsError).code;
    }
    return 'opened';
  };
  expect(codeOf(new Nor(0, new Uint8Array([...image])))).toBe('NVS_NO_FREE_PAGE');
  expect(codeOf(new Nor(0x2000))).toBe('NVS_SIZE');
  const newer = new Nor(0x3000);
  NvsStore.open(newer).set('n', 'k', { type: 'u8', value: 1 });
  newer.bytes[8] = 0xfd;
  expect(codeOf(newer)).toBe('opened'); // the header's CRC no longer holds: a page that is not readable
});
