/**
 * Updating a running device: the new application goes into the slot that does not run, over the serial link or as the
 * device gets it by itself, starts on trial, and stays when it has proven itself. Whatever goes wrong, the application
 * that ran before runs on.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  appDescriptorOf,
  type Hello,
  type OtaProgress,
  type OtaWritten,
  parseImage,
} from '@tincan/shared-protocol';
import type { Device } from '../device/device.ts';
import { asTincanError, interrupted, messageOf, TincanError } from '../errors.ts';
import { readPlan } from '../flash/plan.ts';

/** Bytes in one request. On a line of 115,200 baud it takes a second. */
const PIECE = 8_192;
const PIECE_MS = 15_000;
/** Without a byte of progress in between. */
const TRIES = 5;
/** From the restart to the hello of the new image, and from there until it has proven itself. */
const START_MS = 60_000;
const TRIAL_MS = 200_000;
const POLL_MS = 500;
/** How long a device that gets its image may show no progress. */
const FETCH_MS = 60_000;

/** An application to update to. */
export interface Update {
  name: string;
  data: Uint8Array;
  project: string;
  version: string;
  /** What `hello` says of it. */
  image: string;
}

export interface UpdateOptions {
  downgrade?: boolean;
  signal?: AbortSignal;
  /** `total` is 0 where it is not known. */
  onProgress?(done: number, total: number): void;
  /** The device restarts into the new image; then it is on trial. */
  onStage?(stage: 'restarting' | 'trial'): void;
}

/**
 * Reads an application: its file, or a build's folder or flasher_args.json.
 * @throws TincanError PLAN_…, IMAGE_MISSING, IMAGE_BROKEN
 */
export function readUpdate(path: string): Update {
  const isPlan = path.endsWith('.json') || (existsSync(path) && statSync(path).isDirectory());
  const files = isPlan ? readPlan(path).files : [readFile(path)];
  for (const { name, data } of files) {
    const parsed = parseImage(data);
    const app = appDescriptorOf(parsed);
    if (!app) continue;
    if (parsed.problems.length > 0) {
      throw new TincanError('IMAGE_BROKEN', `${name} is damaged: ${parsed.problems[0]!.message}.`, {
        exit: 'flash',
        hint: 'Build it again with `tincan build`; nothing was sent.',
      });
    }
    const image = Buffer.from(app.elfSha256).toString('hex');
    return { name, data, project: app.project, version: app.version, image };
  }
  throw new TincanError('IMAGE_BROKEN', `${path} holds no application.`, {
    exit: 'flash',
    hint: 'Name a build folder, its flasher_args.json, or tincan.bin in it.',
  });
}

function readFile(path: string): { name: string; data: Uint8Array } {
  try {
    return { name: path, data: new Uint8Array(readFileSync(path)) };
  } catch (error) {
    throw new TincanError('IMAGE_MISSING', `There is no image at ${path}.`, {
      exit: 'flash',
      cause: new Error(messageOf(error)),
      hint: 'Build one with `tincan build`, or name a build folder or tincan.bin in it.',
    });
  }
}

/**
 * Sends an application over the link, and waits until it has proven itself.
 * @returns the hello of the new application
 * @throws TincanError IMAGE_OTHER_BOARD, OTA_ROLLED_BACK, INTERRUPTED, and what the device says: DEVICE_OTA_IMAGE,
 *   DEVICE_OTA_DOWNGRADE, DEVICE_OTA_BROKEN, DEVICE_STATE, DEVICE_STORAGE
 */
export async function updateDevice(
  device: Device,
  update: Update,
  options: UpdateOptions = {},
): Promise<Hello> {
  const { signal } = options;
  const before = await device.hello({ signal });
  if (update.project !== `tincan-${before.board}`) {
    throw new TincanError(
      'IMAGE_OTHER_BOARD',
      `${update.name} is "${update.project}", the device a ${before.board}.`,
      {
        exit: 'flash',
        hint: `Build it with \`tincan build --board ${before.board}\`; nothing was sent.`,
      },
    );
  }
  if (before.image === update.image && !before.trial) return before;
  await device.request(
    'ota.begin',
    {
      size: update.data.length,
      sha256: createHash('sha256').update(update.data).digest('hex'),
      ...(options.downgrade ? { downgrade: true } : {}),
    },
    { signal },
  );
  const started = startOf(device, update.image, signal);
  started.catch(() => undefined);
  try {
    await send(device, update.data, options);
    await device.request('ota.end', {}, { timeoutMs: PIECE_MS, signal });
  } catch (error) {
    await device.request('ota.abort').catch(() => undefined);
    throw withWay(error);
  }
  options.onStage?.('restarting');
  return proven(device, await inTime(device, started), options);
}

/** Sends the pieces; one that got lost is asked for again. */
async function send(device: Device, data: Uint8Array, { signal, onProgress }: UpdateOptions): Promise<void> {
  let tries = 0;
  for (let at = 0; at < data.length; ) {
    if (signal?.aborted) throw interrupted('The device goes on with what it runs.');
    const piece = Buffer.from(data.subarray(at, at + PIECE)).toString('base64');
    try {
      ({ written: at } = await device.request<OtaWritten>(
        'ota.write',
        { offset: at, data: piece },
        { timeoutMs: PIECE_MS, signal },
      ));
      tries = 0;
    } catch (error) {
      const { code } = asTincanError(error);
      if ((code !== 'DEVICE_TIMEOUT' && code !== 'DEVICE_PARAMS') || ++tries > TRIES) throw error;
      // An empty piece is one that is there already: the answer says where to go on.
      ({ written: at } = await device.request<OtaWritten>('ota.write', { offset: 0, data: '' }, { signal }));
    }
    onProgress?.(at, data.length);
  }
}

/**
 * Lets the device get the image from `url`, and waits until the new application has proven itself.
 * @throws TincanError OTA_FAILED, OTA_ROLLED_BACK, INTERRUPTED, DEVICE_…
 */
export async function updateFromUrl(
  device: Device,
  url: string,
  options: UpdateOptions & { pin?: string } = {},
): Promise<Hello> {
  const { signal, onProgress } = options;
  await device.hello({ signal });
  const started = startOf(device, undefined, signal);
  started.catch(() => undefined);
  const { promise, stop } = fetched(device, onProgress, signal);
  try {
    await device.request(
      'ota.fetch',
      {
        url,
        ...(options.pin === undefined ? {} : { pin: options.pin }),
        ...(options.downgrade ? { downgrade: true } : {}),
      },
      { signal },
    );
    await promise;
  } catch (error) {
    await device.request('ota.abort').catch(() => undefined);
    throw withWay(error);
  } finally {
    stop();
  }
  options.onStage?.('restarting');
  return proven(device, await inTime(device, started), options);
}

/** Ends when the device has the image; fails as it says, or when it shows nothing for a minute. */
function fetched(
  device: Device,
  onProgress: UpdateOptions['onProgress'],
  signal: AbortSignal | undefined,
): { promise: Promise<void>; stop(): void } {
  let stop = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    const late = () =>
      reject(
        new TincanError('DEVICE_TIMEOUT', 'The device shows no progress with its update.', {
          exit: 'device',
          hint: 'Look at what it does with `tincan tail`; it goes on with what it runs.',
        }),
      );
    let timer = setTimeout(late, FETCH_MS);
    const unlisten = device.listen({
      message({ method, params }) {
        if (method !== 'ota') return;
        clearTimeout(timer);
        timer = setTimeout(late, FETCH_MS);
        const progress = params as unknown as OtaProgress;
        onProgress?.(progress.bytes, progress.total);
        if (progress.stage === 'restarting') resolve();
        if (progress.stage !== 'failed') return;
        reject(
          new TincanError(
            'OTA_FAILED',
            `The update failed: ${progress.problem ?? 'the device does not say why'}`,
            {
              exit: 'device',
              hint: 'The device goes on with what it runs. `tincan gateway --ota build` serves what `tincan build` made.',
            },
          ),
        );
      },
    });
    const abort = () => reject(interrupted('The device goes on with what it runs.'));
    signal?.addEventListener('abort', abort, { once: true });
    stop = () => {
      clearTimeout(timer);
      unlisten();
      signal?.removeEventListener('abort', abort);
    };
  });
  promise.catch(() => undefined);
  return { promise, stop: () => stop() };
}

/** The hello of the next start. `image`: of which application it must be. */
async function startOf(
  device: Device,
  image: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Hello> {
  const hello = await device.waitFor<Hello>(
    ({ method, params }) => (method === 'hello' ? (params as unknown as Hello) : undefined),
    'hello',
    // The whole transfer lies before it.
    { timeoutMs: 2 ** 31 - 1, signal },
  );
  if (image !== undefined && hello.image !== image) throw rolledBack(hello);
  return hello;
}

/** The next start, which is due now. */
async function inTime(device: Device, started: Promise<Hello>): Promise<Hello> {
  const late = new AbortController();
  try {
    return await Promise.race([
      started,
      sleep(START_MS, undefined, { signal: late.signal }).then(() => {
        throw device.silent();
      }),
    ]);
  } finally {
    late.abort();
  }
}

/** Waits until the application that `hello` is of has proven itself. */
async function proven(device: Device, hello: Hello, options: UpdateOptions): Promise<Hello> {
  if (!hello.trial) return hello;
  options.onStage?.('trial');
  const end = performance.now() + TRIAL_MS;
  while (performance.now() < end) {
    if (options.signal?.aborted) throw interrupted('The new application is on trial, and ends it by itself.');
    const now = await device.hello().catch(() => undefined);
    if (now !== undefined && now.image !== hello.image) throw rolledBack(now);
    if (now !== undefined && !now.trial) return now;
    await sleep(POLL_MS);
  }
  throw new TincanError('OTA_TRIAL', 'The new application is still on trial.', {
    exit: 'device',
    hint: 'Look at what it does with `tincan tail`; without a network it goes back by itself.',
  });
}

function rolledBack(hello: Hello): TincanError {
  return new TincanError('OTA_ROLLED_BACK', `The device went back to firmware ${hello.firmware}.`, {
    exit: 'device',
    hint: 'The new one did not start, did not join the network, or its audio did not open; `tincan tail` shows why.',
  });
}

/** The device's refusal of an older image, with the option that allows it. */
function withWay(error: unknown): unknown {
  const known = asTincanError(error);
  if (known.code !== 'DEVICE_OTA_DOWNGRADE') return error;
  return new TincanError(known.code, known.message, {
    exit: 'device',
    hint: 'If an older version is meant: `tincan ota --downgrade`.',
  });
}
