import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boardProblems } from './check.ts';
import { type Board, BoardDefinitionError, type ChipBoard, defineBoard } from './define.ts';
import { MB, STANDARD_LAYOUT } from './layout.ts';
import { BOARDS } from './registry.ts';

const codec = {
  id: 'x',
  name: 'X',
  kind: 'esp32s3',
  flash: { bytes: 8 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: { port: 0, sda: 8, scl: 18 },
  i2s: { mclk: 2, bclk: 17, ws: 45, dout: 15, din: 16 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 1 },
  echo: 'reference',
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: { 45: 'The codec only listens there.' },
  sources: ['a drawing'],
  conflicts: [],
  unverified: [],
} as const satisfies ChipBoard;

const plain = {
  ...codec,
  i2c: undefined,
  i2s: undefined,
  speaker: { kind: 'i2s', part: 'MAX98357A', bclk: 15, ws: 16, dout: 7 },
  microphone: { kind: 'i2s', part: 'INMP441', bclk: 5, ws: 4, din: 6, channel: 0 },
  echo: 'none',
  strapping: {},
} as const satisfies ChipBoard;

/** What somebody writes who has no type checker, or who silenced it. */
function refuse(board: object, sentence: RegExp): void {
  expect(() => defineBoard(board as Board)).toThrow(BoardDefinitionError);
  expect(() => defineBoard(board as Board)).toThrow(sentence);
}

test.each(Object.values(BOARDS).map((board) => [board.id, board] as const))(
  '%s can be built',
  (id, board) => {
    expect(boardProblems(board)).toEqual([]);
    expect(BOARDS[id]).toBe(board);
  },
);

test('a board with codecs and one without are accepted as they are', () => {
  expect(defineBoard(codec)).toBe(codec);
  expect(defineBoard(plain)).toBe(plain);
});

test.each([
  [{ i2s: { ...codec.i2s, dout: 16 } }, /x: i2s.din on GPIO 16: the pin is already used for i2s.dout/],
  [
    { light: { kind: 'ws2812', pin: 35, count: 1 } },
    /light on GPIO 35: GPIO 33 to 37 belong to the octal PSRAM/,
  ],
  [{ i2c: { ...codec.i2c, sda: 19 } }, /i2c.sda on GPIO 19: GPIO 19 and 20 are the native USB/],
  [{ light: { kind: 'pwm', pin: 28, on: 1 } }, /light on GPIO 28: .*flash/],
  [{ light: { kind: 'gpio', pin: 23, on: 1 } }, /light on GPIO 23: the ESP32-S3 has no such pin/],
  [{ mute: { pin: 1.5, muted: 0 } }, /mute on GPIO 1.5: the ESP32-S3 has no such pin/],
  [
    { light: { kind: 'apa102', data: 38, clock: 38, count: 1 } },
    /light.clock on GPIO 38: the pin is already used for light.data/,
  ],
  [
    { button: { kind: 'adc', pin: 15, key: 'REC', minMv: 1, maxMv: 2 } },
    /button on GPIO 15: only GPIO 1 to 10 can be measured while Wi-Fi runs/,
  ],
  [
    { button: { kind: 'adc', pin: 5, key: 'REC', minMv: 2500, maxMv: 2300 } },
    /button on GPIO 5: 2500 to 2300 mV is no range/,
  ],
  [
    {
      console: { kind: 'uart', baud: 115200 },
      usb: [{ kind: 'bridge', vid: 1, pid: 2 }],
      mute: { pin: 44, muted: 0 },
    },
    /mute on GPIO 44: the pin is already used for console.rx/,
  ],
])('a wrong pin is refused by its name: %j', (change, sentence) => {
  refuse({ ...codec, ...change }, sentence);
});

test('the same pins are free beside quad PSRAM', () => {
  const quad = {
    ...codec,
    psram: { mode: 'quad', bytes: 8 * MB },
    light: { kind: 'ws2812', pin: 35, count: 1 },
  };
  expect(boardProblems(quad as Board)).toEqual([]);
});

test.each([
  [
    { strapping: {} },
    /i2s.ws on GPIO 45: a strapping pin must not be driven .*flash's voltage.*strapping\[45\]/,
  ],
  [{ strapping: { 45: '' } }, /strapping\[45\]: the reason for driving GPIO 45 is missing/],
  [
    { strapping: { ...codec.strapping, 46: 'No reason at all.' } },
    /strapping\[46\]: nothing drives GPIO 46, so there is nothing to excuse/,
  ],
  [{ strapping: { ...codec.strapping, 7: 'No strap.' } }, /strapping\[7\]: GPIO 7 is no strapping pin/],
  [{ i2s: { ...codec.i2s, mclk: 0 }, button: undefined }, /i2s.mclk on GPIO 0: .*ROM loader/],
])('a strapping pin is driven only with a reason: %j', (change, sentence) => {
  refuse({ ...codec, ...change }, sentence);
});

test.each([
  [
    { i2c: { ...codec.i2c, chips: [{ name: 'TCA9554', address: 0x18 }] } },
    /TCA9554 at I2C address 0x18: the address is already used by es8311/,
  ],
  [
    { i2c: { ...codec.i2c, chips: [{ name: 'LP5562', address: 0x80 }] } },
    /LP5562 at I2C address 0x80: .*7 bits/,
  ],
  [
    {
      i2c: {
        ...codec.i2c,
        chips: [{ name: 'A', address: 9, writes: [{ register: 256, value: 0, why: 'It is so.' }] }],
      },
    },
    /A, register 0x100: register and value have one byte/,
  ],
  [
    {
      i2c: { ...codec.i2c, chips: [{ name: 'A', address: 9, writes: [{ register: 1, value: 0, why: '' }] }] },
    },
    /A, register 0x1: say why/,
  ],
  [{ i2c: undefined }, /the codec es8311 is controlled over I2C, but there is no i2c bus/],
])('a wrong bus is refused: %j', (change, sentence) => {
  refuse({ ...codec, ...change }, sentence);
});

test('one chip may be microphone and loudspeaker under one address', () => {
  const both = { ...codec, microphone: { kind: 'es8311', address: 0x18, channel: 0 }, echo: 'none' };
  expect(boardProblems(both as Board)).toEqual([]);
});

test.each([
  [
    { microphone: { kind: 'es7210', address: 0x40, channel: 0 } },
    /an echo reference needs a second channel of the microphone: echoChannel is missing/,
  ],
  [
    { microphone: { kind: 'es7210', address: 0x40, channel: 1, echoChannel: 1 } },
    /channel 1 cannot be the microphone and its echo reference at once/,
  ],
  [{ microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 4 } }, /es7210 has no channel 4/],
  [{ echo: 'none' }, /has an echoChannel, but echo is "none"/],
  [
    { microphone: { kind: 'es7210', address: 0x40, channel: 0 }, echo: 'free' },
    /a real microphone hears a real loudspeaker/,
  ],
  [
    { microphone: { kind: 'pdm', part: 'MP34DT05', clk: 9, data: 7, channel: 0 }, echo: 'none' },
    /i2s.din on GPIO 16: the microphone is a PDM one, and there can be one only/,
  ],
  [{ i2s: { ...codec.i2s, dout: undefined } }, /es8311 gets no sound: i2s.dout is missing/],
  [{ i2s: { ...codec.i2s, din: undefined } }, /es7210 cannot be heard: i2s.din is missing/],
  [
    { speaker: { kind: 'level' } },
    /a codec shares its port with a codec: the loudspeaker is level, the microphone es7210/,
  ],
  [{ i2s: { ...codec.i2s, mclk: undefined } }, /es7210 needs a master clock: i2s.mclk is missing/],
])('sound that cannot come or go is refused: %j', (change, sentence) => {
  refuse({ ...codec, ...change }, sentence);
});

test.each([
  [{ psram: undefined }, /it has no PSRAM/],
  [{ psram: { mode: 'octal', bytes: 2 * MB } }, /there is no octal PSRAM of 2 MB/],
  [{ flash: { bytes: 7 * MB, mode: 'qio' } }, /there is no flash of 7340032 bytes/],
  [
    { console: { kind: 'uart', baud: 115200 } },
    /the console is on UART0, but the first port is no USB-UART bridge/,
  ],
  [{ usb: [{ kind: 'bridge', vid: 1, pid: 2 }] }, /the console is on the native USB/],
  [{ name: 'A; "B"' }, /the name must be plain text/],
  [{ id: 'Box 3' }, /an id has at most 31 lower-case letters/],
  [{ sources: [] }, /it names no source/],
  [{ partitions: STANDARD_LAYOUT.slice(0, 5) }, /the partition table lacks app\/ota_1, data\/coredump/],
  [
    {
      partitions: [
        ...STANDARD_LAYOUT,
        { label: 'a', type: 'app', subtype: 'ota_2', offset: 0x631000, size: 0x1000 },
      ],
    },
    /partition a is not aligned/,
  ],
  [
    {
      partitions: [
        ...STANDARD_LAYOUT,
        { label: 'b', type: 'data', subtype: '0x40', offset: 0x7ff000, size: 0x2000 },
      ],
    },
    /partition b ends past the flash/,
  ],
  [
    {
      partitions: [
        ...STANDARD_LAYOUT,
        { label: 'nvs', type: 'data', subtype: 'nvs', offset: 0x640000, size: 0x3000 },
      ],
    },
    /partition nvs stands in the table twice/,
  ],
  [
    { partitions: STANDARD_LAYOUT.map((p) => (p.label === 'ota_1' ? { ...p, size: 0x200000 } : p)) },
    /ota_0 and ota_1 have different sizes/,
  ],
  [
    { ...plain, speaker: { kind: 'level' }, microphone: { kind: 'partition', label: 'mic' }, echo: 'free' },
    /the microphone is the partition mic, which is not in the table/,
  ],
])('memory, ports and names that cannot be are refused: %j', (change, sentence) => {
  refuse({ ...codec, ...change }, sentence);
});

test('what is wrong in several places is said in one go', () => {
  const bad = { ...codec, i2c: { port: 0, sda: 19, scl: 19 }, light: { kind: 'ws2812', pin: 36, count: 1 } };
  const problems = boardProblems(bad as Board);
  expect(problems).toHaveLength(4);
  expect(problems.every((problem) => problem.startsWith('x: ') && problem.endsWith('.'))).toBe(true);
});

test('some wrong boards do not even type-check', () => {
  const { i2c: _i2c, i2s: _i2s, ...withoutBus } = codec;
  // @ts-expect-error a codec needs i2c and i2s
  const noBus: Board = withoutBus;
  // @ts-expect-error an echo reference needs echoChannel
  const noReference: Board = { ...codec, microphone: { kind: 'es7210', address: 0x40, channel: 0 } };
  const microphone = { kind: 'pdm', part: 'MP34DT05', clk: 1, data: 2, channel: 0 } as const;
  // @ts-expect-error a PDM microphone has no second channel to carry a reference
  const pdm: Board = { ...plain, microphone, echo: 'reference' };
  // @ts-expect-error there is no third level
  const level: Board = { ...codec, amplifier: { pin: 46, on: 2 } };
  expect([noBus, noReference, pdm, level].flatMap(boardProblems).length).toBeGreaterThan(0);
});

test('a board is one file that exports it, and one word in the registry', async () => {
  const names = readdirSync(new URL('definitions/', import.meta.url)).map((file) =>
    file.replace(/\.ts$/, ''),
  );
  const exported = await Promise.all(
    names.map(async (name) => Object.values<Board>(await import(`./definitions/${name}.ts`))),
  );
  expect(exported.every((boards) => boards.length === 1)).toBe(true);
  expect(new Set(exported.flat())).toEqual(new Set(Object.values(BOARDS)));
  // The file is found by the board's id.
  expect(exported.flat().map(({ id }) => id)).toEqual(names);
});
