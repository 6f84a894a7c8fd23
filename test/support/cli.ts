/** The built command as a child process, as a person or a script runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../host-cli/dist/tincan.mjs', import.meta.url));
/** Guard against waiting for ever; no test depends on how long anything takes. */
const GUARD_MS = 50_000;

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** stdout as JSON, line by line. */
  json(): Record<string, unknown>[];
}

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
}

export interface Running {
  readonly pid: number;
  /** The first line of output, before or after now, that `match` takes; both streams. */
  line<T>(match: (line: string) => T | undefined, what: string): Promise<T>;
  kill(signal: NodeJS.Signals): void;
  /** Whoever reads its results goes away, as `head` does. */
  closeOutput(): void;
  ended: Promise<Ended>;
}

/** A folder to work in, with a home of its own: nothing of the user is read or written. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), 'tincan-cli-'));
  readonly #running = new Set<ChildProcess>();

  constructor() {
    if (!existsSync(PROGRAM)) throw new Error('the command is not built: npm run build');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts the command in the background. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    const clean = Object.entries(process.env).filter(
      ([name]) => !/^(TINCAN|XDG|VITEST|NODE_OPTIONS)/.test(name),
    );
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: this.folder,
      env: { ...Object.fromEntries(clean), HOME: this.folder, NO_COLOR: '1', ...options.env },
    });
    this.#running.add(child);
    child.stdin.on('error', () => {}); // it may end before it has read
    child.stdin.end(options.input ?? '');
    let stdout = '';
    let stderr = '';
    const waiting = new Set<() => void>();
    const grown = () => {
      for (const look of [...waiting]) look();
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      grown();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      grown();
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (status, signal) => {
        this.#running.delete(child);
        resolve({
          status,
          signal,
          stdout,
          stderr,
          json: () =>
            stdout
              .split('\n')
              .filter((line) => line !== '')
              .map((line) => JSON.parse(line) as Record<string, unknown>),
        });
        grown();
      });
    });
    return {
      pid: child.pid!,
      ended,
      kill: (signal) => void child.kill(signal),
      closeOutput: () => void child.stdout.destroy(),
      line: (match, what) =>
        new Promise((resolve, reject) => {
          const finish = () => {
            clearTimeout(timer);
            waiting.delete(look);
          };
          const fail = (why: string) => {
            finish();
            reject(
              new Error(`tincan ${args[0]} ${why} ${what}\n${stdout.slice(-1500)}\n${stderr.slice(-1500)}`),
            );
          };
          const look = () => {
            // The last piece may be half a line.
            for (const text of [stdout, stderr])
              for (const line of text.split('\n').slice(0, -1)) {
                const found = match(line);
                if (found === undefined) continue;
                finish();
                resolve(found);
                return;
              }
            if (child.exitCode !== null || child.signalCode !== null) fail('ended without');
          };
          const timer = setTimeout(() => fail('never said'), GUARD_MS);
          waiting.add(look);
          look();
        }),
    };
  }

  /** Runs the command to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const running = this.start(args, options);
    const timer = setTimeout(() => running.kill('SIGKILL'), GUARD_MS);
    const ended = await running.ended;
    clearTimeout(timer);
    if (ended.signal === 'SIGKILL')
      throw new Error(`tincan ${args.join(' ')} did not end\n${ended.stdout}\n${ended.stderr}`);
    return ended;
  }

  async clear(): Promise<void> {
    const left = [...this.#running];
    await Promise.all(
      left.map((child) => {
        const gone = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        return gone;
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Exit statuses that scripts rely on; written here once more, so that a change is seen. */
export const EXIT = { ok: 0, usage: 2, port: 3, flash: 4, device: 5, server: 6, interrupted: 130 };

/** For people: one sentence, and a hint, on stderr; nothing on stdout. */
export function expectError(ended: Ended, status: number, sentence: RegExp): void {
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ status, stdout: '' });
  expect(ended.stderr).toMatch(/^error: \S.*[.?!]$/m);
  expect(ended.stderr).toMatch(/^ {2}hint: {2}\S.*$/m);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
}

/** For programs: one JSON object, which carries the exit status too. */
export function jsonError(ended: Ended): { code: string; message: string; hint?: string; exitCode: number } {
  const lines = ended.json();
  const { error } = lines.at(-1) as { error: ReturnType<typeof jsonError> };
  expect(error.exitCode).toBe(ended.status);
  expect(error.message).toMatch(/\S/);
  return error;
}
