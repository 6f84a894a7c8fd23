import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPartitionTable, parsePartitionCsv, parsePartitionTable } from '@tincan/shared-protocol';
import { expect, test } from 'vitest';
import { BOARDS } from '../registry.ts';
import { partitionsCsv } from './partitions-csv.ts';

const boards = Object.values(BOARDS).map((board) => [board.id, board] as const);

test.each(boards)('the table of %s is read back as it was declared, and fits the flash', (_id, board) => {
  const table = buildPartitionTable(parsePartitionCsv(partitionsCsv(board)));
  const { entries, problems } = parsePartitionTable(table, { flashSize: board.flash.bytes });
  expect(problems).toEqual([]);
  expect(entries.map(({ name, offset, size }) => ({ label: name, offset, size }))).toEqual(
    board.partitions.map(({ label, offset, size }) => ({ label, offset, size })),
  );
});

/** Espressif's own generator, the judge of what ESP-IDF will read. */
const generator = process.env.IDF_PATH
  ? join(process.env.IDF_PATH, 'components/partition_table/gen_esp32part.py')
  : '';
const python = existsSync(generator) && spawnSync('python3', [generator, '--help']).status === 0;

test.skipIf(!python)("Espressif's generator writes the same tables (needs IDF_PATH and python3)", () => {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-partitions-'));
  try {
    for (const [id, board] of boards) {
      const csv = join(folder, `${id}.csv`);
      const binary = join(folder, `${id}.bin`);
      writeFileSync(csv, partitionsCsv(board));
      const flash = `${board.flash.bytes / 1024 / 1024}MB`;
      const run = spawnSync('python3', [generator, '--quiet', '--flash-size', flash, csv, binary]);
      expect(run.stderr.toString(), id).toBe('');
      const ours = buildPartitionTable(parsePartitionCsv(partitionsCsv(board)));
      expect(Buffer.compare(readFileSync(binary), ours), id).toBe(0);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
