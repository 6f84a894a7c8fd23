import { expect, test } from 'vitest';
import { Resampler, resample } from './resample.ts';

const AMPLITUDE = 16000;

function sine(hz: number, rate: number, seconds: number): Int16Array {
  return Int16Array.from(
    { length: rate * seconds },
    (_, i) => AMPLITUDE * Math.sin((2 * Math.PI * hz * i) / rate),
  );
}
/** Loudness in dB below the sine, without the ends, where the filter sees silence. */
function level(samples: ArrayLike<number>): number {
  let sum = 0;
  const from = Math.floor(samples.length * 0.1);
  const to = Math.ceil(samples.length * 0.9);
  for (let i = from; i < to; i++) sum += samples[i]! ** 2;
  return 10 * Math.log10(Math.max(1e-9, sum / (to - from)) / (AMPLITUDE ** 2 / 2));
}

test.each([
  [16000, 24000],
  [24000, 16000],
  [16000, 48000],
  [48000, 16000],
  [24000, 48000],
  [48000, 24000],
  [44100, 16000],
])('%i to %i Hz: a tone stays the tone, within -60 dB', (from, to) => {
  for (const hz of [200, 1000, 3000, 6500]) {
    const out = resample(sine(hz, from, 0.25), from, to);
    const wanted = sine(hz, to, 0.25);
    expect(out.length).toBe(wanted.length);
    expect(level(Array.from(out, (sample, i) => sample - wanted[i]!)), `${hz} Hz`).toBeLessThan(-60);
  }
});

test('what the lower rate cannot hold is gone, not folded back', () => {
  expect(level(resample(sine(11000, 48000, 0.25), 48000, 16000))).toBeLessThan(-60);
  expect(level(resample(sine(8100, 48000, 0.25), 48000, 16000))).toBeLessThan(-60);
  expect(level(resample(sine(9000, 24000, 0.25), 24000, 16000))).toBeLessThan(-60);
});

test('no sound, silence, and a full-scale step stay within 16 bits', () => {
  expect(resample(new Int16Array(), 16000, 48000)).toEqual(new Int16Array());
  expect(resample(new Int16Array(100), 24000, 16000)).toEqual(new Int16Array(67));
  const step = Int16Array.from({ length: 200 }, (_, i) => (i < 100 ? -32768 : 32767));
  const out = resample(step, 16000, 48000);
  expect(Math.min(...out)).toBe(-32768);
  expect(out[300 + 60]).toBeGreaterThan(32000);
});

test('the same rate gives a copy, and no rate is refused', () => {
  const samples = Int16Array.of(1, 2, 3);
  const out = resample(samples, 16000, 16000);
  expect(out).toEqual(samples);
  expect(out).not.toBe(samples);
  for (const rate of [0, -1, 0.5, NaN]) expect(() => resample(samples, rate, 16000)).toThrow(RangeError);
});

test.each([
  [16000, 24000],
  [44100, 24000],
  [24000, 16000],
  [24000, 24000],
])('%i to %i Hz: pieces of any size give what the whole gives', (from, to) => {
  const whole = sine(440, from, 0.2);
  const resampler = new Resampler(from, to);
  const out: number[] = [];
  let size = 1;
  for (let at = 0; at < whole.length; ) {
    out.push(...resampler.push(whole.subarray(at, at + size)));
    at += size;
    size = (size * 7 + 3) % 501;
  }
  // All but the reach of the filter came before the end.
  expect(out.length).toBeGreaterThan((0.2 - 0.005) * to);
  out.push(...resampler.end());
  expect(out).toEqual([...resample(whole, from, to)]);
});
