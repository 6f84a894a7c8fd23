import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { defineBoard } from '../define.ts';
import { espBox3 } from '../definitions/esp-box-3.ts';
import { virtual } from '../definitions/virtual.ts';
import { BOARDS } from '../registry.ts';
import { boardPage } from './docs.ts';
import { GOLDEN, goldenFiles } from './golden.ts';
import { boardFiles } from './index.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const golden = goldenFiles(Object.values(BOARDS));

test.each(Object.entries(golden))('%s is what the generator writes (npm run generate)', (path, text) => {
  expect(read(path)).toBe(text);
});

test('nothing is kept for a board that is gone, and the page is fresh', () => {
  const kept = readdirSync(new URL(GOLDEN, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${GOLDEN}/${entry.parentPath.split('/').at(-1)}/${entry.name}`);
  expect(kept.sort()).toEqual(Object.keys(golden).sort());
  expect(read('docs/boards.md')).toBe(boardPage(Object.values(BOARDS)));
});

/** The macros of a header: name without TC_BOARD_, and value. */
function macros(header: string): Record<string, string> {
  const joined = header.replaceAll('\\\n', ' ').replace(/\/\*[\s\S]*?\*\//g, '');
  return Object.fromEntries(
    [...joined.matchAll(/^#define TC_BOARD_(\w+) +(.*)$/gm)].map(([, name, value]) => [
      name,
      value!.replace(/\s+/g, ' ').trim(),
    ]),
  );
}

test.each(Object.keys(BOARDS).filter((id) => id !== 'virtual'))(
  '%s has one console, one network, one speaker, one microphone, at most one light',
  (id) => {
    const names = Object.keys(macros(golden[`${GOLDEN}/${id}/board.h`]!));
    const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length;
    expect(count(/^CONSOLE_(UART|USB)$/)).toBe(1);
    expect(count(/^NETWORK_/)).toBe(1);
    expect(count(/^SPEAKER_(ES8311|AW88298|I2S|LEVEL|NONE)$/)).toBe(1);
    expect(count(/^MICROPHONE_(ES7210|ES8311|I2S|PDM|PARTITION|NONE)$/)).toBe(1);
    expect(count(/^LIGHT_(WS2812|APA102|PWM|GPIO)$/)).toBeLessThanOrEqual(1);
    expect(names).toContain('ECHO');
    expect(names).toContain('ID');
  },
);

test('register writes keep their order, their waits, and their chips', () => {
  const board = defineBoard({
    ...espBox3,
    i2c: {
      ...espBox3.i2c,
      chips: [
        { name: 'A', address: 0x34, writes: [{ register: 0x90, value: 1, why: 'Power on.', delayMs: 20 }] },
        { name: 'B', address: 0x58, writes: [{ register: 2, value: 255, why: 'Reset */ off.' }] },
      ],
    },
  });
  const header = boardFiles(board, { partitionsPath: '/p.csv' })['board.h'];
  expect(macros(header)).toMatchObject({
    I2C_WRITES: '{ {0x34, 0x90, 0x01, 20}, {0x58, 0x02, 0xff, 0}, }',
    I2C_WRITE_COUNT: '2',
  });
  expect(header).toContain('/* A: Power on. */');
});

test('a path with a quote or a backslash stays one string in sdkconfig', () => {
  const text = boardFiles(espBox3, { partitionsPath: 'C:\\my "boards"\\partitions.csv' })['sdkconfig.board'];
  expect(text).toContain(
    'CONFIG_PARTITION_TABLE_CUSTOM_FILENAME="C:\\\\my \\"boards\\"\\\\partitions.csv"\n',
  );
});

test('no option stands twice, nor in the defaults of all boards', () => {
  const names = (text: string) =>
    [...text.matchAll(/^(?:# )?(CONFIG_\w+)(?:=| is not set)/gm)].map(([, name]) => name!);
  const common = new Set(names(read('firmware/esp32s3/sdkconfig.defaults')));
  for (const [path, text] of Object.entries(golden)) {
    if (!path.endsWith('sdkconfig.board')) continue;
    const options = names(text);
    expect(new Set(options).size, path).toBe(options.length);
    expect(
      options.filter((option) => common.has(option)),
      path,
    ).toEqual([]);
  }
});

test('the virtual board has no chip to build for', () => {
  expect(() => boardFiles(virtual, { partitionsPath: '/p.csv' })).toThrow(/virtual has no chip/);
});
