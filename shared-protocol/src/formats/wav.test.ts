import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { damage, dice, randomBytes } from './testing.ts';
import { readWav, WavError, WavStream, WavWriter, writeWav } from './wav.ts';

const SAMPLES = Int16Array.of(0, 1, -1, 1000, 32767, -32768);

/** A file with these chunks. */
function riff(...chunks: [string, Uint8Array][]): Uint8Array {
  const body = chunks.flatMap(([id, data]) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.length);
    return [Buffer.from(id), length, Buffer.from(data), Buffer.alloc(data.length % 2)];
  });
  return new Uint8Array(Buffer.concat([Buffer.from('RIFF\xff\xff\xff\xffWAVE', 'latin1'), ...body]));
}
function format(
  code: number,
  channels: number,
  rate: number,
  bits: number,
  rest: Uint8Array = new Uint8Array(),
) {
  const out = Buffer.alloc(16);
  out.writeUInt16LE(code, 0);
  out.writeUInt16LE(channels, 2);
  out.writeUInt32LE(rate, 4);
  out.writeUInt16LE(bits, 14);
  return new Uint8Array(Buffer.concat([out, rest]));
}

test('goes there and back', () => {
  const bytes = writeWav(SAMPLES, 24000);
  expect(Buffer.from(bytes.subarray(0, 44)).toString('hex')).toBe(
    '52494646' +
      '30000000' +
      '57415645666d7420' +
      '10000000' +
      '01000100' +
      'c05d0000' +
      '80bb0000' +
      '02001000' +
      '64617461' +
      '0c000000',
  );
  expect(readWav(bytes)).toEqual({ sampleRate: 24000, channels: 1, samples: SAMPLES });
});

test.each([
  ['8 bit', format(1, 1, 16000, 8), Uint8Array.of(0, 128, 255), [-32768, 0, 32512]],
  ['24 bit', format(1, 1, 16000, 24), Uint8Array.of(0, 0, 0x80, 0xff, 0xff, 0xff, 0, 1, 0), [-32768, -0, 1]],
  [
    '32 bit',
    format(1, 1, 16000, 32),
    new Uint8Array(Int32Array.of(-(2 ** 31), 65536 * 7).buffer),
    [-32768, 7],
  ],
  [
    'float',
    format(3, 1, 16000, 32),
    new Uint8Array(Float32Array.of(-2, 0.5, NaN, 1).buffer),
    [-32768, 16384, 0, 32767],
  ],
  ['double', format(3, 1, 16000, 64), new Uint8Array(Float64Array.of(-0.25).buffer), [-8192]],
  ['stereo', format(1, 2, 16000, 16), new Uint8Array(Int16Array.of(100, 300, -5, 5).buffer), [200, 0]],
])('reads %s', (_, fmt, data, expected) => {
  const { samples } = readWav(riff(['fmt ', fmt], ['data', data]));
  expect([...samples].map((sample) => sample + 0)).toEqual(expected.map((sample) => sample + 0));
});

test('skips other chunks, also of odd length, and reads the extensible format', () => {
  const extension = Buffer.alloc(24);
  extension.writeUInt16LE(22, 0);
  extension.writeUInt16LE(1, 8);
  const bytes = riff(
    ['LIST', Buffer.from('INFOx')],
    ['fmt ', format(0xfffe, 1, 48000, 16, extension)],
    ['fact', new Uint8Array(4)],
    ['data', new Uint8Array(SAMPLES.buffer)],
    ['LIST', new Uint8Array(8)],
  );
  expect(readWav(bytes)).toEqual({ sampleRate: 48000, channels: 1, samples: SAMPLES });
});

test('takes the sound of a file whose end is missing', () => {
  const bytes = writeWav(SAMPLES, 16000);
  expect(readWav(bytes.subarray(0, 49)).samples).toEqual(SAMPLES.slice(0, 2));
  const streamed = bytes.slice();
  streamed.fill(0xff, 40, 44); // what programs write that do not know the length
  expect(readWav(streamed).samples).toEqual(SAMPLES);
});

test.each([
  ['an MP3', Buffer.from('ID3 and so on'), 'this is no WAV file: it does not begin with RIFF and WAVE'],
  ['nothing', new Uint8Array(), 'this is no WAV file: it does not begin with RIFF and WAVE'],
  [
    'A-law',
    riff(['fmt ', format(6, 1, 8000, 8)], ['data', new Uint8Array(4)]),
    'the WAV file has format 6 with 8 bits; PCM or float is needed',
  ],
  ['no format', riff(['data', new Uint8Array(4)]), 'the WAV file has sound before it says in which format'],
  ['no data', riff(['fmt ', format(1, 1, 8000, 16)]), 'the WAV file holds no sound'],
  ['no chunk', riff(), 'the WAV file does not say its format'],
  [
    'no channel',
    riff(['fmt ', format(1, 0, 8000, 16)], ['data', new Uint8Array(4)]),
    'the WAV file claims 0 channels',
  ],
  [
    'a wild rate',
    riff(['fmt ', format(1, 1, 1, 16)], ['data', new Uint8Array(4)]),
    'the WAV file claims a rate of 1 Hz',
  ],
])('says what is wrong with %s', (_, bytes, message) => {
  expect(() => readWav(bytes)).toThrow(message);
});

test('a writer streams to a file whose header fits at the end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-wav-'));
  try {
    const writer = new WavWriter(join(folder, 'a.wav'), 16000);
    writer.write(SAMPLES.subarray(0, 2));
    writer.write(SAMPLES.subarray(2));
    expect(writer.length).toBe(6);
    writer.close();
    writer.close();
    writer.write(SAMPLES);
    expect(new Uint8Array(readFileSync(writer.path))).toEqual(writeWav(SAMPLES, 16000));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('takes any bytes without another exception', () => {
  const roll = dice(17);
  const good = writeWav(SAMPLES, 16000);
  for (let i = 0; i < 3000; i++) {
    try {
      readWav(i % 2 ? damage(good, roll) : randomBytes(roll, roll(80)));
    } catch (error) {
      expect(error).toBeInstanceOf(WavError);
    }
  }
});

/** What a stream gives of these bytes in pieces of `size`. */
function streamed(bytes: Uint8Array, size: number): { rate: number | undefined; samples: number[] } {
  const stream = new WavStream();
  const samples: number[] = [];
  for (let at = 0; at < bytes.length; at += size) samples.push(...stream.push(bytes.subarray(at, at + size)));
  stream.end();
  return { rate: stream.sampleRate, samples };
}
/** The same file with another length of its sound. */
function claiming(length: number): Uint8Array {
  const bytes = writeWav(SAMPLES, 22_050);
  new DataView(bytes.buffer).setUint32(40, length, true);
  return bytes;
}

test.each([
  ['its length', writeWav(SAMPLES, 22_050)],
  ['no length yet', claiming(0)],
  ['the largest length', claiming(0xffff_ffff)],
  ['half of a large length', claiming(0x7fff_ffff)],
  [
    'other chunks',
    riff(
      ['LIST', new Uint8Array(9)],
      ['fmt ', format(1, 1, 22_050, 16)],
      ['data', writeWav(SAMPLES, 22_050).subarray(44)],
    ),
  ],
])('a stream with %s gives its samples, in pieces of any size', (_name, bytes) => {
  for (const size of [1, 3, 44, 1000])
    expect(streamed(bytes, size)).toEqual({ rate: 22_050, samples: [...SAMPLES] });
});

test('a stream of several files is one sound, unless the rate changes', () => {
  const one = writeWav(SAMPLES, 24_000);
  expect(streamed(new Uint8Array(Buffer.concat([one, one])), 5).samples).toEqual([...SAMPLES, ...SAMPLES]);
  const other = new Uint8Array(Buffer.concat([one, writeWav(SAMPLES, 16_000)]));
  expect(() => streamed(other, 5)).toThrow(/rate of the sound changes/);
});

test('what is no WAV file is refused as soon as that is seen', () => {
  const push = (bytes: Uint8Array) => new WavStream().push(bytes);
  expect(() => push(Buffer.from('{"error": "no such voice"}'))).toThrow(WavError);
  expect(() => push(Buffer.from('ID3\x04 and so on, an MP3 file'))).toThrow(/no WAV file/);
  expect(() => push(riff(['data', new Uint8Array(4)]))).toThrow(/before it says/);
  expect(() => push(riff(['fmt ', format(85, 1, 24_000, 16)], ['data', new Uint8Array(20)]))).toThrow(
    /format 85/,
  );
  expect(() => new WavStream().end()).toThrow(/before its sound/);
});

test('a damaged stream is read or refused, never anything else', () => {
  const random = dice(77);
  for (let round = 0; round < 400; round++) {
    const bytes = damage(claiming(round % 2 ? 0 : 12), random);
    try {
      streamed(bytes, 1 + (round % 50));
    } catch (error) {
      expect(error).toBeInstanceOf(WavError);
    }
  }
});
