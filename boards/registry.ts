import type { Board } from './define.ts';
import { devkitc1 } from './definitions/devkitc-1.ts';
import { espBox3 } from './definitions/esp-box-3.ts';
import { qemu } from './definitions/qemu.ts';
import { virtual } from './definitions/virtual.ts';

/** All boards, by id. A new board is one file in definitions/ and one word here. */
export const BOARDS: Readonly<Record<string, Board>> = Object.fromEntries(
  [virtual, qemu, espBox3, devkitc1].map((b) => [b.id, b]),
);
