/** What is to be flashed: `flasher_args.json` and the files that it names. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type FlasherArgs, parseFlasherArgs } from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import type { FlashFile } from './flasher.ts';
import type { FlashSizeChoice } from './header.ts';

export interface FlashPlan {
  /** The flasher_args.json it was read from. */
  source: string;
  files: FlashFile[];
  /** What the build wants the boot loader's header to say of the flash. */
  flashSize: FlashSizeChoice;
}

/**
 * Reads a plan; `where` is a flasher_args.json or the folder that holds it. `board` is for the hint alone.
 * @throws TincanError PLAN_MISSING, PLAN_BROKEN, IMAGE_CHIP
 */
export function readPlan(where: string, board = 'virtual'): FlashPlan {
  const source = isFolder(where) ? join(where, 'flasher_args.json') : where;
  if (!existsSync(source)) {
    throw new TincanError('PLAN_MISSING', `There is no image at ${source}.`, {
      exit: 'flash',
      hint: `Build one with \`tincan build --board ${board}\`, or name the flasher_args.json of a build.`,
    });
  }
  let args: FlasherArgs;
  try {
    args = parseFlasherArgs(readFileSync(source, 'utf8'));
  } catch (error) {
    throw new TincanError('PLAN_BROKEN', `${source} is not a usable flasher_args.json.`, {
      exit: 'flash',
      cause: new Error(messageOf(error)),
      hint: 'Build it again with `tincan build`.',
    });
  }
  if (args.chip.toLowerCase().replaceAll('-', '') !== 'esp32s3') {
    throw new TincanError('IMAGE_CHIP', `${source} is for the ${args.chip}, not for the ESP32-S3.`, {
      exit: 'flash',
      hint: 'Build it for a board of `tincan boards`; nothing was written.',
    });
  }
  const folder = dirname(resolve(source));
  const files = args.files.map(({ offset, file }): FlashFile => {
    const path = join(folder, file);
    try {
      return { offset, data: new Uint8Array(readFileSync(path)), name: file };
    } catch (error) {
      throw new TincanError('PLAN_MISSING', `${file}, which ${source} names, cannot be read.`, {
        exit: 'flash',
        cause: new Error(messageOf(error)),
        hint: 'Build it again with `tincan build`.',
      });
    }
  });
  return { source, files, flashSize: args.size };
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
