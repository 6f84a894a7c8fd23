import type { BoardPartition } from './define.ts';

export const MB = 1024 * 1024;

/** Where `STANDARD_LAYOUT` ends; a board may put more behind it. */
export const LAYOUT_END = 0x630000;

/**
 * The flash of every board: settings, two slots for the firmware (so that an update can be taken back), a core dump.
 * One layout for all, because a device in the field cannot change it without being flashed over the wire.
 */
export const STANDARD_LAYOUT: readonly BoardPartition[] = [
  { label: 'nvs', type: 'data', subtype: 'nvs', offset: 0x9000, size: 0x6000 },
  { label: 'otadata', type: 'data', subtype: 'ota', offset: 0xf000, size: 0x2000 },
  { label: 'phy_init', type: 'data', subtype: 'phy', offset: 0x11000, size: 0x1000 },
  { label: 'nvs_keys', type: 'data', subtype: 'nvs_keys', offset: 0x12000, size: 0x1000 },
  { label: 'ota_0', type: 'app', subtype: 'ota_0', offset: 0x20000, size: 0x300000 },
  { label: 'ota_1', type: 'app', subtype: 'ota_1', offset: 0x320000, size: 0x300000 },
  { label: 'coredump', type: 'data', subtype: 'coredump', offset: 0x620000, size: 0x10000 },
];
