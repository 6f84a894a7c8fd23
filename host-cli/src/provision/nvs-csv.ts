/** A CSV file of NVS entries, with the files that it names: in its own folder, else where the command runs. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type NvsEntry, parseNvsCsv } from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';

/** @throws TincanError NVS_CSV, with the line; no value in it */
export function readNvsCsv(path: string): NvsEntry[] {
  try {
    return parseNvsCsv(readFileSync(path, 'utf8'), (name) => {
      const beside = resolve(dirname(path), name);
      return new Uint8Array(readFileSync(existsSync(beside) ? beside : name));
    });
  } catch (error) {
    throw new TincanError('NVS_CSV', `${path} cannot be used as a CSV file of NVS entries.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint: "It has the columns key,type,encoding,value of ESP-IDF's NVS partition generator.",
    });
  }
}
