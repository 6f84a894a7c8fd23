import { expect, test } from 'vitest';
import { firstFault, NinjaProgress, tooBig } from './ninja.ts';

test('progress goes forward only, past the boot loader that is built inside', () => {
  const progress = new NinjaProgress();
  const seen = [
    '[1/900] a',
    '[400/900] Performing build step',
    '[1/90] b',
    '[90/90] c',
    '[401/900] d',
    'warning: x',
  ].map((line) => progress.see(line));
  expect(seen).toEqual([true, true, false, false, true, false]);
  expect(progress).toMatchObject({ done: 401, total: 900 });
});

test('the first fault comes without the command that ninja repeats', () => {
  const log = [
    '[7/900] Building C object esp-idf/main/CMakeFiles/__idf_main.dir/main.c.obj',
    'FAILED: esp-idf/main/CMakeFiles/__idf_main.dir/main.c.obj',
    `/t/xtensa-esp32s3-elf-gcc ${'-Dx '.repeat(80)} -c main.c`,
    "main.c: In function 'app_main':",
    "main.c:12:5: error: 'foo' undeclared (first use in this function)",
    '   12 |     foo = 1;',
    '      |     ^~~',
    'cc1: all warnings being treated as errors',
    'ninja: build stopped: subcommand failed.',
  ];
  expect(firstFault(log)).toEqual([log[4], log[5], log[6], log[7]]);
});

test.each([
  ['CMake Error at CMakeLists.txt:8 (message):'],
  ["ld: main.c:(.text+0x1): undefined reference to `tc_port_mac'"],
  ["ld: region `dram0_0_seg' overflowed by 1234 bytes"],
  ["ninja: error: loading 'build.ninja': No such file or directory"],
])('%s is a fault', (line) => {
  expect(firstFault(['-- before', line, 'after'])[0]).toBe(line);
});

test('a log without a fault gives its last lines', () => {
  expect(firstFault(['one', 'two'])).toEqual(['one', 'two']);
});

test('an application that does not fit is recognised', () => {
  const log = [
    'Error: app partition is too small for binary tincan-qemu.bin size 0x312345:',
    "  - Part 'ota_0' 0/16 @ 0x20000 size 0x300000 (overflow 0x12345)",
  ];
  expect(tooBig(log)).toEqual({ bytes: 0x312345, partition: 'ota_0' });
  expect(tooBig(['all good'])).toBeUndefined();
});
