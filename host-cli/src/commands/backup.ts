/** `tincan backup` and `tincan restore`: the whole flash or one partition, in a file. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Context } from '../context.ts';
import { messageOf, TincanError } from '../errors.ts';
import { backupRegion, type Region, refuseExisting, restoreRegion } from '../flash/backup.ts';
import { refuseProtected } from '../flash/fit.ts';
import type { ChipInfo, Flasher } from '../flash/flasher.ts';
import { bytes } from '../output.ts';
import { type LoaderOptions, partitionNamed, withLoader } from './loader.ts';

export interface BackupCommandOptions extends LoaderOptions {
  partition?: string;
}

/** Where it lies, and what to call it. */
async function regionOf(
  flasher: Flasher,
  chip: ChipInfo,
  name: string | undefined,
): Promise<{ region: Region; place: string }> {
  if (name === undefined)
    return { region: { offset: 0, length: chip.flashBytes }, place: 'the flash of this board' };
  const { offset, size } = await partitionNamed(flasher, name);
  return { region: { offset, length: size }, place: `the partition ${name}` };
}

/** `tincan backup`: reads the flash into a file. Without a name the file is called after the board's MAC. */
export async function backup(
  context: Context,
  given: string | undefined,
  options: BackupCommandOptions,
): Promise<void> {
  const { out, signal } = context;
  if (given !== undefined) refuseExisting(given);
  const bar = out.bar('reading');
  try {
    await withLoader(context, options, async (flasher, chip) => {
      const { region } = await regionOf(flasher, chip, options.partition);
      const part = options.partition === undefined ? '' : `-${options.partition}`;
      const file = given ?? `backup-${chip.mac.replaceAll(':', '')}${part}.bin`;
      const report = await backupRegion(flasher, region, file, {
        signal,
        onProgress: (done, total) => {
          out.event({ stage: 'progress', done, total });
          bar.update(done, total, `${done}/${total} bytes`);
        },
      });
      bar.end();
      if (!out.json && chip.flashEncryption)
        out.warn('flash encryption is on in this chip: the file holds what only this chip can read');
      const rest = [
        report.blank > 0 ? `${bytes(report.blank)} are blank` : '',
        report.resumed > 0 ? `${bytes(report.resumed)} were there from before` : '',
      ].filter((text) => text !== '');
      out.result(
        { stage: 'done', mac: chip.mac, ...region, ...report },
        `${file}: ${bytes(report.bytes)}, verified (MD5 ${report.md5})${rest.map((text) => `; ${text}`).join('')}\nit holds the settings of the board, secrets too: keep it as such`,
      );
    });
  } finally {
    bar.end();
  }
}

/** `tincan restore`: writes a backup where it came from, verified. */
export async function restore(context: Context, file: string, options: BackupCommandOptions): Promise<void> {
  const { out, signal } = context;
  let data: Uint8Array;
  try {
    data = new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new TincanError('RESTORE_FILE', `${file} cannot be read.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint: 'Name a file that `tincan backup` wrote.',
    });
  }
  const bar = out.bar('writing');
  try {
    await withLoader(context, options, async (flasher, chip) => {
      refuseProtected(chip);
      const { region, place } = await regionOf(flasher, chip, options.partition);
      const report = await restoreRegion(
        flasher,
        region,
        data,
        { name: basename(file), place },
        {
          signal,
          onProgress: (done, total) => {
            out.event({ stage: 'progress', done, total });
            bar.update(done, total, `${done}/${total} bytes`);
          },
        },
      );
      bar.end();
      out.result(
        { stage: 'done', mac: chip.mac, ...region, report },
        `restored and verified ${place}: ${bytes(report.bytes)} written, ${bytes(report.skipped)} were there already`,
      );
    });
  } finally {
    bar.end();
  }
}
