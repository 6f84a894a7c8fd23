/** Dynamic time warping (Sakoe and Chiba 1978, symmetric, P = 1: the pace may change by a factor of two). */
import type { Features } from './mfcc.ts';

/** The worst stretch is looked for over so many steps of 10 ms. */
const STRETCH = 20;

export interface Match {
  /** Mean distance along the path. */
  distance: number;
  /** Mean distance of the worst 200 ms along the path. */
  worst: number;
}

/** Compares two utterances; undefined where one is more than twice as long as the other. */
export function warp(a: Features, b: Features): Match | undefined {
  const n = a.length;
  const m = b.length;
  if (n === 0 || m === 0 || n > 2 * m || m > 2 * n) return undefined;
  const local = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) local[i * m + j] = euclid(a[i]!, b[j]!);
  const total = new Float64Array(n * m).fill(Number.POSITIVE_INFINITY);
  const step = new Uint8Array(n * m);
  total[0] = 2 * local[0]!;
  const at = (i: number, j: number) => (i < 0 || j < 0 ? Number.POSITIVE_INFINITY : total[i * m + j]!);
  for (let i = 1; i < n; i++) {
    for (let j = 1; j < m; j++) {
      const here = local[i * m + j]!;
      const straight = at(i - 1, j - 1) + 2 * here;
      const fast = at(i - 2, j - 1) + 2 * local[(i - 1) * m + j]! + here;
      const slow = at(i - 1, j - 2) + 2 * local[i * m + j - 1]! + here;
      const best = Math.min(straight, fast, slow);
      total[i * m + j] = best;
      step[i * m + j] = best === straight ? 0 : best === fast ? 1 : 2;
    }
  }
  const end = total[n * m - 1]!;
  if (!Number.isFinite(end)) return undefined;
  const costs: number[] = [];
  for (let i = n - 1, j = m - 1; i > 0 && j > 0; ) {
    const how = step[i * m + j]!;
    costs.push(local[i * m + j]!);
    if (how === 1) costs.push(local[(i - 1) * m + j]!);
    if (how === 2) costs.push(local[i * m + j - 1]!);
    i -= how === 1 ? 2 : 1;
    j -= how === 2 ? 2 : 1;
  }
  let worst = 0;
  let sum = 0;
  for (let k = 0; k < costs.length; k++) {
    sum += costs[k]! - (k >= STRETCH ? costs[k - STRETCH]! : 0);
    if (k >= STRETCH - 1) worst = Math.max(worst, sum / STRETCH);
  }
  return { distance: end / (n + m), worst };
}

function euclid(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += (x[k]! - y[k]!) ** 2;
  return Math.sqrt(sum);
}
