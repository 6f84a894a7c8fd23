/** Running other programs: a short one for what it says, a long one line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Env } from './idf-find.ts';

export interface Captured {
  /** Exit status; null where it did not start, was killed, or took too long. */
  status: number | null;
  out: string;
  err: string;
}

/**
 * Runs a program to its end and keeps what it says. Never throws: a program that does not start has no status. When
 * `signal` is aborted it is killed.
 */
export function capture(
  program: string,
  args: readonly string[],
  options: { env?: Env; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<Captured> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('error', (error) => resolve({ status: null, out, err: err || error.message }));
    child.on('close', (status) => resolve({ status, out, err }));
  });
}

export interface Running {
  /** Resolves with the exit status; null where it did not start or was killed. */
  ended: Promise<number | null>;
}

/**
 * Runs a program whose lines (both streams, in the order in which they come) go to `onLine`. When `signal` is aborted
 * it gets what Ctrl-C sends, and with it all that it started: it puts its own things in order and ends by itself.
 */
export function follow(
  program: string,
  args: readonly string[],
  options: { env: Env; cwd: string; signal: AbortSignal; onLine(line: string): void },
): Running {
  const posix = process.platform !== 'win32';
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: a Ctrl-C of the terminal reaches it through us alone, once.
    detached: posix,
    windowsHide: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) options.onLine(line);
    });
    stream.on('end', () => {
      if (rest !== '') options.onLine(rest);
    });
  }
  const stop = () => interruptGroup(child, posix);
  if (options.signal.aborted) stop();
  options.signal.addEventListener('abort', stop, { once: true });
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      options.onLine(error.message);
      resolve(null);
    });
    child.on('close', (status) => resolve(status));
  }).finally(() => options.signal.removeEventListener('abort', stop));
  return { ended };
}

function interruptGroup(child: ChildProcess, posix: boolean): void {
  if (child.pid === undefined) return;
  try {
    if (posix) process.kill(-child.pid, 'SIGINT');
    else child.kill();
  } catch {
    // It ended by itself.
  }
}
