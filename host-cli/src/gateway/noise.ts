/**
 * Noise reduction of the input (`audio.input.noise_reduction`), as far as a filter goes: a high-pass of second order
 * that takes rumble, wind and hum below the voice. Near a microphone voices are deep; far from it there is more noise.
 */
import { RATE } from './audio.ts';
import type { NoiseReduction } from './schema.ts';

/** Corner frequencies, Hz. */
const CORNER = { near_field: 80, far_field: 130 } as const;

/** A filter for a stream of sound, 24 kHz. */
export function noiseFilter(settings: NoiseReduction | undefined): (pcm: Int16Array) => Int16Array {
  if (!settings) return (pcm) => pcm;
  // Butterworth, bilinear transform.
  const k = Math.tan((Math.PI * CORNER[settings.type]) / RATE);
  const norm = 1 / (1 + Math.SQRT2 * k + k * k);
  const b1 = -2 * norm;
  const a1 = 2 * (k * k - 1) * norm;
  const a2 = (1 - Math.SQRT2 * k + k * k) * norm;
  let s1 = 0;
  let s2 = 0;
  return (pcm) =>
    pcm.map((x) => {
      const y = norm * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = norm * x - a2 * y;
      return Math.max(-32_768, Math.min(32_767, Math.round(y)));
    });
}
