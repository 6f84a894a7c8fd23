/**
 * The whole of `tincan flash`: check, connect, look at the chip, write, verify, reset, and wait until the board itself
 * says that it runs what was written.
 */
import {
  type Hello,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type Partition,
  parsePartitionTable,
} from '@tincan/shared-protocol';
import { Device, type DeviceOptions } from '../device/device.ts';
import { interrupted } from '../errors.ts';
import type { SerialLine } from '../serial/line.ts';
import { type AppInfo, checkFiles } from './check.ts';
import { type Clock, realTime } from './clock.ts';
import { createFlasher, type FlasherOptions } from './engine.ts';
import { type BoardMemory, refuseOtherMemory, refuseProtected } from './fit.ts';
import type { ChipInfo, Flasher, FlashFile, FlashProgress, Recovery, WriteReport } from './flasher.ts';
import { type FlashSizeChoice, withFlashSize } from './header.ts';
import { settledOtaData } from './ota-choice.ts';
import { waitForImage } from './running.ts';

export interface FlashOptions {
  /** Stays open; what happens to it afterwards is the caller's business. */
  line: SerialLine;
  /**
   * Opens the port of the same board after it went away; the line that it gives is the caller's business, too. Without
   * it a board that goes away is an error.
   */
  reopen?: (lost: SerialLine) => Promise<SerialLine>;
  files: readonly FlashFile[];
  /** Refuse an image of another board. */
  board?: string;
  /** Take also an application that is no Tincan firmware; its start is not waited for. */
  foreign?: boolean;
  /** Where the partition table lies; 0x8000 where left out. */
  tableOffset?: number | undefined;
  /** Refuse a chip whose memory is not this board's. */
  memory?: BoardMemory;
  /** What the boot loader's header shall say of the flash; `keep` where left out. */
  flashSize?: FlashSizeChoice;
  /** Speed of the transfer, in baud. */
  baud?: number;
  /** Erase the whole flash before, settings included. */
  eraseAll?: boolean;
  /** Do not send what the flash holds already. */
  skipUnchanged?: boolean;
  onStage?: (stage: FlashStage) => void;
  onProgress?: (progress: FlashProgress) => void;
  signal?: AbortSignal | undefined;
  /** How long the board may take from reset to its hello, in ms. */
  helloMs?: number;
  /** How to open the port again if it vanishes at the reset; for tests. */
  device?: DeviceOptions;
  createFlasher?: (line: SerialLine, options: FlasherOptions) => Flasher;
  clock?: Clock;
}

export type FlashStage =
  | { stage: 'connecting' }
  | { stage: 'connected'; chip: ChipInfo }
  | { stage: 'erasing' }
  | { stage: 'writing' }
  | { stage: 'recovering'; recovery: Recovery }
  | { stage: 'resetting' }
  /** The chip started its loader again: somebody holds BOOT. It is still waited for. */
  | { stage: 'boot-held' }
  | { stage: 'running'; hello: Hello };

export interface FlashResult {
  chip: ChipInfo;
  report: WriteReport;
  app: AppInfo | undefined;
  /** What the new firmware said; undefined where no application of ours was written. */
  hello: Hello | undefined;
  /** From reset to hello. */
  bootMs: number;
}

/**
 * Flashes a board. Running it again after any failure is safe.
 * @throws TincanError as `checkFiles`, `refuseProtected`, `refuseOtherMemory`, `Flasher`, and `waitForImage`
 */
export async function flashBoard(options: FlashOptions): Promise<FlashResult> {
  const board = {
    ...(options.board === undefined ? {} : { board: options.board }),
    ...(options.tableOffset === undefined ? {} : { tableOffset: options.tableOffset }),
    foreign: options.foreign ?? false,
  };
  const foreign = checkFiles(options.files, board).app?.foreign === true;
  const { signal } = options;
  const clock = options.clock ?? realTime;
  const say = (stage: FlashStage) => options.onStage?.(stage);
  const flasher = (options.createFlasher ?? createFlasher)(options.line, {
    baud: options.baud,
    clock,
    reopen: options.reopen,
    onRecovery: (recovery) => say({ stage: 'recovering', recovery }),
  });
  const goOn = () => {
    if (signal?.aborted) throw interrupted('Nothing was written; the board starts with what it has.');
  };
  let touched = false;
  try {
    goOn();
    say({ stage: 'connecting' });
    // Connecting can fail with the chip in its loader already.
    touched = true;
    const chip = await flasher.connect();
    goOn();
    say({ stage: 'connected', chip });
    refuseProtected(chip);
    if (options.memory !== undefined && !foreign) refuseOtherMemory(chip, options.memory);
    const files = withFlashSize(options.files, options.flashSize ?? 'keep', chip.flashBytes);
    const checked = checkFiles(files, {
      ...board,
      flashBytes: chip.flashBytes,
      revision: chip.revision,
      ...(await boardTable(flasher, files, options.tableOffset ?? PARTITION_TABLE_OFFSET)),
    });
    goOn();
    if (options.eraseAll) {
      say({ stage: 'erasing' });
      await flasher.eraseAll();
    }
    say({ stage: 'writing' });
    const report = await write(flasher, files, checked.table, options);
    say({ stage: 'resetting' });
    let device: Device | undefined;
    try {
      await flasher.reset(() => {
        flasher.release();
        device = new Device(flasher.line, { reconnect: true, ...options.device });
      });
      touched = false;
      const started = clock.now();
      const hello =
        checked.app === undefined || foreign || device === undefined
          ? undefined
          : await waitForImage(device, checked.app, {
              clock,
              timeoutMs: options.helloMs ?? 15_000,
              signal,
              onBootHeld: () => say({ stage: 'boot-held' }),
            });
      if (hello !== undefined) say({ stage: 'running', hello });
      return { chip, report, app: checked.app, hello, bootMs: clock.now() - started };
    } finally {
      device?.release();
    }
  } catch (error) {
    // Whatever went wrong, the chip is not left standing in the loader.
    if (touched) await flasher.reset().catch(() => undefined);
    throw error;
  } finally {
    flasher.release();
  }
}

async function write(
  flasher: Flasher,
  files: readonly FlashFile[],
  table: readonly Partition[] | undefined,
  options: FlashOptions,
): Promise<WriteReport> {
  const skipUnchanged = options.skipUnchanged ?? true;
  const kept = skipUnchanged && !options.eraseAll ? await settledOtaData(flasher, files, table) : undefined;
  const report = await flasher.write(
    files.filter((file) => file !== kept),
    {
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      skipUnchanged,
    },
  );
  return kept === undefined ? report : { ...report, kept: kept.name };
}

/** The table that is on the board, for files that bring none. */
async function boardTable(flasher: Flasher, files: readonly FlashFile[], offset: number) {
  if (files.some((file) => file.offset === offset)) return {};
  const { entries, problems } = parsePartitionTable(await flasher.read(offset, PARTITION_TABLE_SIZE));
  return problems.length === 0 ? { table: entries } : {};
}
