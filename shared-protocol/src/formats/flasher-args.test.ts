import { expect, test } from 'vitest';
import { type FlasherArgs, FlasherArgsError, parseFlasherArgs, writeFlasherArgs } from './flasher-args.ts';
import { damage, dice } from './testing.ts';

/** As the build of an ESP-IDF project with OTA leaves it. */
const IDF = `{
    "write_flash_args" : [ "--flash-mode", "dio",
                           "--flash-size", "8MB",
                           "--flash-freq", "80m" ],
    "flash_settings" : {
        "flash_mode": "dio",
        "flash_size": "8MB",
        "flash_freq": "80m"
    },
    "flash_files" : {
        "0x0" : "bootloader/bootloader.bin",
        "0x20000" : "tincan.bin",
        "0x8000" : "partition_table/partition-table.bin",
        "0xf000" : "ota_data_initial.bin"
    },
    "bootloader" : { "offset" : "0x0", "file" : "bootloader/bootloader.bin", "encrypted" : "false" },
    "tincan" : { "offset" : "0x20000", "file" : "tincan.bin", "encrypted" : "false" },
    "app" : { "offset" : "0x20000", "file" : "tincan.bin", "encrypted" : "false" },
    "partition-table" : { "offset" : "0x8000", "file" : "partition_table/partition-table.bin", "encrypted" : "false" },
    "otadata" : { "offset" : "0xf000", "file" : "ota_data_initial.bin", "encrypted" : "false" },
    "extra_esptool_args" : {
        "after"  : "hard-reset",
        "before" : "default-reset",
        "stub"   : true,
        "chip"   : "esp32s3"
    }
}`;
const ARGS: FlasherArgs = {
  chip: 'esp32s3',
  mode: 'dio',
  size: '8MB',
  freq: '80m',
  files: [
    { offset: 0, file: 'bootloader/bootloader.bin', name: 'bootloader' },
    { offset: 0x8000, file: 'partition_table/partition-table.bin', name: 'partition-table' },
    { offset: 0xf000, file: 'ota_data_initial.bin', name: 'otadata' },
    { offset: 0x20000, file: 'tincan.bin', name: 'app' },
  ],
  before: 'default-reset',
  after: 'hard-reset',
  stub: true,
};

test('reads what ESP-IDF writes, files in the order of their offsets', () => {
  expect(parseFlasherArgs(IDF)).toEqual(ARGS);
});

test('writes what it reads', () => {
  expect(parseFlasherArgs(writeFlasherArgs(ARGS))).toEqual(ARGS);
  const json = JSON.parse(writeFlasherArgs(ARGS));
  expect(json.write_flash_args).toEqual([
    '--flash-mode',
    'dio',
    '--flash-size',
    '8MB',
    '--flash-freq',
    '80m',
  ]);
  expect(json.app).toEqual({ offset: '0x20000', file: 'tincan.bin', encrypted: 'false' });
  expect(Object.keys(json).at(-1)).toBe('extra_esptool_args');
});

test('settings that are not named keep what the image says', () => {
  const text = '{"flash_files": {"65536": "app.bin"}, "extra_esptool_args": {"chip": "esp32s3"}}';
  expect(parseFlasherArgs(text)).toMatchObject({
    mode: 'keep',
    size: 'keep',
    freq: 'keep',
    stub: true,
    files: [{ offset: 0x10000, file: 'app.bin' }],
  });
});

test.each([
  ['<html>', 'flasher_args.json is not JSON'],
  ['[]', 'flasher_args.json does not hold an object'],
  ['{"extra_esptool_args":{"chip":"esp32s3"}}', 'flasher_args.json has no flash_files'],
  ['{"flash_files":{},"extra_esptool_args":{"chip":"esp32s3"}}', 'flash_files names no file'],
  ['{"flash_files":{"0xzz":"a"},"extra_esptool_args":{"chip":"x"}}', '"0xzz" in flash_files is no offset'],
  ['{"flash_files":{"0x0":1},"extra_esptool_args":{"chip":"x"}}', 'flash_files has no file name at 0x0'],
  ['{"flash_files":{"0x0":"a","0":"b"},"extra_esptool_args":{"chip":"x"}}', 'two files are to go to 0x0'],
  ['{"flash_files":{"0x0":"a"}}', 'flasher_args.json does not say for which chip (extra_esptool_args.chip)'],
  [
    '{"flash_settings":{"flash_size":"9MB"},"flash_files":{"0x0":"a"},"extra_esptool_args":{"chip":"x"}}',
    'flash_settings.flash_size is "9MB"; known are 1MB, 2MB, 4MB, 8MB, 16MB, 32MB, keep, detect',
  ],
])('says what is wrong with %s', (text, message) => {
  expect(() => parseFlasherArgs(text)).toThrow(message);
});

test('takes any text without another exception', () => {
  const roll = dice(13);
  for (let i = 0; i < 3000; i++) {
    try {
      parseFlasherArgs(Buffer.from(damage(Buffer.from(IDF), roll)).toString());
    } catch (error) {
      expect(error).toBeInstanceOf(FlasherArgsError);
    }
  }
});

test('settings that stand only among the words for esptool are read, in either spelling', () => {
  const json = JSON.parse(IDF);
  delete json.flash_settings;
  json.write_flash_args = ['--flash_mode', 'qio', '--flash_size', '16MB', '--flash_freq', '40m'];
  expect(parseFlasherArgs(JSON.stringify(json))).toMatchObject({ mode: 'qio', size: '16MB', freq: '40m' });
});

test('files for a chip with flash encryption are known by their own mark, or by a word for all', () => {
  const json = JSON.parse(IDF);
  json.tincan.encrypted = 'true';
  expect(parseFlasherArgs(JSON.stringify(json)).files.filter(({ encrypted }) => encrypted)).toMatchObject([
    { file: 'tincan.bin', name: 'app' },
  ]);
  const all = JSON.parse(IDF);
  all.write_flash_args.push('--encrypt');
  expect(parseFlasherArgs(JSON.stringify(all)).files.every(({ encrypted }) => encrypted)).toBe(true);
});
