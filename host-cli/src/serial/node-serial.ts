/**
 * A tty of this machine, by the `serialport` package. What it does differently from its defaults, and why:
 * `set` merges over {dtr: true, rts: true}, so both are always passed; `hupcl` would drop the lines at close and
 * reset the board; a write after unplugging never calls back, so every wait ends when the line does.
 */
import { realpathSync } from 'node:fs';
import type { SerialPort } from 'serialport';
import { messageOf, TincanError } from '../errors.ts';
import {
  CONSOLE_BAUD,
  LineEvents,
  type ModemLines,
  type OpenOptions,
  type SerialLine,
  type UsbIds,
} from './line.ts';
import { listPorts } from './ports.ts';
import { openError } from './trouble.ts';

/** What a call on a port without modem lines (a pty) says: ENOTTY from TIOCMSET. */
const NO_LINES = /cannot set|cannot get|inappropriate ioctl/i;

class NodeSerialLine implements SerialLine {
  readonly path: string;
  readonly usb?: UsbIds;
  hasLines = true;
  readonly #port: SerialPort;
  readonly #events = new LineEvents();
  #closing = false;

  constructor(path: string, port: SerialPort, usb: UsbIds | undefined) {
    this.path = path;
    this.#port = port;
    if (usb !== undefined) this.usb = usb;
    let cause: Error | undefined;
    port.on('data', (bytes: Buffer) => this.#events.data(bytes));
    port.on('error', (error) => {
      cause = error;
    });
    port.on('close', (error: (Error & { disconnected?: boolean }) | null) => {
      const lost = new TincanError(
        'PORT_LOST',
        `${path} is gone: the board was unplugged, or it restarted its USB.`,
        {
          exit: 'port',
          cause: error ?? cause,
          hint: 'Plug it in again; `tincan ports` shows under which name it came back.',
        },
      );
      this.#events.closed(lost, !this.#closing, error ?? cause);
    });
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#events.onData(listener);
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    return this.#events.onClose(listener);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#events.guard((done) => this.#port.write(bytes, undefined, done));
  }

  async setBaud(baud: number): Promise<void> {
    try {
      // What was written at the old speed must have left before the speed changes.
      await this.#events.guard((done) => this.#port.drain(done));
      await this.#events.guard((done) => this.#port.update({ baudRate: baud }, done));
    } catch (error) {
      if (error instanceof TincanError) throw error;
      throw new TincanError('PORT_SETTING', `${this.path} cannot run at ${baud} baud.`, {
        exit: 'port',
        cause: error,
        hint: 'Try a lower speed with --baud, such as 460800 or 115200.',
      });
    }
  }

  async setLines({ dtr, rts }: ModemLines): Promise<void> {
    if (!this.hasLines) return;
    try {
      await this.#events.guard((done) => this.#port.set({ dtr, rts }, done));
    } catch (error) {
      if (error instanceof TincanError || !NO_LINES.test(messageOf(error))) throw error;
      this.hasLines = false;
    }
  }

  purge(): Promise<void> {
    return this.#events.guard((done) => this.#port.flush(done));
  }

  close(): Promise<void> {
    this.#closing = true;
    if (!this.#port.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#port.close(() => resolve()));
  }
}

/** Opens a tty. @throws TincanError PORT_MISSING, PORT_BUSY, PORT_PERMISSION, PORT_FAILED */
export async function openNodeSerial(path: string, options: OpenOptions = {}): Promise<SerialLine> {
  // Imported late: a native module that most commands do not need.
  const serialport = await import('serialport');
  const port = new serialport.SerialPort({
    path,
    baudRate: options.baud ?? CONSOLE_BAUD,
    autoOpen: false,
    hupcl: false,
    lock: true,
  });
  const failure = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (failure !== null) {
    const ports = await listPorts().catch(() => []);
    throw openError(
      path,
      failure,
      ports.map((one) => one.path),
    );
  }
  const known = (await listPorts().catch(() => [])).find(
    (one) => one.path === path || one.path === realOf(path),
  );
  return new NodeSerialLine(path, port, known?.usb);
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
