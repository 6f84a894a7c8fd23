import { describe, expect, it } from 'vitest';
import { join, RATE } from './audio.ts';
import { fromAlaw, fromMulaw, toAlaw, toMulaw } from './g711.ts';
import { decodeSound, encodeSound, SoundDecoder, SoundEncoder } from './sound-format.ts';
import { changeTempo } from './tempo.ts';

const PCM = { type: 'audio/pcm', rate: 24_000 } as const;
const ULAW = { type: 'audio/pcmu' } as const;
const sine = (hz: number, ms: number, level = 10_000) =>
  Int16Array.from({ length: (RATE * ms) / 1000 }, (_, i) =>
    Math.round(level * Math.sin((2 * Math.PI * hz * i) / RATE)),
  );

describe('G.711', () => {
  // Values of ITU-T G.711, tables 1 and 2, at 16 bit.
  it.each([
    [0, 0xff, 0xd5],
    [-1, 0x7f, 0x55],
    [32_767, 0x80, 0xaa],
    [-32_768, 0x00, 0x2a],
  ])('writes %i as %i and %i', (sample, mulaw, alaw) => {
    expect(toMulaw(sample)).toBe(mulaw);
    expect(toAlaw(sample)).toBe(alaw);
  });

  it('reads every byte as a sample that is written as that byte again', () => {
    for (let byte = 0; byte < 256; byte++) {
      expect(toAlaw(fromAlaw(byte))).toBe(byte);
      // 0x7f and 0xff are both zero.
      if (byte !== 0x7f) expect(toMulaw(fromMulaw(byte))).toBe(byte);
    }
  });

  it.each([
    ['μ-law', toMulaw, fromMulaw, 132],
    ['A-law', toAlaw, fromAlaw, 128],
  ])('loses at most a sixteenth by %s', (_, write, read, floor) => {
    for (let sample = -32_000; sample <= 32_000; sample += 7) {
      expect(Math.abs(read(write(sample)) - sample)).toBeLessThanOrEqual(
        Math.max(floor, Math.abs(sample)) / 16,
      );
    }
  });
});

describe('sound in events', () => {
  it('is the same in one piece and in many', () => {
    const pcm = sine(440, 500);
    const whole = Buffer.from(encodeSound(pcm, ULAW), 'base64');
    const encoder = new SoundEncoder(ULAW);
    const parts: Buffer[] = [];
    for (let at = 0; at < pcm.length; at += 491)
      parts.push(Buffer.from(encoder.push(pcm.subarray(at, at + 491)), 'base64'));
    parts.push(Buffer.from(encoder.push(new Int16Array(), true), 'base64'));
    expect(Buffer.concat(parts)).toEqual(whole);

    const decoder = new SoundDecoder(ULAW);
    const heard: Int16Array[] = [];
    for (let at = 0; at < whole.length; at += 33)
      heard.push(decoder.push(whole.subarray(at, at + 33).toString('base64'), 'audio'));
    const all = join(heard);
    expect(all).toEqual(decodeSound(whole.toString('base64'), ULAW, 'audio').subarray(0, all.length));
    // What is held back is a few milliseconds.
    expect(pcm.length - all.length).toBeLessThan(RATE / 100);
  });

  it('goes through unchanged as PCM', () => {
    const pcm = sine(440, 20);
    expect(decodeSound(encodeSound(pcm, PCM), PCM, 'audio')).toEqual(pcm);
    expect(new SoundDecoder(PCM).push(new SoundEncoder(PCM).push(pcm), 'audio')).toEqual(pcm);
  });

  it.each([[7], [null], ['%%%'], ['AA=A'], [{}]])('is refused as %j', (value) => {
    expect(() => decodeSound(value, PCM, 'audio')).toThrow(/base64/);
  });

  it('is refused where it is missing, or over 15 MiB', () => {
    expect(() => decodeSound(undefined, PCM, 'audio')).toThrow(/Missing/);
    expect(() => decodeSound('A'.repeat(21_000_000), PCM, 'audio')).toThrow(/more than 15728640 bytes/);
  });
});

describe('tempo', () => {
  it('leaves sound alone at 1, and what is too short to cut', () => {
    const pcm = sine(200, 100);
    expect(changeTempo(pcm, 1)).toBe(pcm);
    const short = sine(200, 20);
    expect(changeTempo(short, 1.5)).toBe(short);
  });
});
