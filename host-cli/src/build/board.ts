/** A board by its id, and what the formats need to know of it. */
import { BOARDS, type Board } from '@tincan/boards';
import { APP_SUBTYPE, DATA_SUBTYPE, PARTITION_TYPE, type Partition } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';

/** @throws TincanError BOARD_UNKNOWN */
export function findBoard(id: string): Board {
  const board = Object.hasOwn(BOARDS, id) ? BOARDS[id] : undefined;
  if (board === undefined) {
    throw new TincanError('BOARD_UNKNOWN', `There is no board "${id}".`, {
      exit: 'usage',
      hint: `These are known: ${Object.keys(BOARDS).join(', ')}. A new one is one file in boards/definitions/.`,
    });
  }
  return board;
}

const DATA_NAMES: Record<string, number> = DATA_SUBTYPE;

/** A board's partitions with the numbers of the binary table. */
export function partitionsOf(board: Board): Partition[] {
  return board.partitions.map(({ label, type, subtype, offset, size }) => ({
    name: label,
    type: PARTITION_TYPE[type],
    subtype: type === 'data' ? dataSubtype(subtype) : appSubtype(subtype),
    offset,
    size,
  }));
}

/** By name, or as the number that a type of our own has (0x40 and up). */
function dataSubtype(subtype: string): number {
  return (
    DATA_NAMES[subtype] ?? (/^0x[0-9a-f]{1,2}$/i.test(subtype) ? Number(subtype) : DATA_SUBTYPE.undefined)
  );
}

function appSubtype(subtype: string): number {
  const slot = /^ota_(\d+)$/.exec(subtype)?.[1];
  return slot === undefined ? APP_SUBTYPE.factory : APP_SUBTYPE.ota_0 + Number(slot);
}
