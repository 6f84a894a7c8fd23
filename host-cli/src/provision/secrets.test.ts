import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SETTINGS } from '@tincan/shared-protocol';
import { afterEach, expect, test } from 'vitest';
import { errorReport } from '../errors.ts';
import { forgetSecrets, redact } from '../redact.ts';
import { envName, readSecret, refuseSecretArguments, SECRET_OPTIONS } from './secrets.ts';

afterEach(forgetSecrets);

test('the list of secrets is that of shared-protocol', () => {
  const secret = Object.entries(SETTINGS)
    .filter(([, setting]) => 'secret' in setting && setting.secret)
    .map(([name]) => name);
  expect(Object.keys(SECRET_OPTIONS).sort()).toEqual(secret.sort());
});

test.each([
  ['provision', '--password', 'hunter2hunter2'],
  ['provision', '--password=hunter2hunter2'],
  ['provision', '--wifi-password', 'hunter2hunter2'],
  ['provision', '--token', 'hunter2hunter2'],
  ['tail', '--token', 'hunter2hunter2'],
  ['gateway', '--mode', 'relay', '--upstream-key', 'hunter2hunter2'],
  ['gateway', '--api-key=hunter2hunter2'],
  ['provision', '--set', 'wifi.password=hunter2hunter2'],
  ['provision', '--set=server.token=hunter2hunter2'],
  ['config', 'set', 'server.token=hunter2hunter2'],
  ['config', 'set', 'wifi.password', 'hunter2hunter2'],
  ['config', 'set', 'wifi2.password', 'hunter2hunter2'],
  ['provision', '--set=wifi3.password=hunter2hunter2'],
  ['provision', '--wifi2-password', 'hunter2hunter2'],
])('a secret as an argument is refused, and not repeated: %s %s', (...argv) => {
  let error: unknown;
  try {
    refuseSecretArguments(argv);
  } catch (thrown) {
    error = thrown;
  }
  const report = errorReport(error);
  expect(report.error).toMatchObject({ code: 'SECRET_ARGUMENT', exitCode: 2 });
  // The way that is told is the one of this very secret.
  const other = /wifi[23]/.exec(argv.join(' '))?.[0];
  expect(report.error.hint).toMatch(
    other === undefined
      ? /--(password|token|upstream-key)-file/
      : new RegExp(`config set ${other}\\.password`),
  );
  expect(JSON.stringify(report)).not.toContain('hunter2');
  expect(redact('later: hunter2hunter2')).not.toContain('hunter2');
});

test.each([
  [['provision', '--password-file', 'x', '--token-file', '-']],
  [['tail', '--token', 'gateway', '--token-url', 'http://127.0.0.1:8080']],
  [['tail', '--token=openai']],
  [['config', 'set', 'wifi.password']],
  [['config', 'set', 'wifi.password', '--file', 'x']],
  [['config', 'get', 'server.token', 'wifi.password']],
  [['say', 'the', 'password', 'is', 'secret']],
])('what holds no secret passes: %j', (argv) => {
  expect(() => refuseSecretArguments(argv)).not.toThrow();
});

test('a secret comes from a file, without the line break at its end', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'tincan-')), 'pw');
  writeFileSync(file, 'correct horse \r\n');
  expect(await readSecret('wifi.password', { file, env: {} })).toBe('correct horse ');
  expect(redact('x correct horse x')).toBe('x •••x');
});

test('standard input, the environment, and a question, in this order', async () => {
  const env = { [envName('server.token')]: 'from-env' };
  const prompt = async () => 'from-prompt';
  const readStdin = () => 'from-stdin\n';
  expect(await readSecret('server.token', { file: '-', env, prompt, readStdin })).toBe('from-stdin');
  expect(await readSecret('server.token', { env, prompt })).toBe('from-env');
  expect(await readSecret('server.token', { env: {}, prompt })).toBe('from-prompt');
  expect(await readSecret('server.token', { env: {} })).toBeUndefined();
});

test('a file that is not there, or empty, is a sentence with the ways that work', async () => {
  const missing = readSecret('server.token', { file: '/nope/none', env: {} });
  await expect(missing).rejects.toMatchObject({ code: 'SECRET_FILE', exitCode: 2 });
  const empty = readSecret('server.token', { file: '-', env: {}, readStdin: () => '\n' });
  await expect(empty).rejects.toThrow('is empty');
});
