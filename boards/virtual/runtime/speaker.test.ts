import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readWav } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { FileSpeaker, WavSpeaker } from './speaker.ts';
import { tone } from './testing.ts';

const silence = new Int16Array(320);

describe('the recording loudspeaker', () => {
  it('keeps pauses as long as they were, also where no frame came', () => {
    const speaker = new WavSpeaker();
    const sound = tone(20);
    speaker.frame(sound, 1000);
    speaker.frame(silence, 1020);
    speaker.frame(sound, 1100);
    const pcm = speaker.pcm();
    expect(pcm.length).toBe(120 * 16);
    expect(pcm.subarray(0, 320)).toEqual(sound);
    expect(pcm.subarray(320, 1600).every((sample) => sample === 0)).toBe(true);
    expect(pcm.subarray(1600)).toEqual(sound);
  });

  it('writes a WAV file of 16 kHz, mono, 16 bit', () => {
    const speaker = new WavSpeaker();
    speaker.frame(tone(20), 0);
    const wav = Buffer.from(speaker.wav());
    expect(wav.length).toBe(44 + 640);
    expect(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
    expect(wav.readUInt32LE(4)).toBe(36 + 640);
    expect([20, 22, 32, 34].map((at) => wav.readUInt16LE(at))).toEqual([1, 1, 2, 16]);
    expect([24, 28, 40].map((at) => wav.readUInt32LE(at))).toEqual([16_000, 32_000, 640]);
    expect(wav.readInt16LE(44 + 2 * 5)).toBe(tone(20)[5]);
  });

  it('finds the first sound after a time, to the sample', () => {
    const speaker = new WavSpeaker();
    const late = new Int16Array(320);
    late.fill(5000, 160);
    speaker.frame(tone(20), 0);
    speaker.frame(silence, 20);
    speaker.frame(late, 40);
    expect(speaker.firstSoundAfter(25)).toBe(50);
    expect(speaker.firstSoundAfter(55)).toBe(55);
    expect(speaker.firstSoundAfter(60)).toBeUndefined();
  });

  it('measures the level with the pauses', () => {
    const speaker = new WavSpeaker();
    expect(speaker.rms).toBe(0);
    speaker.frame(new Int16Array(320).fill(16_384), 0);
    speaker.frame(silence, 20);
    expect(speaker.rms).toBeCloseTo(0.5 / Math.SQRT2, 5);
  });

  it('stops at its limit', () => {
    const speaker = new WavSpeaker({ limitMs: 100 });
    for (let at = 0; at < 1000; at += 20) speaker.frame(tone(20), at);
    expect(speaker.full).toBe(true);
    expect(speaker.pcm().length).toBe(1600);
  });
});

it('records into a file that is whole while it grows, and shortens long pauses', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'tincan-speaker-')), 'spoken.wav');
  const speaker = new FileSpeaker(path);
  const pcm = new Int16Array(320).fill(1000);
  speaker.frame(pcm, 5000);
  expect(readWav(readFileSync(path)).samples).toEqual(pcm);
  speaker.frame(pcm, 5040);
  speaker.frame(pcm, 5040 + 3_600_000);
  speaker.close();
  speaker.frame(pcm, 5040 + 3_600_020);
  const { samples, sampleRate } = readWav(readFileSync(path));
  expect(sampleRate).toBe(16_000);
  // A frame, 20 ms of pause, a frame, an hour as two seconds, a frame.
  expect(samples.length).toBe(320 * 4 + 32_000);
  expect(samples.slice(320, 640).every((sample) => sample === 0)).toBe(true);
  rmSync(dirname(path), { recursive: true });
});
