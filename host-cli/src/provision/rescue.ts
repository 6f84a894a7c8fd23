/**
 * What an NVS partition held before it was written through the loader: the loader erases whole sectors, and where the
 * power goes between erasing and writing, keys that are not ours would be lost. So they are kept in a file, readable by
 * the user alone, until the write is verified; the next run goes on from there.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFolder } from '../state.ts';

export interface Rescue {
  /** The partition as it was before a write that did not end; undefined where there was none. */
  read(length: number): Uint8Array | undefined;
  keep(partition: Uint8Array): void;
  drop(): void;
}

/** The rescue file of one board. Where it cannot be written the board is provisioned all the same. */
export function rescueOf(mac: string, env: Record<string, string | undefined> = process.env): Rescue {
  const folder = join(configFolder(env), 'rescue');
  const file = join(folder, `nvs-${mac.replaceAll(':', '').toLowerCase()}.bin`);
  return {
    read(length) {
      try {
        const bytes = new Uint8Array(readFileSync(file));
        return bytes.length === length ? bytes : undefined;
      } catch {
        return undefined;
      }
    },
    keep(partition) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const draft = `${file}.${process.pid}`;
        writeFileSync(draft, partition, { mode: 0o600 });
        renameSync(draft, file);
      } catch {
        // A read-only home is no reason to leave a board without its network.
      }
    },
    drop: () => rmSync(file, { force: true }),
  };
}
