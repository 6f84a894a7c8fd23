/**
 * One at a time, among all processes of this machine: a link that says who holds it. A holder that died leaves it
 * behind; whoever comes next sees that it is dead and takes over. What is done under the lock is short and synchronous.
 */
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';

/** A process, so that a later one with the same number is not taken for it. */
export interface Holder {
  pid: number;
  host: string;
  /** When it started, in ticks since boot; '' where the system does not say. */
  start: string;
}

export interface LockOptions {
  /** How long to wait for others, in ms. */
  waitMs?: number;
}

const WAIT_MS = 10_000;
const POLL_MS = 5;
/** A file without a holder in it (its maker died while writing), or a take-over that never ended. */
const ABANDONED_MS = 2000;

/** Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold blanks and brackets. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

let own: Holder | undefined;

/** This process. */
export function thisProcess(): Holder {
  own ??= { pid: process.pid, host: hostname(), start: startOf(process.pid) };
  return own;
}

/** Whether a holder is known to be gone. One on another machine is not known. */
export function isGone(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const start = startOf(holder.pid);
  return holder.start !== '' && start !== '' && start !== holder.start;
}

/** A holder as it was written down, or undefined where this is none. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    const { pid, host, start } = value ?? {};
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined;
    return typeof host === 'string' && typeof start === 'string' ? { pid, host, start } : undefined;
  } catch {
    return undefined;
  }
}

/** Runs under the lock `file`. @throws Error that names the file, where others hold it for too long */
export function withLock<T>(file: string, run: () => T, { waitMs = WAIT_MS }: LockOptions = {}): T {
  const deadline = performance.now() + waitMs;
  while (!take(file)) {
    breakStale(file);
    if (performance.now() > deadline) throw new Error(`another program holds ${file}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  try {
    return run();
  } finally {
    rmSync(file, { force: true });
  }
}

/** The holder is the target of a symbolic link: so it is there in the same moment as the lock, or neither is. */
function take(file: string): boolean {
  const holder = JSON.stringify(thisProcess());
  try {
    if (process.platform === 'win32') writeFileSync(file, holder, { flag: 'wx', mode: 0o600 });
    else symlinkSync(holder, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

const ageOf = (path: string): number => {
  try {
    return Date.now() - lstatSync(path).mtimeMs;
  } catch {
    return 0;
  }
};
const textOf = (path: string): string | undefined => {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

function isStale(file: string): boolean {
  const text = textOf(file);
  if (text === undefined) return false;
  const holder = parseHolder(text);
  return holder ? isGone(holder) : ageOf(file) > ABANDONED_MS;
}

/** Removes the file of a dead holder. Under a guard: else two could see it, and the second remove the file of the first. */
function breakStale(file: string): void {
  if (!isStale(file)) return;
  const guard = `${file}.guard`;
  try {
    mkdirSync(guard);
  } catch {
    if (ageOf(guard) > ABANDONED_MS) rmdirSync(guard);
    return;
  }
  try {
    if (isStale(file)) rmSync(file, { force: true });
  } finally {
    rmdirSync(guard);
  }
}
