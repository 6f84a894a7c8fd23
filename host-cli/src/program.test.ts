import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SETTING_NAMES } from '@tincan/shared-protocol';
import type { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgram, main } from './program.ts';
import { forgetSecrets } from './redact.ts';
import { flashedBoard, type HelloAppOptions } from './testing/hello-app.ts';

const close: (() => unknown)[] = [];
let said = { out: '', err: '' };

beforeEach(() => {
  said = { out: '', err: '' };
  // Nothing of the person who runs the tests gets in, and nothing of the tests gets out.
  vi.stubEnv('XDG_CONFIG_HOME', mkdtempSync(join(tmpdir(), 'tincan-')));
  vi.stubEnv('TINCAN_PORT', '');
  vi.stubEnv('NO_COLOR', '1');
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.err += text;
    return true;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  forgetSecrets();
  for (const end of close.splice(0).reverse()) await end();
});

async function running(options: HelloAppOptions = {}) {
  const { board, current } = await flashedBoard(options);
  close.push(() => board.close());
  await expect.poll(() => board.state).toBe('app');
  return { board, current };
}

const json = () =>
  said.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('every command has --port, --json, and an example that it understands', () => {
  const verbs = (command: Command): Command[] =>
    command.commands.flatMap((child) => (child.commands.length > 0 ? verbs(child) : [child]));
  const all = verbs(createProgram());
  expect(all.length).toBeGreaterThan(15);
  for (const command of all) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help, command.name()).toMatch(/--port[\s\S]*--json[\s\S]*Example:\n {2}\$ tincan /);
    expect(help).toContain(command.name());
  }
});

test('--version and --help succeed; a wrong command line is status 2, in both forms', async () => {
  expect(await main(['--version'])).toBe(0);
  expect(said.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await main(['flash', '--help'])).toBe(0);
  expect(await main([])).toBe(2);
  said = { out: '', err: '' };
  expect(await main(['flahs'])).toBe(2);
  expect(said).toMatchObject({
    out: '',
    err: expect.stringMatching(/unknown command 'flahs'[\s\S]*hint[\s\S]*tincan --help/i),
  });
  expect(await main(['flash', '--nope', '--json'])).toBe(2);
  expect(JSON.parse(said.out).error).toMatchObject({ code: 'USAGE', exitCode: 2 });
  expect(await main(['flash', '--baud', 'fast'])).toBe(2);
});

test('a secret among the arguments is refused and printed nowhere', async () => {
  expect(await main(['provision', '--token', 'tok_verysecret', '--json'])).toBe(2);
  expect(said.out + said.err).not.toContain('verysecret');
  expect(JSON.parse(said.out).error.code).toBe('SECRET_ARGUMENT');
});

test('boards, ports and settings are listed without a device', async () => {
  expect(await main(['boards', '--json'])).toBe(0);
  expect(await main(['config', 'list', '--describe', '--json'])).toBe(0);
  expect(await main(['ports', '--json'])).toBe(0);
  const [boards, settings, ports] = json();
  expect(boards.boards[0].id).toBe('virtual');
  expect(Object.keys(settings.settings)).toEqual(SETTING_NAMES);
  expect(Array.isArray(ports.ports)).toBe(true);
});

test('an unknown board names the known ones; a missing image says how to build it', async () => {
  expect(await main(['build', '--board', 'toaster'])).toBe(2);
  expect(said.err).toContain('virtual');
  expect(await main(['flash', '/nowhere', '--port', 'rfc2217://127.0.0.1:1'])).toBe(4);
  expect(said.err).toContain('tincan build');
});

test('a port where nothing listens is status 3', async () => {
  expect(await main(['config', 'get', 'audio.volume', '--port', 'rfc2217://127.0.0.1:1'])).toBe(3);
  expect(said.err).toContain('tincan virtual');
});

test('a remembered port that is gone is forgotten', async () => {
  const { board } = await running();
  expect(await main(['config', 'get', 'audio.volume', '--port', board.port])).toBe(0);
  await board.close();
  expect(await main(['config', 'get', 'audio.volume'])).toBe(3);
  expect(said.err).toContain('Nothing listens at');
  said.err = '';
  // Now it is found anew: on a machine without boards that is "none", never the port of before.
  await main(['config', 'get', 'audio.volume']);
  expect(said.err).not.toContain('as last time');
});

test('settings are read and changed on a running board, and the port is remembered', async () => {
  const { board, current } = await running();
  expect(await main(['config', 'set', 'audio.volume=40', 'session.voice=cedar', '--port', board.port])).toBe(
    0,
  );
  expect(current().settings).toMatchObject({ 'audio.volume': 40, 'session.voice': 'cedar' });
  said.out = '';
  expect(await main(['config', 'get', 'audio.volume', 'wifi.password', '--json'])).toBe(0);
  expect(json().at(-1).values).toMatchObject({ 'audio.volume': 40, 'wifi.password': { set: false } });
  expect(said.err).toContain('as last time');
  expect(await main(['config', 'unset', 'audio.volume'])).toBe(0);
  expect(current().settings['audio.volume']).toBe(70);
  expect(await main(['config', 'set', 'audio.volume=140'])).toBe(2);
  expect(await main(['config', 'get', 'audio.volum'])).toBe(2);
  expect(said.err).toContain('Did you mean audio.volume?');
});

test('a board is provisioned from files; no secret appears anywhere', async () => {
  const { board, current } = await running();
  const folder = mkdtempSync(join(tmpdir(), 'tincan-'));
  writeFileSync(join(folder, 'pw'), 'correct horse\n');
  writeFileSync(join(folder, 'token'), 'tok_0123456789\n');
  const files = ['--password-file', join(folder, 'pw'), '--token-file', join(folder, 'token')];
  expect(await main(['provision', '--ssid', 'home', ...files, '--port', board.port])).toBe(0);
  expect(current().settings).toMatchObject({
    'wifi.password': 'correct horse',
    'server.token': 'tok_0123456789',
  });
  expect(await main(['config', 'list', '--port', board.port])).toBe(0);
  expect(await main(['provision', '--ssid', 'home', ...files, '--out', join(folder, 'nvs.bin')])).toBe(0);
  expect(readFileSync(join(folder, 'nvs.bin')).length).toBe(0x6000);
  expect(said.out + said.err).not.toMatch(/correct horse|tok_0123/);
});

test('tail shows what comes, writes it to a file, and says what was lost', async () => {
  const { board, current } = await running();
  const events = join(mkdtempSync(join(tmpdir(), 'tincan-')), 'events.jsonl');
  const tail = main([
    'tail',
    '--until',
    'response.done',
    '--for',
    '20',
    '--events',
    events,
    '--port',
    board.port,
  ]);
  await expect.poll(() => said.err).toContain('tester (virtual)');
  const app = current();
  app.notify('state', { state: 'live', activity: 'listening', reason: 'none' });
  app.raw('I (99) tincan: a log line\n');
  app.skip(3);
  app.raw('\x1e{"broken":\tffffffff\t00000000\n');
  app.notify('realtime.event', { event: { type: 'response.done', response: { status: 'completed' } } });
  expect(await tail).toBe(0);
  expect(said.out).toMatch(
    /· live listening\n.*a log line\n.*damaged[\s\S]*3 frames lost\n.*← response\.done completed\n/,
  );
  expect(said.err).toContain('3 lost, 1 damaged');
  const records = readFileSync(events, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records.map((one) => Object.keys(one)[1])).toEqual(['method', 'text', 'broken', 'lost', 'method']);
});

test('tail --until that does not come is status 5', async () => {
  const { board } = await running();
  expect(await main(['tail', '--until', 'never', '--for', '0.05', '--json', '--port', board.port])).toBe(5);
  expect(json().at(-1).error.code).toBe('UNTIL_TIMEOUT');
});

test('what is no event is refused before it reaches the device', async () => {
  const { board, current } = await running();
  for (const text of ['{"type', '[]', '{"type":5}', 'null']) {
    expect(await main(['send', text, '--port', board.port])).toBe(2);
  }
  expect(current().requests).toEqual([]);
});

test('doctor reports each thing with its next step, and fails only where something is wrong', async () => {
  const { board, current } = await running();
  current().settings['server.url'] = 'http://127.0.0.1:1/v1/realtime/calls';
  expect(await main(['doctor', '--json', '--port', board.port])).toBe(1);
  const { ok, checks } = json()[0];
  const byName = Object.fromEntries(checks.map((check: { name: string }) => [check.name, check]));
  expect(ok).toBe(false);
  expect(byName.node.state).toBe('ok');
  expect(byName.board.state).toBe('ok');
  expect(byName.server).toMatchObject({ state: 'fail', next: expect.stringContaining('tincan gateway') });
  expect(byName.settings).toMatchObject({ state: 'fail', next: expect.stringContaining('tincan provision') });
});

test('doctor --json tells strangers nothing that is secret', async () => {
  const { board, current } = await running();
  vi.stubEnv('HOME', '/home/ada-lovelace');
  vi.stubEnv('TINCAN_SERVER_TOKEN', 'tok_environment');
  Object.assign(current().settings, {
    'wifi.ssid': 'ada at home',
    'wifi.password': 'correct horse',
    'server.token': 'tok_0123456789',
    'server.url': 'http://ada:pass-in-url@127.0.0.1:1/v1/realtime/calls?key=key-in-url',
  });
  await main(['doctor', '--json', '--port', board.port]);
  const byName = Object.fromEntries(json()[0].checks.map((check: { name: string }) => [check.name, check]));
  expect(byName.token).toMatchObject({ state: 'ok', found: 'the device has one' });
  expect(byName.settings).toMatchObject({ state: 'ok' });
  expect(byName.network).toMatchObject({ state: 'skip' });
  expect(byName.server.found).toContain('http://127.0.0.1:1/v1/realtime/calls?…');
  expect(said.out + said.err).not.toMatch(
    /correct horse|tok_|pass-in-url|key-in-url|ada at home|ada-lovelace|fingerprint"|"salt"/,
  );
});

test('a session is started, spoken to, and stopped', async () => {
  const { board, current } = await running({ session: 'answers' });
  const port = ['--port', board.port];
  expect(await main(['session', 'start', '--json', ...port])).toBe(0);
  expect(json()[0]).toMatchObject({ state: 'live' });
  said.out = '';
  expect(await main(['say', 'Hello', 'there.', ...port])).toBe(0);
  expect(said.out).toBe('You said: Hello there.\n');
  expect(await main(['send', '{"type":"response.create"}', ...port])).toBe(0);
  expect(await main(['session', 'status', ...port])).toBe(0);
  expect(await main(['session', 'stop', ...port])).toBe(0);
  expect(current().requests).toContain('realtime.send');
});

test('a refused token ends with status 6, and says what to do', async () => {
  const { board } = await running({ session: 'refused' });
  expect(await main(['session', 'start', '--port', board.port])).toBe(6);
  expect(said.err).toContain('http_401');
  expect(said.err).toContain('--token-file');
});

test('--json may stand before the command', async () => {
  expect(await main(['--json', 'boards'])).toBe(0);
  expect(json()).toMatchObject([{ boards: expect.any(Array) }]);
  said.out = '';
  expect(await main(['boards'])).toBe(0);
  expect(said.out).not.toMatch(/^\{/);
});
