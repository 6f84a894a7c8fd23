/** What commands share that work on a chip in its loader: connect, do it, and let the application start again. */
import {
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type Partition,
  parsePartitionTable,
} from '@tincan/shared-protocol';
import { type Context, openBoard } from '../context.ts';
import { interrupted, TincanError } from '../errors.ts';
import { createFlasher } from '../flash/engine.ts';
import type { ChipInfo, Flasher } from '../flash/flasher.ts';
import { recoveryText } from '../flash/recovery-text.ts';
import { reopenBoard } from '../flash/reopen.ts';
import { rememberLine } from '../serial/ports.ts';

export interface LoaderOptions {
  baud?: number;
}

/**
 * Runs `work` with a board's chip in its loader, and resets it into its application afterwards, whatever happened.
 * @throws TincanError as `Flasher.connect` and `work`
 */
export async function withLoader<T>(
  context: Context,
  options: LoaderOptions,
  work: (flasher: Flasher, chip: ChipInfo) => Promise<T>,
): Promise<T> {
  const { out, signal } = context;
  const opened = await openBoard(context);
  const flasher = createFlasher(opened, {
    baud: options.baud,
    reopen: async (lost) => {
      const line = await reopenBoard(lost, { signal });
      rememberLine(line, context.env);
      return line;
    },
    onRecovery: (recovery) => {
      out.event({ stage: 'recovering', recovery });
      if (!out.json) out.note(recoveryText(recovery));
    },
  });
  let touched = false;
  try {
    if (signal.aborted) throw interrupted('Nothing was done.');
    touched = true;
    const chip = await flasher.connect();
    out.event({ stage: 'connected', chip });
    if (!out.json)
      out.note(
        `${chip.description}, ${chip.flashBytes / 1024 / 1024} MB flash, ${chip.mac}, ${chip.baud} baud`,
      );
    return await work(flasher, chip);
  } finally {
    if (touched) await flasher.reset().catch(() => undefined);
    flasher.release();
    await flasher.line.close();
  }
}

/** The partitions of a connected board. @throws TincanError TABLE_NONE */
export async function readTable(flasher: Flasher): Promise<Partition[]> {
  const { entries, problems } = parsePartitionTable(
    await flasher.read(PARTITION_TABLE_OFFSET, PARTITION_TABLE_SIZE),
  );
  const [problem] = problems;
  if (problem !== undefined) {
    throw new TincanError('TABLE_NONE', 'The board has no usable partition table.', {
      exit: 'device',
      cause: new Error(problem.message),
      hint: 'Flash it first with `tincan flash`; the whole flash can be read and erased without one.',
    });
  }
  return entries;
}

/** The partition of this name. @throws TincanError TABLE_NONE, PARTITION_UNKNOWN */
export async function partitionNamed(flasher: Flasher, name: string): Promise<Partition> {
  const table = await readTable(flasher);
  const found = table.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new TincanError('PARTITION_UNKNOWN', `The board has no partition "${name}".`, {
    exit: 'usage',
    hint: `It has ${table.map((one) => one.name).join(', ')}.`,
  });
}
