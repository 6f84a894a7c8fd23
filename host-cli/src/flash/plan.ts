/** What is to be flashed: `flasher_args.json` and the files that it names, or a single merged image. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import {
  type FlasherArgs,
  IMAGE_MAGIC,
  PARTITION_TABLE_OFFSET,
  parseFlasherArgs,
} from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import type { FlashFile } from './flasher.ts';
import type { FlashSizeChoice } from './header.ts';
import { isMerged, splitMerged } from './merged.ts';

export interface FlashPlan {
  /** The flasher_args.json or the merged image it was read from. */
  source: string;
  files: FlashFile[];
  /** What the build wants the boot loader's header to say of the flash. */
  flashSize: FlashSizeChoice;
  /** Where the build puts its partition table, if it says so and it is not 0x8000. */
  tableOffset?: number;
}

/**
 * Reads a plan; `where` is a flasher_args.json, the folder that holds it, or a merged image. `board` is for the hint alone.
 * @throws TincanError PLAN_MISSING, PLAN_BROKEN, PLAN_ENCRYPTED, PLAN_UNKNOWN, IMAGE_CHIP
 */
export function readPlan(where: string, board = 'virtual'): FlashPlan {
  const source = isFolder(where) ? join(where, 'flasher_args.json') : where;
  if (!existsSync(source)) {
    throw new TincanError('PLAN_MISSING', `There is no image at ${source}.`, {
      exit: 'flash',
      hint: `Build one with \`tincan build --board ${board}\`, or name the flasher_args.json of a build.`,
    });
  }
  const content = readFileSync(source);
  if (isMerged(content)) {
    return { source, files: splitMerged(new Uint8Array(content), basename(source)), flashSize: 'keep' };
  }
  if (!/^\s*\{/.test(content.subarray(0, 100).toString('latin1'))) throw unknown(source, content);
  let args: FlasherArgs;
  try {
    args = parseFlasherArgs(content.toString('utf8'));
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
  const encrypted = args.files.find((one) => one.encrypted);
  if (encrypted !== undefined) {
    throw new TincanError('PLAN_ENCRYPTED', `${source} wants ${encrypted.file} written encrypted.`, {
      exit: 'flash',
      hint: 'Tincan does not flash boards with flash encryption: use the tools of whoever holds their keys, or build without CONFIG_SECURE_FLASH_ENC_ENABLED.',
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
  const table = args.files.find((one) => one.name === 'partition-table' || one.name === 'partition_table');
  const elsewhere = table !== undefined && table.offset !== PARTITION_TABLE_OFFSET;
  return { source, files, flashSize: args.size, ...(elsewhere ? { tableOffset: table.offset } : {}) };
}

function unknown(source: string, content: Uint8Array): TincanError {
  const alone = content[0] === IMAGE_MAGIC;
  return new TincanError(
    'PLAN_UNKNOWN',
    `${source} is neither a flasher_args.json nor a merged image${alone ? ', but a single image' : ''}.`,
    {
      exit: 'flash',
      ...(alone ? { cause: new Error('a merged image has a partition table at 0x8000') } : {}),
      hint: 'Name the folder of the build: its flasher_args.json says where each file goes.',
    },
  );
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
