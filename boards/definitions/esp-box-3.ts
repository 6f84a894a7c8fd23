import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** ESP32-S3-BOX-3: two microphones and the echo reference on an ES7210, loudspeaker behind an ES8311. */
export const espBox3 = defineBoard({
  id: 'esp-box-3',
  name: 'Espressif ESP32-S3-BOX-3',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 16 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: { port: 0, sda: 8, scl: 18 },
  i2s: { mclk: 2, bclk: 17, ws: 45, dout: 15, din: 16 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 1 },
  echo: 'reference',
  amplifier: { pin: 46, on: 1 },
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  mute: { pin: 1, muted: 0 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: {
    45: 'The word select drives it after boot only; the codec listens and does not pull it at reset.',
    46: 'The amplifier switch drives it after boot only; at reset the amplifier input keeps it low.',
  },
  sources: [
    'https://github.com/espressif/esp-bsp/blob/master/bsp/esp-box-3/include/bsp/esp-box-3.h',
    'https://github.com/78/xiaozhi-esp32/tree/main/main/boards/espressif/esp32-s3-box-3',
  ],
  conflicts: [],
  unverified: [],
});
