import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asTincanError } from '../errors.ts';
import { writeSecret } from './write.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-write-'));
  file = join(folder, 'token.txt');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failure = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return asTincanError(error);
  }
  throw new Error('nothing was thrown');
};

it('replaces what was there, for its owner only', () => {
  writeFileSync(file, 'the former one, which is longer\n', { mode: 0o644 });
  writeSecret(file).keep('ek_new');
  expect(readFileSync(file, 'utf8')).toBe('ek_new\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['token.txt']);
});

it('leaves what was there, where nothing came', () => {
  writeFileSync(file, 'the former one\n');
  writeSecret(file).drop();
  expect(readFileSync(file, 'utf8')).toBe('the former one\n');
  expect(readdirSync(folder)).toEqual(['token.txt']);
});

it('fails before anything is made where it cannot be written, and says what is lost where it fails later', () => {
  expect(failure(() => writeSecret(folder))).toMatchObject({
    code: 'FILE_WRITE',
    hint: expect.stringMatching(/^Nothing was made/),
  });
  const prepared = writeSecret(file);
  rmSync(folder, { recursive: true });
  const late = failure(() => prepared.keep('ek_new'));
  expect(late).toMatchObject({ code: 'FILE_WRITE', hint: expect.stringMatching(/was made and is lost/) });
  expect(`${late.message} ${late.hint}`).not.toContain('ek_new');
});
