/**
 * Faster or slower speech at the same pitch (`audio.output.speed`): WSOLA. The output is laid together from pieces of
 * 30 ms that overlap by half; each piece is taken near the place where it belongs, where it fits best to what would
 * have followed the piece before (W. Verhelst and M. Roelands, ICASSP 1993).
 */
import { RATE } from './audio.ts';

const HOP = (RATE * 15) / 1000;
/** How far from its place a piece may be taken: 8 ms, the period of a voice of 125 Hz. */
const SEEK = (RATE * 8) / 1000;
const FADE = Float64Array.from({ length: HOP }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / HOP));

/** The sound at another tempo; its length is divided by `speed`. */
export function changeTempo(pcm: Int16Array, speed: number): Int16Array {
  if (speed === 1 || pcm.length <= 2 * HOP + SEEK) return pcm;
  const out = new Int16Array(Math.round(pcm.length / speed));
  const sample = (index: number) => pcm[index] ?? 0;
  for (let i = 0; i < HOP && i < out.length; i++) out[i] = pcm[i]!;
  // What follows the last piece in the source; the next one is chosen to be like it.
  let follows = HOP;
  for (let at = HOP; at < out.length; at += HOP) {
    const from = bestNear(pcm, follows, Math.round(at * speed));
    for (let i = 0; i < HOP && at + i < out.length; i++) {
      const fade = FADE[i]!;
      out[at + i] = Math.round(sample(follows + i) * (1 - fade) + sample(from + i) * fade);
    }
    follows = from + HOP;
  }
  return out;
}

/** The place near `target` whose sound is most like that at `like`. */
function bestNear(pcm: Int16Array, like: number, target: number): number {
  const first = Math.max(0, Math.min(target - SEEK, pcm.length - 2 * HOP));
  const last = Math.max(first, Math.min(target + SEEK, pcm.length - 2 * HOP));
  let best = Math.max(first, Math.min(target, last));
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let place = first; place <= last; place += 2) {
    let product = 0;
    let power = 1;
    for (let i = 0; i < HOP; i += 3) {
      const there = pcm[place + i]!;
      product += there * (pcm[like + i] ?? 0);
      power += there * there;
    }
    const score = product / Math.sqrt(power);
    if (score > bestScore) {
      bestScore = score;
      best = place;
    }
  }
  return best;
}
