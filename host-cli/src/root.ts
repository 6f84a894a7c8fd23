import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A file of this repository (or of the installed package), wherever the program was bundled to.
 * `path` is relative to the root, with forward slashes.
 */
export function repositoryPath(path: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'firmware', 'port.h'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the Tincan sources are not beside this program');
    folder = parent;
  }
  return join(folder, path);
}
