/** Writing files so that a build that was stopped, or done twice, leaves no mixture. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whole or not at all. */
export function replaceFile(path: string, data: Uint8Array | string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, data);
  renameSync(draft, path);
}

/** As `replaceFile`, but a file that holds this already keeps its time. True if it was written. */
export function writeIfChanged(path: string, data: Uint8Array | string): boolean {
  const wanted = Buffer.from(data);
  try {
    if (readFileSync(path).equals(wanted)) return false;
  } catch {
    mkdirSync(dirname(path), { recursive: true });
  }
  replaceFile(path, wanted);
  return true;
}

/** The file's JSON; undefined where there is none, or none that can be read. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
