import type { Board } from '../define.ts';
import { boardFiles } from './index.ts';

export const GOLDEN = 'boards/generate/golden';

/**
 * What the generators write for each board with a chip, by path from the root of the repository: kept in the
 * repository so that a change of a definition or of a generator shows what it changes on every board.
 */
export function goldenFiles(boards: readonly Board[]): Record<string, string> {
  const files: Record<string, string> = {};
  for (const board of boards) {
    if (board.kind !== 'esp32s3') continue;
    // Where a build puts the table differs from machine to machine.
    for (const [name, text] of Object.entries(
      boardFiles(board, { partitionsPath: '/generated/partitions.csv' }),
    ))
      files[`${GOLDEN}/${board.id}/${name}`] = text;
  }
  return files;
}
