import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** The chip as QEMU emulates it: no radio, no I2S, no I2C. A network card instead, and sound from and to the flash. */
export const qemu = defineBoard({
  id: 'qemu',
  name: 'ESP32-S3 emulated by QEMU',
  kind: 'esp32s3',
  flash: { bytes: 8 * MB, mode: 'dio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'bridge', vid: 0x10c4, pid: 0xea60 }],
  console: { kind: 'uart', baud: 115_200 },
  network: 'openeth',
  speaker: { kind: 'level' },
  microphone: { kind: 'partition', label: 'mic' },
  echo: 'free',
  light: { kind: 'none' },
  partitions: [
    ...STANDARD_LAYOUT,
    // 48 s of 16-bit samples at 16 kHz.
    { label: 'mic', type: 'data', subtype: '0x40', offset: 0x640000, size: 0x180000 },
  ],
  sources: [
    'https://github.com/espressif/qemu',
    'https://github.com/espressif/esp-idf/tree/v5.3.1/components/esp_eth',
  ],
  conflicts: [],
  unverified: [],
});
