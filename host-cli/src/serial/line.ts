/**
 * A serial line, whatever carries it: a tty of this machine, or RFC 2217 over TCP. Opening one is gentle: it does not
 * touch DTR and RTS, so that a running board goes on running.
 */

export interface UsbIds {
  /** Four hex digits, lower case. */
  vid: string;
  pid: string;
  serial?: string;
}

export interface ModemLines {
  dtr: boolean;
  rts: boolean;
}

export interface SerialLine {
  /** As the user spells it: a device path or `rfc2217://host:port`. */
  readonly path: string;
  readonly usb?: UsbIds;
  /** Whether DTR and RTS reach the board. A pty has none; that is known after the first `setLines`. */
  readonly hasLines: boolean;
  /** Resolves when the system has taken the bytes; rejects with PORT_LOST when the line goes away before. */
  write(bytes: Uint8Array): Promise<void>;
  /** Calls `listener` with each piece received, and answers how to stop it. */
  onData(listener: (bytes: Uint8Array) => void): () => void;
  /** Calls `listener` once when the line closes by itself (unplugged, hung up), not after `close()`. */
  onClose(listener: (error: Error | undefined) => void): () => void;
  /** Changes the speed of this side, in baud; resolves when it is in force. */
  setBaud(baud: number): Promise<void>;
  /** Sets both lines at once. Does nothing where the line carries none. */
  setLines(lines: ModemLines): Promise<void>;
  /** Throws away what waits in both directions. */
  purge(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Speed in baud; the console's 115,200 where left out. */
  baud?: number;
  /** How long a TCP connection and its negotiation may take, in ms. */
  timeoutMs?: number;
}

export const CONSOLE_BAUD = 115_200;

/**
 * Opens a port: `rfc2217://host:port`, or the path of a tty.
 * @throws TincanError PORT_MISSING, PORT_BUSY, PORT_PERMISSION, PORT_REFUSED, PORT_FAILED, PORT_NOT_RFC2217, PORT_URL.
 */
export async function openLine(port: string, options: OpenOptions = {}): Promise<SerialLine> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(port)) {
    const { openRfc2217 } = await import('./rfc2217.ts');
    return openRfc2217(port, options);
  }
  const { openNodeSerial } = await import('./node-serial.ts');
  return openNodeSerial(port, options);
}

/** Listeners of a line, and the promises that must not outlive it. What both kinds of line share. */
export class LineEvents {
  readonly #data = new Set<(bytes: Uint8Array) => void>();
  readonly #close = new Set<(error: Error | undefined) => void>();
  readonly #waiting = new Set<(error: Error) => void>();
  #lost: Error | undefined;

  onData(listener: (bytes: Uint8Array) => void): () => void {
    this.#data.add(listener);
    return () => this.#data.delete(listener);
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    this.#close.add(listener);
    return () => this.#close.delete(listener);
  }

  data(bytes: Uint8Array): void {
    for (const listener of [...this.#data]) listener(bytes);
  }

  /** The line is gone: everything that waits for it fails now. `told` says whether listeners hear of it. */
  closed(error: Error, told: boolean, cause?: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    for (const reject of [...this.#waiting]) reject(error);
    if (told) for (const listener of [...this.#close]) listener(cause);
  }

  /** Runs `start` and waits for its `done`, but no longer than the line lives. */
  guard(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      const fail = (error: Error) => {
        this.#waiting.delete(fail);
        reject(error);
      };
      this.#waiting.add(fail);
      start((error) => {
        if (error) fail(error);
        else {
          this.#waiting.delete(fail);
          resolve();
        }
      });
    });
  }
}
