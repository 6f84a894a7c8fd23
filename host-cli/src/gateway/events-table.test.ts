import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { repositoryPath } from '../root.ts';
import { GATEWAY_SENDS, GATEWAY_TAKES, NEVER_SENT } from './events-table.ts';

const folder = repositoryPath('host-cli/src/gateway');
/** All that the gateway is made of, but for tests and this table. */
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !/test/.test(name) && name !== 'events-table.ts')
  .map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
  .join('\n')
  // What a type leaves out.
  .replace(/Exclude<.*/g, '');

test.each(Object.entries(GATEWAY_SENDS))('%s: %s', (name, sentence) => {
  const sent = new RegExp(`type: '${name.replaceAll('.', '\\.')}'`).test(sources);
  expect(sentence.startsWith(NEVER_SENT)).toBe(!sent);
});

test.each(Object.keys(GATEWAY_TAKES))('%s has somebody who takes it', (name) => {
  expect(sources).toMatch(new RegExp(`'${name.replaceAll('.', '\\.')}': (?:\\(|async)`));
});
