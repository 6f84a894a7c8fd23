import { defineBoard } from '../define.ts';
import { MB, STANDARD_LAYOUT } from '../layout.ts';

/** The board that needs no hardware: an ESP32-S3 behind a USB-UART bridge, with a light, a button, and a volume. */
export const virtual = defineBoard({
  id: 'virtual',
  name: 'Virtual ESP32-S3',
  kind: 'virtual',
  flash: { bytes: 8 * MB, mode: 'dio' },
  psram: { mode: 'octal', bytes: 8 * MB },
  usb: [{ kind: 'bridge', vid: 0x10c4, pid: 0xea60 }],
  echo: 'free',
  button: { kind: 'gpio', pin: 0, pressed: 0 },
  light: { kind: 'ws2812', pin: 38, count: 1 },
  partitions: STANDARD_LAYOUT,
  sources: ['ARCHITECTURE.md'],
  conflicts: [],
  unverified: [],
});
