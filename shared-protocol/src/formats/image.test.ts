import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { appDescriptorOf, buildAppDescriptor, parseAppDescriptor } from './app-descriptor.ts';
import { buildAppImage, ImageError, parseImage, patchFlashParams, verifyImage } from './image.ts';
import { damage, dice, randomBytes } from './testing.ts';

const RAM = 0x3fc88000;
const CODE = 0x40374000;

function sample(): Uint8Array {
  const roll = dice(5);
  return buildAppImage({
    segments: [
      { address: RAM, data: randomBytes(roll, 101) },
      { address: CODE, data: randomBytes(roll, 64) },
    ],
    entry: CODE + 4,
    flashMode: 'dio',
    flashSize: '8MB',
    flashFreq: '80m',
    minRev: 1,
    maxRev: 99,
  });
}
function codes(bytes: Uint8Array): string[] {
  return parseImage(bytes).problems.map(({ code }) => code);
}
function errorOf(run: () => unknown): ImageError {
  try {
    run();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('lays out header, segments, checksum and hash', () => {
  const bytes = sample();
  expect(Buffer.from(bytes.subarray(0, 24)).toString('hex')).toBe(
    'e902023f' + '04403740' + 'ee000000' + '0900' + '00' + '0100' + '6300' + '00000000' + '01',
  );
  const body = bytes.length - 32;
  expect(body % 16).toBe(0);
  expect(Buffer.from(bytes.subarray(body))).toEqual(
    createHash('sha256').update(bytes.subarray(0, body)).digest(),
  );
});

test('reads back what it wrote, also with other bytes behind it', () => {
  const bytes = sample();
  const image = parseImage(Buffer.concat([bytes, new Uint8Array(100).fill(0xff)]));
  expect(image.problems).toEqual([]);
  expect(image).toMatchObject({ checksumOk: true, hashOk: true, length: bytes.length });
  expect(image.header).toEqual({
    segments: 2,
    flashMode: 'dio',
    flashSize: '8MB',
    flashFreq: '80m',
    entry: CODE + 4,
    chip: 9,
    minRev: 1,
    maxRev: 99,
    hashAppended: true,
  });
  expect(image.segments.map(({ address, data }) => [address, data.length])).toEqual([
    [RAM, 104],
    [CODE, 64],
  ]);
});

test('finds every single changed byte', () => {
  const bytes = sample();
  for (let at = 0; at < bytes.length; at++) {
    const broken = bytes.slice();
    broken[at]! ^= 0x40;
    expect(codes(broken), `byte ${at}`).not.toEqual([]);
  }
});

test('finds every cut', () => {
  const bytes = sample();
  for (let length = 0; length < bytes.length; length++) {
    expect(codes(bytes.subarray(0, length)), `${length} bytes`).toEqual(['truncated']);
  }
});

test('names what is wrong', () => {
  const bytes = sample();
  expect(codes(new Uint8Array(64))).toEqual(['magic']);
  expect(codes(new Uint8Array(64).fill(0xff))).toEqual(['magic']);
  const noSegments = bytes.slice();
  noSegments[1] = 0;
  expect(codes(noSegments)).toEqual(['segments']);
  const checksum = bytes.slice();
  checksum[40]! ^= 1;
  expect(codes(checksum)).toEqual(['checksum', 'hash']);
  const odd = bytes.slice();
  odd[28] = 0x61;
  expect(codes(odd)).toEqual(['segment-length']);
  const mapped = buildAppImage({ segments: [{ address: 0x3c000000, data: new Uint8Array(8) }], entry: 0 });
  expect(codes(mapped)).toEqual(['segment-address']);
});

test('an image without a hash has none to check', () => {
  const bytes = sample().slice(0, -32);
  bytes[23] = 0;
  expect(parseImage(bytes)).toMatchObject({
    hashOk: undefined,
    checksumOk: true,
    length: bytes.length,
    problems: [],
  });
});

test('verifyImage refuses another chip, another revision, and what does not fit', () => {
  const bytes = sample();
  expect(verifyImage(bytes, { chip: 9, maxSize: bytes.length, revision: 2 }).header.chip).toBe(9);
  expect(errorOf(() => verifyImage(bytes, { chip: 5 })).message).toBe(
    'the image is for chip 9, this chip is 5',
  );
  expect(errorOf(() => verifyImage(bytes, { revision: 0 })).message).toBe(
    'the image is for chip revisions v0.1 to v0.99, this is v0.0',
  );
  expect(errorOf(() => verifyImage(bytes, { revision: 100 })).code).toBe('revision');
  expect(errorOf(() => verifyImage(bytes, { maxSize: bytes.length - 1 })).code).toBe('size');
  const both = errorOf(() => verifyImage(bytes.subarray(0, 100), { chip: 5 }));
  expect(both.problems.map(({ code }) => code)).toEqual(['chip', 'truncated']);
});

test('patching flash parameters leaves a valid image, and the rest as it was', () => {
  const bytes = new Uint8Array([...sample(), ...Buffer.from('signature')]);
  const patched = patchFlashParams(bytes, { mode: 'qio', freq: '40m', size: '16MB' });
  const image = verifyImage(patched);
  expect(image.header).toMatchObject({ flashMode: 'qio', flashFreq: '40m', flashSize: '16MB' });
  expect(image.hashOk).toBe(true);
  expect(patched.subarray(4, image.length - 32)).toEqual(bytes.subarray(4, image.length - 32));
  expect(Buffer.from(patched.subarray(image.length)).toString()).toBe('signature');
  expect(patchFlashParams(patched, { mode: 'dio', freq: '80m', size: '8MB' })).toEqual(bytes);
  const buffer = Buffer.from(bytes);
  patchFlashParams(buffer, { mode: 'dout' });
  expect(buffer).toEqual(Buffer.from(bytes)); // the caller's bytes stay as they are
  expect(errorOf(() => patchFlashParams(bytes.subarray(0, 50), {})).code).toBe('truncated');
});

test('refuses to build without segments or with too many', () => {
  expect(() => buildAppImage({ segments: [], entry: 0 })).toThrow(ImageError);
  const segments = Array.from({ length: 17 }, () => ({ address: RAM, data: new Uint8Array(4) }));
  expect(() => buildAppImage({ segments, entry: 0 })).toThrow(ImageError);
});

test('the application descriptor goes there and back', () => {
  const app = {
    secureVersion: 3,
    version: 'v1.2.3-dirty',
    project: 'tincan',
    time: '12:34:56',
    date: 'Nov 20 2026',
    idfVersion: 'v5.5.1',
    elfSha256: Uint8Array.from({ length: 32 }, (_, i) => i),
    minEfuseRev: 100,
    maxEfuseRev: 199,
    mmuPageSize: 0x10000,
  };
  const bytes = buildAppDescriptor(app);
  expect(bytes.length).toBe(256);
  expect(parseAppDescriptor(bytes)).toEqual(app);
  const image = parseImage(buildAppImage({ segments: [{ address: 0x3c000020, data: bytes }], entry: CODE }));
  expect(appDescriptorOf(image)?.project).toBe('tincan');
  expect(appDescriptorOf(parseImage(sample()))).toBeUndefined();
  expect(() => buildAppDescriptor({ version: 'x'.repeat(32) })).toThrow(ImageError);
});

test('takes any bytes without an exception', () => {
  const roll = dice(11);
  const good = sample();
  for (let i = 0; i < 3000; i++) {
    const bytes = i % 3 === 0 ? randomBytes(roll, roll(400)) : damage(good, roll);
    if (i % 3 === 0 && bytes.length > 0) bytes[0] = 0xe9;
    parseImage(bytes);
    try {
      verifyImage(bytes, { maxSize: 1000 });
    } catch (error) {
      expect(error).toBeInstanceOf(ImageError);
    }
  }
});
