import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { InflateError, Inflater } from './inflate.ts';

/** Bytes that are neither random nor all the same; the same every time. */
function sample(length: number, spread: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, (_, i) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return i % 700 < 350 ? (i >> 3) & 255 : (state >>> 16) % spread;
  });
}

function inflateInPieces(stream: Uint8Array, size: number): { bytes: Uint8Array; done: boolean } {
  const inflater = new Inflater();
  const out: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += size) out.push(inflater.push(stream.subarray(at, at + size)));
  return { bytes: new Uint8Array(Buffer.concat(out)), done: inflater.done };
}

test.each([
  ['stored blocks', 0],
  ['fast', 1],
  ['best', 9],
])('gives back what zlib compressed, whatever the pieces: %s', (_name, level) => {
  const plain = sample(50_000, 251);
  const stream = deflateSync(plain, { level });
  for (const size of [1, 7, 1024, stream.length]) {
    const { bytes, done } = inflateInPieces(stream, size);
    expect(Buffer.compare(bytes, plain)).toBe(0);
    expect(done).toBe(true);
  }
});

test('takes fixed codes and an empty stream', () => {
  expect(inflateInPieces(deflateSync('hello hello hello', { level: 9 }), 3).bytes).toEqual(
    new Uint8Array(Buffer.from('hello hello hello')),
  );
  expect(inflateInPieces(deflateSync(''), 1)).toEqual({ bytes: new Uint8Array(), done: true });
});

test('is not done before the last byte, and takes nothing after it', () => {
  const stream = deflateSync(sample(1000, 9));
  const inflater = new Inflater();
  inflater.push(stream.subarray(0, -1));
  expect(inflater.done).toBe(false);
  inflater.push(stream.subarray(-1));
  expect(inflater.done).toBe(true);
  expect(inflater.push(new Uint8Array([1, 2, 3]))).toHaveLength(0);
});

test('refuses what is broken', () => {
  const stream = deflateSync(sample(5000, 200));
  const wrongSum = Uint8Array.from(stream);
  wrongSum[stream.length - 1]! ^= 1;
  expect(() => inflateInPieces(wrongSum, 100)).toThrow(InflateError);
  expect(() => inflateInPieces(new Uint8Array([0x12, 0x34]), 2)).toThrow(/header/);
  // A stored block whose length and its complement disagree.
  expect(() => inflateInPieces(new Uint8Array([0x78, 0x01, 0x01, 5, 0, 5, 0]), 7)).toThrow(/stored/);
  // A distance before the first byte: fixed block, length code 257 with distance 1.
  expect(() => inflateInPieces(new Uint8Array([0x78, 0x01, 0x03, 0x02, 0x00, 0x00]), 6)).toThrow(/distance/);
  // One bit anywhere: seen, or (in what pads the last byte) of no effect.
  const plain = sample(5000, 200);
  for (let i = 2; i < stream.length; i += 5) {
    const broken = Uint8Array.from(stream);
    broken[i]! ^= 0x10;
    try {
      const { bytes, done } = inflateInPieces(broken, 64);
      if (done) expect(Buffer.compare(bytes, plain)).toBe(0);
    } catch (error) {
      if (!(error instanceof InflateError)) throw error;
    }
  }
});
