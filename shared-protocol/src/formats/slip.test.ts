import { expect, test } from 'vitest';
import { SlipDecoder, slipEncode } from './slip.ts';
import { dice, randomBytes } from './testing.ts';

test('encodes a frame between two C0, and escapes C0 and DB', () => {
  expect([...slipEncode(Uint8Array.of(1, 0xc0, 0xdb, 2))]).toEqual([
    0xc0, 1, 0xdb, 0xdc, 0xdb, 0xdd, 2, 0xc0,
  ]);
});

test('gives back frames and the text between them, in pieces of any size', () => {
  const roll = dice(1);
  const text = 'ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\n';
  const payloads = Array.from({ length: 50 }, () => randomBytes(roll, 1 + roll(300)));
  const wire = Buffer.concat([
    Buffer.from(text),
    ...payloads.flatMap((payload) => [slipEncode(payload), Buffer.from('log\n')]),
  ]);
  for (const size of [1, 2, 7, 64, wire.length]) {
    const decoder = new SlipDecoder();
    const frames: Uint8Array[] = [];
    for (let at = 0; at < wire.length; at += size) frames.push(...decoder.push(wire.subarray(at, at + size)));
    expect(frames).toEqual(payloads);
    expect(decoder.takeText()).toBe(text + 'log\n'.repeat(payloads.length));
    expect(decoder.takeText()).toBe('');
    expect(decoder.dropped).toBe(0);
  }
});

test('finds the next frame after a lost C0', () => {
  const decoder = new SlipDecoder();
  const frame = slipEncode(Uint8Array.of(1, 2, 3));
  const frames = decoder.push(Buffer.concat([frame.subarray(1), frame, frame]));
  expect(frames.at(-1)).toEqual(Uint8Array.of(1, 2, 3));
});

test('drops and counts a frame that is too long or has a wrong escape, and goes on', () => {
  const decoder = new SlipDecoder({ maxFrame: 4 });
  const good = slipEncode(Uint8Array.of(9, 9, 9, 9));
  const frames = decoder.push(
    Buffer.concat([
      good,
      slipEncode(new Uint8Array(5)),
      good,
      Uint8Array.of(0xc0, 1, 0xdb, 1, 2, 0xc0),
      good,
    ]),
  );
  expect(frames).toEqual([1, 2, 3].map(() => Uint8Array.of(9, 9, 9, 9)));
  expect(decoder.dropped).toBe(2);
});

test('keeps only the newest text', () => {
  const decoder = new SlipDecoder({ maxText: 10 });
  decoder.push(Buffer.from(`${'x'.repeat(1000)}0123456789`));
  expect(decoder.takeText()).toBe('0123456789');
});

test('a reset forgets the frame under way', () => {
  const decoder = new SlipDecoder();
  decoder.push(Uint8Array.of(0xc0, 1, 2));
  decoder.reset();
  expect(decoder.push(slipEncode(Uint8Array.of(5)))).toEqual([Uint8Array.of(5)]);
});

test('takes any bytes: frames stay within the limit', () => {
  const roll = dice(2);
  const decoder = new SlipDecoder({ maxFrame: 32 });
  for (let i = 0; i < 2000; i++) {
    const bytes = randomBytes(roll, roll(100)).map((byte) =>
      roll(4) === 0 ? [0xc0, 0xdb, 0xdc, 0xdd][roll(4)]! : byte,
    );
    for (const frame of decoder.push(bytes)) {
      expect(frame.length).toBeGreaterThan(0);
      expect(frame.length).toBeLessThanOrEqual(32);
    }
  }
  decoder.reset();
  expect(decoder.push(slipEncode(Uint8Array.of(7)))).toEqual([Uint8Array.of(7)]);
});
