import { buildAppImage, parseImage, virtualBootloader } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { flashSizeOf, withFlashSize } from './header.ts';

const MB = 1 << 20;
const loader = (data = virtualBootloader()) => [{ offset: 0, data, name: 'bootloader.bin' }];

test('the header names the flash that is there, and the hash is right again', () => {
  const [file] = withFlashSize(loader(), 'detect', 16 * MB);
  expect(parseImage(file!.data)).toMatchObject({
    header: { flashSize: '16MB', flashFreq: '80m', flashMode: 'dio' },
    hashOk: true,
    checksumOk: true,
    problems: [],
  });
});

test('keep, the same size, and other files change nothing', () => {
  const files = [...loader(), { offset: 0x20000, data: virtualBootloader(), name: 'app.bin' }];
  expect(withFlashSize(files, 'keep', 4 * MB)).toBe(files);
  for (const [i, file] of withFlashSize(files, '8MB', 4 * MB).entries())
    expect(file.data).toBe(files[i]!.data);
  expect(withFlashSize(files, '4MB', 8 * MB)[1]!.data).toBe(files[1]!.data);
});

test('what stands behind the image stays: a merged image is corrected in its first image', () => {
  const merged = new Uint8Array(0x10000).fill(0xa5);
  merged.set(virtualBootloader());
  const [file] = withFlashSize(loader(merged), '4MB', 4 * MB);
  expect(parseImage(file!.data)).toMatchObject({ header: { flashSize: '4MB' }, hashOk: true });
  const { length } = parseImage(merged);
  expect(file!.data.subarray(length)).toEqual(merged.subarray(length));
});

test('a hash that was wrong before is not made right', () => {
  const data = virtualBootloader();
  data[data.length - 1]! ^= 1;
  expect(parseImage(withFlashSize(loader(data), '4MB', 4 * MB)[0]!.data).hashOk).toBe(false);
});

test('an image that is none is left alone', () => {
  const data = buildAppImage({ segments: [{ address: 0x403c8700, data: new Uint8Array(4) }], entry: 0 });
  data[0] = 0;
  expect(withFlashSize(loader(data), '4MB', 4 * MB)[0]!.data).toBe(data);
});

test('sizes by name', () => {
  expect(flashSizeOf(8 * MB)).toBe('8MB');
  expect(flashSizeOf(12 * MB)).toBe('8MB');
  expect(flashSizeOf(64 * MB)).toBe('32MB');
});
