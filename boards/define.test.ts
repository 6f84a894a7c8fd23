import { describe, expect, it } from 'vitest';
import { type Board, BoardDefinitionError, boardProblems, defineBoard } from './define.ts';
import { BOARDS } from './registry.ts';

const good: Board = {
  id: 'x',
  name: 'X',
  kind: 'esp32s3',
  flashBytes: 0x800000,
  psram: 'octal',
  usb: { kind: 'native', vid: 0x303a, pid: 0x1001 },
  echoReference: false,
  light: 'none',
  pins: { 'i2s.bclk': 5, 'i2s.ws': 45, button: 0 },
  partitions: [],
  sources: [],
};

describe('defineBoard', () => {
  it.each(Object.values(BOARDS).map((b) => [b.id, b] as const))('accepts %s', (_id, board) => {
    expect(boardProblems(board)).toEqual([]);
  });
  it('accepts a button and a word select on strapping pins', () => {
    expect(defineBoard(good)).toBe(good);
  });
  it.each([
    [{ pins: { 'i2s.bclk': 5, 'i2s.ws': 5 } }, /i2s.ws on GPIO 5: the pin is already used for i2s.bclk/],
    [{ pins: { light: 35 } }, /light on GPIO 35: GPIO 33 to 37 belong to the octal PSRAM/],
    [{ pins: { 'i2c.sda': 19 } }, /i2c.sda on GPIO 19: GPIO 19 and 20 are the native USB/],
    [{ pins: { light: 46 } }, /light on GPIO 46: a strapping pin/],
    [{ pins: { light: 28 } }, /light on GPIO 28: .*flash/],
    [{ pins: { light: 23 } }, /light on GPIO 23: the ESP32-S3 has no such pin/],
    [
      { partitions: [{ label: 'a', type: 'app', subtype: 'ota_0', offset: 0x11000, size: 0x1000 }] },
      /partition a is not aligned/,
    ],
    [
      { partitions: [{ label: 'b', type: 'data', subtype: 'nvs', offset: 0x7ff000, size: 0x2000 }] },
      /partition b ends past the flash/,
    ],
  ] as [Partial<Board>, RegExp][])('refuses %j', (change, sentence) => {
    expect(() => defineBoard({ ...good, ...change })).toThrow(BoardDefinitionError);
    expect(() => defineBoard({ ...good, ...change })).toThrow(sentence);
  });
});
