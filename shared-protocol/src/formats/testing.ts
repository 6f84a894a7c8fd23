/** Helpers of the tests in this folder. */
import { readFileSync } from 'node:fs';

/** A seeded source of numbers in [0, 1): mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Whole numbers from 0 up to, not including, `below`. */
export function dice(seed: number): (below: number) => number {
  const next = random(seed);
  return (below) => Math.floor(next() * below);
}

export function randomBytes(roll: (below: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => roll(256));
}

/** A copy with a few bytes changed, or its end cut off. */
export function damage(bytes: Uint8Array, roll: (below: number) => number): Uint8Array {
  const out = bytes.slice(0, roll(4) === 0 ? roll(bytes.length + 1) : bytes.length);
  for (let i = roll(8); i > 0 && out.length > 0; i--) out[roll(out.length)] = roll(256);
  return out;
}

export function golden(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../golden/${name}`, import.meta.url)));
}
