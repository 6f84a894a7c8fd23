import type { Board } from './define.ts';
import { virtual } from './definitions/virtual.ts';

/** All boards, by id. A new board is one file in definitions/ and one word here. */
export const BOARDS: Readonly<Record<string, Board>> = Object.fromEntries([virtual].map((b) => [b.id, b]));
