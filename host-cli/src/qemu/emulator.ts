/**
 * A running QEMU: its UART0 and its control channel are sockets that it opens to us, so that no port has to be
 * guessed. The line is served as RFC 2217; the reset circuit of a real board is acted out on the control channel.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type BootMode,
  type Front,
  ResetLines,
  type SerialChip,
  type SettleTimes,
  serveRfc2217,
  systemClock,
} from '@tincan/boards';
import { asTincanError, TincanError } from '../errors.ts';
import { QEMU_MACHINE, type Qemu } from './find.ts';
import { Qmp } from './qmp.ts';

export interface EmulatorOptions {
  qemu: Qemu;
  /** The flash's file, whole. */
  flash: string;
  psram: { mode: 'quad' | 'octal'; bytes: number };
  listen: { host: string; port: number };
  onEvent?(event: EmulatorEvent): void;
}

export type EmulatorEvent = { type: 'held' } | { type: 'reset'; mode: BootMode };

export interface Emulator {
  /** `rfc2217://HOST:PORT` */
  readonly port: string;
  /** Resolves when QEMU has ended because of `close`, rejects when it has ended by itself. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** How long QEMU may take to open its channels. */
const START_MS = 20_000;
const QUIT_MS = 3000;
/**
 * Bytes that the emulated UART gets at once, and ms between two such pieces: 115,200 baud. Its FIFO holds 128; once
 * it has been full, this QEMU lets bytes in one by one, 7 ms apart.
 */
const PIECE = 64;
const PIECE_MS = 6;
/** What is kept of its last words. */
const LAST_LINES = 8;

/** @throws TincanError QEMU_DIED, QEMU_START, LISTEN */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const serial = await acceptOne();
  const control = await acceptOne();
  const child = spawn(options.qemu.file, emulatorArgs(options, serial.port, control.port), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A Ctrl-C of the terminal is ours to hand on.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  // Where this program ends at once (a second Ctrl-C), QEMU does not stay behind.
  const onExit = () => void child.kill('SIGKILL');
  process.once('exit', onExit);
  const last = new LastWords(child);
  let closing = false;
  const ended = new Promise<void>((resolve, reject) => {
    const end = (how: string) => (closing ? resolve() : reject(died(how, last)));
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(signal === null ? `exit status ${code}` : `signal ${signal}`));
  });
  ended.catch(() => undefined);
  let front: Front | undefined;
  const close = async () => {
    closing = true;
    serial.close();
    control.close();
    await front?.close();
    await endChild(child, ended);
    process.off('exit', onExit);
  };
  try {
    const [line, monitor] = await Promise.race([
      Promise.all([serial.socket, control.socket]),
      ended.then((): never => {
        throw new TincanError('QEMU_START', 'QEMU ended before it ran.');
      }),
      tooLate(),
    ]);
    const qmp = new Qmp(monitor);
    await Promise.race([qmp.execute('qmp_capabilities'), ended]);
    const chip = new EmulatedChip(line, qmp, last, options.onEvent);
    try {
      front = await serveRfc2217(chip, options.listen, `QEMU ${options.qemu.version} ${QEMU_MACHINE}`);
    } catch (error) {
      const { code, message, hint } = asTincanError(error);
      const sentence = `${message.replace('the virtual board', 'QEMU').replace(/\.$/, '')}.`;
      throw new TincanError(code, sentence, { exit: 'port', hint });
    }
    return { port: front.port, ended, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

/** QEMU's command line. Several threads crash its emulation of this chip now and then, so one runs both cores. */
export function emulatorArgs(
  { flash, psram }: Pick<EmulatorOptions, 'flash' | 'psram'>,
  serialPort: number,
  controlPort: number,
): string[] {
  return [
    '-machine',
    QEMU_MACHINE,
    '-m',
    `${psram.bytes / 1024 / 1024}M`,
    ...(psram.mode === 'octal' ? ['-global', 'driver=ssi_psram,property=is_octal,value=true'] : []),
    // The emulated watchdogs count the computer's time: on a busy one they bite a board that is only slow.
    '-global',
    'driver=timer.esp32s3.timg,property=wdt_disable,value=true',
    '-accel',
    'tcg,thread=single',
    '-display',
    'none',
    '-monitor',
    'none',
    '-nic',
    'user,model=open_eth',
    '-drive',
    // A comma in a value is written twice.
    `file=${flash.replaceAll(',', ',,')},if=mtd,format=raw`,
    '-serial',
    `tcp:127.0.0.1:${serialPort},nodelay=on`,
    '-qmp',
    `tcp:127.0.0.1:${controlPort}`,
  ];
}

/** The console and the reset circuit, as the front knows them. */
class EmulatedChip implements SerialChip {
  readonly #line: Socket;
  readonly #lines: ResetLines;
  #waiting: Uint8Array[] = [];
  #sending: NodeJS.Timeout | undefined;
  /** Commands go one after the other: a reset that overtakes a stop would leave the machine standing. */
  #queue: Promise<void> = Promise.resolve();

  constructor(line: Socket, qmp: Qmp, last: LastWords, onEvent?: (event: EmulatorEvent) => void) {
    this.#line = line;
    line.on('error', () => undefined); // QEMU's end is told elsewhere
    line.on('close', () => clearTimeout(this.#sending));
    line.on('data', (bytes: Buffer) => last.console(bytes));
    const run = (...commands: string[]) => {
      this.#queue = this.#queue
        .then(async () => {
          for (const command of commands) await qmp.execute(command);
        })
        .catch(() => undefined);
    };
    this.#lines = new ResetLines(
      systemClock(),
      () => {
        run('stop');
        onEvent?.({ type: 'held' });
      },
      (mode) => {
        run('system_reset', 'cont');
        onEvent?.({ type: 'reset', mode });
      },
    );
  }

  receive(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (this.#sending === undefined) this.#send();
  }

  /** A piece of what waits, and the next one after as long as it would take a real line. */
  #send(): void {
    const all = Buffer.concat(this.#waiting);
    this.#waiting = all.length > PIECE ? [all.subarray(PIECE)] : [];
    this.#sending = undefined;
    if (all.length === 0 || this.#line.destroyed) return;
    this.#line.write(all.subarray(0, PIECE));
    this.#sending = setTimeout(() => this.#send(), PIECE_MS);
  }

  /** An emulated UART takes any speed. */
  setHostBaud(): void {}

  setLines(dtr: boolean, rts: boolean, times?: SettleTimes): void {
    this.#lines.set(dtr, rts, times);
  }

  onTransmit(listener: (bytes: Uint8Array) => void): () => void {
    this.#line.on('data', listener);
    return () => this.#line.off('data', listener);
  }
}

/** What QEMU and the board said last, for the case that it dies. */
class LastWords {
  #qemu: string[] = [];
  #board: string[] = [];
  #rest = '';

  constructor(child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#qemu = [...this.#qemu, ...text.split('\n')]
        .filter((line) => line.trim() !== '')
        .slice(-LAST_LINES);
    });
  }

  console(bytes: Uint8Array): void {
    const lines = (this.#rest + Buffer.from(bytes).toString('latin1')).split(/\r?\n/);
    this.#rest = (lines.pop() ?? '').slice(-500);
    // Frames of the link are for programs.
    const text = lines.filter((line) => line.trim() !== '' && !line.startsWith('\x1e'));
    this.#board = [...this.#board, ...text].slice(-LAST_LINES);
  }

  get qemu(): readonly string[] {
    return this.#qemu;
  }

  get board(): readonly string[] {
    return this.#board;
  }
}

function died(how: string, { qemu, board }: LastWords): TincanError {
  const said = [
    ...qemu,
    ...(board.length === 0 ? [] : ['the board said last:', ...board.map((line) => `  ${line}`)]),
  ];
  return new TincanError('QEMU_DIED', `QEMU has ended by itself (${how}).`, {
    cause: new Error(said.length === 0 ? 'it said nothing' : said.join('\n    ')),
    hint: 'Start it again; with --flash FILE the settings of before are still there.',
  });
}

function tooLate(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(new TincanError('QEMU_START', `QEMU did not start within ${START_MS / 1000} s.`)),
      START_MS,
    ).unref();
  });
}

async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), QUIT_MS);
  await ended.catch(() => undefined);
  clearTimeout(hard);
}

interface OneSocket {
  port: number;
  socket: Promise<Socket>;
  close(): void;
}

/** Listens on loopback for one connection, and for no second one. */
async function acceptOne(): Promise<OneSocket> {
  let server: Server;
  let peer: Socket | undefined;
  const socket = new Promise<Socket>((resolve) => {
    server = createServer({ noDelay: true }, (one) => {
      peer = one;
      server.close();
      resolve(one);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server!.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    socket,
    close: () => {
      server.close();
      peer?.destroy();
    },
  };
}
