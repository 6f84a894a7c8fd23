/** Done is when the board itself says that it runs the image. */
import type { Hello } from '@tincan/shared-protocol';
import type { Device } from '../device/device.ts';
import { interrupted, TincanError } from '../errors.ts';
import type { AppInfo } from './check.ts';
import { type Clock, pause } from './clock.ts';

/** What the ROM prints when BOOT is held at a reset. */
const WAITS_FOR_DOWNLOAD = /waiting for download/i;
/** The notification can be missed where USB comes back late, so it is asked for as well. */
const ASK_MS = 3000;
const ANSWER_MS = 2500;

export interface WaitOptions {
  clock: Clock;
  /** How long the board may take, in ms. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Called once when the board starts its loader instead. */
  onBootHeld?: () => void;
}

/**
 * Waits for the hello of this image.
 * @throws TincanError BOOT_FAILED, BOOT_HELD, IMAGE_NOT_RUNNING, INTERRUPTED
 */
export async function waitForImage(device: Device, app: AppInfo, options: WaitOptions): Promise<Hello> {
  const { clock, timeoutMs, signal } = options;
  const done = new AbortController();
  let held = false;
  let stop = () => {};
  const said = new Promise<Hello>((resolve) => {
    stop = device.listen({
      message: ({ method, params }) => {
        if (method === 'hello') resolve(params as unknown as Hello);
      },
      text: (line) => {
        if (held || !WAITS_FOR_DOWNLOAD.test(line)) return;
        held = true;
        options.onBootHeld?.();
      },
    });
  });
  const late = pause(clock, timeoutMs, done.signal).then(() => undefined);
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(interrupted('The image is in the flash; the board starts with it.'));
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true, signal: done.signal });
  });
  try {
    const hello = await Promise.race([said, ask(device, clock, done.signal), late, aborted]);
    if (hello === undefined) throw held ? bootHeld() : bootFailed(device, timeoutMs);
    if (hello.image !== app.image) throw notRunning(app, hello);
    return hello;
  } finally {
    done.abort();
    stop();
    aborted.catch(() => undefined);
  }
}

/** Asks until it answers; waits for ever once the signal is aborted. */
async function ask(device: Device, clock: Clock, signal: AbortSignal): Promise<Hello> {
  for (;;) {
    await pause(clock, ASK_MS, signal);
    if (signal.aborted) return new Promise(() => {});
    const hello = await device
      .request<Hello>('device.hello', {}, { timeoutMs: ANSWER_MS, signal })
      .catch(() => undefined);
    if (hello !== undefined) return hello;
  }
}

function bootHeld(): TincanError {
  return new TincanError(
    'BOOT_HELD',
    'The image is written, but the chip started its loader instead of it.',
    {
      exit: 'flash',
      cause: new Error('it says that it waits for a download: its BOOT pin is low'),
      hint: 'Let go of BOOT (or take away what pulls GPIO 0 low), press RESET, and look with `tincan tail`.',
    },
  );
}

function bootFailed(device: Device, timeoutMs: number): TincanError {
  const last = device.lastText.slice(-8);
  return new TincanError(
    'BOOT_FAILED',
    `The board did not say hello within ${timeoutMs / 1000} s after its reset.`,
    {
      exit: 'flash',
      cause: new Error(
        last.length > 0 ? `it said last:\n    ${last.join('\n    ')}` : 'nothing at all came from it',
      ),
      hint: 'Press RESET once and look with `tincan tail`. The image is in the flash and its MD5 was right.',
    },
  );
}

function notRunning(app: AppInfo, hello: Hello): TincanError {
  return new TincanError('IMAGE_NOT_RUNNING', 'The board runs another image than the one that was flashed.', {
    exit: 'flash',
    cause: new Error(`flashed ${app.image.slice(0, 16)}…, running ${hello.image.slice(0, 16)}…`),
    hint: 'It may have gone back to its other slot; `tincan flash --erase` starts from an empty flash.',
  });
}
