/**
 * The connection beside a call: a WebSocket to the server, with the relay's key, on which all events of the call come
 * by. It is how tokens are counted at all, since the media and the data channel do not pass the relay (a relay without
 * it sees no usage: https://github.com/BerriAI/litellm/issues/25738).
 */
import WebSocket from 'ws';
import type { Clock } from '../clock.ts';
import type { SidebandTarget } from './upstream.ts';

export interface SidebandOptions {
  target(): SidebandTarget;
  clock: Clock;
  /** 0 to 1, for the jitter. */
  random?(): number;
  /** The call was there before: 404 means that it has ended. */
  known: boolean;
  event(event: Record<string, unknown>): void;
  open(): void;
  /** The call is no more: it was known, and now is not. */
  gone(): void;
  /** There is none for this call, and why. */
  none(why: string): void;
  /** There was one, and now is none any more. */
  lost(why: string): void;
  log(line: string): void;
}

/**
 * Longest event: 15 MiB of sound, as base64, and what is around it. With less, a device could break the connection, and be
 * seen by nobody, by asking for a long item.
 */
const MAX_EVENT = 21 * 1024 * 1024;
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const HANDSHAKE_MS = 10_000;
const CLOSE_MS = 1000;
/**
 * How often a call that is not known yet is asked for. Servers answer 404 for a moment after the call was made
 * (https://github.com/openai/openai-realtime-console/issues/562): so about 30 s.
 */
const UNKNOWN_TRIES = 7;
/** A server that opens it and closes it at once, so often in a row, does not want it: it says so only inside. */
const HOLLOW_TRIES = 5;
const HOLLOW_MS = 5_000;
/** What no second try changes. */
const REFUSED = new Set([400, 401, 403, 405, 426, 501]);

export class Sideband {
  readonly #options: SidebandOptions;
  #socket: WebSocket | undefined;
  #cancel: (() => void) | undefined;
  #failures = 0;
  #unknown = 0;
  #hollow = 0;
  /** When this socket opened, and whether it or any has brought an event. */
  #opened: number | undefined;
  #heard = false;
  #heardEver = false;
  #known: boolean;
  #closed = false;

  constructor(options: SidebandOptions) {
    this.#options = options;
    this.#known = options.known;
    this.#connect();
  }

  /** False where it is not open now. */
  send(event: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(event));
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    if (socket.readyState !== WebSocket.OPEN) {
      socket.terminate();
      return;
    }
    socket.close(1000);
    // Where the other side does not answer.
    setTimeout(() => socket.terminate(), CLOSE_MS).unref();
  }

  #connect(): void {
    const { url, headers, agent } = this.#options.target();
    const socket = new WebSocket(url, {
      headers,
      agent,
      maxPayload: MAX_EVENT,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    this.#opened = undefined;
    this.#heard = false;
    let status: number | undefined;
    let problem = '';
    socket.on('unexpected-response', (_request, response) => {
      status = response.statusCode;
      socket.terminate();
    });
    socket.on('open', () => {
      this.#known = true;
      this.#opened = this.#options.clock.now();
      this.#options.open();
    });
    socket.on('message', (data, binary) => {
      if (!binary) this.#message(String(data));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      problem = error.code ?? error.message;
    });
    socket.on('close', (code) => {
      if (this.#closed || this.#socket !== socket) return;
      this.#socket = undefined;
      this.#dropped(status, problem || `was closed with ${code}`);
    });
  }

  #message(text: string): void {
    let event: unknown;
    try {
      event = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof event !== 'object' || event === null || !('type' in event) || typeof event.type !== 'string')
      return;
    // An error may be all that comes before it is closed again.
    if (event.type !== 'error') {
      this.#heard = this.#heardEver = true;
      this.#failures = this.#unknown = this.#hollow = 0;
    }
    this.#options.event(event as Record<string, unknown>);
  }

  #dropped(status: number | undefined, why: string): void {
    const { log, gone, none, lost, clock } = this.#options;
    const hollow = this.#opened !== undefined && !this.#heard && clock.now() - this.#opened < HOLLOW_MS;
    this.#hollow = hollow ? this.#hollow + 1 : 0;
    if (this.#hollow >= HOLLOW_TRIES) {
      if (this.#heardEver) lost(`it ${why}`);
      else none(`it ${why}`);
      return;
    }
    if (status === 404 || status === 410) {
      this.#unknown++;
      if (this.#known) gone();
      else if (this.#unknown >= UNKNOWN_TRIES) none(`it answers ${status}`);
      else this.#again();
      return;
    }
    if (status !== undefined && REFUSED.has(status)) {
      none(`it answers ${status}`);
    } else {
      this.#failures++;
      log(
        `the connection beside the call broke off (${status ?? why}), what is used meanwhile is not seen; trying again`,
      );
      this.#again();
    }
  }

  #again(): void {
    const { clock, random = Math.random } = this.#options;
    const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(10, this.#failures + this.#unknown - 1));
    this.#cancel = clock.after(step * (0.75 + random() / 2), () => this.#connect());
  }
}
