export { rms } from '@tincan/shared-protocol';

/** Sounds are 16 kHz; a sample louder than this (-45 dBFS) is sound, anything else is silence. */
export const SOUND_LEVEL = 10 ** (-45 / 20);

const THRESHOLD = SOUND_LEVEL * 32_768;
export const SAMPLES_PER_MS = 16;

/** Index of the first sample that is sound, or -1. */
export function firstSound(pcm: Int16Array, from = 0): number {
  for (let i = from; i < pcm.length; i++) if (Math.abs(pcm[i]!) > THRESHOLD) return i;
  return -1;
}

/** Index of the last sample that is sound, or -1. */
export function lastSound(pcm: Int16Array): number {
  for (let i = pcm.length - 1; i >= 0; i--) if (Math.abs(pcm[i]!) > THRESHOLD) return i;
  return -1;
}
