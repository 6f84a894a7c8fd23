/** What keeps the core portable: it asks the world through port.h only, and allocates nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('.', import.meta.url);
const sources = ['core', 'generated', 'peer', 'esp32s3/portable']
  .flatMap((folder) => readdirSync(new URL(`${folder}/`, root)).map((name) => `${folder}/${name}`))
  // The data channel stands on usrsctp.
  .filter((path) => /\.[ch]$/.test(path) && !/^peer\/channel/.test(path));
/** No stdlib.h, so nothing can allocate; no stdio.h; nothing of ESP-IDF. */
const ALLOWED = ['stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'string.h'];

test.each(sources)('%s includes plain C headers only, and calls no allocator', (path) => {
  const text = readFileSync(new URL(path, root), 'utf8');
  const headers = [...text.matchAll(/#\s*include\s*<([^>]+)>/g)].map((match) => match[1]);
  expect(headers.filter((header) => !ALLOWED.includes(header!))).toEqual([]);
  expect(text).not.toMatch(/\b(malloc|calloc|realloc|free|strdup|alloca)\s*\(/);
});

test('there is something to look at', () => {
  expect(sources.length).toBeGreaterThan(30);
});
