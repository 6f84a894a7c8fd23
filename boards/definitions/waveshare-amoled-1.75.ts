import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';
import { AMPLIFIER_ON_46, WS_ON_45 } from '../strapping.ts';
import { codecSupply } from '../waveshare-power.ts';

/** Waveshare ESP32-S3-Touch-AMOLED-1.75: the codecs of the BOX-3 behind an AXP2101. */
export const waveshareAmoled175 = defineBoard({
  id: 'waveshare-amoled-1.75',
  name: 'Waveshare ESP32-S3-Touch-AMOLED-1.75',
  kind: 'esp32s3',
  flash: { bytes: 16 * MB, mode: 'qio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'native', vid: 0x303a, pid: 0x1001 }],
  console: { kind: 'usb' },
  network: 'wifi',
  i2c: {
    port: 0,
    sda: 15,
    scl: 14,
    chips: [
      codecSupply,
      { name: 'TCA9554', address: 0x20 },
      { name: 'PCF85063', address: 0x51 },
      { name: 'CST9217', address: 0x5a },
      { name: 'QMI8658', address: 0x6b },
    ],
  },
  i2s: { mclk: 42, bclk: 9, ws: 45, dout: 8, din: 10 },
  speaker: { kind: 'es8311', address: 0x18 },
  microphone: { kind: 'es7210', address: 0x40, channel: 0, echoChannel: 1 },
  echo: 'reference',
  amplifier: { pin: 46, on: 1 },
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'none' },
  partitions: STANDARD_LAYOUT,
  strapping: { 45: WS_ON_45, 46: AMPLIFIER_ON_46 },
  sources: [
    'https://github.com/waveshareteam/ESP32-S3-Touch-AMOLED-1.75: HARDWARE_REFERENCE.md, firmware/brookesia/components/waveshare__esp32_s3_touch_amoled_1_75',
    'https://github.com/78/xiaozhi-esp32: main/boards/waveshare/esp32-s3-touch-amoled-1.75',
    'https://spotpear.com/index/forum/detail/id/14731.html',
  ],
  conflicts: [
    'The master clock is on GPIO 42; on the sibling AMOLED-1.75C it is on GPIO 16, so this image is silent there.',
    'The flash has 16 MB in the hardware reference, 32 MB in a forum post; this layout fits either.',
    'The TCA9554 answers at 0x20 in the hardware reference and did not answer in that forum post; nothing here needs it.',
  ],
  unverified: ['One owner heard nothing although ALDO1 was on; no cause was found in public.'],
  notes: ['The screen stays dark.'],
});
