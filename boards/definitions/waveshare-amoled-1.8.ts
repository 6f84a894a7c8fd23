import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';
import { AMPLIFIER_ON_46, WS_ON_45 } from '../strapping.ts';
import { codecSupply } from '../waveshare-power.ts';

/** Waveshare ESP32-S3-Touch-AMOLED-1.8: one ES8311 for both directions, behind an AXP2101. */
export const waveshareAmoled18 = defineBoard({
  id: 'waveshare-amoled-1.8',
  name: 'Waveshare ESP32-S3-Touch-AMOLED-1.8',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: { port: 0, sda: 15, scl: 14, chips: [codecSupply, { name: 'TCA9554', address: 0x20 }] },
  i2s: { mclk: 16, bclk: 9, ws: 45, dout: 8, din: 10 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es8311', address: 0x18, channel: 0, echoChannel: 1 },
  echo: 'reference',
  amplifier: { pin: 46, on: 1 },
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: { 45: WS_ON_45, 46: AMPLIFIER_ON_46 },
  sources: [
    'https://github.com/78/xiaozhi-esp32: main/boards/waveshare/esp32-s3-touch-amoled-1.8',
    'https://github.com/espressif/esp-adf: components/esp_codec_dev/device/include/es8311_codec.h',
  ],
  conflicts: [
    "Echo reference: xiaozhi reads none on this board; the ES8311 can repeat its DAC in the right slot (Espressif's driver, and ESP-ADF on boards with the same codec), and that is used here.",
  ],
  unverified: [
    'How well echo is cancelled with the reference that the ES8311 makes itself, before its own converter and the amplifier.',
    'Whether the second version of this board (v2, another screen) has its sound wired the same.',
  ],
  notes: ['The screen stays dark.'],
});
