import { expect, test } from 'vitest';
import { holdersOf, openError, type PortSystem } from './trouble.ts';

const absent = (): never => {
  throw new Error('ENOENT');
};

/** A Linux machine whose file system is this list. */
function machine(change: Partial<PortSystem> = {}): PortSystem {
  const folders: Record<string, string[]> = {
    '/proc': ['1', '42', '43', '44', 'cpuinfo'],
    '/proc/42/fd': ['0', '5'],
    '/proc/44/fd': ['3'],
  };
  const links: Record<string, string> = {
    '/proc/42/fd/0': '/dev/null',
    '/proc/42/fd/5': '/dev/ttyUSB0',
    '/proc/44/fd/3': '/dev/ttyUSB0',
  };
  const texts: Record<string, string> = {
    '/proc/42/comm': 'screen\n',
    '/proc/44/comm': 'node\n',
    '/etc/group': 'root:x:0:\ndialout:x:20:ada\nuucp:x:14:\n',
  };
  return {
    platform: 'linux',
    pid: 44,
    user: () => 'bob',
    groups: () => [1000],
    realpath: (path) => (path.startsWith('/dev/serial/') ? '/dev/ttyUSB0' : path),
    list: (folder) => folders[folder] ?? absent(),
    readLink: (path) => links[path] ?? absent(),
    readText: (path) => texts[path] ?? absent(),
    stat: () => ({ gid: 20, mode: 0o660 }),
    mayOpen: () => false,
    run: absent,
    ...change,
  };
}

const fail = (text: string, system = machine(), ports: string[] = []) =>
  openError('/dev/ttyUSB0', new Error(text), ports, system);

test('who holds a port is named with its pid, also behind a link; this program itself is not', () => {
  expect(holdersOf('/dev/serial/by-id/x', machine())).toEqual(['screen (pid 42)']);
  expect(holdersOf('/dev/ttyUSB1', machine())).toEqual([]);
  expect(holdersOf('/dev/ttyUSB0', machine({ realpath: absent, list: absent }))).toEqual([]);
  expect(fail('Resource temporarily unavailable Cannot lock port')).toMatchObject({
    code: 'PORT_BUSY',
    message: '/dev/ttyUSB0 is in use by screen (pid 42).',
    exitCode: 3,
  });
  expect(fail('Cannot lock port', machine({ list: absent })).message).toContain('by another program');
});

test('on macOS lsof says who, under both names of the port', () => {
  const asked: (readonly string[])[] = [];
  const mac = machine({
    platform: 'darwin',
    run: (program, args) => {
      asked.push([program, ...args]);
      return 'p310\ncscreen\nf5\np44\ncnode\n';
    },
  });
  expect(holdersOf('/dev/tty.usbmodem1', mac)).toEqual(['screen (pid 310)']);
  expect(asked).toEqual([['lsof', '-F', 'pc', '--', '/dev/tty.usbmodem1', '/dev/cu.usbmodem1']]);
  expect(holdersOf('/dev/cu.x', machine({ platform: 'darwin' }))).toEqual([]);
});

test.each<[string, Partial<PortSystem>, RegExp]>([
  ['a stranger', {}, /sudo usermod -aG dialout \$USER/],
  ['another group', { stat: () => ({ gid: 14, mode: 0o660 }) }, /sudo usermod -aG uucp \$USER/],
  ['a group without a name', { stat: () => ({ gid: 77, mode: 0o660 }) }, /usermod -aG 77 /],
  ['who was entered just now', { user: () => 'ada' }, /not yet in this session: log out and in/],
  ['a device that lets no group in', { stat: () => ({ gid: 20, mode: 0o600 }) }, /udev rule/],
  ['a device of root', { stat: () => ({ gid: 0, mode: 0o660 }) }, /udev rule/],
  ['a device that is not there', { stat: absent }, /administrator/],
])('no permission, %s: what to do', (_, change, hint) => {
  const error = fail('Permission denied, cannot open /dev/ttyUSB0', machine(change));
  expect(error).toMatchObject({ code: 'PORT_PERMISSION', message: 'You may not open /dev/ttyUSB0.' });
  expect(error.hint).toMatch(hint);
});

test('a port that is not there names those that are', () => {
  const missing = 'No such file or directory, cannot open /dev/ttyUSB0';
  expect(fail(missing, machine(), ['/dev/ttyACM0'])).toMatchObject({
    code: 'PORT_MISSING',
    hint: 'These are there: /dev/ttyACM0.',
  });
  expect(fail(missing).hint).toContain('check the cable');
  expect(fail('something else').code).toBe('PORT_FAILED');
});
