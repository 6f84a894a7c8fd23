/**
 * What is looked at before a single byte is written: a board that was flashed with something else is easy to make and
 * tedious to mend. Everything that can be known from the files alone is checked before the port is opened.
 */
import {
  appDescriptorOf,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  PARTITION_TYPE,
  type Partition,
  parseImage,
  parsePartitionTable,
  partitionKind,
  ROM,
} from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import { bytes } from '../output.ts';
import { chipName } from './chip.ts';
import type { FlashFile } from './flasher.ts';
import { bytesOfFlashSize } from './header.ts';

/** The application among the files. */
export interface AppInfo {
  name: string;
  offset: number;
  partition: string;
  /** As its descriptor holds it: `tincan-<board>`. */
  project: string;
  version: string;
  /** SHA-256 of the application, 64 hex digits: what the board's `hello` must say. */
  image: string;
  /** It is no Tincan firmware, and says no hello. */
  foreign?: boolean;
}

export interface CheckOptions {
  /** Refuse an image of another board than this. */
  board?: string;
  /** Size of the flash, where it is known. */
  flashBytes?: number;
  /** Revision of the chip, where it is known: major * 100 + minor. */
  revision?: number;
  /** The table on the board, for files that bring none. */
  table?: readonly Partition[];
  /** Where the partition table lies; 0x8000 where left out. */
  tableOffset?: number;
  /** Take also an application that is no Tincan firmware. */
  foreign?: boolean;
}

export interface Checked {
  app: AppInfo | undefined;
  /** The partition table that will be in force; undefined where neither files nor options have one. */
  table: readonly Partition[] | undefined;
}

const PROJECT_PREFIX = 'tincan-';
const SECTOR = ROM.flashSector;
const IMAGE_MAGIC = 0xe9;

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function refuse(code: string, message: string, hint: string, cause?: string): TincanError {
  return new TincanError(code, message, {
    exit: 'flash',
    hint,
    cause: cause === undefined ? undefined : new Error(cause),
  });
}

const BUILD_AGAIN = 'Build it again with `tincan build`; nothing was written to the board.';

/**
 * Refuses what must not be written.
 * @throws TincanError IMAGE_EMPTY, IMAGE_ALIGN, IMAGE_OVERLAP, IMAGE_PAST_END, IMAGE_TABLE, IMAGE_CHIP,
 *   IMAGE_REVISION, IMAGE_BROKEN, IMAGE_TOO_BIG, IMAGE_PLACE, IMAGE_OTHER_BOARD, IMAGE_FLASH_SIZE
 */
export function checkFiles(files: readonly FlashFile[], options: CheckOptions = {}): Checked {
  checkPlaces(files, options.flashBytes);
  const tableOffset = options.tableOffset ?? PARTITION_TABLE_OFFSET;
  const table = tableOf(files, options);
  let app: AppInfo | undefined;
  for (const file of files) {
    if (file.offset === tableOffset) continue;
    if (file.offset < tableOffset) {
      checkFlashSize(file, checkImage(file, options), options.flashBytes, table);
      continue;
    }
    const partition = table === undefined ? undefined : partitionFor(file, table);
    const isApp = partition?.type === PARTITION_TYPE.app;
    if (!isApp && (partition !== undefined || file.data[0] !== IMAGE_MAGIC)) continue;
    const found = checkApp(file, partition, options);
    app ??= found;
  }
  return { app, table };
}

function checkPlaces(files: readonly FlashFile[], flashBytes: number | undefined): void {
  if (files.length === 0) throw refuse('IMAGE_EMPTY', 'There is nothing to flash.', BUILD_AGAIN);
  const sorted = [...files].sort((a, b) => a.offset - b.offset);
  for (const [i, file] of sorted.entries()) {
    const end = file.offset + file.data.length;
    if (file.data.length === 0) throw refuse('IMAGE_EMPTY', `${file.name} is empty.`, BUILD_AGAIN);
    if (file.offset % SECTOR !== 0) {
      throw refuse(
        'IMAGE_ALIGN',
        `${file.name} is to be written at ${hex(file.offset)}, which is not the start of a 4 KiB sector.`,
        'Erasing that sector would destroy what stands before it. Correct the offset in flasher_args.json.',
      );
    }
    const next = sorted[i + 1];
    // A sector is erased as a whole, so files must not even share one.
    if (next !== undefined && Math.ceil(end / SECTOR) * SECTOR > next.offset) {
      throw refuse(
        'IMAGE_OVERLAP',
        `${file.name} (${hex(file.offset)} to ${hex(end)}) runs into ${next.name} at ${hex(next.offset)}.`,
        'Correct the offsets in flasher_args.json, or build again; nothing was written to the board.',
      );
    }
    if (flashBytes !== undefined && end > flashBytes) {
      throw refuse(
        'IMAGE_PAST_END',
        `${file.name} ends at ${hex(end)}, but the flash of this board ends at ${hex(flashBytes)}.`,
        'The image is for a board with a larger flash; check --board.',
      );
    }
  }
}

function tableOf(files: readonly FlashFile[], options: CheckOptions): readonly Partition[] | undefined {
  const file = files.find((one) => one.offset === (options.tableOffset ?? PARTITION_TABLE_OFFSET));
  if (file === undefined) return options.table;
  const { entries, problems } = parsePartitionTable(file.data.subarray(0, PARTITION_TABLE_SIZE), {
    ...(options.flashBytes === undefined ? {} : { flashSize: options.flashBytes }),
  });
  const [problem] = problems;
  if (problem !== undefined) {
    throw refuse(
      'IMAGE_TABLE',
      `${file.name} is not a usable partition table.`,
      BUILD_AGAIN,
      problem.message,
    );
  }
  return entries;
}

/** The partition that a file belongs to. */
function partitionFor(file: FlashFile, table: readonly Partition[]): Partition {
  const partition = table.find((one) => file.offset >= one.offset && file.offset < one.offset + one.size);
  if (partition === undefined) {
    throw refuse(
      'IMAGE_PLACE',
      `${file.name} is to be written at ${hex(file.offset)}, where the partition table has nothing.`,
      'flasher_args.json and the partition table are not of the same build; build again.',
    );
  }
  const room = partition.offset + partition.size - file.offset;
  if (file.data.length > room) {
    throw refuse(
      'IMAGE_TOO_BIG',
      `${file.name} has ${bytes(file.data.length)}, but the partition ${partition.name} (${partitionKind(partition)}) only ${bytes(room)}.`,
      'Make the image smaller or the partition larger; nothing was written to the board.',
    );
  }
  return partition;
}

function checkImage(file: FlashFile, options: CheckOptions): ReturnType<typeof parseImage> {
  const image = parseImage(file.data);
  const chip = image.header?.chip;
  if (chip !== undefined && chip !== ROM.chipId) {
    throw refuse(
      'IMAGE_CHIP',
      `${file.name} is for the ${chipName(chip)}, not for the ESP32-S3.`,
      'Choose the image of this board with --board, or build it with `tincan build`; nothing was written.',
    );
  }
  const [problem] = image.problems;
  if (problem !== undefined) {
    const how = problem.code === 'truncated' ? 'is cut off' : 'is damaged';
    throw refuse(
      'IMAGE_BROKEN',
      `${file.name} ${how}: the board would not boot it.`,
      BUILD_AGAIN,
      problem.message,
    );
  }
  const { header } = image;
  if (
    options.revision !== undefined &&
    header !== undefined &&
    (options.revision < header.minRev || options.revision > header.maxRev)
  ) {
    throw refuse(
      'IMAGE_REVISION',
      `${file.name} does not run on revision v${Math.floor(options.revision / 100)}.${options.revision % 100} of the chip.`,
      'Build it for this revision (CONFIG_ESP32S3_REV_MIN); nothing was written to the board.',
    );
  }
  return image;
}

/**
 * The boot loader believes its header: an application does not start where the flash is smaller than that, and a
 * partition behind that end is refused.
 */
function checkFlashSize(
  file: FlashFile,
  { header }: ReturnType<typeof parseImage>,
  flashBytes: number | undefined,
  table: readonly Partition[] | undefined,
): void {
  if (header?.flashSize === undefined) return;
  const claimed = bytesOfFlashSize(header.flashSize);
  const hint =
    'Run it with --flash-size detect: it corrects the header and its hash on the way to the board.';
  if (flashBytes !== undefined && claimed > flashBytes) {
    throw refuse(
      'IMAGE_FLASH_SIZE',
      `${file.name} says that the flash has ${header.flashSize}, but this board has ${bytes(flashBytes)}.`,
      hint,
      'an application stops in its start where the flash is smaller than the boot loader says',
    );
  }
  const behind = table?.find(({ offset, size }) => offset + size > claimed);
  if (behind !== undefined) {
    throw refuse(
      'IMAGE_FLASH_SIZE',
      `${file.name} says that the flash has ${header.flashSize}, but the partition ${behind.name} ends at ${hex(behind.offset + behind.size)}.`,
      hint,
      'the boot loader refuses a partition table that goes past the flash size in its header',
    );
  }
}

function checkApp(file: FlashFile, partition: Partition | undefined, options: CheckOptions): AppInfo {
  const image = checkImage(file, options);
  const descriptor = appDescriptorOf(image);
  if (descriptor === undefined) {
    throw refuse('IMAGE_BROKEN', `${file.name} holds no description of its application.`, BUILD_AGAIN);
  }
  const { project } = descriptor;
  const about = {
    name: file.name,
    offset: file.offset,
    partition: partition?.name ?? 'app',
    project,
    version: descriptor.version,
    image: Buffer.from(descriptor.elfSha256).toString('hex'),
  };
  if (!project.startsWith(PROJECT_PREFIX)) {
    if (options.foreign) return { ...about, foreign: true };
    throw refuse(
      'IMAGE_OTHER_BOARD',
      `${file.name} is the project "${project}", not a Tincan firmware.`,
      'Leave --board out to flash it all the same; its start is not waited for then.',
    );
  }
  const board = project.slice(PROJECT_PREFIX.length);
  if (options.board !== undefined && board !== options.board) {
    throw refuse(
      'IMAGE_OTHER_BOARD',
      `${file.name} is for the board "${board}", not for "${options.board}".`,
      `Build the right one with \`tincan build --board ${options.board}\`, or pass --board ${board}.`,
    );
  }
  return about;
}
