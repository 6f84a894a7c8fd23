/**
 * firmware/peer/channel.c as a process (firmware/test/native_channel.c): packets in and out, texts in and out.
 * Compiled once for a run of the tests, with the sanitizers, where there is a C compiler and libusrsctp-dev.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIRMWARE = fileURLToPath(new URL('../../firmware/', import.meta.url));
const FLAGS = ['-std=c11', '-D_DEFAULT_SOURCE', '-g', '-O1', '-Wall', '-Wextra', '-Werror'];
const SANITIZE = ['-fno-sanitize-recover=all', '-fsanitize=address,undefined'];
/** tc_err of core/err.h. */
const FULL = -7;

export interface Build {
  program: string;
  remove(): void;
}

/** The program, or why there is none. A program that does not compile is an error, not a reason. */
export function buildChannel(): Build | string {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-channel-'));
  const run = (compiler: string, args: string[], input?: string) =>
    execFileSync(compiler, args, { cwd: FIRMWARE, input, stdio: ['pipe', 'pipe', 'pipe'] });
  const tries = '#include <usrsctp.h>\nint main(void) { usrsctp_handle_timers(0); return 0; }\n';
  const probe = [...SANITIZE, '-x', 'c', '-', '-lusrsctp', '-o', join(folder, 'probe')];
  const compiler = ['clang', 'gcc'].find((name) => {
    try {
      run(name, probe, tries);
      return true;
    } catch {
      return false;
    }
  });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (!compiler) {
    remove();
    return 'needs clang or gcc, and libusrsctp-dev';
  }
  const program = join(folder, 'channel');
  const sources = readdirSync(join(FIRMWARE, 'peer')).filter((name) => /^channel.*\.c$/.test(name));
  const files = [...sources.map((name) => `peer/${name}`), 'test/native_channel.c'];
  run(compiler, [...FLAGS, ...SANITIZE, ...files, '-lusrsctp', '-o', program]);
  return { program, remove };
}

export class NativeChannel {
  readonly texts: string[] = [];
  readonly tooLarge: { size: number; begin: string }[] = [];
  opened = 0;
  /** Why it closed. */
  closed: string | undefined;
  /** Where its packets go; before that they are lost. */
  onPacket: (packet: Buffer) => void = () => {};
  onText: (text: string) => void = () => {};
  readonly #child: ChildProcess;
  readonly #results: ((result: number) => void)[] = [];
  #rest = Buffer.alloc(0);
  /** What it said on stderr: a sanitizer's report, else nothing. */
  #said = '';

  constructor(program: string) {
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin!.on('error', () => {});
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    this.#child.stdout!.on('data', (bytes: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      while (this.#rest.length >= 5) {
        const end = 5 + this.#rest.readUInt32LE(1);
        if (this.#rest.length < end) break;
        const [letter, payload] = [String.fromCharCode(this.#rest[0]!), this.#rest.subarray(5, end)];
        this.#rest = this.#rest.subarray(end);
        this.#take(letter, payload);
      }
    });
  }

  #take(letter: string, payload: Buffer): void {
    if (letter === 'P') this.onPacket(payload);
    else if (letter === 'o') this.opened++;
    else if (letter === 'c') this.closed = payload.toString();
    else if (letter === 's') this.#results.shift()?.(payload.readInt8());
    else if (letter === 'l')
      this.tooLarge.push({ size: payload.readUInt32LE(), begin: payload.toString('utf8', 4) });
    else if (letter === 't') {
      this.texts.push(payload.toString());
      this.onText(payload.toString());
    }
  }

  #put(letter: string, payload: Buffer): void {
    const head = Buffer.alloc(5);
    head.write(letter, 'latin1');
    head.writeUInt32LE(payload.length, 1);
    this.#child.stdin!.write(Buffer.concat([head, payload]));
  }

  open(label: string): void {
    this.#put('O', Buffer.from(label));
  }

  receive(packet: Buffer): void {
    this.#put('P', packet);
  }

  /** What tc_channel_send_text returned. */
  async try(text: string): Promise<number> {
    this.#put('S', Buffer.from(text));
    return new Promise((resolve) => {
      this.#results.push(resolve);
    });
  }

  /** Again and again while there is no room. */
  async send(text: string): Promise<void> {
    for (;;) {
      const result = await this.try(text);
      if (result === 0) return;
      if (result !== FULL) throw new Error(`tc_channel_send_text returned ${result}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): void {
    this.#put('C', Buffer.alloc(0));
  }

  /** Ends the process; a report of a sanitizer is an error. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => {
      this.#child.on('close', resolve);
    });
    this.#child.stdin!.end();
    const status = await ended;
    if (status !== 0 || this.#said !== '') throw new Error(`the channel ended with ${status}: ${this.#said}`);
  }
}
