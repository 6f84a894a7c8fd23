import type { Board } from '../define.ts';

/** The partition table as ESP-IDF's generator reads it: name, type, subtype, offset, size, flags. */
export function partitionsCsv(board: Board): string {
  const hex = (value: number) => `0x${value.toString(16)}`;
  const rows = board.partitions.map(({ label, type, subtype, offset, size }) =>
    [label, type, subtype, hex(offset), hex(size), ''].join(', ').trimEnd(),
  );
  return `# Generated from the definition of the board "${board.id}" in boards/definitions; do not edit.
# Name, Type, SubType, Offset, Size, Flags
${rows.join('\n')}
`;
}
