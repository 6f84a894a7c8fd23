import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.ts';
import { LINK } from './link.ts';
import { encodeFrame, FrameError, LinkDecoder, type LinkItem, MAX_TEXT_PIECE } from './link-codec.ts';

interface Golden {
  encode: { name: string; json: string; number: number; bytes: string }[];
  big: {
    name: string;
    before: string;
    fill: string;
    count: number;
    after: string;
    number: number;
    tail: string;
    ok: boolean;
  }[];
  broken: { name: string; bytes: string; why: string; length: number }[];
  streams: { name: string; bytes: string; items: LinkItem[] }[];
}
const golden = readGolden<Golden>('link.json');
const hex = (text: string) => Buffer.from(text, 'hex');

function decode(bytes: Uint8Array, cuts: readonly number[] = []): LinkItem[] {
  const decoder = new LinkDecoder();
  const items: LinkItem[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    // A copy, overwritten afterwards: the decoder must not keep the caller's memory.
    const piece = new Uint8Array(bytes.subarray(from, cut));
    items.push(...decoder.push(piece));
    piece.fill(0x1e);
    from = cut;
  }
  return [...items, ...decoder.end()];
}

/** mulberry32: a small seeded generator; answers whole numbers from 0 to `below` - 1. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

describe('encodeFrame', () => {
  it.each(golden.encode.map((v) => [v.name, v] as const))('%s', (_name, { json, number, bytes }) => {
    expect(Buffer.from(encodeFrame(json, number)).toString('hex')).toBe(bytes);
  });
  it('takes the number modulo 2^32', () => {
    expect(encodeFrame('{}', 2 ** 32 + 5)).toEqual(encodeFrame('{}', 5));
  });
  it.each([
    ['nothing', '', 'EMPTY'],
    ['a line break', '{\n}', 'CONTROL_CHARACTER'],
    ['a tab', '{"a":"\t"}', 'CONTROL_CHARACTER'],
    ['a mark', '{}\x1e', 'CONTROL_CHARACTER'],
    ['a carriage return', '{}\r', 'CONTROL_CHARACTER'],
    ['NUL', '\0', 'CONTROL_CHARACTER'],
    ['characters that fit, in bytes that do not', `"${'ü'.repeat(LINK.maxJson / 2)}"`, 'TOO_LARGE'],
  ])('refuses %s', (_name, json, code) => {
    expect(() => encodeFrame(json, 0)).toThrow(expect.objectContaining({ code }) as FrameError);
  });
});

describe('LinkDecoder', () => {
  it.each(golden.encode.map((v) => [v.name, v] as const))('%s', (_name, { json, number, bytes }) => {
    expect(decode(hex(bytes))).toEqual([{ kind: 'frame', number, json, lost: 0, restart: false }]);
  });

  it.each(golden.big.map((v) => [v.name, v] as const))('%s', (_name, vector) => {
    const json = vector.before + vector.fill.repeat(vector.count) + vector.after;
    const bytes = Buffer.concat([Buffer.from(`\x1e${json}`), hex(vector.tail)]);
    for (const cuts of [[], [1], [bytes.length - 1], [100, 30_000, 60_000]]) {
      const [item, ...more] = decode(bytes, cuts);
      expect(more).toEqual([]);
      if (vector.ok) expect(item).toEqual({ kind: 'frame', number: 7, json, lost: 0, restart: false });
      else expect(item).toEqual({ kind: 'broken', why: 'too_long', bytes: bytes.length - 2 });
    }
    if (vector.ok) expect(Buffer.from(encodeFrame(json, 7))).toEqual(bytes);
    else expect(() => encodeFrame(json, 7)).toThrow(FrameError);
  });

  it.each(golden.broken.map((v) => [v.name, v] as const))('broken: %s', (_name, vector) => {
    const after = encodeFrame('{"after":1}', 9);
    const items = decode(Buffer.concat([hex(vector.bytes), after]));
    expect(items).toEqual([
      { kind: 'broken', why: vector.why, bytes: vector.length },
      { kind: 'frame', number: 9, json: '{"after":1}', lost: 0, restart: false },
    ]);
  });

  it.each(golden.streams.map((v) => [v.name, v] as const))('stream: %s', (_name, { bytes, items }) => {
    expect(decode(hex(bytes))).toEqual(items);
    const everyByte = Array.from({ length: bytes.length / 2 }, (_, i) => i);
    expect(decode(hex(bytes), everyByte)).toEqual(items);
  });

  it('refuses a true CRC over bytes that are not UTF-8', async () => {
    const { crc32 } = await import('node:zlib');
    const body = Buffer.concat([Buffer.from('"'), Buffer.from([0xff]), Buffer.from('"\t00000000')]);
    const sum = crc32(body).toString(16).padStart(8, '0');
    const frame = Buffer.concat([Buffer.from([0x1e]), body, Buffer.from(`\t${sum}\n`)]);
    expect(decode(frame)).toEqual([{ kind: 'broken', why: 'utf8', bytes: frame.length - 2 }]);
  });

  it('sees a restart whose first frames were lost', () => {
    const items = decode(Buffer.concat([encodeFrame('{}', 900), encodeFrame('{}', 3)]));
    expect(items[1]).toMatchObject({ number: 3, lost: 3, restart: true });
  });

  it('bounds lines without an end, and tears no character', () => {
    const line = `a${'世'.repeat(5000)}`;
    const items = decode(Buffer.from(`${line}\n`), [17, 4096, 4097, 9000]);
    expect(items.length).toBe(4);
    const lines = items.map((item) => (item.kind === 'text' ? item.line : ''));
    expect(lines.join('')).toBe(line);
    for (const piece of lines) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(MAX_TEXT_PIECE);
  });

  it('holds no more than its limits, whatever comes', () => {
    const decoder = new LinkDecoder();
    const noise = Buffer.alloc(1 << 20, 0xbf);
    let bytes = 0;
    for (let i = 0; i < 8; i++)
      for (const item of decoder.push(noise)) {
        expect(item.kind).toBe('text');
        if (item.kind === 'text') bytes += item.line.length;
      }
    expect(8 * noise.length - bytes).toBeLessThanOrEqual(MAX_TEXT_PIECE);
    decoder.push(Buffer.from('\n\x1e'));
    for (let i = 0; i < 8; i++) expect(decoder.push(noise)).toEqual([]);
    expect(decoder.push(Buffer.from('\n'))).toEqual([
      { kind: 'broken', why: 'too_long', bytes: 8 * noise.length },
    ]);
    expect(decoder.push(Buffer.from('ok\n'))).toEqual([{ kind: 'text', line: 'ok' }]);
  });
});

/** A stream of lines, frames and noise, with numbers that are lost, wrap and restart. */
function randomStream(random: (below: number) => number): { bytes: Buffer; sent: Map<string, number> } {
  const parts: Uint8Array[] = [];
  const sent = new Map<string, number>();
  let number = random(2) ? 0xffff_fff8 : random(1000);
  for (let i = 0; i < 40; i++) {
    const what = random(8);
    if (what < 3) {
      const json = JSON.stringify({ i, text: '界\n\t"'.repeat(random(random(20) ? 20 : 3000)) });
      parts.push(encodeFrame(json, number));
      sent.set(json, number);
      number = random(20) ? (number + 1 + (random(10) ? 0 : random(5))) >>> 0 : 0;
    } else if (what < 6) {
      parts.push(Buffer.from(`I (${i}) tag: ${'ü'.repeat(random(60))}${random(2) ? '\r\n' : '\n'}`));
    } else if (what === 6) {
      parts.push(Buffer.from(Array.from({ length: random(300) }, () => random(256))));
    } else {
      parts.push(Buffer.from('x'.repeat(random(10_000))));
    }
  }
  return { bytes: Buffer.concat(parts), sent };
}

describe('any stream', () => {
  it('gives the same items however it is cut', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed);
      const { bytes } = randomStream(random);
      const whole = decode(bytes);
      for (const most of [7, 300, 5000]) {
        const cuts: number[] = [];
        for (let at = random(most); at < bytes.length; at += 1 + random(most)) cuts.push(at);
        expect(decode(bytes, cuts), `seed ${seed}`).toEqual(whole);
      }
    }
  });

  it('with flipped bits never gives a frame that was not sent', () => {
    let given = 0;
    let broken = 0;
    for (let seed = 100; seed < 250; seed++) {
      const random = randomNumbers(seed);
      const { bytes, sent } = randomStream(random);
      for (let flips = random(40); flips >= 0; flips--) bytes[random(bytes.length)]! ^= 1 << random(8);
      for (const item of decode(bytes, [random(bytes.length)])) {
        if (item.kind === 'broken') broken++;
        if (item.kind !== 'frame') continue;
        expect(sent.get(item.json), `seed ${seed}`).toBe(item.number);
        given++;
      }
    }
    expect(given).toBeGreaterThan(500);
    expect(broken).toBeGreaterThan(500);
  });

  it('with every single bit of a frame flipped gives that frame never', () => {
    const frame = encodeFrame('{"jsonrpc":"2.0","method":"state"}', 0x0a0b0c0d);
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const bytes = frame.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const kinds = decode(bytes).map((item) => item.kind);
      expect(kinds, `bit ${bit}`).not.toContain('frame');
    }
  });
});
