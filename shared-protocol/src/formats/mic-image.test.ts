import { expect, test } from 'vitest';
import { buildMicImage, MicImageError, micSentence, parseMicImage } from './mic-image.ts';

const sentences = [Int16Array.of(1, -2, 32767, -32768), Int16Array.of(7)];

test('is laid out as person.c reads it', () => {
  expect(Buffer.from(buildMicImage(sentences)).toString('hex')).toBe(
    `${Buffer.from('TCMC').toString('hex')}0100000002000000040000000100feffff7f0080010000000700`,
  );
});

test('goes there and back, also from a partition that is larger', () => {
  const partition = new Uint8Array(256).fill(0xff);
  partition.set(buildMicImage(sentences));
  expect(parseMicImage(partition)).toEqual(sentences);
  expect(parseMicImage(buildMicImage([]))).toEqual([]);
});

test('refuses what does not fit, and says how long it may be', () => {
  const long = [new Int16Array(32_000)];
  expect(buildMicImage(long, 64_016).length).toBe(64_016);
  expect(() => buildMicImage(long, 32_000)).toThrow(
    'the sentences take 2.0 s, and the microphone partition of 0x7d00 bytes holds 1.0 s',
  );
});

test('refuses a sentence without a sample', () => {
  expect(() => buildMicImage([Int16Array.of(1), new Int16Array(0)])).toThrow('sentence 2 has no samples');
});

test('refuses an image that is none, or cut off', () => {
  const whole = buildMicImage(sentences);
  for (let size = 0; size < whole.length; size++)
    expect(() => parseMicImage(whole.subarray(0, size))).toThrow(MicImageError);
  expect(() => parseMicImage(new Uint8Array(64).fill(0xff))).toThrow(/begins with TCMC/);
  whole[4] = 2;
  expect(() => parseMicImage(whole)).toThrow('the microphone image has version 2, not 1');
});

test('brings a WAV to the rate of the microphone', () => {
  const samples = new Int16Array(4800).fill(1000);
  const sentence = micSentence({ sampleRate: 48_000, samples });
  expect(sentence.length).toBe(1600);
  expect(Math.abs(sentence[800]! - 1000)).toBeLessThan(3);
});
