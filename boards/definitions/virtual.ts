import { defineBoard } from '../define.ts';

/** The board that needs no hardware: an ESP32-S3 behind a USB-UART bridge, with a light, a button, and a volume. */
export const virtual = defineBoard({
  id: 'virtual',
  name: 'Virtual ESP32-S3',
  kind: 'virtual',
  flashBytes: 8 * 1024 * 1024,
  psram: 'octal',
  usb: { kind: 'bridge', vid: 0x10c4, pid: 0xea60 },
  echoReference: true,
  light: 'ws2812',
  pins: { button: 0, light: 38 },
  partitions: [
    { label: 'nvs', type: 'data', subtype: 'nvs', offset: 0x9000, size: 0x6000 },
    { label: 'otadata', type: 'data', subtype: 'ota', offset: 0xf000, size: 0x2000 },
    { label: 'phy_init', type: 'data', subtype: 'phy', offset: 0x11000, size: 0x1000 },
    { label: 'nvs_keys', type: 'data', subtype: 'nvs_keys', offset: 0x12000, size: 0x1000 },
    { label: 'ota_0', type: 'app', subtype: 'ota_0', offset: 0x20000, size: 0x300000 },
    { label: 'ota_1', type: 'app', subtype: 'ota_1', offset: 0x320000, size: 0x300000 },
    { label: 'coredump', type: 'data', subtype: 'coredump', offset: 0x620000, size: 0x10000 },
  ],
  sources: ['ARCHITECTURE.md'],
});
