import { closeSync, openSync, readFileSync, realpathSync, unlinkSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { BoardError } from './errors.ts';

const heldHere = new Set<string>();

/**
 * Takes `path`.lock for this process; the answer gives it back. A lock whose process is gone is taken over.
 * Throws `BoardError` `flash-busy` where another board holds it.
 */
export function lockFile(path: string): () => void {
  const lock = `${realPath(path)}.lock`;
  for (let attempt = 0; attempt < 2; attempt++) {
    if (heldHere.has(lock)) break;
    try {
      const file = openSync(lock, 'wx');
      writeSync(file, `${process.pid} ${startOf(process.pid)}\n`);
      closeSync(file);
      heldHere.add(lock);
      let held = true;
      return () => {
        if (!held) return; // by now it may be somebody else's
        held = false;
        heldHere.delete(lock);
        removeFile(lock);
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (isHeld(lock)) break;
      removeFile(lock);
    }
  }
  throw new BoardError(
    'flash-busy',
    `the flash file ${path} is in use by another virtual board`,
    `stop that board, or choose another file with --flash; if no board runs, delete ${lock}`,
  );
}

/** One file has one lock, by whatever links it is reached. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // it is yet to be made
  }
}

function isHeld(lock: string): boolean {
  let text: string;
  try {
    text = readFileSync(lock, 'utf8');
  } catch {
    return false;
  }
  const [pid, start] = text.trim().split(' ');
  const id = Number(pid);
  // Empty: its owner is about to write it.
  if (text === '') return true;
  if (!Number.isInteger(id) || id <= 0) return false;
  if (id === process.pid) return false; // not in heldHere: left by an earlier process of the same number
  try {
    process.kill(id, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return start === startOf(id);
}

/** When a process began, as Linux counts it: tells a process from a later one with the same number. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // somebody else was faster
  }
}
