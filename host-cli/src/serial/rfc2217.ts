/**
 * RFC 2217 client: a serial port over Telnet. Used for the virtual board, and good for any real board on another
 * machine. Telnet: RFC 854, RFC 856 (binary); COM-PORT-OPTION: RFC 2217 section 3.
 */
import { createConnection, type Socket } from 'node:net';
import { escapeIac, IAC } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import { CONSOLE_BAUD, LineEvents, type OpenOptions, type SerialLine } from './line.ts';

const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const SB = 250;
const SE = 240;

const OPTION_BINARY = 0;
const OPTION_SGA = 3;
const OPTION_COM_PORT = 44;
const WANTED = [OPTION_BINARY, OPTION_SGA, OPTION_COM_PORT];

const SET_BAUDRATE = 1;
const SET_DATASIZE = 2;
const SET_PARITY = 3;
const SET_STOPSIZE = 4;
const SET_CONTROL = 5;
const PURGE_DATA = 12;
/** The server answers a command with its number plus this. */
const ANSWER = 100;

const CONTROL_NO_FLOW = 1;
const CONTROL_DTR_ON = 8;
const CONTROL_DTR_OFF = 9;
const CONTROL_RTS_ON = 11;
const CONTROL_RTS_OFF = 12;

const ANSWER_MS = 3000;

export interface TelnetSink {
  data(bytes: Uint8Array): void;
  /** DO, DONT, WILL or WONT. */
  command(verb: number, option: number): void;
  subnegotiation(bytes: Uint8Array): void;
}

/** Longest subnegotiation that is kept; a server that sends more is broken, not informative. */
const MAX_SUBNEGOTIATION = 1024;

/** Takes a Telnet stream apart, in any pieces. */
export class TelnetReader {
  readonly #sink: TelnetSink;
  #state: 'data' | 'iac' | 'verb' | 'sub' | 'sub-iac' = 'data';
  #verb = 0;
  #sub: number[] = [];

  constructor(sink: TelnetSink) {
    this.#sink = sink;
  }

  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const next = bytes.indexOf(IAC, at);
        const end = next < 0 ? bytes.length : next;
        if (end > at) this.#sink.data(bytes.subarray(at, end));
        at = end + 1;
        if (next >= 0) this.#state = 'iac';
        continue;
      }
      this.#byte(bytes[at++] ?? 0);
    }
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case 'iac':
        this.#state = 'data';
        if (byte === IAC) this.#sink.data(Uint8Array.of(IAC));
        else if (byte === SB) {
          this.#sub = [];
          this.#state = 'sub';
        } else if (byte >= WILL && byte <= DONT) {
          this.#verb = byte;
          this.#state = 'verb';
        }
        return;
      case 'verb':
        this.#state = 'data';
        this.#sink.command(this.#verb, byte);
        return;
      case 'sub':
        if (byte === IAC) this.#state = 'sub-iac';
        else if (this.#sub.length < MAX_SUBNEGOTIATION) this.#sub.push(byte);
        return;
      case 'sub-iac':
        if (byte === SE) {
          this.#state = 'data';
          this.#sink.subnegotiation(Uint8Array.from(this.#sub));
        } else {
          this.#state = 'sub';
          if (byte === IAC) this.#sub.push(IAC);
        }
        return;
      case 'data':
    }
  }
}

/** Host and port of `rfc2217://host:port`. @throws TincanError PORT_URL */
export function parseRfc2217(url: string): { host: string; port: number } {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url);
  } catch {
    // Falls through to the sentence below.
  }
  const port = Number(parsed?.port);
  if (parsed?.protocol !== 'rfc2217:' || parsed.hostname === '' || !(port > 0)) {
    throw new TincanError(
      'PORT_URL',
      `"${url}" is not a port: expected rfc2217://host:port or a device path.`,
      {
        exit: 'port',
        hint: 'For the virtual board it is what `tincan virtual` prints, such as rfc2217://127.0.0.1:4000.',
      },
    );
  }
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port };
}

function connectError(url: string, host: string, port: number, error: NodeJS.ErrnoException): TincanError {
  const where = `${host}:${port}`;
  if (error.code === 'ECONNREFUSED') {
    return new TincanError('PORT_REFUSED', `Nothing listens at ${where}.`, {
      exit: 'port',
      cause: error,
      hint: `Start a virtual board there with \`tincan virtual --listen ${where} --flash FILE\`, or name another --port.`,
    });
  }
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return new TincanError('PORT_MISSING', `There is no host "${host}".`, {
      exit: 'port',
      cause: error,
      hint: 'Check the name after rfc2217://.',
    });
  }
  return new TincanError('PORT_FAILED', `${url} could not be opened.`, { exit: 'port', cause: error });
}

function connect(url: string, timeoutMs: number): Promise<Socket> {
  const { host, port } = parseRfc2217(url);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new TincanError(
          'PORT_FAILED',
          `${host}:${port} did not take the connection within ${timeoutMs} ms.`,
          {
            exit: 'port',
            hint: 'Check the address, and whether a firewall is in between.',
          },
        ),
      );
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(connectError(url, host, port, error));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

interface Expected {
  command: number;
  value: Uint8Array;
  done: (error?: Error) => void;
}

class Rfc2217Line implements SerialLine {
  readonly path: string;
  readonly hasLines = true;
  readonly #socket: Socket;
  readonly #events = new LineEvents();
  #expected: Expected[] = [];
  #sent = new Set<string>();
  #agreed: ((agreed: boolean) => void) | undefined;
  #closing = false;
  /** What was said before the negotiation ended: a server that is in use says so in plain text. */
  #early = '';

  constructor(path: string, socket: Socket) {
    this.path = path;
    this.#socket = socket;
    const telnet = new TelnetReader({
      data: (bytes) => {
        if (this.#agreed !== undefined)
          this.#early = (this.#early + Buffer.from(bytes).toString('latin1')).slice(0, 200);
        this.#events.data(bytes);
      },
      command: (verb, option) => this.#command(verb, option),
      subnegotiation: (bytes) => this.#answer(bytes),
    });
    socket.on('data', (bytes) => telnet.feed(bytes));
    let cause: Error | undefined;
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', () => {
      this.#agreed?.(false);
      this.#events.closed(this.#lost(cause), !this.#closing, cause);
    });
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#events.onData(listener);
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    return this.#events.onClose(listener);
  }

  write(bytes: Uint8Array): Promise<void> {
    // The callback comes when the kernel has taken all of it, so a slow reader slows the writer.
    return this.#put(escapeIac(bytes));
  }

  async setBaud(baud: number): Promise<void> {
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, baud);
    await this.#ask([[SET_BAUDRATE, value]]);
  }

  async setLines({ dtr, rts }: { dtr: boolean; rts: boolean }): Promise<void> {
    // Both in one segment: between the two a chip could leave reset with the wrong boot pin.
    await this.#ask([
      [SET_CONTROL, Uint8Array.of(dtr ? CONTROL_DTR_ON : CONTROL_DTR_OFF)],
      [SET_CONTROL, Uint8Array.of(rts ? CONTROL_RTS_ON : CONTROL_RTS_OFF)],
    ]);
  }

  async purge(): Promise<void> {
    await this.#ask([[PURGE_DATA, Uint8Array.of(3)]]);
  }

  close(): Promise<void> {
    this.#closing = true;
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), 500);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.end();
    });
  }

  /** Negotiates and sets the port up: 8N1, no flow control. DTR and RTS stay as they are. */
  async negotiate(baud: number, timeoutMs: number): Promise<void> {
    const agreed = new Promise<boolean>((resolve) => {
      this.#agreed = resolve;
    });
    const hello: number[] = [];
    for (const option of WANTED) {
      for (const verb of option === OPTION_COM_PORT ? [WILL] : [WILL, DO]) {
        hello.push(IAC, verb, option);
        this.#sent.add(`${verb} ${option}`);
      }
    }
    await this.#put(Uint8Array.from(hello));
    const timer = setTimeout(() => this.#agreed?.(false), timeoutMs);
    const ok = await agreed;
    clearTimeout(timer);
    this.#agreed = undefined;
    if (!ok && /busy|in use/i.test(this.#early)) {
      throw new TincanError('PORT_BUSY', `${this.path} is in use by another program.`, {
        exit: 'port',
        hint: 'One client at a time can hold it: close the other `tincan tail` or flasher, then try again.',
      });
    }
    if (!ok) {
      throw new TincanError('PORT_NOT_RFC2217', `What listens at ${this.path} does not speak RFC 2217.`, {
        exit: 'port',
        hint: 'The virtual board does, and so does esp_rfc2217_server; a plain TCP bridge (ser2net raw) does not.',
      });
    }
    const speed = new Uint8Array(4);
    new DataView(speed.buffer).setUint32(0, baud);
    await this.#ask([
      [SET_BAUDRATE, speed],
      [SET_DATASIZE, Uint8Array.of(8)],
      [SET_PARITY, Uint8Array.of(1)],
      [SET_STOPSIZE, Uint8Array.of(1)],
      [SET_CONTROL, Uint8Array.of(CONTROL_NO_FLOW)],
    ]);
  }

  #put(bytes: Uint8Array): Promise<void> {
    return this.#events.guard((done) =>
      this.#socket.write(bytes, (error) => done(error ? this.#lost(error) : undefined)),
    );
  }

  #lost(cause: Error | undefined): TincanError {
    return new TincanError('PORT_LOST', `The connection to ${this.path} was closed.`, {
      exit: 'port',
      cause,
      hint: 'The board, or the server in front of it, went away. One client at a time can hold it.',
    });
  }

  #command(verb: number, option: number): void {
    if (option === OPTION_COM_PORT && (verb === DO || verb === DONT)) {
      this.#agreed?.(verb === DO);
      return;
    }
    if (verb === DONT || verb === WONT) return;
    // Answer what is new; never answer an answer, or two peers talk for ever (RFC 854, page 2).
    const wanted = WANTED.includes(option);
    const reply = verb === DO ? (wanted ? WILL : WONT) : wanted ? DO : DONT;
    const key = `${reply} ${option}`;
    if (this.#sent.has(key)) return;
    this.#sent.add(key);
    this.#socket.write(Uint8Array.of(IAC, reply, option));
  }

  #answer(bytes: Uint8Array): void {
    if (bytes[0] !== OPTION_COM_PORT) return;
    const command = (bytes[1] ?? 0) - ANSWER;
    const at = this.#expected.findIndex((one) => one.command === command);
    const expected = this.#expected[at];
    if (expected === undefined) return;
    this.#expected.splice(at, 1);
    const value = bytes.subarray(2);
    // A server answers with the value in force (RFC 2217 section 3); purge is only acknowledged.
    const same = command === PURGE_DATA || Buffer.compare(value, expected.value) === 0;
    if (same) expected.done();
    else {
      const asked = Buffer.from(expected.value).toString('hex');
      expected.done(
        new TincanError(
          'PORT_SETTING',
          `${this.path} did not take a port setting: command ${command}, asked ${asked}, got ${Buffer.from(value).toString('hex')}.`,
          {
            exit: 'port',
            hint: command === SET_BAUDRATE ? 'Try a lower speed with --baud.' : undefined,
          },
        ),
      );
    }
  }

  /** Sends commands in one write and waits until each is acknowledged. */
  async #ask(commands: readonly (readonly [number, Uint8Array])[]): Promise<void> {
    const parts: Uint8Array[] = [];
    const answers: Promise<void>[] = [];
    const timers: NodeJS.Timeout[] = [];
    for (const [command, value] of commands) {
      parts.push(Uint8Array.of(IAC, SB, OPTION_COM_PORT, command), escapeIac(value), Uint8Array.of(IAC, SE));
      answers.push(
        this.#events.guard((done) => {
          this.#expected.push({ command, value, done });
          timers.push(setTimeout(() => done(this.#silent(command)), ANSWER_MS));
        }),
      );
    }
    // All answers are awaited together, so that none is left to reject with nobody listening.
    const all = Promise.all([this.#put(Buffer.concat(parts)), ...answers]);
    try {
      await all;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#expected = this.#expected.filter((one) => !commands.some(([, value]) => value === one.value));
    }
  }

  #silent(command: number): TincanError {
    return new TincanError(
      'PORT_FAILED',
      `${this.path} did not acknowledge RFC 2217 command ${command} within 3 s.`,
      {
        exit: 'port',
        hint: 'Is another client connected to it? Close that one, then try again.',
      },
    );
  }
}

/** Opens `rfc2217://host:port`. @throws TincanError PORT_URL, PORT_REFUSED, PORT_MISSING, PORT_FAILED, PORT_NOT_RFC2217 */
export async function openRfc2217(url: string, options: OpenOptions = {}): Promise<SerialLine> {
  const timeoutMs = options.timeoutMs ?? 3000;
  const socket = await connect(url, timeoutMs);
  const line = new Rfc2217Line(url, socket);
  try {
    await line.negotiate(options.baud ?? CONSOLE_BAUD, timeoutMs);
  } catch (error) {
    await line.close();
    throw error;
  }
  return line;
}
