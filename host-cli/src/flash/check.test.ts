import { buildAppDescriptor, buildAppImage, buildPartitionTable } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { findBoard, partitionsOf } from '../build/board.ts';
import { testFiles } from '../testing/hello-app.ts';
import { checkFiles } from './check.ts';
import type { FlashFile } from './flasher.ts';
import { withFlashSize } from './header.ts';

const good = testFiles();
const app = good[3]!;

/** The good files with the application replaced. */
const withApp = (change: Partial<FlashFile>): FlashFile[] => [...good.slice(0, 3), { ...app, ...change }];

function changed(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = app.data.slice();
  change(bytes);
  return bytes;
}

function image(project: string, options: { chip?: number; minRev?: number } = {}): Uint8Array {
  const data = new Uint8Array(512);
  data.set(buildAppDescriptor({ project, version: '1.0.0' }));
  return buildAppImage({ segments: [{ address: 0x3c000020, data }], entry: 0, ...options });
}

test('a whole build passes, and the application is known by its hash', () => {
  const checked = checkFiles(good, { board: 'virtual', flashBytes: 8 << 20, revision: 2 });
  expect(checked.app).toMatchObject({ project: 'tincan-virtual', version: '9.8.7', partition: 'ota_0' });
  expect(checked.app?.image).toMatch(/^[0-9a-f]{64}$/);
  expect(checked.table?.length).toBe(7);
});

test.each<[string, FlashFile[], object, string, RegExp]>([
  ['nothing', [], {}, 'IMAGE_EMPTY', /nothing to flash/],
  ['an empty file', withApp({ data: new Uint8Array() }), {}, 'IMAGE_EMPTY', /tincan\.bin is empty/],
  [
    'an image for another chip',
    withApp({ data: image('tincan-virtual', { chip: 5 }) }),
    {},
    'IMAGE_CHIP',
    /ESP32-C3/,
  ],
  ['a truncated image', withApp({ data: app.data.slice(0, 30_000) }), {}, 'IMAGE_BROKEN', /cut off/],
  ['an image cut in its hash', withApp({ data: app.data.slice(0, -1) }), {}, 'IMAGE_BROKEN', /cut off/],
  [
    'a flipped bit',
    withApp({ data: changed((bytes) => (bytes[5000]! ^= 1)) }),
    {},
    'IMAGE_BROKEN',
    /damaged/,
  ],
  [
    'a wrong hash',
    withApp({ data: changed((bytes) => (bytes[bytes.length - 1]! ^= 1)) }),
    {},
    'IMAGE_BROKEN',
    /damaged/,
  ],
  [
    'no image at all',
    withApp({ data: Buffer.from('<html>404</html>') }),
    {},
    'IMAGE_BROKEN',
    /cut off|damaged/,
  ],
  [
    'another board',
    good,
    { board: 'korvo' },
    'IMAGE_OTHER_BOARD',
    /for the board "virtual", not for "korvo"/,
  ],
  ['another project', withApp({ data: image('blink') }), {}, 'IMAGE_OTHER_BOARD', /"blink", not a Tincan/],
  [
    'a newer chip',
    withApp({ data: image('tincan-virtual', { minRev: 300 }) }),
    { revision: 2 },
    'IMAGE_REVISION',
    /v0\.2/,
  ],
  [
    'two files in one sector',
    [...good, { offset: 0x8000, data: new Uint8Array(4), name: 'x' }],
    {},
    'IMAGE_OVERLAP',
    /x/,
  ],
  [
    'overlapping files',
    [{ ...good[0]!, data: new Uint8Array(0x9000) }, ...good.slice(1)],
    {},
    'IMAGE_OVERLAP',
    /runs into/,
  ],
  ['an odd offset', withApp({ offset: 0x20010 }), {}, 'IMAGE_ALIGN', /4 KiB sector/],
  ['a smaller flash', good, { flashBytes: 0x20000 }, 'IMAGE_PAST_END', /ends at 0x20000/],
  [
    'a boot loader for a larger flash',
    [...withFlashSize(good, '16MB', 0)],
    { flashBytes: 8 << 20 },
    'IMAGE_FLASH_SIZE',
    /says that the flash has 16MB, but this board has/,
  ],
  [
    'a boot loader for a flash that ends before the table does',
    [...withFlashSize(good, '2MB', 0)],
    { flashBytes: 8 << 20 },
    'IMAGE_FLASH_SIZE',
    /2MB, but the partition ota_0 ends at 0x320000/,
  ],
  ['a flash smaller than the table', good, { flashBytes: 0x100000 }, 'IMAGE_TABLE', /partition table/],
  ['a place without partition', withApp({ offset: 0x700000 }), {}, 'IMAGE_PLACE', /nothing/],
  [
    'a broken table',
    [good[0]!, { ...good[1]!, data: good[1]!.data.map((b, i) => (i === 40 ? b ^ 1 : b)) }],
    {},
    'IMAGE_TABLE',
    /partition table/,
  ],
])('refused: %s', (_, files, options, code, message) => {
  let error: unknown;
  try {
    checkFiles(files, options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    code,
    message: expect.stringMatching(message),
    hint: expect.any(String),
    exitCode: 4,
  });
});

test('a file that does not fit its partition says both sizes', () => {
  const table = partitionsOf(findBoard('virtual')).map((one) =>
    one.name === 'ota_0' ? { ...one, size: 0x10000 } : one,
  );
  const big = testFiles(new Uint8Array(0x12000));
  const files = [big[0]!, { ...big[1]!, data: buildPartitionTable(table) }, big[2]!, big[3]!];
  expect(() => checkFiles(files)).toThrow(
    /74,.* bytes, but the partition ota_0 \(app\/ota_0\) only 65,536 bytes/,
  );
});

test('files without a table are held against the one on the board', () => {
  const table = partitionsOf(findBoard('virtual'));
  expect(checkFiles([app]).app?.partition).toBe('app');
  expect(checkFiles([app], { table }).app?.partition).toBe('ota_0');
  expect(() => checkFiles([{ ...app, offset: 0x700000 }], { table })).toThrow('nothing');
});
