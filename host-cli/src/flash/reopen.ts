/**
 * A board that went away and comes back: USB gives it the next free name, so it is known by its serial number, and
 * where it has none by its place.
 */
import { TincanError } from '../errors.ts';
import { openLine, type SerialLine } from '../serial/line.ts';
import { listPorts, type PortInfo } from '../serial/ports.ts';
import { type Clock, pause, realTime } from './clock.ts';

export interface ReopenOptions {
  /** How long it is waited for, in ms. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  clock?: Clock;
  list?: () => Promise<PortInfo[]>;
  open?: (path: string) => Promise<SerialLine>;
}

const LOOK_MS = 300;

/** Opens the board's port again, under whatever name. @throws TincanError PORT_LOST */
export async function reopenBoard(lost: SerialLine, options: ReopenOptions = {}): Promise<SerialLine> {
  const { timeoutMs = 30_000, signal, clock = realTime, list = listPorts, open = openLine } = options;
  const deadline = clock.now() + timeoutMs;
  let cause: unknown;
  while (clock.now() < deadline && !signal?.aborted) {
    const path = samePort(lost, await list().catch(() => []));
    try {
      if (path !== undefined) return await open(path);
    } catch (error) {
      // Just there, and its permissions are not set yet; or its server is still to be started again.
      cause = error;
    }
    await pause(clock, LOOK_MS, signal);
  }
  throw new TincanError('PORT_LOST', `${lost.path} went away and did not come back.`, {
    exit: 'port',
    cause,
    hint: 'Plug the board in again and repeat the command: it is safe, and sends only what is missing.',
  });
}

/** The name under which the board of a lost line is there now; undefined if it is not. */
export function samePort(
  lost: Pick<SerialLine, 'path' | 'usb'>,
  ports: readonly PortInfo[],
): string | undefined {
  const { usb, path } = lost;
  if (usb === undefined) return path;
  const alike = ports.filter((port) => port.usb?.vid === usb.vid && port.usb.pid === usb.pid);
  if (usb.serial !== undefined) return alike.find((port) => port.usb?.serial === usb.serial)?.path;
  // Bridges without a serial number: the same name, or the only one of its kind.
  return alike.find((port) => port.path === path)?.path ?? (alike.length === 1 ? alike[0]?.path : undefined);
}
