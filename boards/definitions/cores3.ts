import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';
import { MCLK_ON_0 } from '../strapping.ts';

/** M5Stack CoreS3: microphones on an ES7210, an AW88298 amplifier, and a power chip and an expander before both. */
export const coreS3 = defineBoard({
  id: 'cores3',
  name: 'M5Stack CoreS3',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'quad', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: {
    port: 1,
    sda: 12,
    scl: 11,
    chips: [
      {
        name: 'AXP2101',
        address: 0x34,
        writes: [
          { register: 0x92, value: 0x0d, why: 'ALDO1 at 1.8 V: supplies the AW88298.' },
          { register: 0x93, value: 0x1c, why: 'ALDO2 at 3.3 V: supplies the ES7210.' },
          {
            register: 0x90,
            value: 0x3f,
            why: 'ALDO1 to ALDO4, BLDO1 and BLDO2 on; DLDO1, the backlight of a screen that nobody uses, off.',
            delayMs: 20,
          },
        ],
      },
      {
        name: 'AW9523',
        address: 0x58,
        writes: [
          { register: 0x11, value: 0x10, why: 'Port 0 drives both ways instead of only down.' },
          { register: 0x12, value: 0xff, why: 'Port 0 is plain input and output, no LED current sink.' },
          { register: 0x13, value: 0xff, why: 'Port 1 is plain input and output, no LED current sink.' },
          {
            register: 0x03,
            value: 0x83,
            why: 'P1.7 switches the 5 V booster on; P1.0 and P1.1 hold camera and screen out of reset.',
          },
          {
            register: 0x02,
            value: 0x03,
            why: 'P0.2 low: the AW88298 is in reset. P0.0 is the touch chip, P0.1 the 5 V of the bus.',
          },
          { register: 0x04, value: 0x18, why: 'P0.3 and P0.4 are inputs, the rest of port 0 outputs.' },
          {
            register: 0x05,
            value: 0x0c,
            why: 'P1.2 and P1.3 are inputs, the rest of port 1 outputs.',
            delayMs: 10,
          },
          { register: 0x02, value: 0x07, why: 'P0.2 high: the AW88298 leaves its reset.', delayMs: 50 },
        ],
      },
    ],
  },
  i2s: { mclk: 0, bclk: 34, ws: 33, dout: 13, din: 14 },
  speaker: { kind: 'aw88298', address: 0x36 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0 },
  echo: 'none',
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: { 0: MCLK_ON_0 },
  sources: [
    'https://github.com/espressif/esp-bsp: bsp/m5stack_core_s3/include/bsp/m5stack_core_s3.h, src/bsp_feature_en.c, src/bsp_audio.c',
    'https://github.com/m5stack/M5Unified: src/M5Unified.cpp, src/utility/Power_Class.cpp',
    'https://github.com/78/xiaozhi-esp32: main/boards/m5stack/core-s3',
  ],
  conflicts: [
    'Echo reference: xiaozhi opens the third input of the ES7210 but declares no reference, and M5Unified switches inputs 3 and 4 off; none is assumed, so the board does not listen while it speaks.',
    "AXP2101: Espressif's BSP sets the speaker's voltage on ALDO1 but switches ALDO2 for it (and the reverse for the microphone), M5Unified and xiaozhi have both on; both are on here.",
    "The first I2C controller in Espressif's BSP, the second in xiaozhi: it makes no difference to the chips, and the second is used here.",
  ],
  unverified: [
    'Whether anything but the backlight hangs on DLDO1, which the sources have on and this board off.',
  ],
  notes: [
    'There is no talk button: the screen is the only thing to press, and the firmware does not read it.',
    'The screen stays dark.',
  ],
});
