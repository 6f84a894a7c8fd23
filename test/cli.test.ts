/** The built command, from outside: what it says, what it answers to the shell, and what a broken run leaves behind. */
import { cpSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { systemClock } from '@tincan/boards';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestBoard } from './support/board.ts';
import { Desk, EXIT, expectError, jsonError, type Running } from './support/cli.ts';

const PASSWORD = 'cli-wifi-secret-0a1b';
const TOKEN = 'tc_cli_secret_token_2c3d4e5f';

// Child processes share two cores with everything else.
vi.setConfig({ testTimeout: 120_000 });

const desk = new Desk();
afterAll(() => desk.clear());

function listenNowhere(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Starts a virtual board; answers its port. */
async function virtual(...args: string[]): Promise<{ child: Running; port: string }> {
  const child = desk.start(['virtual', '--json', ...args], { env: { TINCAN_AP_PASSWORD: PASSWORD } });
  const port = await child.line((line) => /"port":"(rfc2217:[^"]+)"/.exec(line)?.[1], 'its port');
  return { child, port };
}

describe('help and usage', () => {
  test('every command has help with an example', async () => {
    const commands = async (...above: string[]) => {
      const { stdout } = await desk.run([...above, '--help']);
      const list = /\nCommands:\n([\s\S]*?)(?:\n\n|$)/.exec(stdout)?.[1] ?? '';
      return [...list.matchAll(/^ {2}([a-z]+)/gm)]
        .map((match) => match[1]!)
        .filter((name) => name !== 'help');
    };
    const all: string[][] = [[]];
    for (const name of await commands()) {
      all.push([name]);
      if (name === 'config' || name === 'session')
        for (const verb of await commands(name)) all.push([name, verb]);
    }
    const names = all.map((words) => words.join(' '));
    for (const name of [
      'boards',
      'ports',
      'build',
      'flash',
      'provision',
      'config get',
      'config set',
      'tail',
      'say',
    ])
      expect(names).toContain(name);
    for (const name of ['send', 'session start', 'session stop', 'virtual', 'gateway', 'demo', 'doctor'])
      expect(names).toContain(name);
    for (const words of all) {
      const { status, stdout, stderr } = await desk.run([...words, '--help']);
      expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
      expect(stdout).toMatch(/\nExample:\n {2}\$ tincan /);
    }
  });

  test('the version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../host-cli/package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(await desk.run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  test.each([
    ['unknown command', ['flsh'], /^error: Unknown command 'flsh'\.\n {2}hint: {2}Did you mean flash\? /],
    ['unknown option', ['tail', '--untill', 'x'], /Unknown option '--untill'\..*\n.*Did you mean --until\?/],
    ['missing argument', ['config', 'get'], /Missing required argument 'names'\./],
    ['missing value', ['tail', '--for'], /argument missing/],
    ['a value that is none', ['tail', '--for', 'ever'], /seconds/],
    ['unknown board', ['build', '--board', 'toaster'], /no board "toaster"/],
    [
      'unknown setting',
      ['config', 'set', 'audio.volum=3', '--port', 'rfc2217://127.0.0.1:1'],
      /audio\.volum/,
    ],
    ['setting over its limit', ['provision', '--set', 'audio.volume=101'], /audio\.volume/],
    ['listen address', ['virtual', '--listen', 'here'], /HOST:PORT/],
    ['gateway mode', ['gateway', '--mode', 'magic'], /mode "magic"/],
    ['a sound file that is not there', ['virtual', '--mic', 'nobody.wav'], /nobody\.wav/],
  ])('%s: a sentence, a hint, status 2', async (_name, args, sentence) => {
    expectError(await desk.run(args), EXIT.usage, sentence);
    expect(jsonError(await desk.run([...args, '--json']))).toMatchObject({ exitCode: EXIT.usage });
  });

  test.each([
    [['provision', '--password', PASSWORD]],
    [['provision', `--token=${TOKEN}`]],
    [['provision', '--set', `wifi.password=${PASSWORD}`]],
    [['config', 'set', `server.token=${TOKEN}`]],
    [['config', 'set', 'server.token', TOKEN]],
    [['gateway', '--token', TOKEN]],
    [['virtual', '--ap-password', PASSWORD]],
  ])('a secret as an argument is refused: %j', async (args) => {
    for (const more of [[], ['--json']]) {
      const ended = await desk.run([...args, ...more]);
      if (more.length === 0) expectError(ended, EXIT.usage, /secret on the command line/);
      else expect(jsonError(ended).code).toBe('SECRET_ARGUMENT');
      expect(ended.stdout + ended.stderr).not.toContain(PASSWORD);
      expect(ended.stdout + ended.stderr).not.toContain(TOKEN);
    }
  });
});

describe('ports', () => {
  test('one that is not there', async () => {
    const args = ['tail', '--port', '/dev/tincan-nowhere'];
    expectError(await desk.run(args), EXIT.port, /tincan-nowhere/);
    expect(jsonError(await desk.run([...args, '--json'])).code).toBe('PORT_MISSING');
  });

  test('nothing listens there', async () => {
    const args = ['flash', '--port', `rfc2217://127.0.0.1:${await listenNowhere()}`];
    await desk.run(['build']);
    expectError(await desk.run(args), EXIT.port, /127\.0\.0\.1/);
    expect(jsonError(await desk.run([...args, '--json'])).code).toBe('PORT_REFUSED');
  });

  test('something else listens there', async () => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const ended = await desk.run(['config', 'list', '--port', `rfc2217://127.0.0.1:${port}`]);
    server.close();
    expectError(ended, EXIT.port, /127\.0\.0\.1/);
  });

  test('a port that is no address', async () => {
    expectError(await desk.run(['tail', '--port', 'rfc2217://']), EXIT.port, /rfc2217/);
    expectError(await desk.run(['tail', '--port', 'http://127.0.0.1:80']), EXIT.port, /http:/);
  });

  test('a board that says nothing: the device is to blame, and the hint is to flash it', async () => {
    const { child, port } = await virtual();
    const ended = await desk.run(['config', 'get', 'audio.volume', '--port', port]);
    expectError(ended, EXIT.device, /does not answer/);
    expect(ended.stderr).toMatch(/tincan flash/);
    child.kill('SIGINT');
    await child.ended;
  });
});

describe('from an empty board to a conversation', () => {
  let board: Running;
  let server: Running;
  let port: string;
  let url: string;
  const at = () => ['--port', port];

  beforeAll(async () => {
    ({ child: board, port } = await virtual('--flash', desk.path('board.bin')));
    server = desk.start(['gateway', '--mode', 'echo', '--listen', '127.0.0.1:0', '--json'], {
      env: { TINCAN_GATEWAY_TOKEN: TOKEN },
    });
    url = await server.line((line) => /"callsUrl":"([^"]+)"/.exec(line)?.[1], 'its address');
  });

  test('build: the second time nothing is compiled', async () => {
    const results = [];
    for (let i = 0; i < 2; i++) {
      const ended = await desk.run([
        'build',
        '--board',
        'virtual',
        '--out',
        desk.path(`image${i}`),
        '--json',
      ]);
      expect(ended.status).toBe(0);
      results.push(ended.json()[0]!);
    }
    expect(results[1]).toMatchObject({ cached: true, image: results[0]!.image });
    for (const name of ['bootloader.bin', 'partition-table.bin', 'ota_data_initial.bin', 'tincan.bin']) {
      const [first, second] = [0, 1].map((i) => readFileSync(desk.path(`image${i}/${name}`)));
      expect(first!.equals(second!)).toBe(true);
    }
  });

  test('flash, verified, until the board says hello; again nothing is written', async () => {
    const ended = await desk.run(['flash', desk.path('image0'), ...at(), '--json']);
    expect(ended.status).toBe(0);
    const done = ended.json().at(-1) as {
      hello: { image: string; board: string };
      app: { image: string };
      report: { bytes: number; files: { unchanged: boolean }[] };
    };
    expect(done.hello).toMatchObject({ board: 'virtual', image: done.app.image });
    expect(done.report.bytes).toBeGreaterThan(50_000);

    const again = await desk.run(['flash', desk.path('image0'), ...at()]);
    expect(again).toMatchObject({ status: 0 });
    // The boot loader has written which slot it starts; that it is the right one is enough.
    expect(again.stdout).toMatch(
      /^nothing to write; [\d,]+ bytes were there already, ota_data_initial\.bin/m,
    );
  });

  test.each([
    ['cut off', (file: string) => truncateSync(file, statSync(file).size - 5000)],
    [
      'with one bit turned',
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[20_000]! ^= 4;
        writeFileSync(file, bytes);
      },
    ],
    [
      'for another chip',
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[12] = 5; // the ESP32-C3
        writeFileSync(file, bytes);
      },
    ],
  ])('an image %s is refused before a byte is written', async (name, spoil) => {
    const folder = desk.path(`bad ${name}`);
    cpSync(desk.path('image0'), folder, { recursive: true });
    spoil(`${folder}/tincan.bin`);
    expectError(await desk.run(['flash', folder, ...at()]), EXIT.flash, /tincan\.bin/);
    expect((await desk.run(['config', 'get', 'device.name', ...at()])).stdout).toMatch(/tincan/);
  });

  test('an image that is not there', async () => {
    expectError(await desk.run(['flash', desk.path('nowhere'), ...at()]), EXIT.flash, /nowhere/);
  });

  test('a session before it is provisioned', async () => {
    expectError(await desk.run(['session', 'start', ...at()]), EXIT.device, /no network or no token/);
  });

  test('provision without a token, where nobody can be asked', async () => {
    expectError(await desk.run(['provision', '--ssid', 'tincan-lab', ...at()]), EXIT.usage, /server\.token/);
  });

  test('provision: password by file, token by environment, the rest by options', async () => {
    writeFileSync(desk.path('wifi.txt'), `${PASSWORD}\n`);
    const ended = await desk.run(
      ['provision', '--ssid', 'tincan-lab', '--password-file', 'wifi.txt', '--url', url, ...at(), '--json'],
      { env: { TINCAN_SERVER_TOKEN: TOKEN } },
    );
    expect(ended.status).toBe(0);
    expect(ended.json().at(-1)).toMatchObject({
      way: 'online',
      changed: ['wifi.ssid', 'wifi.password', 'server.url', 'server.token'],
    });
    expect(ended.stdout + ended.stderr).not.toContain(PASSWORD);
    expect(ended.stdout + ended.stderr).not.toContain(TOKEN);
  });

  test('config: get, set, list; a secret is shown as a fingerprint', async () => {
    expect(
      await desk.run(['config', 'set', 'audio.volume=40', 'session.voice=cedar', ...at()]),
    ).toMatchObject({
      status: 0,
    });
    const got = await desk.run(['config', 'get', 'audio.volume', 'server.token', ...at(), '--json']);
    expect(got.status).toBe(0);
    expect(got.stdout).toMatch(/"audio\.volume":40/);
    expect(got.stdout).toMatch(/fingerprint/);
    const listed = await desk.run(['config', 'list', ...at()]);
    expect(listed.stdout).toMatch(/session\.voice\s+cedar/);
    for (const text of [got.stdout, got.stderr, listed.stdout, listed.stderr]) {
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(PASSWORD);
    }
  });

  test('the port is remembered', async () => {
    const got = await desk.run(['config', 'get', 'audio.volume']);
    expect(got).toMatchObject({ status: 0 });
    expect(got.stderr).toContain(port);
  });

  test('a session with the gateway: start, look, talk, stop', async () => {
    const started = await desk.run(['session', 'start', ...at(), '--json']);
    expect(started.stdout + started.stderr).toContain('"state":"live"');
    expect(started.status).toBe(0);
    const status = await desk.run(['session', 'status', ...at()]);
    expect(status.stdout).toMatch(/^tincan: live$/m);
    const sent = await desk.run(['send', '{"type":"input_audio_buffer.clear"}', ...at()]);
    expect(sent.status).toBe(0);
    const stopped = await desk.run(['session', 'stop', ...at()]);
    expect(stopped).toMatchObject({ status: 0, stdout: 'the session has ended\n' });
  });

  test('send: what is no event is refused here already', async () => {
    expectError(await desk.run(['send', 'hello', ...at()]), EXIT.usage, /JSON/);
    expectError(await desk.run(['send', '-', ...at()], { input: '[1]' }), EXIT.usage, /type|object/);
  });

  test('a wrong token: the server refused it, and the hint says what to do', async () => {
    writeFileSync(desk.path('wrong.txt'), 'tc_wrong_token_000000\n');
    const set = (file: string) =>
      desk.run(['config', 'set', 'server.token', '--file', desk.path(file), ...at()]);
    expect(await set('wrong.txt')).toMatchObject({ status: 0 });
    const ended = await desk.run(['session', 'start', ...at()]);
    expectError(ended, EXIT.server, /http_401/);
    expect(ended.stderr).toMatch(/fresh one/);
    expect(ended.stderr).not.toContain('tc_wrong_token');
    writeFileSync(desk.path('right.txt'), TOKEN);
    expect(await set('right.txt')).toMatchObject({ status: 0 });
    expect(await desk.run(['session', 'start', ...at()])).toMatchObject({ status: 0 });
    expect(await desk.run(['session', 'stop', ...at()])).toMatchObject({ status: 0 });
  });

  test('a wrong Wi-Fi password is refused, and the network of before stays in force', async () => {
    writeFileSync(desk.path('wrong-wifi.txt'), 'not-the-password');
    const set = (file: string) =>
      desk.run(['config', 'set', 'wifi.password', '--file', desk.path(file), ...at()]);
    const refused = await set('wrong-wifi.txt');
    expectError(refused, EXIT.device, /refused the password/);
    expect(refused.stderr).not.toContain('not-the-password');
    // The network of before is still in force.
    expect(await desk.run(['session', 'start', ...at()])).toMatchObject({ status: 0 });
    expect(await desk.run(['session', 'stop', ...at()])).toMatchObject({ status: 0 });
    expect(await set('wifi.txt')).toMatchObject({ status: 0 });
  });

  test('a session while the device still joins its network: the command waits for it', async () => {
    const clock = systemClock();
    const slow = await startTestBoard({
      attach: false,
      // The virtual radio joins in 30 ms, a real one in seconds.
      clock: { now: clock.now, after: (ms, run) => clock.after(ms === 30 ? 1500 : ms, run) },
      settings: { 'server.url': url, 'server.token': TOKEN },
    });
    const ended = await desk.run(['session', 'start', '--port', slow.board.port, '--json']);
    await slow.close();
    expect(ended.stdout + ended.stderr).toContain('"state":"live"');
    expect(ended.status).toBe(0);
  });

  test.each([
    ['a NUL', 'two\u0000parts', /control character/],
    ['more than fits', 'x'.repeat(3001), /3000/],
  ])('a setting with %s is refused, and the old value stays', async (_name, value, sentence) => {
    const ended = await desk.run(['config', 'set', 'session.instructions', '--file', '-', ...at()], {
      input: value,
    });
    expectError(ended, EXIT.usage, sentence);
    expect((await desk.run(['config', 'get', 'session.instructions', ...at()])).stdout).toMatch(/friendly/);
  });

  test('tail --for ends by itself; its lines are JSON, its file too', async () => {
    const tail = desk.start(['tail', '--for', '4', '--json', '--events', desk.path('events.jsonl'), ...at()]);
    await tail.line((line) => (line.includes('firmware') ? true : undefined), 'who is there');
    const ended = await tail.ended;
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(/\d+ frames, 0 lost, 0 damaged/);
    for (const record of ended.json()) expect(record).toHaveProperty('at');
    expect(readFileSync(desk.path('events.jsonl'), 'utf8')).toBe(ended.stdout);
  });

  test('tail --until that does not come', async () => {
    const ended = await desk.run(['tail', '--until', 'response.done', '--for', '1', ...at()]);
    expect(ended.status).toBe(EXIT.device);
    expect(ended.stderr).toMatch(/"response\.done" did not come within 1 s/);
  });

  test('a port that another program holds', async () => {
    const tail = desk.start(['tail', ...at()]);
    await tail.line((line) => (line.includes('firmware') ? true : undefined), 'who is there');
    expectError(await desk.run(['config', 'list', ...at()]), EXIT.port, /in use/);
    expect(jsonError(await desk.run(['tail', ...at(), '--json'])).code).toBe('PORT_BUSY');
    tail.kill('SIGINT');
    const ended = await tail.ended;
    expect(ended).toMatchObject({ status: 0, signal: null });
    expect(ended.stderr).toMatch(/frames, 0 lost, 0 damaged/);
    expect(await desk.run(['config', 'get', 'audio.volume', ...at()])).toMatchObject({ status: 0 });
  });

  test('a busy flash file, and a busy address', async () => {
    expectError(await desk.run(['virtual', '--flash', desk.path('board.bin')]), EXIT.port, /board\.bin/);
    const { host } = new URL(url);
    expectError(await desk.run(['gateway', '--listen', host]), EXIT.server, /another program/);
  });

  test('a board that dies and comes back: tail waits for it, and the settings are still there', async () => {
    const tail = desk.start(['tail', '--json', ...at()]);
    await tail.line((line) => (line.includes('firmware') ? true : undefined), 'who is there');
    board.kill('SIGKILL');
    await board.ended;
    await tail.line(
      (line) => (line.includes('"connection":"down"') ? true : undefined),
      'that the port is gone',
    );
    ({ child: board } = await virtual(
      '--flash',
      desk.path('board.bin'),
      '--listen',
      port.slice('rfc2217://'.length),
    ));
    await tail.line(
      (line) => (line.includes('"connection":"up"') ? true : undefined),
      'that the port is back',
    );
    tail.kill('SIGINT');
    expect(await tail.ended).toMatchObject({ status: 0 });
    expect((await desk.run(['config', 'get', 'audio.volume', ...at()])).stdout).toMatch(/40/);
  });

  test('Ctrl-C ends board and gateway in order; the same commands work again', async () => {
    for (const child of [board, server]) {
      child.kill('SIGINT');
      expect(await child.ended).toMatchObject({ status: 0, signal: null });
    }
    ({ child: board } = await virtual(
      '--flash',
      desk.path('board.bin'),
      '--listen',
      port.slice('rfc2217://'.length),
    ));
    server = desk.start(['gateway', '--listen', new URL(url).host, '--json'], {
      env: { TINCAN_GATEWAY_TOKEN: TOKEN },
    });
    await server.line((line) => (line.includes(url) ? true : undefined), 'its address');
    const hello = await desk.run(['tail', '--until', 'state:ready', '--for', '1', ...at()]);
    expect([0, EXIT.device]).toContain(hello.status); // it may have been ready before
    expect(await desk.run(['session', 'start', ...at()])).toMatchObject({ status: 0 });
    for (const child of [server, board]) {
      child.kill('SIGINT');
      expect(await child.ended).toMatchObject({ status: 0, signal: null });
    }
    // Nothing of the lock stays.
    expect(existsSync(desk.path('board.bin.lock'))).toBe(false);
  });
});

/** What Ctrl-C sends; on Windows a signal just kills. */
describe.skipIf(process.platform === 'win32')('in the middle of flashing', () => {
  test.each(['SIGINT', 'SIGKILL'] as const)('%s: the same command again works', async (signal) => {
    // A slow line, so that there is a middle.
    const { child: board, port } = await virtual('--pace');
    const flash = ['flash', '--port', port, '--json'];
    expect(await desk.run(['build'])).toMatchObject({ status: 0 });
    const first = desk.start([...flash, '--baud', '115200']);
    await first.line((line) => {
      const { writtenAll, totalAll } = JSON.parse(line) as { writtenAll?: number; totalAll?: number };
      return writtenAll && writtenAll < totalAll! ? true : undefined;
    }, 'progress');
    first.kill(signal);
    const ended = await first.ended;
    if (signal === 'SIGINT') {
      expect(ended).toMatchObject({ status: EXIT.interrupted, signal: null });
      const error = jsonError(ended);
      expect(error).toMatchObject({ code: 'INTERRUPTED' });
      expect(error.hint).toMatch(/again/);
    } else expect(ended.signal).toBe('SIGKILL');
    const again = await desk.run(flash);
    expect(again.status).toBe(0);
    expect(again.json().at(-1)).toMatchObject({ stage: 'done', hello: { board: 'virtual' } });
    board.kill('SIGINT');
    expect(await board.ended).toMatchObject({ status: 0 });
  });

  test('a reader of the results that goes away does not leave the chip in its loader', async () => {
    const { child: board, port } = await virtual('--pace');
    expect(await desk.run(['build'])).toMatchObject({ status: 0 });
    const flash = desk.start(['flash', '--port', port, '--json', '--baud', '115200']);
    await flash.line((line) => line.includes('"writing"') || undefined, 'writing');
    flash.closeOutput();
    expect(await flash.ended).toMatchObject({ status: 0, signal: null });
    let stub = false;
    await board.line((line) => {
      stub ||= line.includes('"stub"') || line.includes('stub runs');
      return (stub && (line.includes('"mode":"run"') || line.includes('boot mode run'))) || undefined;
    }, 'a reset out of the loader');
    board.kill('SIGINT');
    expect(await board.ended).toMatchObject({ status: 0 });
  });
});
