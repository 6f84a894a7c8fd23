export { rms } from '@tincan/shared-protocol';

/** Sound inside the gateway: 24 kHz mono, signed 16 bit, as the real server hears and speaks. */
export const RATE = 24_000;
/** Samples in one 20 ms frame. */
export const FRAME = 480;
export const FRAME_MS = 20;

/** Duration of so many samples in milliseconds. */
export const msOf = (samples: number): number => (samples * 1000) / RATE;

export { joinSamples as join } from '@tincan/shared-protocol';
