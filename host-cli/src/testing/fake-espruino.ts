/**
 * For tests: the console of an Espruino board, as bytes in and bytes out. It echoes what is typed, unless a line begins
 * with 0x10; Ctrl-C throws the line away and breaks off what runs; what fails is printed. Code is really run, in a
 * context of its own.
 */
import { createContext, runInContext } from 'node:vm';
import { LineEvents, type SerialLine } from '../serial/line.ts';

export class FakeEspruino {
  /** All bytes that came. */
  received = '';
  /** Lines that were run. */
  readonly ran: string[] = [];
  /** What it does with a line: run it, swallow it, or print noise before it. */
  mood: 'well' | 'hanging' | 'noisy' = 'well';
  readonly globals: Record<string, unknown>;
  readonly #context;
  #line = '';
  #quiet = false;
  #out: (text: string) => void = () => {};

  constructor(globals: Record<string, unknown> = {}) {
    const print = (text: string) => this.#out(`${text}\r\n`);
    this.globals = { ...globals, print, process: { env: { CONSOLE: 'USB' } }, USB: { println: print } };
    this.#context = createContext(this.globals);
  }

  /** Where its bytes go. */
  connect(out: (text: string) => void): void {
    this.#out = out;
    out('\r\n>');
  }

  feed(bytes: Uint8Array): void {
    for (const char of Buffer.from(bytes).toString('latin1')) {
      this.received += char;
      if (char === '\x03') {
        this.mood = 'well';
        this.#line = '';
        this.#quiet = false;
        this.#out('\r\n>');
      } else if (this.mood === 'hanging') {
        // The buffer of the port takes it; nobody reads.
      } else if (char === '\x10' && this.#line === '') this.#quiet = true;
      else if (char === '\r' || char === '\n') this.#run();
      else {
        this.#line += char;
        if (!this.#quiet) this.#out(char);
      }
    }
  }

  #run(): void {
    const [line, quiet] = [this.#line, this.#quiet];
    this.#line = '';
    this.#quiet = false;
    if (line === '') return;
    this.ran.push(line);
    if (this.mood === 'noisy') this.#out('\x1b[32mtemperature 21\r\n["t9",1]\r\n>\b\x1b[J');
    try {
      const value: unknown = runInContext(line, this.#context, { timeout: 200 });
      if (!quiet) this.#out(`\r\n=${String(value)}\r\n>`);
    } catch (error) {
      this.#out(`Uncaught ${String(error)}\r\n at line 1 col 1\r\n${quiet ? '' : '>'}`);
    }
  }
}

/** A line in memory with the board at its other end; `unplug()` ends it, and the next `open()` finds it again. */
export function fakeEspruinoPort(board: FakeEspruino): {
  open(): Promise<SerialLine>;
  unplug(): void;
  opened: number;
} {
  let events: LineEvents | undefined;
  const port = {
    opened: 0,
    unplug: () => events?.closed(new Error('gone'), true),
    open: async (): Promise<SerialLine> => {
      port.opened++;
      const own = new LineEvents();
      events = own;
      // In pieces, as a port gives them.
      board.connect((text) => {
        for (const piece of text.match(/[\s\S]{1,7}/g) ?? [])
          queueMicrotask(() => own.data(Buffer.from(piece, 'utf8')));
      });
      return {
        path: 'espruino',
        hasLines: false,
        write: (bytes) =>
          own.guard((done) => {
            board.feed(bytes);
            done();
          }),
        onData: (listener) => own.onData(listener),
        onClose: (listener) => own.onClose(listener),
        setBaud: async () => undefined,
        setLines: async () => undefined,
        purge: async () => undefined,
        close: async () => own.closed(new Error('closed'), false),
      };
    },
  };
  return port;
}
