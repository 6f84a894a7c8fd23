import { type Board, BoardDefinitionError } from '../define.ts';
import { boardHeader } from './board-h.ts';
import { partitionsCsv } from './partitions-csv.ts';
import { boardSdkconfig } from './sdkconfig.ts';

/**
 * The files that ESP-IDF needs for a board: name to text. `partitionsPath` is the absolute path under which the caller
 * will write `partitions.csv`. Throws `BoardDefinitionError` for a board without a chip.
 */
export function boardFiles(
  board: Board,
  { partitionsPath }: { partitionsPath: string },
): Record<'board.h' | 'sdkconfig.board' | 'partitions.csv', string> {
  if (board.kind !== 'esp32s3')
    throw new BoardDefinitionError(`The board ${board.id} has no chip, so ESP-IDF builds nothing for it.`);
  return {
    'board.h': boardHeader(board),
    'sdkconfig.board': boardSdkconfig(board, partitionsPath),
    'partitions.csv': partitionsCsv(board),
  };
}
