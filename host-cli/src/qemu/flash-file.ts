/**
 * The flash of the emulated board: one file as large as the flash. A new one is blank but for the build; one that is
 * there already keeps its settings, and gets the build where it holds another.
 */
import { type ChipBoard, NorFlash } from '@tincan/boards';
import {
  buildMicImage,
  MicImageError,
  PARTITION_TABLE_OFFSET,
  PARTITION_TYPE,
  type Partition,
  parsePartitionTable,
} from '@tincan/shared-protocol';
import { partitionsOf } from '../build/board.ts';
import { asTincanError, TincanError } from '../errors.ts';
import { checkFiles } from '../flash/check.ts';
import type { FlashFile } from '../flash/flasher.ts';

const SECTOR = 0x1000;
const MIC = 'mic';
/** Where a build leaves a start value that the board then changes. */
const OTADATA = { type: PARTITION_TYPE.data, subtype: 0 };

export interface FlashFileOptions {
  board: ChipBoard;
  /** Made where it is not there. */
  path: string;
  files: readonly FlashFile[];
  /** What the microphone hears: 16 kHz mono. */
  sentences: readonly Int16Array[];
}

export interface PreparedFlash {
  /** Held against others until it is closed. */
  flash: NorFlash;
  /** The build was written: it was not there, or another was. */
  written: boolean;
  /** Settings were erased because the new partition table has them elsewhere. */
  settingsLost: boolean;
  image: string;
}

/** @throws TincanError MIC_TOO_LONG, what `checkFiles` refuses, and those of `NorFlash.open` */
export function prepareFlash({ board, path, files, sentences }: FlashFileOptions): PreparedFlash {
  const { app } = checkFiles(files, { board: board.id, flashBytes: board.flash.bytes });
  const table = partitionsOf(board);
  const mic = table.find((one) => one.name === MIC);
  const heard = mic === undefined ? undefined : micImage(sentences, mic.size);
  let flash: NorFlash;
  try {
    flash = NorFlash.open(path, board.flash.bytes);
  } catch (error) {
    const known = asTincanError(error);
    throw new TincanError(known.code, capital(known.message), {
      exit: 'usage',
      hint: known.hint,
      cause: known.cause,
    });
  }
  try {
    const written = !files.every((file) => holds(flash, file, table));
    let settingsLost = false;
    if (written) {
      settingsLost = !keepsSettings(flash, table);
      if (settingsLost) flash.erase(0, board.flash.bytes);
      // Whole slots, as an update would: of an older, longer image nothing stays behind.
      for (const file of files) {
        const place = table.find((one) => file.offset >= one.offset && file.offset < one.offset + one.size);
        replace(flash, file.offset, file.data, place?.type === PARTITION_TYPE.app ? place.size : 0);
      }
    }
    if (mic !== undefined && heard !== undefined) replace(flash, mic.offset, heard, mic.size);
    return { flash, written, settingsLost, image: app?.image ?? '' };
  } catch (error) {
    flash.close();
    throw error;
  }
}

function micImage(sentences: readonly Int16Array[], size: number): Uint8Array {
  if (sentences.length === 0) return new Uint8Array();
  try {
    return buildMicImage(sentences, size);
  } catch (error) {
    if (!(error instanceof MicImageError)) throw error;
    throw new TincanError('MIC_TOO_LONG', `${capital(error.message)}.`, {
      exit: 'usage',
      hint: 'Give fewer or shorter files with --mic.',
    });
  }
}

/** Whether the flash holds this file; which slot boots is the board's own business. */
function holds(flash: NorFlash, file: FlashFile, table: readonly Partition[]): boolean {
  const place = table.find((one) => one.offset === file.offset);
  if (place?.type === OTADATA.type && place.subtype === OTADATA.subtype) return true;
  return Buffer.from(flash.read(file.offset, file.data.length)).equals(file.data);
}

/** Whether the table in the flash has NVS where the new one has it; a blank flash has nothing to lose. */
function keepsSettings(flash: NorFlash, table: readonly Partition[]): boolean {
  const there = flash.read(PARTITION_TABLE_OFFSET, 0xc00);
  if (there.every((byte) => byte === 0xff)) return true;
  const { entries } = parsePartitionTable(there);
  return table
    .filter((one) => /^nvs/.test(one.name))
    .every((one) =>
      entries.some((old) => old.name === one.name && old.offset === one.offset && old.size === one.size),
    );
}

/** Erases what it takes (at least `room` bytes) and programs. */
function replace(flash: NorFlash, offset: number, data: Uint8Array, room: number): void {
  flash.erase(offset, Math.ceil(Math.max(data.length, room) / SECTOR) * SECTOR);
  if (data.length > 0) flash.program(offset, data);
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
