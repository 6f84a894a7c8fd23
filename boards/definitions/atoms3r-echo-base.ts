import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** M5Stack AtomS3R on an Atomic Echo Base: one ES8311 for both directions, without a master clock. */
export const atomS3rEchoBase = defineBoard({
  id: 'atoms3r-echo-base',
  name: 'M5Stack AtomS3R with Atomic Echo Base',
  kind: 'esp32s3',
  flash: { bytes: 8 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: {
    port: 1,
    sda: 38,
    scl: 39,
    chips: [
      {
        name: 'PI4IOE5V6408',
        address: 0x43,
        writes: [
          { register: 0x07, value: 0x00, why: 'Drive outputs instead of leaving them at high impedance.' },
          { register: 0x0d, value: 0xff, why: 'Pull inputs up, not down.' },
          {
            register: 0x03,
            value: 0x6e,
            why: 'P1, P2, P3, P5 and P6 are outputs; one of them un-mutes the amplifier.',
          },
          { register: 0x05, value: 0xff, why: 'All outputs high: the amplifier is on.', delayMs: 10 },
        ],
      },
    ],
  },
  i2s: { bclk: 8, ws: 6, dout: 5, din: 7 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es8311', address: 0x18, channel: 0, echoChannel: 1 },
  echo: 'reference',
  button: { kind: 'gpio', pin: 41, pressed: 0 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  sources: [
    'https://github.com/m5stack/M5Atomic-EchoBase: src/M5EchoBase.cpp',
    'https://github.com/m5stack/M5Unified: src/M5Unified.cpp',
    'https://github.com/espressif/esp-adf: components/audio_board/m5stack_atoms3r/board_def.h, components/esp_codec_dev/device/include/es8311_codec.h',
    'https://github.com/78/xiaozhi-esp32: main/boards/m5stack/atoms3r-echo-base',
  ],
  conflicts: [
    "Which pins of the expander are outputs: 0x6e in M5Stack's Echo Base library and xiaozhi, all eight in M5Unified; the library of the base was taken.",
    'Echo reference: ESP-ADF declares one for this board (format MR: the ES8311 repeats its DAC in the right slot), xiaozhi declares one but reads a single slot; it is used here.',
  ],
  unverified: [
    'How well echo is cancelled with the reference that the ES8311 makes itself, before its own converter and the amplifier.',
  ],
  notes: ['The screen stays dark: its backlight hangs on an LP5562 on a second I2C bus.'],
});
