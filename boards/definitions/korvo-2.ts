import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';
import { WS_ON_45 } from '../strapping.ts';

/** ESP32-S3-Korvo-2 v3: the codecs of the BOX-3, six keys on one ADC pin, console on a CP2102N. */
export const korvo2 = defineBoard({
  id: 'korvo-2',
  name: 'Espressif ESP32-S3-Korvo-2 v3',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'bridge', vid: 0x10c4, pid: 0xea60 }],
  console: { kind: 'uart', baud: 115_200 },
  network: 'wifi',
  i2c: { port: 0, sda: 17, scl: 18, chips: [{ name: 'TCA9554', address: 0x20 }] },
  i2s: { mclk: 16, bclk: 9, ws: 45, dout: 8, din: 10 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 1 },
  echo: 'reference',
  amplifier: { pin: 48, on: 1 },
  button: { kind: 'adc', pin: 5, key: 'REC', minMv: 2310, maxMv: 2510 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: { 45: WS_ON_45 },
  sources: [
    'https://github.com/espressif/esp-bsp: bsp/esp32_s3_korvo_2/include/bsp/esp32_s3_korvo_2.h, src/bsp_button.c',
    'https://github.com/espressif/esp-adf: components/audio_board/esp32_s3_korvo2_v3/board_def.h',
    'https://github.com/espressif/esp-webrtc-solution: components/codec_board/board_cfg.txt',
    'https://github.com/78/xiaozhi-esp32: main/boards/espressif/esp32-s3-korvo-2-v3.0',
  ],
  conflicts: [
    "The flash has 16 MB in xiaozhi and 4 MB in one of Espressif's demos; it depends on the module fitted, and this layout needs 8 MB.",
    "The expander is a TCA9554 (0x20) or a TCA9554A (0x38): both exist, and Espressif's BSP tries one after the other.",
    'The SET key is at 1010 to 1210 mV in the BSP and at 1015 to 1215 mV in xiaozhi; the REC key, which is used here, is the same in both.',
  ],
  unverified: [],
  notes: [
    'The red and blue lights hang on the expander; the firmware leaves them dark.',
    'Of the six keys only REC is read; MUTE does nothing.',
    'It has two USB sockets: power alone on one, the console on the other.',
  ],
});
