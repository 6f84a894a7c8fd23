/**
 * The line to an Espruino board: `DeviceController` of @espruino-tools/core, with a UART of ours in the place of its
 * own. (Its own looks for a browser, and ends the process where there is none.)
 */
import { messageOf } from '../errors.ts';
import { openLine, type SerialLine } from '../serial/line.ts';

/** What DeviceController asks of its public field `UART`. */
interface Uart {
  write(text: string, done?: () => void): void;
  eval(expression: string, done: (value: unknown, log?: string) => void): void;
  close(): void;
}
interface Controller {
  UART: Uart;
  eval(code: string): Promise<{ data: unknown; log: string }>;
}

export interface CallOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}
type Open = (port: string, options: { baud?: number }) => Promise<SerialLine>;

/** Ends a line that somebody left half written, and what runs for ever. */
const BREAK = '\x03';
/** At the start of a line: it is not echoed. */
const QUIET = '\x10';
/** Longest line of the board that is kept. */
const MAX_LINE = 16_384;

/** One board. Calls wait for each other. */
export class EspruinoLine {
  readonly #port: string;
  readonly #baud: number | undefined;
  readonly #open: Open;
  #line: SerialLine | undefined;
  #controller: Controller | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #decoder = new TextDecoder();
  #received = '';
  #said = '';
  #number = 0;
  /** Takes a line of the board while a call waits. */
  #answer: ((line: string) => void) | undefined;
  #lost: ((why: string) => void) | undefined;

  constructor(port: string, baud?: number, open: Open = openLine) {
    this.#port = port;
    this.#baud = baud;
    this.#open = open;
  }

  /**
   * Evaluates an expression on the board; it must be code of the developer's, with literals in it.
   * @throws Error in a sentence: the board is not there, silent, or its function failed
   */
  call(code: string, options: CallOptions): Promise<unknown> {
    const turn = this.#queue
      .catch(() => undefined)
      .then(() => {
        options.signal?.throwIfAborted();
        return this.#call(code, options);
      });
    this.#queue = turn;
    return turn;
  }

  async close(): Promise<void> {
    const line = this.#line;
    this.#line = undefined;
    this.#lost?.('the port was closed');
    await line?.close();
  }

  async #call(code: string, { timeoutMs, signal }: CallOptions): Promise<unknown> {
    await this.#connect();
    const mark = `t${++this.#number}`;
    // Marked, since whatever else runs on the board may print at any time; caught, since what is not is only printed.
    const expression = `(function(){try{var r=${code};return["${mark}",r===undefined?null:r]}catch(e){return["${mark}",0,""+e]}})()`;
    const controller = await this.#control();
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    const given = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const said = this.#said === '' ? '' : `; it said: ${this.#said.slice(0, 200)}`;
        reject(new Error(`the Espruino board did not answer within ${timeoutMs / 1000} s${said}`));
      }, timeoutMs);
      stop = () => reject(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
    });
    try {
      const { data, log } = await Promise.race([controller.eval(expression), given]);
      if (log !== '') throw new Error(log);
      const [, value, failure] = data as [string, unknown, string?];
      if (failure !== undefined) throw new Error(`the Espruino board says: ${failure}`);
      return value;
    } catch (error) {
      // Whatever runs there is broken off, so that the next call finds the prompt.
      if (this.#answer !== undefined) await this.#line?.write(Buffer.from(BREAK)).catch(() => undefined);
      throw error;
    } finally {
      clearTimeout(timer);
      if (stop) signal?.removeEventListener('abort', stop);
      this.#answer = undefined;
      this.#lost = undefined;
      this.#said = '';
    }
  }

  async #connect(): Promise<void> {
    if (this.#line !== undefined) return;
    try {
      const line = await this.#open(this.#port, this.#baud === undefined ? {} : { baud: this.#baud });
      this.#line = line;
      this.#decoder = new TextDecoder();
      this.#received = '';
      line.onData((bytes) => this.#receive(bytes));
      line.onClose(() => {
        if (this.#line === line) this.#line = undefined;
        this.#lost?.('the Espruino board was unplugged');
      });
      await line.write(Buffer.from(BREAK));
    } catch (error) {
      throw new Error(`the Espruino board at ${this.#port} cannot be reached: ${messageOf(error)}`);
    }
  }

  /** Loaded when it is needed; its `UART` is ours before anything of it is called, and its connect() never is. */
  async #control(): Promise<Controller> {
    if (this.#controller !== undefined) return this.#controller;
    const { DeviceController } = await import('@espruino-tools/core');
    const controller = new DeviceController() as unknown as Controller;
    controller.UART = {
      write: (text, done) => {
        void this.#write(text).then(done, () => done?.());
      },
      eval: (expression, done) => this.#eval(expression, done),
      close: () => void this.close(),
    };
    this.#controller = controller;
    return controller;
  }

  #write(text: string): Promise<void> {
    return this.#line === undefined
      ? Promise.reject(new Error('the port is closed'))
      : this.#line.write(Buffer.from(text, 'latin1'));
  }

  #eval(expression: string, done: (value: unknown, log?: string) => void): void {
    const mark = `["t${this.#number}"`;
    this.#lost = (why) => done(undefined, why);
    this.#answer = (line) => {
      const at = line.indexOf(mark);
      // Not the echo of the question, where the board echoes all the same.
      if (at < 0 || line.includes('println(')) {
        if (line.trim() !== '') this.#said = line.trim();
        return;
      }
      this.#answer = undefined;
      try {
        done(JSON.parse(line.slice(at)));
      } catch {
        done(undefined, `the Espruino board answered what is no JSON: ${line.slice(at, at + 100)}`);
      }
    };
    this.#write(`${QUIET}eval(process.env.CONSOLE).println(JSON.stringify(${expression}))\n`).catch((error) =>
      done(undefined, messageOf(error)),
    );
  }

  #receive(bytes: Uint8Array): void {
    // XON and XOFF are no text.
    this.#received += this.#decoder.decode(bytes, { stream: true }).replace(/[\x11\x13]/g, '');
    for (;;) {
      const end = this.#received.search(/[\r\n]/);
      if (end < 0) break;
      const line = this.#received.slice(0, end).replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
      this.#received = this.#received.slice(end + 1);
      this.#answer?.(line);
    }
    if (this.#received.length > MAX_LINE) this.#received = this.#received.slice(-MAX_LINE);
  }
}

/** Lines by port: a file with tools that is loaded anew finds the port open. */
const lines = new Map<string, EspruinoLine>();

export function espruinoAt(port: string, baud?: number): EspruinoLine {
  const key = `${port} ${baud ?? ''}`;
  let line = lines.get(key);
  if (line === undefined) {
    line = new EspruinoLine(port, baud);
    lines.set(key, line);
  }
  return line;
}

/** Closes all. */
export async function closeEspruino(): Promise<void> {
  const all = [...lines.values()];
  lines.clear();
  for (const line of all) await line.close().catch(() => undefined);
}
