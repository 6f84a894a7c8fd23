import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** ESP32-S3-DevKitC-1 v1.1 with an INMP441 microphone and a MAX98357A amplifier on wires. */
export const devkitc1 = defineBoard({
  id: 'devkitc-1',
  name: 'Espressif DevKitC-1 v1.1, INMP441, MAX98357A',
  kind: 'esp32s3',
  flash: { bytes: 8 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [
    { kind: 'bridge', vid: 0x10c4, pid: 0xea60 },
    { kind: 'native', vid: 0x303a, pid: 0x1001 },
  ],
  console: { kind: 'uart', baud: 115_200 },
  network: 'wifi',
  speaker: { kind: 'i2s', part: 'MAX98357A', bclk: 15, ws: 16, dout: 7 },
  microphone: { kind: 'i2s', part: 'INMP441', bclk: 5, ws: 4, din: 6, channel: 0 },
  echo: 'none',
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'ws2812', pin: 38, count: 1 },
  partitions: STANDARD_LAYOUT,
  sources: [
    'https://docs.espressif.com/projects/esp-dev-kits/en/latest/esp32s3/esp32-s3-devkitc-1/user_guide_v1.1.html',
    'https://github.com/78/xiaozhi-esp32: main/boards/bread-compact-wifi/config.h, main/audio/codecs/no_audio_codec.cc (the wiring)',
  ],
  conflicts: [
    'The light is on GPIO 38 on v1.1 and on GPIO 48 on v1.0; for v1.0 there is the board devkitc-1-v1.0.',
    'The module may carry 8 MB octal PSRAM (R8), 2 MB quad (R2), or none; this image is for R8, and does not boot with the others.',
  ],
  unverified: [],
  notes: [
    'The console is on the port marked UART; the one marked USB stays silent.',
    'INMP441: its L/R pin must be tied to ground, so that it answers in the left slot.',
  ],
});
