/** `tincan erase`: the whole flash or one partition, after it was asked whether that is meant. */
import type { Context } from '../context.ts';
import { interrupted, TincanError } from '../errors.ts';
import { bytes } from '../output.ts';
import { type LoaderOptions, partitionNamed, withLoader } from './loader.ts';

export interface EraseOptions extends LoaderOptions {
  partition?: string;
  /** Do not ask. */
  yes?: boolean;
}

/** Asks a yes-or-no question; undefined where nobody can be asked. */
export type Confirm = (question: string) => Promise<boolean>;

/** Erases. @throws TincanError ERASE_UNCONFIRMED, INTERRUPTED, PARTITION_UNKNOWN, and as `Flasher` */
export async function erase(
  context: Context,
  options: EraseOptions,
  confirm: Confirm | undefined = terminalConfirm(context),
): Promise<void> {
  const { out, signal } = context;
  const what = options.partition === undefined ? 'the whole flash' : `the partition ${options.partition}`;
  if (!options.yes && confirm === undefined) {
    throw new TincanError(
      'ERASE_UNCONFIRMED',
      `Erasing ${what} cannot be undone, and there is nobody to ask.`,
      {
        exit: 'usage',
        hint: 'Pass --yes if it is meant; `tincan backup` saves it before.',
      },
    );
  }
  await withLoader(context, options, async (flasher, chip) => {
    const partition =
      options.partition === undefined ? undefined : await partitionNamed(flasher, options.partition);
    const length = partition?.size ?? chip.flashBytes;
    const lost = partition === undefined ? 'firmware, settings and all' : 'with all that it holds';
    if (!options.yes && !(await confirm?.(`Erase ${what} of ${chip.mac} (${bytes(length)}), ${lost}?`)))
      throw interrupted('Nothing was erased.');
    if (signal.aborted) throw interrupted('Nothing was erased.');
    out.busy(`erasing ${what}`);
    if (partition === undefined) await flasher.eraseAll();
    else await flasher.eraseRegion(partition.offset, partition.size);
    out.result(
      { stage: 'done', mac: chip.mac, erased: options.partition ?? 'all', bytes: length },
      `erased ${what} (${bytes(length)})`,
    );
  });
}

function terminalConfirm({ out }: Context): Confirm | undefined {
  if (out.json || !process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (message) => {
    const { confirm } = await import('@clack/prompts');
    // Cancelled (Ctrl-C) is a symbol, and no yes.
    return (await confirm({ message, initialValue: false, output: process.stderr })) === true;
  };
}
