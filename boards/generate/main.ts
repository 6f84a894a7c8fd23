/** Writes `boards/generate/golden/` and `docs/boards.md` under the current directory, the root of the repository. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BOARDS } from '../registry.ts';
import { boardPage } from './docs.ts';
import { GOLDEN, goldenFiles } from './golden.ts';

const root = process.cwd();
if (!existsSync(join(root, 'boards', 'registry.ts'))) {
  console.error(`${root} is not the root of the repository: boards/registry.ts is not there`);
  process.exit(2);
}
// A board that is gone leaves nothing behind.
rmSync(join(root, GOLDEN), { recursive: true, force: true });
const files = { ...goldenFiles(Object.values(BOARDS)), 'docs/boards.md': boardPage(Object.values(BOARDS)) };
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
