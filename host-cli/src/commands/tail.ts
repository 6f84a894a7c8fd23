import { closeSync, openSync, writeSync } from 'node:fs';
import type { Turn } from '@tincan/shared-protocol';
import { aborted, type Context, openBoard } from '../context.ts';
import { Device, type DeviceMessage } from '../device/device.ts';
import {
  cleanText,
  clockTime,
  isNamed,
  messageLine,
  messageRecord,
  type TailRecord,
} from '../device/format.ts';
import { Turns, turnLine } from '../device/turns.ts';
import { asTincanError, interrupted, messageOf, TincanError } from '../errors.ts';
import { redact } from '../redact.ts';
import type { TokenSource } from '../token/mint.ts';
import { startSupply } from '../token/supply.ts';
import { serveTools } from '../tools/index.ts';

export interface TailOptions {
  events?: string;
  /** Seconds. */
  for?: number;
  until?: string;
  deltas?: boolean;
  /** Start a session first. */
  start?: boolean;
  /** A file with tools that the model may call. */
  tools?: string;
  /** Who makes tokens for the device while tail runs; where that is, and its pin. */
  token?: TokenSource;
  tokenUrl?: string;
  tokenPin?: string;
}

const TURNS_EVERY_MS = 500;

/** `tincan tail`: everything a device says, until Ctrl-C. With `tools`, the host answers what the model calls. */
export async function tail(context: Context, options: TailOptions): Promise<void> {
  const { out, signal } = context;
  const file = options.events === undefined ? undefined : openEvents(options.events);
  const device = new Device(await openBoard(context), { reconnect: true });
  const tell = (record: TailRecord, line: string | undefined) => {
    if (file !== undefined) writeSync(file, `${redact(JSON.stringify(record))}\n`);
    out.event(record, line);
  };
  const now = () => ({ at: new Date().toISOString() });
  const turns = new Turns();
  const tellTurns = (ready: readonly Turn[]) => {
    for (const turn of ready) tell({ ...now(), turn }, `${clockTime(Date.now())} ${turnLine(turn)}`);
  };
  const ticking = setInterval(() => tellTurns(turns.tick(Date.now())), TURNS_EVERY_MS);
  let found: ((message: DeviceMessage) => void) | undefined;
  const until = new Promise<DeviceMessage>((resolve) => {
    found = resolve;
  });
  device.listen({
    message(message) {
      const line = messageLine(message, options.deltas);
      tell(messageRecord(message), line === undefined ? undefined : `${clockTime(message.at)} ${line}`);
      tellTurns(turns.take(message));
      if (options.until !== undefined && isNamed(message, options.until)) found?.(message);
    },
    text: (line) =>
      tell({ ...now(), text: cleanText(line) }, `${clockTime(Date.now())}   ${cleanText(line)}`),
    lost: (frames) =>
      tell(
        { ...now(), lost: frames },
        `${clockTime(Date.now())} ! ${frames} frame${frames === 1 ? '' : 's'} lost`,
      ),
    broken: () => tell({ ...now(), broken: true }, `${clockTime(Date.now())} ! a damaged frame`),
    connection: (up) =>
      tell(
        { ...now(), connection: up ? 'up' : 'down' },
        `${clockTime(Date.now())} ! ${up ? 'the port is back' : 'the port is gone; waiting for it'}`,
      ),
  });
  let timer: NodeJS.Timeout | undefined;
  let tools: { close(): Promise<void> } | undefined;
  let supply: { close(): Promise<void> } | undefined;
  try {
    const greeted = greet(device, context);
    if (options.tools !== undefined) {
      await greeted;
      tools = await serveTools(options.tools, device, out);
    }
    if (options.token !== undefined) {
      await greeted;
      supply = await startSupply(context, device, { ...options, from: options.token });
    }
    if (options.start) await greeted.then(() => startSession(device));
    const time = new Promise<'time'>((resolve) => {
      if (options.for !== undefined) timer = setTimeout(() => resolve('time'), options.for * 1000);
    });
    const end = await Promise.race([aborted(signal).then(() => 'stop' as const), time, until]);
    // Without --until Ctrl-C is how it ends; with it, what was waited for has not come.
    if (end === 'stop' && options.until !== undefined) throw interrupted();
    if (end === 'time' && options.until !== undefined) {
      throw new TincanError('UNTIL_TIMEOUT', `"${options.until}" did not come within ${options.for} s.`, {
        exit: 'device',
        hint: 'Names are those of notifications (hello), of events (response.done), or states (state:live).',
      });
    }
  } finally {
    clearTimeout(timer);
    clearInterval(ticking);
    tellTurns(turns.end());
    await tools?.close();
    await supply?.close();
    out.note(`${device.received} frames, ${device.lost} lost, ${device.broken} damaged`);
    await device.close();
    if (file !== undefined) closeSync(file);
  }
}

/** Starts a session where none runs. @throws TincanError what the device says */
async function startSession(device: Device): Promise<void> {
  await device.request('session.start').catch(async (error: unknown) => {
    const running = asTincanError(error).code === 'DEVICE_STATE' && (await device.hello()).state === 'live';
    if (!running) throw error;
  });
}

/** Says who is there, once; a board that does not answer is no reason to stop listening. */
async function greet(device: Device, { out }: Context): Promise<void> {
  try {
    const hello = await device.hello({ timeoutMs: 3000 });
    out.note(`${hello.name} (${hello.board}), firmware ${hello.firmware}, ${hello.state}`);
  } catch (error) {
    if (
      error instanceof TincanError &&
      (error.code === 'BOARD_SILENT' || error.code === 'PROTOCOL_VERSION')
    ) {
      out.warn(`${error.message} ${error.hint ?? ''}`);
    }
  }
}

function openEvents(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw new TincanError('FILE_WRITE', `${path} cannot be written.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
    });
  }
}
