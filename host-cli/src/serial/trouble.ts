/** Why a port does not open, as a sentence: who holds it, which group may open it, which others are there. */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { TincanError } from '../errors.ts';

/** What is asked of the machine, so that tests can be another one. All may throw. */
export interface PortSystem {
  platform: NodeJS.Platform;
  pid: number;
  user(): string;
  /** Groups of this process, by number. */
  groups(): number[];
  realpath(path: string): string;
  list(folder: string): string[];
  readLink(path: string): string;
  readText(path: string): string;
  stat(path: string): { gid: number; mode: number };
  /** Whether this process may read and write it. */
  mayOpen(path: string): boolean;
  /** What a program prints. */
  run(program: string, args: readonly string[]): string;
}

const LSOF_MS = 3000;

export const thisSystem: PortSystem = {
  platform: process.platform,
  pid: process.pid,
  user: () => userInfo().username,
  groups: () => process.getgroups?.() ?? [],
  realpath: (path) => realpathSync(path),
  list: (folder) => readdirSync(folder),
  readLink: (path) => readlinkSync(path),
  readText: (path) => readFileSync(path, 'utf8'),
  stat: (path) => statSync(path),
  mayOpen(path) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  run: (program, args) => spawnSync(program, args, { encoding: 'utf8', timeout: LSOF_MS }).stdout ?? '',
};

/** Which other processes hold a device open, as "name (pid 42)"; only those that we may look at. */
export function holdersOf(path: string, system: PortSystem = thisSystem): string[] {
  const { platform, pid } = system;
  const found =
    platform === 'linux'
      ? holdersInProc(path, system)
      : platform === 'darwin'
        ? holdersByLsof(path, system)
        : [];
  return found.filter((one) => one.pid !== pid).map((one) => `${one.name} (pid ${one.pid})`);
}

interface Holder {
  pid: number;
  name: string;
}

function holdersInProc(path: string, system: PortSystem): Holder[] {
  const target = quietly(() => system.realpath(path));
  if (target === undefined) return [];
  const pids = (quietly(() => system.list('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const folder = `/proc/${pid}/fd`;
    // Another user's process cannot be looked into, and any may have just ended.
    const files = quietly(() => system.list(folder)) ?? [];
    if (!files.some((file) => quietly(() => system.readLink(`${folder}/${file}`)) === target)) return [];
    return [
      { pid: Number(pid), name: quietly(() => system.readText(`/proc/${pid}/comm`).trim()) ?? 'a program' },
    ];
  });
}

/** `lsof -F pc`: a line `p` with the number of each process, a line `c` with its name. */
function holdersByLsof(path: string, system: PortSystem): Holder[] {
  // macOS has each port twice; whoever holds one of them holds both.
  const names = [path, path.replace('/dev/tty.', '/dev/cu.'), path.replace('/dev/cu.', '/dev/tty.')];
  const text = quietly(() => system.run('lsof', ['-F', 'pc', '--', ...new Set(names)])) ?? '';
  const holders: Holder[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('p')) holders.push({ pid: Number(line.slice(1)), name: 'a program' });
    const last = holders.at(-1);
    if (line.startsWith('c') && last !== undefined) last.name = line.slice(1);
  }
  return holders;
}

/** What is known of the right to open a device. */
export interface Access {
  /** The group that owns it, by name or number. */
  group: string;
  /** Whether that group may read and write. */
  groupMay: boolean;
  /** This process is of that group. */
  inForce: boolean;
  /** The user is entered in that group, be it in force yet or not. */
  entered: boolean;
}

/** Who may open a device; undefined where that cannot be told (Windows, no such device). */
export function accessTo(path: string, system: PortSystem = thisSystem): Access | undefined {
  return quietly(() => {
    const { gid, mode } = system.stat(path);
    const rows = (quietly(() => system.readText('/etc/group')) ?? '')
      .split('\n')
      .map((row) => row.split(':'));
    const row = rows.find((fields) => fields[2] === String(gid));
    return {
      group: row?.[0] ?? String(gid),
      groupMay: (mode & 0o060) === 0o060,
      inForce: system.groups().includes(gid),
      entered: (row?.[3] ?? '').split(',').includes(system.user()),
    };
  });
}

/** What to do about a device that may not be opened. */
export function accessHint(access: Access | undefined): string {
  if (access === undefined) return 'Ask the administrator of this machine for access to serial ports.';
  const { group, groupMay, inForce, entered } = access;
  if (!groupMay || group === 'root' || inForce)
    return 'Its mode lets no group in: add a udev rule that gives it to the group dialout, or ask the administrator of this machine.';
  if (entered)
    return `You are in its group ${group}, but not yet in this session: log out and in, or run \`newgrp ${group}\`.`;
  return `It belongs to the group ${group}: run \`sudo usermod -aG ${group} $USER\`, then log out and in.`;
}

/** What the system said, as an error for people. `ports`: the paths of those that are there. */
export function openError(
  path: string,
  error: Error,
  ports: readonly string[],
  system: PortSystem = thisSystem,
): TincanError {
  const text = error.message;
  const make = (code: string, message: string, hint?: string) =>
    new TincanError(code, message, { exit: 'port', cause: error, ...(hint === undefined ? {} : { hint }) });
  if (/no such file|file not found|enoent/i.test(text)) {
    return make(
      'PORT_MISSING',
      `There is no port ${path}.`,
      ports.length > 0
        ? `These are there: ${ports.join(', ')}.`
        : 'No serial port is there at all: check the cable (some only charge), or start `tincan virtual`.',
    );
  }
  if (/permission denied|eacces|eperm/i.test(text))
    return make('PORT_PERMISSION', `You may not open ${path}.`, accessHint(accessTo(path, system)));
  // Windows says "Access denied" of a port that another program has.
  if (/lock|temporarily unavailable|busy|access denied/i.test(text)) {
    const holders = holdersOf(path, system);
    return make(
      'PORT_BUSY',
      `${path} is in use${holders.length > 0 ? ` by ${holders.join(', ')}` : ' by another program'}.`,
      holders.length > 0
        ? 'Close it, then try again.'
        : 'Close the other monitor or flasher (it may be of another user), then try again.',
    );
  }
  return make('PORT_FAILED', `${path} could not be opened.`);
}

function quietly<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
