/**
 * port.h is one promise with several keepers. Each must have all of it: what is missing on the chip would be seen by
 * its linker only, and ESP-IDF is not everywhere. Here its name is seen.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** C and TypeScript without comments and texts. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"/g, ' ');
}

function sourcesIn(folder: string, ending: RegExp): string {
  return readdirSync(new URL(folder, root))
    .filter((name) => ending.test(name) && !/\.test\.ts$/.test(name))
    .map((name) => code(read(`${folder}${name}`)))
    .join('\n');
}

/** Functions with a body: a name, its parameters, and a brace. */
function definedInC(text: string): Set<string> {
  return new Set([...text.matchAll(/\b(tc_port_\w+)\s*\([^;{}]*\)\s*\{/g)].map((match) => match[1]!));
}

/** Functions that an object gives to the module: `name: …` or `name(…) {`. */
function definedInTs(text: string): Set<string> {
  return new Set([...text.matchAll(/\b(tc_port_\w+)\s*(?::|\([^()]*\)\s*\{)/g)].map((match) => match[1]!));
}

const promised = [...code(read('firmware/port.h')).matchAll(/\b(tc_port_\w+)\s*\([^;{}]*\)\s*;/g)].map(
  (match) => match[1]!,
);

test('port.h promises functions', () => {
  expect(promised.length).toBeGreaterThan(25);
  expect(new Set(promised).size).toBe(promised.length);
});

test.each([
  ['the virtual board', definedInTs(sourcesIn('boards/virtual/runtime/', /\.ts$/))],
  ['the C tests', definedInC(sourcesIn('firmware/test/', /\.c$/))],
  ['the ESP32-S3', definedInC(sourcesIn('firmware/esp32s3/main/', /\.c$/))],
])('%s keeps all of it, and promises nothing of its own', (_port, defined) => {
  expect({
    missing: promised.filter((name) => !defined.has(name)),
    unknown: [...defined].filter((name) => !promised.includes(name)),
  }).toEqual({ missing: [], unknown: [] });
});
