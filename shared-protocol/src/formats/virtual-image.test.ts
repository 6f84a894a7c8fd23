import { expect, test } from 'vitest';
import { appDescriptorOf } from './app-descriptor.ts';
import { sha256 } from './bytes.ts';
import { buildAppImage, type ImageError, parseImage, verifyImage } from './image.ts';
import { dice, randomBytes } from './testing.ts';
import { isVirtualBootloader, unwrapWasm, virtualBootloader, wrapWasm } from './virtual-image.ts';

const wasm = randomBytes(dice(3), 12_345);

test('the image holds the module, its hash and its version', () => {
  const bytes = wrapWasm({ wasm, version: '0.1.0' });
  const image = verifyImage(bytes, { chip: 9, maxSize: 0x300000 });
  expect(image.segments[0]).toMatchObject({ address: 0x3c000020, offset: 0x20 });
  expect(Buffer.from(image.segments[0]!.data.subarray(256, 260)).toString()).toBe('TCWA');
  expect(appDescriptorOf(image)?.elfSha256).toEqual(sha256(wasm));
  expect(unwrapWasm(image)).toEqual({
    wasm,
    hash: Buffer.from(sha256(wasm)).toString('hex'),
    version: '0.1.0',
    project: 'tincan-virtual',
  });
  expect(wrapWasm({ wasm, version: '0.1.0' })).toEqual(bytes);
});

test('an image for silicon, a cut module and a changed module are refused', () => {
  const codeOf = (data: Uint8Array): string => {
    try {
      unwrapWasm(parseImage(buildAppImage({ segments: [{ address: 0x3c000020, data }], entry: 0 })));
    } catch (error) {
      return (error as ImageError).code;
    }
    return 'taken';
  };
  const data = parseImage(wrapWasm({ wasm, version: '1' })).segments[0]!.data;
  expect(codeOf(data)).toBe('taken');
  expect(codeOf(data.subarray(0, 256))).toBe('not-virtual');
  expect(codeOf(data.subarray(0, 260))).toBe('wasm');
  expect(codeOf(data.subarray(0, 5000))).toBe('wasm');
  expect(codeOf(new Uint8Array(300))).toBe('not-virtual');
  const changed = data.slice();
  changed[1000]! ^= 1;
  expect(codeOf(changed)).toBe('wasm');
});

test('the boot loader is a valid image with its entry inside its segment', () => {
  const image = verifyImage(virtualBootloader(), { chip: 9, maxSize: 0x8000 });
  const { address, data } = image.segments[0]!;
  expect(image.header.entry).toBeGreaterThanOrEqual(address);
  expect(image.header.entry).toBeLessThan(address + data.length);
  expect(isVirtualBootloader(image)).toBe(true);
  expect(isVirtualBootloader(parseImage(wrapWasm({ wasm, version: '1' })))).toBe(false);
});
