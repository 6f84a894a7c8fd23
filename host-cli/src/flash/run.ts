/**
 * The whole of `tincan flash`: check, connect, look at the chip, write, verify, reset, and wait until the board itself
 * says that it runs what was written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Hello,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  parsePartitionTable,
} from '@tincan/shared-protocol';
import { Device, type DeviceOptions } from '../device/device.ts';
import { asTincanError, interrupted, TincanError } from '../errors.ts';
import type { SerialLine } from '../serial/line.ts';
import { type AppInfo, checkFiles } from './check.ts';
import { createFlasher } from './engine.ts';
import type { ChipInfo, Flasher, FlashFile, FlashProgress, WriteReport } from './flasher.ts';

export interface FlashOptions {
  /** Stays open; what happens to it afterwards is the caller's business. */
  line: SerialLine;
  files: readonly FlashFile[];
  /** Refuse an image of another board. */
  board?: string;
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
  createFlasher?: (line: SerialLine, options: { baud?: number }) => Flasher;
}

export type FlashStage =
  | { stage: 'connecting' }
  | { stage: 'connected'; chip: ChipInfo }
  | { stage: 'erasing' }
  | { stage: 'writing' }
  | { stage: 'resetting' }
  | { stage: 'running'; hello: Hello };

export interface FlashResult {
  chip: ChipInfo;
  report: WriteReport;
  app: AppInfo | undefined;
  /** What the new firmware said; undefined where no application was written. */
  hello: Hello | undefined;
  /** From reset to hello. */
  bootMs: number;
}

/**
 * Flashes a board. Running it again after any failure is safe.
 * @throws TincanError as `checkFiles`, `Flasher`, and BOOT_FAILED, IMAGE_NOT_RUNNING
 */
export async function flashBoard(options: FlashOptions): Promise<FlashResult> {
  const board = options.board === undefined ? {} : { board: options.board };
  checkFiles(options.files, board);
  const { line, signal } = options;
  const flasher = (options.createFlasher ?? createFlasher)(line, {
    ...(options.baud === undefined ? {} : { baud: options.baud }),
  });
  const say = (stage: FlashStage) => options.onStage?.(stage);
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
    const checked = checkFiles(options.files, {
      ...board,
      flashBytes: chip.flashBytes,
      revision: chip.revision,
      ...(await boardTable(flasher, options.files)),
    });
    goOn();
    if (options.eraseAll) {
      say({ stage: 'erasing' });
      await flasher.eraseAll();
    }
    say({ stage: 'writing' });
    const report = await flasher.write(options.files, {
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(signal === undefined ? {} : { signal }),
      skipUnchanged: options.skipUnchanged ?? true,
    });
    say({ stage: 'resetting' });
    let device: Device | undefined;
    try {
      await flasher.reset(() => {
        flasher.release();
        device = new Device(line, { reconnect: true, ...options.device });
      });
      touched = false;
      const started = performance.now();
      const hello =
        checked.app === undefined || device === undefined
          ? undefined
          : await waitForImage(device, checked.app, options.helloMs ?? 15_000, signal);
      if (hello !== undefined) say({ stage: 'running', hello });
      return { chip, report, app: checked.app, hello, bootMs: performance.now() - started };
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

/** The table that is on the board, for files that bring none. */
async function boardTable(flasher: Flasher, files: readonly FlashFile[]) {
  if (files.some((file) => file.offset === PARTITION_TABLE_OFFSET)) return {};
  const { entries, problems } = parsePartitionTable(
    await flasher.read(PARTITION_TABLE_OFFSET, PARTITION_TABLE_SIZE),
  );
  return problems.length === 0 ? { table: entries } : {};
}

/** Waits until the board says that it runs this image. */
async function waitForImage(
  device: Device,
  app: AppInfo,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Hello> {
  const done = new AbortController();
  const wait = device.waitFor<Hello>(
    (message) => (message.method === 'hello' ? (message.params as unknown as Hello) : undefined),
    'hello',
    { timeoutMs, signal },
  );
  // The notification can be missed where USB comes back late, so it is asked for as well.
  const ask = (async () => {
    for (;;) {
      await sleep(3000, undefined, { signal: done.signal });
      const hello = await device
        .request<Hello>('device.hello', {}, { timeoutMs: 2500, signal: done.signal })
        .catch(() => undefined);
      if (hello !== undefined) return hello;
    }
  })();
  let hello: Hello;
  try {
    hello = await Promise.race([wait, ask]);
  } catch (error) {
    if (asTincanError(error).code !== 'DEVICE_TIMEOUT') throw error;
    const said = device.lastText.slice(-8);
    throw new TincanError(
      'BOOT_FAILED',
      `The board did not say hello within ${timeoutMs / 1000} s after its reset.`,
      {
        exit: 'flash',
        cause: new Error(
          said.length > 0 ? `it said last:\n    ${said.join('\n    ')}` : 'nothing at all came from it',
        ),
        hint: 'Press RESET once and look with `tincan tail`. The image is in the flash and its MD5 was right.',
      },
    );
  } finally {
    done.abort();
    wait.catch(() => undefined);
    ask.catch(() => undefined);
  }
  if (hello.image !== app.image) {
    throw new TincanError(
      'IMAGE_NOT_RUNNING',
      'The board runs another image than the one that was flashed.',
      {
        exit: 'flash',
        cause: new Error(`flashed ${app.image.slice(0, 16)}…, running ${hello.image.slice(0, 16)}…`),
        hint: 'It may have gone back to its other slot; `tincan flash --erase` starts from an empty flash.',
      },
    );
  }
  return hello;
}
