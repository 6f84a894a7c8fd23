import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Hello, SETTINGS, type SettingsAnswer } from '@tincan/shared-protocol';
import { findBoard } from '../build/board.ts';
import { thisMachine } from '../build/idf-find.ts';
import type { Context } from '../context.ts';
import { Device } from '../device/device.ts';
import { asTincanError, EXIT, messageOf } from '../errors.ts';
import { checkFiles } from '../flash/check.ts';
import { readPlan } from '../flash/plan.ts';
import { isFingerprint } from '../provision/online.ts';
import { openLine, type SerialLine } from '../serial/line.ts';
import { choosePort, type FoundPorts, findPorts, portText } from '../serial/ports.ts';
import { type PortSystem, thisSystem } from '../serial/trouble.ts';
import { chipChecks, holderChecks, permissionCheck } from './doctor-board.ts';
import { serverCheck } from './doctor-server.ts';
import { toolChecks } from './doctor-tools.ts';

export interface Check {
  name: string;
  state: 'ok' | 'warn' | 'fail' | 'skip';
  /** What was found. */
  found: string;
  /** What to do about it. */
  next?: string;
}

export interface DoctorOptions {
  board: string;
  /** Look at the chip through its loader, too; that restarts the board. */
  chip?: boolean;
}

const OLDEST_NODE = [20, 19] as const;

export function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return ok
    ? { name: 'node', state: 'ok', found: version }
    : {
        name: 'node',
        state: 'fail',
        found: version,
        next: `Install Node ${OLDEST_NODE.join('.')} or newer.`,
      };
}

/** The error as a check. */
function failed(name: string, error: unknown, state: Check['state'] = 'fail'): Check {
  const known = asTincanError(error);
  return { name, state, found: known.message, ...(known.hint === undefined ? {} : { next: known.hint }) };
}

async function compilerCheck(): Promise<Check> {
  try {
    await import('@yowasp/clang');
    return { name: 'compiler', state: 'ok', found: '@yowasp/clang of npm' };
  } catch (error) {
    return {
      name: 'compiler',
      state: 'warn',
      found: messageOf(error).split('\n')[0] ?? 'missing',
      next: 'Run `npm ci` in the repository; only `tincan build` needs it.',
    };
  }
}

/** What ports are there, whether they may be opened, and who has them. */
export async function portChecks(
  find: () => Promise<FoundPorts> = findPorts,
  system: PortSystem = thisSystem,
): Promise<Check[]> {
  try {
    const { ports, note } = await find();
    const found =
      ports.length > 0 ? ports.map((port) => `${port.path} (${portText(port)})`).join(', ') : 'none';
    const next = [note, ports.length > 0 ? undefined : 'Plug a board in, or start `tincan virtual`.']
      .filter((text) => text !== undefined)
      .join(' ');
    const permission = permissionCheck(ports, system);
    return [
      { name: 'ports', state: ports.length > 0 ? 'ok' : 'warn', found, ...(next === '' ? {} : { next }) },
      ...(permission === undefined ? [] : [permission]),
      ...holderChecks(ports, system),
    ];
  } catch (error) {
    return [failed('ports', error, 'warn')];
  }
}

function imageCheck(board: string): { check: Check; image?: string } {
  try {
    const plan = readPlan(join('build', board), board);
    const { app } = checkFiles(plan.files, { board });
    const found =
      app === undefined
        ? plan.source
        : `${plan.source}: firmware ${app.version}, image ${app.image.slice(0, 12)}`;
    return {
      check: { name: 'image', state: 'ok', found },
      ...(app === undefined ? {} : { image: app.image }),
    };
  } catch (error) {
    return { check: failed('image', error, 'warn') };
  }
}

/** Whether the device is on its network, by the state that it is in. */
export function networkCheck(state: Hello['state']): Check {
  const name = 'network';
  if (state === 'unprovisioned')
    return { name, state: 'skip', found: 'the device has no network yet', next: 'Run `tincan provision`.' };
  if (state === 'joining') {
    return {
      name,
      state: 'warn',
      found: 'the device is not on its network (yet)',
      next: 'Wait some seconds and look again; `tincan tail` says why: a wrong password, or no such network in reach.',
    };
  }
  return { name, state: 'ok', found: 'the device is on its network' };
}

/** Whether there is a token, and whether the server took it last time. Nothing of it is shown, not even a fingerprint. */
export function tokenCheck(
  value: SettingsAnswer['values'][string] | undefined,
  state: Hello['state'],
): Check {
  const name = 'token';
  if (!isFingerprint(value) || !value.set) {
    return {
      name,
      state: 'fail',
      found: 'the device has none',
      next: 'Run `tincan provision --token-file FILE`, or leave the option out to be asked.',
    };
  }
  return state === 'backoff'
    ? {
        name,
        state: 'warn',
        found: 'the device has one, but its last session failed',
        next: '`tincan session start` says why; a token that was refused is replaced by `tincan provision`.',
      }
    : { name, state: 'ok', found: 'the device has one' };
}

/** What the settings say about themselves, and the server's URL. */
function settingsCheck(values: SettingsAnswer['values']): Check {
  const missing = Object.entries(SETTINGS)
    .filter(([, setting]) => 'required' in setting && setting.required === true)
    .map(([name]) => name)
    .filter((name) => {
      const value = values[name];
      return isFingerprint(value) ? !value.set : value === undefined || value === '';
    });
  return missing.length === 0
    ? { name: 'settings', state: 'ok', found: 'complete' }
    : {
        name: 'settings',
        state: 'fail',
        found: `missing: ${missing.join(', ')}`,
        next: 'Run `tincan provision`.',
      };
}

async function boardChecks(
  context: Context,
  image: string | undefined,
  options: DoctorOptions,
): Promise<Check[]> {
  let path: string;
  try {
    path = (await choosePort({ port: context.port, env: context.env })).path;
  } catch (error) {
    return [failed('board', error, 'skip')];
  }
  let line: SerialLine;
  try {
    line = await openLine(path);
  } catch (error) {
    return [failed('port', error)];
  }
  const checks: Check[] = [{ name: 'port', state: 'ok', found: `${path} is open` }];
  if (options.chip) checks.push(...(await chipChecks(line, options.board, join('build', options.board))));
  const device = new Device(line);
  try {
    const hello: Hello = await device.hello({
      timeoutMs: options.chip ? 8000 : 3000,
      signal: context.signal,
    });
    checks.push({
      name: 'board',
      state: 'ok',
      found: `${hello.name} (${hello.board}) at ${path}: ${hello.state}`,
    });
    checks.push(
      image === undefined || image === hello.image
        ? { name: 'firmware', state: 'ok', found: `${hello.firmware}, image ${hello.image.slice(0, 12)}` }
        : {
            name: 'firmware',
            state: 'warn',
            found: `${hello.firmware}, image ${hello.image.slice(0, 12)}: not what is in build/`,
            next: '`tincan flash` brings it up to date.',
          },
    );
    const names = ['wifi.ssid', 'server.token', 'server.url', 'server.pin', 'server.query'];
    const { values } = await device.request<SettingsAnswer>('settings.get', { names });
    checks.push(
      settingsCheck(values),
      networkCheck(hello.state),
      tokenCheck(values['server.token'], hello.state),
    );
    const url = values['server.url'];
    const pin = values['server.pin'];
    if (typeof url === 'string' && url !== '')
      checks.push(await serverCheck(url, typeof pin === 'string' ? pin : ''));
  } catch (error) {
    const check = failed('board', error);
    const chip = options.chip ? '' : ' `tincan doctor --chip` asks the chip itself; that restarts the board.';
    checks.push({ ...check, next: `${check.next ?? ''}${chip}`.trim() });
  } finally {
    await device.close();
  }
  return checks;
}

/** A report goes to strangers: the home folder, and with it the user's name, is `~`. */
function withoutHome(check: Check, home: string | undefined): Check {
  if (home === undefined || home.length < 2) return check;
  const tilde = (text: string) => text.replaceAll(home, '~');
  return {
    ...check,
    found: tilde(check.found),
    ...(check.next === undefined ? {} : { next: tilde(check.next) }),
  };
}

/** `tincan doctor`: looks at everything that a device needs, and says what to do next. Returns the exit status. @throws TincanError BOARD_UNKNOWN */
export async function doctor(context: Context, options: DoctorOptions): Promise<number> {
  const { out } = context;
  const { check, image } = imageCheck(findBoard(options.board).id);
  const found: Check[] = [
    nodeCheck(process.versions.node),
    {
      name: 'system',
      state: 'ok',
      found: `${process.platform} ${process.arch}${existsSync('.git') ? ', in a git checkout' : ''}`,
    },
    await compilerCheck(),
    ...(await portChecks()),
    ...(await toolChecks(thisMachine(context.env))),
    check,
    ...(await boardChecks(context, image, options)),
  ];
  const checks = found.map((one) => withoutHome(one, context.env.HOME));
  const mark = { ok: 'ok  ', warn: 'warn', fail: 'FAIL', skip: 'skip' } as const;
  const color = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'gray' } as const;
  const lines = checks.map(
    (one) =>
      `${out.paint(color[one.state], mark[one.state])} ${one.name.padEnd(10)} ${one.found}${one.next === undefined ? '' : `\n     ${' '.repeat(10)} ${one.next}`}`,
  );
  const bad = checks.filter((one) => one.state === 'fail');
  out.result({ ok: bad.length === 0, checks }, lines.join('\n'));
  // The report is the message: an error beside it would say it twice, and break --json.
  if (bad.length === 0) return EXIT.ok;
  return bad.every((one) => one.name === 'server') ? EXIT.server : EXIT.failed;
}
