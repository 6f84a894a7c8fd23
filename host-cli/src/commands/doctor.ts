import { existsSync, readFileSync } from 'node:fs';
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
import { openLine } from '../serial/line.ts';
import { choosePort, listPorts } from '../serial/ports.ts';
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

async function portsCheck(): Promise<Check> {
  try {
    const ports = await listPorts();
    return {
      name: 'ports',
      state: ports.length > 0 ? 'ok' : 'warn',
      found: ports.length > 0 ? ports.map((port) => `${port.path} (${port.name})`).join(', ') : 'none',
      ...(ports.length > 0 ? {} : { next: 'Plug a board in, or start `tincan virtual`.' }),
    };
  } catch (error) {
    return failed('ports', error, 'warn');
  }
}

function groupCheck(): Check | undefined {
  if (process.platform !== 'linux' || process.getuid?.() === 0) return undefined;
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((row) => /^(dialout|uucp):/.test(row));
    const [group = '', , gid = ''] = line?.split(':') ?? [];
    if (group === '') return undefined;
    return process.getgroups?.().includes(Number(gid))
      ? { name: 'permission', state: 'ok', found: `member of ${group}` }
      : {
          name: 'permission',
          state: 'warn',
          found: `not a member of ${group}`,
          next: `sudo usermod -aG ${group} $USER, then log out and in; only real boards need it.`,
        };
  } catch {
    return undefined;
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

async function boardChecks(context: Context, image: string | undefined): Promise<Check[]> {
  let path: string;
  try {
    path = (await choosePort({ port: context.port, env: context.env })).path;
  } catch (error) {
    return [failed('board', error, 'skip')];
  }
  let device: Device;
  try {
    device = new Device(await openLine(path));
  } catch (error) {
    return [failed('board', error)];
  }
  const checks: Check[] = [];
  try {
    const hello: Hello = await device.hello({ timeoutMs: 3000, signal: context.signal });
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
    checks.push(settingsCheck(values));
    const url = values['server.url'];
    const pin = values['server.pin'];
    if (typeof url === 'string' && url !== '')
      checks.push(await serverCheck(url, typeof pin === 'string' ? pin : ''));
  } catch (error) {
    checks.push(failed('board', error));
  } finally {
    await device.close();
  }
  return checks;
}

/** `tincan doctor`: looks at everything that a device needs, and says what to do next. Returns the exit status. @throws TincanError BOARD_UNKNOWN */
export async function doctor(context: Context, options: DoctorOptions): Promise<number> {
  const { out } = context;
  const { check, image } = imageCheck(findBoard(options.board).id);
  const checks: Check[] = [
    nodeCheck(process.versions.node),
    {
      name: 'system',
      state: 'ok',
      found: `${process.platform} ${process.arch}${existsSync('.git') ? ', in a git checkout' : ''}`,
    },
    await compilerCheck(),
    ...[groupCheck()].filter((one) => one !== undefined),
    await portsCheck(),
    ...(await toolChecks(thisMachine(context.env))),
    check,
    ...(await boardChecks(context, image)),
  ];
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
