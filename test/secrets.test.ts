/**
 * No secret gets out: a whole run of the built command on a virtual board, good and bad, with every way in that a secret
 * has; then everything that the run produced is searched for the secrets that it used. Only the files that must hold
 * them may: those that they came from, the board's flash, and an NVS image that was asked for.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Desk, type Ended, EXIT, type RunOptions } from './support/cli.ts';

const SSID = 'tincan-lab';
const SECRETS = {
  password: 'run-wifi-secret-7f3a',
  wrong: 'run-wrong-password-91c0',
  token: 'tc_run_secret_token_5e6f7a8b',
  second: 'tc_run_second_token_"quoted"_1d2c',
  illegal: `run-illegal-secret-${'x'.repeat(80)}`,
  argument: 'run-argument-secret-44de',
  efuse: '9f3c11d20a4477eb9f3c11d20a4477eb9f3c11d20a4477eb9f3c11d20a4477eb',
};
const MAY_HOLD = new Set([
  'wifi.txt',
  'wrong.txt',
  'illegal.txt',
  'boards.csv',
  'efuse.txt',
  'flash.bin',
  'nvs.bin',
]);

const desk = new Desk();
afterAll(() => desk.clear());

/** As it may be spelt: plain, in JSON, in a URL, in hex, in base64. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Base64 of the middle: whatever stands around it, the inner characters are the same for one of three offsets.
  const inner = [0, 1, 2].map((skip) =>
    bytes
      .subarray(skip, skip + 12)
      .toString('base64')
      .slice(0, 16),
  );
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    ...inner,
  ];
}

function files(folder: string, under = ''): string[] {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const name = join(under, entry.name);
    return entry.isDirectory() ? files(folder, name) : entry.isFile() ? [name] : [];
  });
}

test('everything that a full run produced, searched for the secrets that it used', {
  timeout: 600_000,
}, async () => {
  const said: { what: string; text: string }[] = [];
  const run = async (args: string[], options: RunOptions = {}): Promise<Ended> => {
    const ended = await desk.run(args, {
      ...options,
      env: { TINCAN_DEBUG: '1', ...options.env },
    });
    said.push({ what: args.join(' '), text: ended.stdout + ended.stderr });
    return ended;
  };
  const put = (name: string, text: string) => writeFileSync(desk.path(name), text);
  put('wifi.txt', `${SECRETS.password}\n`);
  put('wrong.txt', SECRETS.wrong);
  put('illegal.txt', SECRETS.illegal);
  put('efuse.txt', SECRETS.efuse);
  put('boards.csv', `device.name,server.token\nfleet,"${SECRETS.second.replaceAll('"', '""')}"\n`);

  // It compiles, and takes what it takes.
  expect((await desk.start(['build']).ended).status).toBe(EXIT.ok);
  const child = desk.start(['virtual', '--json', '--ap', SSID, '--flash', 'flash.bin'], {
    env: { TINCAN_AP_PASSWORD: SECRETS.password, TINCAN_DEBUG: '1' },
  });
  const port = await child.line((line) => /"port":"(rfc2217:[^"]+)"/.exec(line)?.[1], 'its port');
  const at = ['--port', port];
  expect((await run(['flash', ...at, '--json'])).status).toBe(EXIT.ok);
  const listener = desk.start(['tail', '--events', 'events.jsonl', '--for', '600', ...at], {
    env: { TINCAN_DEBUG: '1' },
  });
  await listener.line(() => true, 'anything');
  listener.kill('SIGINT');
  const heard = await listener.ended;
  said.push({ what: 'tail', text: heard.stdout + heard.stderr });

  const network = ['provision', '--ssid', SSID, ...at];
  const token = { TINCAN_SERVER_TOKEN: SECRETS.token };
  expect((await run([...network, '--password-file', 'wifi.txt', '--json'], { env: token })).status).toBe(
    EXIT.ok,
  );
  // Wrong, illegal, refused: errors must not quote them either.
  expect((await run([...network, '--password-file', 'wrong.txt'])).status).toBe(EXIT.device);
  expect((await run([...network, '--password-file', '-'], { input: SECRETS.password })).status).toBe(EXIT.ok);
  expect((await run([...network, '--password-file', 'illegal.txt', '--json'])).status).toBe(EXIT.usage);
  expect((await run(['provision', '--password', SECRETS.argument, ...at])).status).toBe(EXIT.usage);
  expect(
    (await run(['config', 'set', 'server.token', '--file', '-', ...at], { input: SECRETS.token })).status,
  ).toBe(0);
  expect((await run(['config', 'list', ...at, '--json'])).stdout).toContain('fingerprint');
  await run(['session', 'start', ...at]);
  await run(['session', 'status', ...at, '--json']);
  await run(['doctor', ...at, '--json'], { env: token });
  await run(['tail', '--events', 'events.jsonl', '--for', '1', '--json', ...at]);
  const all = await run(['provision', '--all', '--settings', 'boards.csv', '--labels', 'csv', ...at]);
  expect(all).toMatchObject({ status: 0, stdout: expect.stringContaining('fleet') });
  expect((await run(['provision', '--offline', '--password-file', 'wifi.txt', ...at])).status).toBe(EXIT.ok);
  const image = ['provision', '--ssid', SSID, '--password-file', 'wifi.txt'];
  expect((await run([...image, '--out', 'nvs.bin'], { env: token })).status).toBe(EXIT.ok);
  // An encrypted image is none of the files that may hold them.
  const encrypted = await run([...image, '--out', 'secret.bin', '--hmac-key-file', 'efuse.txt', '--json'], {
    env: token,
  });
  expect(encrypted.json().at(-1)).toMatchObject({ encrypted: true });
  expect((await run([...image, '--out', 'made.bin', '--make-keys', 'keys.bin'], { env: token })).status).toBe(
    EXIT.ok,
  );
  expect(statSync(desk.path('keys.bin')).mode & 0o777).toBe(0o600);
  await run([...image, '--out', 'bad.bin', '--keys', 'wifi.txt'], { env: token });

  child.kill('SIGTERM');
  const ended = await child.ended;
  said.push({ what: 'virtual', text: ended.stdout + ended.stderr });

  const produced = [
    ...said,
    ...files(desk.folder)
      .filter((name) => !MAY_HOLD.has(name))
      .map((name) => ({ what: name, text: readFileSync(desk.path(name), 'latin1') })),
  ];
  expect(produced.length).toBeGreaterThan(25);
  // The search finds what is there.
  expect(readFileSync(desk.path('nvs.bin'), 'latin1')).toContain(SECRETS.password);
  for (const [name, secret] of Object.entries(SECRETS))
    for (const spelling of spellings(secret))
      for (const { what, text } of produced)
        expect(text.includes(spelling), `${name} is in what "${what}" left`).toBe(false);
});
