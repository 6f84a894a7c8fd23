import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFlasherArgs } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
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
