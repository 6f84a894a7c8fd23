import { createDecoder, createEncoder } from 'libopus-wasm';
import { expect, test } from 'vitest';
import { hasOpusTools, OPUS_TOOLS, opusdec, opusinfo } from '../testing/opus-tools.ts';
import { OggOpusWriter, oggCrc, PRE_SKIP, packetSamples, readOggOpus } from './ogg.ts';
import { Voice } from './voice.ts';

/** Collects what is written. */
function file() {
  const pages: Uint8Array[] = [];
  return { write: (page: Uint8Array) => void pages.push(page), pages, bytes: () => Buffer.concat(pages) };
}

/** So many packets of 20 ms with a tone, made at 16 kHz as the device does. */
async function tone(count: number, hertz = 440): Promise<Uint8Array[]> {
  const encoder = await createEncoder({ sampleRate: 16_000, channels: 1, bitrate: 24_000 });
  const packets = Array.from({ length: count }, (_, n) =>
    Uint8Array.from(
      encoder.encode(
        Int16Array.from({ length: 320 }, (_, i) =>
          Math.round(9000 * Math.sin((2 * Math.PI * hertz * (n * 320 + i)) / 16_000)),
        ),
      ),
    ),
  );
  encoder.free();
  return packets;
}

/** Decodes by libopus, without the pre-skip, as long as the file says. */
async function decode(bytes: Uint8Array): Promise<Int16Array> {
  const { packets, preSkip, length } = readOggOpus(bytes);
  const decoder = await createDecoder({ sampleRate: 48_000, channels: 1 });
  const pieces = packets.map(({ bytes: packet, samples }) =>
    packet.length > 1
      ? Int16Array.from(decoder.decode(packet))
      : Int16Array.from(decoder.decodePacketLoss(samples)),
  );
  decoder.free();
  const all = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all.subarray(preSkip, preSkip + length);
}
const rms = (samples: Int16Array) =>
  Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / Math.max(1, samples.length));
/** In ms of 48 kHz. */
const part = (samples: Int16Array, from: number, to: number) => samples.subarray(from * 48, to * 48);

test('the checksum is that of RFC 3533', () => {
  const page = Buffer.from('OggS and some bytes behind it \xff\x00', 'latin1');
  // Bit by bit, as the RFC describes it.
  let crc = 0;
  for (const byte of page)
    for (let bit = 7; bit >= 0; bit--) {
      const top = (crc >>> 31) ^ ((byte >> bit) & 1);
      crc = ((crc << 1) ^ (top ? 0x04c1_1db7 : 0)) >>> 0;
    }
  expect(oggCrc(page)).toBe(crc);
  expect(oggCrc(Uint8Array.of())).toBe(0);
});

test('what is written is read again: headers, packets of every size, times', () => {
  const out = file();
  const ogg = new OggOpusWriter(out.write, 0xdead_beef, ['TITLE=Person', 'NOTE=grün']);
  const sizes = [1, 2, 254, 255, 256, 509, 510, 511, 1275];
  for (const size of sizes) ogg.packet(new Uint8Array(size).fill(8), 960);
  ogg.end(sizes.length * 960 - 500);
  const read = readOggOpus(out.bytes());
  expect(read).toMatchObject({
    preSkip: 312,
    channels: 1,
    tags: ['TITLE=Person', 'NOTE=grün'],
    ended: true,
    length: sizes.length * 960 - 500,
  });
  expect(read.packets.map(({ bytes }) => bytes.length)).toEqual(sizes);
});

test('packets never go over the end of a page, however many and large they are', () => {
  const out = file();
  const ogg = new OggOpusWriter(out.write, 1);
  for (let i = 0; i < 600; i++) ogg.packet(new Uint8Array((i * 37) % 1276).fill(i), 960);
  ogg.end(600 * 960);
  for (const page of out.pages) {
    expect(page[5]! & 1).toBe(0); // not continued
    expect(page[26]).toBeLessThanOrEqual(255);
  }
  expect(readOggOpus(out.bytes()).packets).toHaveLength(600);
});

test('cut at any byte, it plays up to its last whole page', async () => {
  const out = file();
  const voice = new Voice(out.write, 5, 'Person');
  const packets = await tone(60);
  packets.forEach((packet, i) => {
    voice.packet(packet, i * 960);
    if (i % 10 === 9) voice.flush();
  });
  voice.close(60 * 960);
  const whole = out.bytes();
  const ends = out.pages.map((_, i) => Buffer.concat(out.pages.slice(0, i + 1)).length);
  const headers = ends[1] as number;
  let last = 0;
  for (let cut = headers; cut <= whole.length; cut++) {
    const { packets: read, ended, length } = readOggOpus(whole.subarray(0, cut));
    const pages = ends.filter((end) => end <= cut).length - 2;
    if (cut < whole.length) expect(read.length).toBe(Math.min(60, pages * 10));
    expect(ended).toBe(cut === whole.length);
    expect(length).toBeGreaterThanOrEqual(last);
    last = length;
  }
  expect(last).toBe(60 * 960);
  for (let cut = 0; cut < headers; cut += 7)
    expect(() => readOggOpus(whole.subarray(0, cut))).toThrow(/no Opus/);
});

test.skipIf(!hasOpusTools)(`opusinfo finds no fault, cut or whole${OPUS_TOOLS}`, async () => {
  const out = file();
  const voice = new Voice(out.write, 5, 'Person');
  for (const [i, packet] of (await tone(100)).entries()) {
    // Something is missing, for short and for long.
    if (i % 30 < 25) voice.packet(packet, (i + (i > 50 ? 400 : 0)) * 960 + (i > 70 ? 217 : 0));
  }
  voice.close(600 * 960 + 123);
  const { status, text } = opusinfo(out.bytes());
  expect(text).not.toMatch(/warning|error|invalid/i);
  expect(text).toMatch(/TITLE=Person/);
  expect(text).toMatch(/Pre-skip: 312/);
  expect(text).toMatch(/Playback length: 0m:12\.00/);
  expect(status).toBe(0);
  const cut = opusinfo(out.bytes().subarray(0, 3000));
  expect(cut.text).not.toMatch(/invalid|corrupt/i);
  expect(opusdec(out.bytes().subarray(0, 3000)).length).toBeGreaterThan(4800);
});

test('gaps are silence, and what comes behind is in its place', async () => {
  const out = file();
  const voice = new Voice(out.write, 1, 'Tincan');
  const [packets] = [await tone(50)];
  // 1 s of silence, 0.4 s of tone, 2.0025 s of silence, 0.4 s of tone, to the end at 5 s.
  for (let i = 0; i < 20; i++) voice.packet(packets[i]!, 48_000 + i * 960);
  const second = 48_000 + 20 * 960 + 96_120;
  for (let i = 20; i < 40; i++) voice.packet(packets[i]!, second + (i - 20) * 960);
  voice.close(240_000);
  const samples = await decode(out.bytes());
  expect(samples).toHaveLength(240_000);
  expect(rms(part(samples, 0, 995))).toBe(0);
  expect(rms(part(samples, 1020, 1380))).toBeGreaterThan(5000);
  expect(rms(part(samples, 1450, 3380))).toBe(0);
  expect(rms(part(samples, 3430, 3780))).toBeGreaterThan(5000);
  expect(rms(part(samples, 3850, 5000))).toBe(0);
  expect(voice.counts).toEqual({ packets: 40, lost: 0, refused: 0 });
  if (hasOpusTools) {
    const theirs = opusdec(out.bytes());
    expect(theirs).toHaveLength(240_000);
    expect(Math.abs(rms(theirs) - rms(samples))).toBeLessThan(30);
  }
});

test('the sound of a packet is where its time is: to the sample, as libopus looks ahead', async () => {
  const encoder = await createEncoder({ sampleRate: 48_000, channels: 1, bitrate: 64_000 });
  const out = file();
  const voice = new Voice(out.write, 1, 'Person');
  // A click 1 s after the beginning.
  for (let n = 0; n < 100; n++) {
    const pcm = new Int16Array(960);
    if (n === 50) pcm.fill(20_000, 0, 20);
    voice.packet(Uint8Array.from(encoder.encode(pcm)), n * 960);
  }
  encoder.free();
  voice.close(96_000);
  const samples = await decode(out.bytes());
  const loudest = samples.reduce((best, one, i) => (Math.abs(one) > Math.abs(samples[best]!) ? i : best), 0);
  expect(Math.abs(loudest - 48_010)).toBeLessThan(48);
});

test('a lost packet is concealed, and counted', async () => {
  const out = file();
  const voice = new Voice(out.write, 1, 'Tincan');
  const packets = await tone(50);
  packets.forEach((packet, i) => {
    if (i !== 25 && i !== 26) voice.packet(packet, i * 960);
  });
  voice.close(48_000);
  expect(voice.counts).toEqual({ packets: 48, lost: 2, refused: 0 });
  const samples = await decode(out.bytes());
  expect(rms(part(samples, 505, 520))).toBeGreaterThan(2000);
});

test('what is no packet, or comes too late, is left out; nothing else moves', async () => {
  const out = file();
  const voice = new Voice(out.write, 1, 'Tincan');
  const [packet] = await tone(1);
  for (let i = 0; i < 20; i++) voice.packet(packet!, i * 960);
  voice.packet(Uint8Array.of(), 20 * 960);
  voice.packet(Uint8Array.of(3), 20 * 960);
  voice.packet(Uint8Array.of(3, 63), 20 * 960);
  voice.packet(packet!, 960);
  voice.packet(packet!, 20 * 960 - 500); // within what clocks may differ
  expect(voice.counts).toEqual({ packets: 21, lost: 0, refused: 4 });
  expect(voice.end).toBe(21 * 960);
});

test('the length of packets is that of RFC 6716', () => {
  const samples = (...bytes: number[]) => packetSamples(Uint8Array.from(bytes));
  expect(samples(0x08, 1)).toBe(960); // SILK, narrow band, 20 ms
  expect(samples(0x18, 1)).toBe(2880); // 60 ms
  expect(samples(0x78, 1)).toBe(960); // hybrid, full band, 20 ms
  expect(samples(0xe0, 1)).toBe(120); // CELT, full band, 2.5 ms
  expect(samples(0xf9, 1)).toBe(1920); // two frames
  expect(samples(0xfb, 3)).toBe(2880); // three
  expect(samples(0x1b, 3)).toBeUndefined(); // 180 ms
  expect(samples()).toBeUndefined();
  expect(samples(0xfb)).toBeUndefined();
});

test('a damaged page is noticed', async () => {
  const out = file();
  const voice = new Voice(out.write, 1, 'Tincan');
  for (const [i, packet] of (await tone(30)).entries()) voice.packet(packet, i * 960);
  voice.close(30 * 960);
  const bytes = out.bytes();
  for (const at of [0, 30, 200, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x40;
    expect(() => readOggOpus(damaged)).toThrow();
  }
  expect(PRE_SKIP).toBe(312);
});
