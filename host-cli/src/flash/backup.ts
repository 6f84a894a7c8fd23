/**
 * The flash read into a file, and written back from one. A backup that was stopped goes on where it was: its pieces are
 * compared with the flash by the chip's own MD5, and only what is missing or differs is read. A blank piece is known by
 * its MD5 alone, so an empty flash is read in seconds.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { interrupted, messageOf, TincanError } from '../errors.ts';
import { bytes } from '../output.ts';
import { md5Of } from './difference.ts';
import type { Flasher, WriteReport } from './flasher.ts';

/** What is compared and read at a time: all that Ctrl-C waits for. */
const PIECE = 0x10000;
const BLANK = new Uint8Array(PIECE).fill(0xff);

export interface Region {
  /** From the start of the flash, in bytes. */
  offset: number;
  length: number;
}

export interface BackupOptions {
  /** Bytes of the region that are in the file, of all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface BackupReport {
  file: string;
  bytes: number;
  /** Of them read from the board over the line. */
  read: number;
  /** Blank pieces, known by their MD5. */
  blank: number;
  /** What an earlier run had read. */
  resumed: number;
  /** Of the whole region, from the chip, equal to the file's. */
  md5: string;
}

/**
 * Refuses a file that is there already: it may be the only backup of a board.
 * @throws TincanError BACKUP_EXISTS
 */
export function refuseExisting(file: string): void {
  if (!existsSync(file)) return;
  throw new TincanError('BACKUP_EXISTS', `${file} is there already; it was left as it is.`, {
    exit: 'usage',
    hint: 'Name another file, or move this one away.',
  });
}

/**
 * Reads a region of a connected chip into `file`. Until it is whole and verified it is called `file`.part, which the
 * next run goes on with. Only its owner may read it: the settings in it hold secrets.
 * @throws TincanError BACKUP_EXISTS, BACKUP_FILE, BACKUP_CHANGED, INTERRUPTED, and as `Flasher.read`
 */
export async function backupRegion(
  flasher: Pick<Flasher, 'md5' | 'read'>,
  { offset, length }: Region,
  file: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  refuseExisting(file);
  const part = `${file}.part`;
  const handle = onFile(part, () => openSync(part, existsSync(part) ? 'r+' : 'w+', 0o600));
  const report = { file, bytes: length, read: 0, blank: 0, resumed: 0 };
  const all = createHash('md5');
  try {
    const before = Math.min(length, statSync(part).size);
    for (let at = 0; at < length; ) {
      options.onProgress?.(at, length);
      if (options.signal?.aborted)
        throw interrupted(`${part} holds ${at} of ${length} bytes; the same command goes on from there.`);
      const size = Math.min(PIECE, length - at);
      const md5 = await flasher.md5(offset + at, size);
      const blank = BLANK.subarray(0, size);
      const kept = at + size <= before ? onFile(part, () => readPiece(handle, at, size)) : undefined;
      let data: Uint8Array;
      if (md5Of(blank) === md5) {
        data = blank;
        report.blank += size;
      } else if (kept !== undefined && md5Of(kept) === md5) {
        data = kept;
        report.resumed += size;
      } else {
        const done = at;
        data = await flasher.read(offset + at, size, (read) => options.onProgress?.(done + read, length));
        report.read += size;
      }
      if (data !== kept) onFile(part, () => writeSync(handle, data, 0, size, at));
      all.update(data);
      at += size;
    }
    options.onProgress?.(length, length);
    onFile(part, () => ftruncateSync(handle, length));
  } finally {
    closeSync(handle);
  }
  const md5 = await flasher.md5(offset, length);
  if (md5 !== all.digest('hex')) {
    throw new TincanError('BACKUP_CHANGED', 'The flash is not what was read from it.', {
      exit: 'flash',
      hint: `Run it again: it compares ${part} with the flash and reads only what differs.`,
    });
  }
  onFile(file, () => renameSync(part, file));
  return { ...report, md5 };
}

function readPiece(handle: number, at: number, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const read = readSync(handle, out, 0, size, at);
  return read === size ? out : new Uint8Array();
}

function onFile<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new TincanError('BACKUP_FILE', `${file} cannot be written.`, {
      cause: new Error(messageOf(error)),
      hint: 'Name a file in a folder that you may write to, on a disk with room for it.',
    });
  }
}

/**
 * Writes a backup into the region it was read from. What the flash holds already is not sent, so after a failure the
 * same command sends what is missing.
 * @throws TincanError RESTORE_SIZE, and as `Flasher.write`
 */
export async function restoreRegion(
  flasher: Pick<Flasher, 'write'>,
  { offset, length }: Region,
  data: Uint8Array,
  what: { name: string; place: string },
  options: BackupOptions = {},
): Promise<WriteReport> {
  if (data.length !== length) {
    throw new TincanError(
      'RESTORE_SIZE',
      `${what.name} has ${bytes(data.length)}, but ${what.place} has ${bytes(length)}.`,
      {
        exit: 'flash',
        hint: 'A backup goes back to where it came from: the whole flash, or with --partition NAME one partition. An image is written by `tincan flash`.',
      },
    );
  }
  const { signal, onProgress } = options;
  return flasher.write([{ offset, data, name: what.name }], {
    skipUnchanged: true,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined
      ? {}
      : {
          onProgress: ({ written, total }: { written: number; total: number }) => onProgress(written, total),
        }),
  });
}
