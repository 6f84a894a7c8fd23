/** For tests: voices of the demo, and what may happen to them on their way. */

import { readFileSync } from 'node:fs';
import { readWav, resample } from '@tincan/shared-protocol';
import { createDecoder, createEncoder } from 'libopus-wasm';
import { join, RATE } from './audio.ts';

const DEVICE_RATE = 16_000;
export const DATA = new URL('../../data/', import.meta.url);

/** A file of host-cli/data/voices: 16 kHz, as a device has it. */
export function voice(name: string): Int16Array {
  const { sampleRate, samples } = readWav(readFileSync(new URL(`voices/${name}.wav`, DATA)));
  if (sampleRate !== DEVICE_RATE) throw new Error(`${name} has ${sampleRate} Hz`);
  return samples;
}

/** 16 kHz to 24 kHz. */
export const upsample = (pcm: Int16Array): Int16Array => resample(pcm, DEVICE_RATE, RATE);

/** As a device sends it and the server hears it: Opus at 16 kHz and 24 kbit/s, decoded at 24 kHz, silence around. */
export async function overOpus(pcm16: Int16Array): Promise<Int16Array> {
  const encoder = await createEncoder({
    sampleRate: DEVICE_RATE,
    channels: 1,
    application: 2048,
    bitrate: 24_000,
  });
  const decoder = await createDecoder({ sampleRate: RATE, channels: 1 });
  const padded = join([new Int16Array(4800), pcm16, new Int16Array(8000)]);
  const out: Int16Array[] = [];
  for (let at = 0; at < padded.length; at += 320) {
    const frame = new Int16Array(320);
    frame.set(padded.subarray(at, at + 320));
    out.push(decoder.decode(encoder.encode(frame)));
  }
  encoder.free();
  decoder.free();
  return join(out);
}

const clip = (value: number): number => Math.max(-32_768, Math.min(32_767, Math.round(value)));

export const louder = (pcm: Int16Array, db: number): Int16Array =>
  pcm.map((value) => clip(value * 10 ** (db / 20)));

/** White noise all over it, `snr` dB below the mean power of the speech; always the same for the same seed. */
export function noisy(pcm: Int16Array, snr: number, seed = 1): Int16Array {
  const power = pcm.reduce((sum, value) => sum + value * value, 0) / pcm.length;
  const level = Math.sqrt(power) / 10 ** (snr / 20);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  return pcm.map((value) => clip(value + level * normal()));
}
