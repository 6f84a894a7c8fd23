/**
 * A running device at the end of a serial line: requests with answers, notifications, log text, and losses. Attaching
 * is gentle: the board is not reset. It may reset or vanish at any time; then requests fail, and (where asked for) the
 * port is opened again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeSetting,
  encodeFrame,
  type Hello,
  LINK,
  LINK_ERRORS,
  LinkDecoder,
  type LinkMessage,
  METHODS,
  type Method,
  type Params,
  PROTOCOL_VERSION,
  parseMessage,
  type RpcError,
  SETTINGS,
  type SettingName,
} from '@tincan/shared-protocol';
import { asTincanError, interrupted, TincanError } from '../errors.ts';
import { openLine, type SerialLine } from '../serial/line.ts';

export interface DeviceMessage {
  /** A notification's method: `hello`, `state`, `realtime.event`, … */
  method: string;
  params: Params;
  /** Milliseconds since 1970, when it arrived. */
  at: number;
}

export interface DeviceListener {
  message?(message: DeviceMessage): void;
  /** A line of log text, without its line break. */
  text?(line: string): void;
  /** Frames that never arrived: a gap in the numbers. */
  lost?(frames: number): void;
  /** A frame arrived damaged. */
  broken?(): void;
  /** The port went away, or came back. */
  connection?(up: boolean): void;
}

export interface DeviceOptions {
  /** Open the port again when it vanishes (USB re-enumerates at a reset). */
  reconnect?: boolean;
  /** How to open it; for tests. */
  open?: (path: string) => Promise<SerialLine>;
  reconnectMs?: number;
}

export interface RequestOptions {
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

interface Pending {
  method: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const REQUEST_MS = 5000;
/** Lines of text that are kept to show what a board said before it fell silent. */
const KEPT_LINES = 40;

export class Device {
  readonly path: string;
  /** Frames that never arrived, since attaching. */
  lost = 0;
  /** Frames that arrived damaged. */
  broken = 0;
  /** Frames that arrived whole. */
  received = 0;
  #line: SerialLine;
  readonly #options: DeviceOptions;
  readonly #listeners = new Set<DeviceListener>();
  readonly #pending = new Map<number, Pending>();
  #decoder = new LinkDecoder();
  #detach: (() => void)[] = [];
  #nextId = 1;
  #sent = 0;
  #closed = false;
  #lastText: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** Listens on an open line; `close()` closes it. */
  constructor(line: SerialLine, options: DeviceOptions = {}) {
    this.path = line.path;
    this.#line = line;
    this.#options = options;
    this.#attach(line);
  }

  /** Opens a port and listens. The board goes on running. */
  static async open(path: string, options: DeviceOptions = {}): Promise<Device> {
    return new Device(await (options.open ?? openLine)(path), options);
  }

  listen(listener: DeviceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The last lines of log text. */
  get lastText(): readonly string[] {
    return this.#lastText;
  }

  /**
   * Sends a request and waits for its answer.
   * @throws TincanError DEVICE_TIMEOUT, PORT_LOST, INTERRUPTED, or the device's own error by its name in LINK_ERRORS
   */
  async request<T = unknown>(method: Method, params: object = {}, options: RequestOptions = {}): Promise<T> {
    if (options.signal?.aborted) throw interrupted();
    const id = this.#nextId++;
    const json = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    // Before it gets a number: a frame that is numbered and never sent would look like a loss.
    if (Buffer.byteLength(json) > LINK.maxJson) {
      throw new TincanError('TOO_LARGE', `${method} has ${Buffer.byteLength(json)} bytes.`, {
        exit: 'usage',
        hint: `The serial link carries ${LINK.maxJson} bytes in one message; nothing was sent.`,
      });
    }
    const { timeoutMs = REQUEST_MS, signal } = options;
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { method, resolve, reject });
      timer = setTimeout(() => reject(this.#silence(method, timeoutMs)), timeoutMs);
      stop = () => reject(interrupted());
      signal?.addEventListener('abort', stop, { once: true });
    });
    try {
      await Promise.race([this.#send(json), answer]);
      return (await answer) as T;
    } finally {
      clearTimeout(timer);
      if (stop) signal?.removeEventListener('abort', stop);
      this.#pending.delete(id);
      answer.catch(() => undefined);
    }
  }

  /** Asks who is there. @throws TincanError BOARD_SILENT, PROTOCOL_VERSION */
  async hello(options: RequestOptions = {}): Promise<Hello> {
    const hello = await this.request<Hello>('device.hello', {}, options).catch((error: unknown) => {
      const known = asTincanError(error);
      throw known.code === 'DEVICE_TIMEOUT' ? this.silent() : error;
    });
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw new TincanError(
        'PROTOCOL_VERSION',
        `The firmware speaks link protocol ${hello.protocol}, this program ${PROTOCOL_VERSION}.`,
        { exit: 'device', hint: 'Flash the firmware of this checkout: `tincan build`, then `tincan flash`.' },
      );
    }
    return hello;
  }

  /** The error for a board that says nothing that we understand, with what it did say. */
  silent(): TincanError {
    const said = this.#lastText.slice(-4);
    return new TincanError('BOARD_SILENT', `The board at ${this.path} does not answer.`, {
      exit: 'device',
      cause: new Error(
        said.length > 0 ? `it said last:\n    ${said.join('\n    ')}` : 'nothing at all came from it',
      ),
      hint: 'Is Tincan on it (`tincan flash`)? Is it the right port (`tincan ports`)? Else press RESET.',
    });
  }

  /**
   * Waits for a notification that `match` takes.
   * @throws TincanError DEVICE_TIMEOUT, INTERRUPTED
   */
  waitFor<T>(
    match: (message: DeviceMessage) => T | undefined,
    what: string,
    { timeoutMs = REQUEST_MS, signal }: RequestOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        unlisten();
        signal?.removeEventListener('abort', stop);
      };
      const stop = () => {
        end();
        reject(interrupted());
      };
      const timer = setTimeout(() => {
        end();
        reject(this.#silence(what, timeoutMs));
      }, timeoutMs);
      const unlisten = this.listen({
        message: (message) => {
          const found = match(message);
          if (found === undefined) return;
          end();
          resolve(found);
        },
      });
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Stops listening and closes the line. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#detachLine();
    this.#failAll(new TincanError('PORT_CLOSED', 'The port was closed.', { exit: 'port' }));
    await this.#line.close();
  }

  /** Stops listening; the line stays open for its owner. */
  release(): void {
    this.#closed = true;
    this.#detachLine();
    this.#failAll(new TincanError('PORT_CLOSED', 'The port was let go.', { exit: 'port' }));
  }

  #attach(line: SerialLine): void {
    this.#line = line;
    this.#decoder = new LinkDecoder();
    this.#sent = 0;
    this.#detach = [
      line.onData((bytes) => this.#receive(bytes)),
      line.onClose((error) => this.#vanished(error)),
    ];
  }

  #detachLine(): void {
    for (const detach of this.#detach) detach();
    this.#detach = [];
  }

  #send(json: string): Promise<void> {
    // One frame after the other, numbered in the order in which they leave.
    const write = this.#writing.then(() => this.#line.write(encodeFrame(json, this.#sent++)));
    this.#writing = write.catch(() => undefined);
    return write;
  }

  #receive(bytes: Uint8Array): void {
    for (const item of this.#decoder.push(bytes)) {
      if (item.kind === 'text') this.#text(item.line);
      else if (item.kind === 'broken') this.#isBroken();
      else this.#frame(item.json, item.lost, item.restart);
    }
  }

  #text(line: string): void {
    this.#lastText.push(line);
    if (this.#lastText.length > KEPT_LINES) this.#lastText.shift();
    for (const listener of [...this.#listeners]) listener.text?.(line);
  }

  #isBroken(): void {
    this.broken++;
    for (const listener of [...this.#listeners]) listener.broken?.();
  }

  #frame(json: string, lost: number, restart: boolean): void {
    this.received++;
    // After its reset the device counts from 0 in both directions.
    if (restart) this.#sent = 0;
    if (lost > 0) {
      this.lost += lost;
      for (const listener of [...this.#listeners]) listener.lost?.(lost);
    }
    let message: LinkMessage;
    try {
      message = parseMessage(json);
    } catch {
      // Its CRC was right, so the device itself wrote what is no message.
      this.#isBroken();
      return;
    }
    if (message.kind === 'notification') {
      if (message.method === 'hello') this.#sent = 0;
      const note: DeviceMessage = { method: message.method, params: message.params, at: Date.now() };
      for (const listener of [...this.#listeners]) listener.message?.(note);
    } else if (message.kind === 'response' && typeof message.id === 'number') {
      const pending = this.#pending.get(message.id);
      if (message.error) pending?.reject(deviceError(pending.method, message.error));
      else pending?.resolve(message.result);
    }
  }

  #silence(what: string, timeoutMs: number): TincanError {
    return new TincanError(
      'DEVICE_TIMEOUT',
      `The device did not answer ${what} within ${timeoutMs / 1000} s.`,
      {
        exit: 'device',
        hint: 'Look at what it does with `tincan tail`; pressing RESET helps if it hangs.',
      },
    );
  }

  #failAll(error: Error): void {
    for (const pending of [...this.#pending.values()]) pending.reject(error);
  }

  #vanished(cause: Error | undefined): void {
    this.#detachLine();
    this.#failAll(
      new TincanError('PORT_LOST', `The connection to ${this.path} broke.`, {
        exit: 'port',
        cause,
        hint: 'Plug the board in again (or start the virtual board again) and repeat the command.',
      }),
    );
    for (const listener of [...this.#listeners]) listener.connection?.(false);
    if (this.#options.reconnect) void this.#reopen();
  }

  async #reopen(): Promise<void> {
    while (!this.#closed) {
      await sleep(this.#options.reconnectMs ?? 500, undefined, { ref: true });
      if (this.#closed) return;
      try {
        const line = await (this.#options.open ?? openLine)(this.path);
        if (this.#closed) {
          await line.close();
          return;
        }
        this.#attach(line);
        for (const listener of [...this.#listeners]) listener.connection?.(true);
        return;
      } catch {
        // Not there yet.
      }
    }
  }
}

/** The device's JSON-RPC error as one of ours. Its `data` is a sentence (a hint), or a word: a setting, a state. */
export function deviceError(method: string, { code, message, data }: RpcError): TincanError {
  const name = Object.entries(LINK_ERRORS).find(([, known]) => known.code === code)?.[0];
  const detail = typeof data === 'string' ? data : '';
  const isWord = /^[\w.-]+$/.test(detail);
  const setting = isWord && Object.hasOwn(SETTINGS, detail) ? (detail as SettingName) : undefined;
  const hint =
    setting !== undefined
      ? `It is ${describeSetting(setting)}.`
      : detail !== '' && !isWord
        ? detail
        : defaultHint(name);
  return new TincanError(
    name === undefined ? 'DEVICE_ERROR' : name.startsWith('SETTING') ? name : `DEVICE_${name}`,
    `The device refused ${method}: ${message}${isWord ? ` (${detail})` : ''}.`,
    { exit: 'device', hint },
  );
}

function defaultHint(name: string | undefined): string | undefined {
  switch (name) {
    case 'METHOD':
      return `Its firmware is older than this program, which knows ${Object.keys(METHODS).length} methods: flash it again.`;
    case 'STATE':
      return 'See what it is doing with `tincan session status`.';
    case 'FULL':
      return 'Wait a moment, then try again.';
    default:
      return undefined;
  }
}
