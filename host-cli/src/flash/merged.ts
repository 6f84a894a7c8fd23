/**
 * A single file with everything in its place, as `esptool merge-bin` and `idf.py merge-bin` make it: taken apart again, so
 * that each part is checked as itself, and the blank space between them (settings, for example) stays as it is.
 */
import {
  DATA_SUBTYPE,
  IMAGE_MAGIC,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  PARTITION_TYPE,
  type Partition,
  parseImage,
  parsePartitionTable,
} from '@tincan/shared-protocol';
import type { FlashFile } from './flasher.ts';

/** Whether a file is a merged image: a boot loader at its start, a partition table at 0x8000. */
export function isMerged(data: Uint8Array): boolean {
  return (
    data[0] === IMAGE_MAGIC &&
    data[PARTITION_TABLE_OFFSET] === 0xaa &&
    data[PARTITION_TABLE_OFFSET + 1] === 0x50
  );
}

/** The parts of a merged image, in order: boot loader, table, and what is not blank in each partition. */
export function splitMerged(data: Uint8Array, name: string): FlashFile[] {
  const { entries } = parsePartitionTable(data.subarray(PARTITION_TABLE_OFFSET));
  const places = [
    { what: 'bootloader', start: 0, end: PARTITION_TABLE_OFFSET, image: true, blank: false },
    {
      what: 'partition-table',
      start: PARTITION_TABLE_OFFSET,
      end: PARTITION_TABLE_OFFSET + PARTITION_TABLE_SIZE,
      image: false,
      blank: false,
    },
    ...[...entries]
      .sort((a, b) => a.offset - b.offset)
      .map((one) => ({
        what: one.name,
        start: one.offset,
        end: one.offset + one.size,
        image: one.type === PARTITION_TYPE.app,
        // A blank one is a choice as well: boot the first slot.
        blank: isOtaData(one),
      })),
  ];
  const files: FlashFile[] = [];
  const add = (what: string, start: number, bytes: Uint8Array) =>
    files.push({ offset: start, data: bytes.slice(), name: `${name} (${what})` });
  let covered = 0;
  for (const { what, start, end, image, blank } of places) {
    // What lies outside of the partitions is no use to the board; the checks refuse it by its place.
    addStray(data, covered, Math.min(start, data.length), add);
    covered = Math.max(covered, end);
    if (start >= data.length) continue;
    const whole = data.subarray(start, Math.min(end, data.length));
    const used = blank || what === 'partition-table' ? whole.length : usedLength(whole);
    if (used === 0) continue;
    add(what, start, whole.subarray(0, image ? Math.max(used, parseImage(whole).length) : used));
  }
  addStray(data, covered, data.length, add);
  return files;
}

function addStray(
  data: Uint8Array,
  start: number,
  end: number,
  add: (what: string, start: number, bytes: Uint8Array) => void,
): void {
  if (start >= end) return;
  const gap = data.subarray(start, end);
  const used = usedLength(gap);
  // The table's sector ends with what the table does not use.
  if (used > 0) add(`0x${start.toString(16)}`, start, gap.subarray(0, used));
}

function isOtaData({ type, subtype }: Partition): boolean {
  return type === PARTITION_TYPE.data && subtype === DATA_SUBTYPE.ota;
}

/** Up to the last byte that is not blank. */
function usedLength(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end--;
  return end;
}
