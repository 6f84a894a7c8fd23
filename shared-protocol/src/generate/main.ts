/** Writes `firmware/generated/` and `docs/reference.md` under the current directory, the root of the repository. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateC, generateDocs } from './index.ts';

const root = process.cwd();
if (!existsSync(join(root, 'firmware', 'port.h'))) {
  console.error(`${root} is not the root of the repository: firmware/port.h is not there`);
  process.exit(2);
}
const files: Record<string, string> = { 'docs/reference.md': generateDocs() };
for (const [name, text] of Object.entries(generateC())) files[`firmware/generated/${name}`] = text;
for (const [path, text] of Object.entries(files)) {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
