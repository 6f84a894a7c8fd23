import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFlasherArgs } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { testFiles } from '../testing/hello-app.ts';
import { checkFiles } from './check.ts';
import { readPlan } from './plan.ts';

function folder(chip = 'esp32s3'): string {
  const path = mkdtempSync(join(tmpdir(), 'tincan-'));
  const files = [{ offset: 0x20000, file: 'app.bin', name: 'app' }];
  writeFileSync(
    join(path, 'flasher_args.json'),
    writeFlasherArgs({ chip, mode: 'dio', size: '8MB', freq: '80m', files }),
  );
  writeFileSync(join(path, 'app.bin'), 'abc');
  return path;
}

test('reads the files that flasher_args.json names, by folder or by file', () => {
  const path = folder();
  const { files } = readPlan(path);
  expect(files).toEqual([{ offset: 0x20000, data: new Uint8Array(Buffer.from('abc')), name: 'app.bin' }]);
  expect(readPlan(join(path, 'flasher_args.json')).files).toEqual(files);
});

test('what is missing, broken, or for another chip is a sentence with status 4', () => {
  expect(() => readPlan('/nope')).toThrow(expect.objectContaining({ code: 'PLAN_MISSING', exitCode: 4 }));
  expect(() => readPlan(folder('esp32c3'))).toThrow(expect.objectContaining({ code: 'IMAGE_CHIP' }));
  const broken = folder();
  writeFileSync(join(broken, 'flasher_args.json'), '{"flash_files":');
  expect(() => readPlan(broken)).toThrow(expect.objectContaining({ code: 'PLAN_BROKEN' }));
  const gone = folder();
  writeFileSync(
    join(gone, 'flasher_args.json'),
    JSON.stringify({ flash_files: { '0x0': 'none.bin' }, extra_esptool_args: { chip: 'esp32s3' } }),
  );
  expect(() => readPlan(gone)).toThrow('none.bin');
});

/** As merge-bin makes it: everything in its place, FF between. */
function merged(change: (bytes: Uint8Array) => void = () => {}): string {
  const files = testFiles();
  const bytes = new Uint8Array(Math.max(...files.map(({ offset, data }) => offset + data.length))).fill(0xff);
  for (const { offset, data } of files) bytes.set(data, offset);
  change(bytes);
  const path = join(mkdtempSync(join(tmpdir(), 'tincan-')), 'merged.bin');
  writeFileSync(path, bytes);
  return path;
}

test('a merged image is taken apart; the space between stays as it is on the board', () => {
  const { files } = readPlan(merged());
  const parts = testFiles();
  expect(files.map(({ offset, data }) => [offset, data.length])).toEqual(
    parts.map(({ offset, data }) => [offset, offset === 0x8000 ? 0xc00 : data.length]),
  );
  for (const [i, { data }] of parts.entries())
    expect(Buffer.compare(files[i]!.data.subarray(0, data.length), data)).toBe(0);
  expect(files.map(({ name }) => name)).toEqual([
    'merged.bin (bootloader)',
    'merged.bin (partition-table)',
    'merged.bin (otadata)',
    'merged.bin (ota_0)',
  ]);
  expect(checkFiles(files, { board: 'virtual', flashBytes: 8 << 20 }).app).toMatchObject({
    version: '9.8.7',
  });
});

test('a merged image with something outside of its partitions is refused by the place of it', () => {
  const { files } = readPlan(merged((bytes) => bytes.fill(1, 0x15000, 0x15010)));
  expect(() => checkFiles(files)).toThrow(expect.objectContaining({ code: 'IMAGE_PLACE' }));
});

test('a single image is no merged one, and says which file knows its place', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'tincan-')), 'tincan.bin');
  writeFileSync(path, testFiles()[3]!.data);
  expect(() => readPlan(path)).toThrow(expect.objectContaining({ code: 'PLAN_UNKNOWN', exitCode: 4 }));
});

test('another place of the table is taken from the build; encrypted files are refused', () => {
  const path = mkdtempSync(join(tmpdir(), 'tincan-'));
  const table = { offset: '0x10000', file: 'table.bin', encrypted: 'false' };
  const write = (more: object) =>
    writeFileSync(
      join(path, 'flasher_args.json'),
      JSON.stringify({
        flash_files: { '0x10000': 'table.bin' },
        extra_esptool_args: { chip: 'esp32s3' },
        'partition-table': table,
        ...more,
      }),
    );
  writeFileSync(join(path, 'table.bin'), testFiles()[1]!.data);
  write({});
  expect(readPlan(path)).toMatchObject({ tableOffset: 0x10000 });
  expect(checkFiles(readPlan(path).files, { tableOffset: 0x10000 }).table?.length).toBe(7);
  write({ 'partition-table': { ...table, encrypted: 'true' } });
  expect(() => readPlan(path)).toThrow(expect.objectContaining({ code: 'PLAN_ENCRYPTED', exitCode: 4 }));
});
