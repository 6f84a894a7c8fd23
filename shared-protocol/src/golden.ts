/** For tests: reads a file of golden vectors. */
import { readFileSync } from 'node:fs';

export function readGolden<Vectors>(name: string): Vectors {
  return JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8')) as Vectors;
}
