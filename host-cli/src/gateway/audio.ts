/** Sound inside the gateway: 24 kHz mono, signed 16 bit, as the real server hears and speaks. */
export const RATE = 24_000;
/** Samples in one 20 ms frame. */
export const FRAME = 480;
export const FRAME_MS = 20;

/** Duration of so many samples in milliseconds. */
export const msOf = (samples: number): number => (samples * 1000) / RATE;
export const samplesOf = (ms: number): number => Math.round((ms * RATE) / 1000);

/** Joins pieces of sound. */
export function join(parts: readonly Int16Array[]): Int16Array {
  const out = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Root mean square, 0 to 1 of full scale. */
export function rms(pcm: Int16Array): number {
  if (pcm.length === 0) return 0;
  let sum = 0;
  for (const value of pcm) sum += value * value;
  return Math.sqrt(sum / pcm.length) / 32_768;
}
