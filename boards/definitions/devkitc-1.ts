import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** ESP32-S3-DevKitC-1 v1.1 with an INMP441 microphone and a MAX98357A amplifier on wires. */
export const devkitc1 = defineBoard({
  id: 'devkitc-1',
  name: 'Espressif ESP32-S3-DevKitC-1 v1.1 with INMP441 and MAX98357A',
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
    'https://github.com/78/xiaozhi-esp32/blob/main/main/boards/bread-compact-wifi/config.h',
    'https://docs.espressif.com/projects/esp-dev-kits/en/latest/esp32s3/esp32-s3-devkitc-1/user_guide_v1.1.html',
  ],
  conflicts: [],
  unverified: [],
});
