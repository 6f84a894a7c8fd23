import { expect, it } from 'vitest';
import { ERR } from './codes.ts';
import { rms } from './level.ts';
import { OpusCodec } from './opus.ts';
import { tone } from './testing.ts';

it('carries a tone at about 24 kbit/s, conceals a loss, and refuses what is no packet', async () => {
  const codec = await OpusCodec.create();
  const sound = tone(1000);
  let bytes = 0;
  let last = new Int16Array(0);
  for (let at = 0; at < sound.length; at += 320) {
    const packet = codec.encode(sound.subarray(at, at + 320), 400) as Uint8Array;
    bytes += packet.length;
    last = codec.decode(packet, 320) as Int16Array<ArrayBuffer>;
  }
  expect(last.length).toBe(320);
  expect(rms(last)).toBeGreaterThan(0.3);
  expect(bytes).toBeGreaterThan(1500);
  expect(bytes).toBeLessThan(4500);
  expect((codec.decode(null, 320) as Int16Array).length).toBe(320);
  expect(rms(codec.decode(null, 320) as Int16Array)).toBeGreaterThan(0.01);
  expect(codec.decode(new Uint8Array(0), 320)).toBe(ERR.format);
  expect(codec.decode(new Uint8Array([0xff, 0xff, 0xff]), 320)).toBe(ERR.format);
  expect(codec.encode(sound.subarray(0, 100), 400)).toBe(ERR.size);
  codec.stop();
  codec.stop();
});

it('forgets what went before at a reset', async () => {
  const codec = await OpusCodec.create();
  for (let i = 0; i < 10; i++) codec.decode(codec.encode(tone(20), 400) as Uint8Array, 320);
  expect(rms(codec.decode(null, 320) as Int16Array)).toBeGreaterThan(0.01);
  codec.reset();
  await new Promise((resolve) => setImmediate(resolve));
  expect(rms(codec.decode(null, 320) as Int16Array)).toBe(0);
  codec.stop();
});
