/** Sounds for tests: known tones that can be found again, and what is played in real time. */
import { readFileSync } from 'node:fs';
import { readWav, resample } from '@tincan/shared-protocol';

/** A sentence of host-cli/data/voices, at 16 kHz. */
export function voice(name: string): Int16Array {
  const url = new URL(`../../host-cli/data/voices/${name}.wav`, import.meta.url);
  const { samples, sampleRate } = readWav(new Uint8Array(readFileSync(url)));
  return resample(samples, sampleRate, 16_000);
}

/** A sine of half amplitude. */
export function tone(hertz: number, ms: number, rate: number): Int16Array {
  return Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) =>
    Math.round(16_384 * Math.sin((2 * Math.PI * hertz * i) / rate)),
  );
}

/** Root mean square, 0 to 1. */
export function level(pcm: Int16Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, pcm.length)) / 32_768;
}

/** How many ms of `pcm` are this tone: 20 ms blocks most of whose energy is at `hertz` (Goertzel's algorithm). */
export function toneMs(pcm: Int16Array, hertz: number, rate = 16_000): number {
  const block = rate / 50;
  const turn = 2 * Math.cos((2 * Math.PI * hertz) / rate);
  let ms = 0;
  for (let at = 0; at + block <= pcm.length; at += block) {
    let before = 0;
    let last = 0;
    let energy = 0;
    for (let i = at; i < at + block; i++) {
      [before, last] = [last, turn * last - before + pcm[i]!];
      energy += pcm[i]! ** 2;
    }
    const power = last ** 2 + before ** 2 - turn * last * before;
    // A pure tone has power energy * block / 2.
    if (energy / block > 300 ** 2 && power > (0.7 * energy * block) / 2) ms += 20;
  }
  return ms;
}

/** Calls `send` once per frame, on time, until `frames` are out or `stopped` says so. */
export async function paced(
  frames: number,
  frameMs: number,
  send: (frame: number) => void,
  stopped: () => boolean,
): Promise<void> {
  const begin = performance.now();
  for (let frame = 0; frame < frames && !stopped(); frame++) {
    const wait = begin + frame * frameMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (!stopped()) send(frame);
  }
}
