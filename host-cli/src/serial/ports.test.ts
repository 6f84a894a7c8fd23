import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readState } from '../state.ts';
import {
  choosePort,
  findPorts,
  forgetPort,
  likelyBoards,
  listSysfs,
  type PortInfo,
  rememberLine,
  rememberName,
  rememberPort,
} from './ports.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'tincan-'));
const usb = (path: string): PortInfo => ({ path, usb: { vid: '10c4', pid: 'ea60' }, name: 'CP210x' });

test('without udevadm the ports are read from sysfs, only those with a USB parent', () => {
  const root = folder();
  const device = join(root, 'devices/usb1/1-2/1-2:1.0/ttyUSB0');
  mkdirSync(device, { recursive: true });
  writeFileSync(join(root, 'devices/usb1/1-2/idVendor'), '303A\n');
  writeFileSync(join(root, 'devices/usb1/1-2/idProduct'), '1001\n');
  writeFileSync(join(root, 'devices/usb1/1-2/serial'), 'ABC\n');
  mkdirSync(join(root, 'devices/serial8250/ttyS0'), { recursive: true });
  for (const [tty, target] of [
    ['ttyUSB0', device],
    ['ttyS0', join(root, 'devices/serial8250/ttyS0')],
  ] as const) {
    mkdirSync(join(root, 'tty', tty), { recursive: true });
    symlinkSync(target, join(root, 'tty', tty, 'device'));
  }
  mkdirSync(join(root, 'tty/console'));
  expect(listSysfs(join(root, 'tty'))).toEqual([
    {
      path: '/dev/ttyUSB0',
      usb: { vid: '303a', pid: '1001', serial: 'ABC' },
      name: 'ESP32 USB-Serial-JTAG (Espressif)',
    },
  ]);
  expect(listSysfs(join(root, 'none'))).toEqual([]);
});

test('--port goes before TINCAN_PORT, that before the remembered one, that before the only one', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  const list = async () => [usb('/dev/ttyUSB0'), { path: '/dev/ttyAMA0', name: 'serial port' }];
  expect(await choosePort({ env, list })).toEqual({ path: '/dev/ttyUSB0', from: 'only' });
  rememberPort('rfc2217://127.0.0.1:4000', env);
  expect(readState(env).port).toBe('rfc2217://127.0.0.1:4000');
  expect(await choosePort({ env, list })).toEqual({ path: 'rfc2217://127.0.0.1:4000', from: 'remembered' });
  expect(await choosePort({ env: { ...env, TINCAN_PORT: 'e' }, list })).toMatchObject({ path: 'e' });
  expect(await choosePort({ env: { ...env, TINCAN_PORT: 'e' }, list, port: 'p' })).toMatchObject({
    path: 'p',
  });
});

test('a remembered tty that is gone is forgotten', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  rememberPort('/dev/ttyGONE7', env);
  expect(await choosePort({ env, list: async () => [usb('/dev/ttyUSB1')] })).toMatchObject({ from: 'only' });
});

test('a COM port is remembered too: it is no file that could be looked for', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  rememberPort('COM7', env);
  expect(await choosePort({ env, list: async () => [] })).toEqual({ path: 'COM7', from: 'remembered' });
});

test('none and several are sentences that say what to do', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  await expect(choosePort({ env, list: async () => [] })).rejects.toMatchObject({
    code: 'PORT_NONE',
    exitCode: 3,
  });
  await expect(choosePort({ env, list: async () => [usb('/dev/a'), usb('/dev/b')] })).rejects.toMatchObject({
    code: 'PORT_SEVERAL',
    hint: expect.stringContaining('/dev/b'),
  });
});

test('a state file that is nonsense counts as empty, and a home that cannot be written is no error', () => {
  const home = folder();
  mkdirSync(join(home, 'tincan'));
  writeFileSync(join(home, 'tincan/state.json'), '{"port":');
  expect(readState({ XDG_CONFIG_HOME: home })).toEqual({});
  expect(() => rememberPort('x', { XDG_CONFIG_HOME: join(home, 'tincan/state.json') })).not.toThrow();
});

const native = (path: string, serial: string): PortInfo => ({
  path,
  usb: { vid: '303a', pid: '1001', serial },
  name: 'ESP32 USB-Serial-JTAG (Espressif)',
});
const two = [native('/dev/ttyACM0', '24:58:7C:00:00:01'), native('/dev/ttyACM1', '24:58:7C:00:00:02')];

test('udevadm that is missing is said, and the ports are read from /sys; elsewhere it is an error', async () => {
  const list = () => Promise.reject(new Error('spawn udevadm ENOENT'));
  const found = await findPorts({ platform: 'linux', list, sysfs: () => two });
  expect(found).toEqual({ ports: two, note: expect.stringContaining('udevadm is missing') });
  await expect(findPorts({ platform: 'darwin', list, sysfs: () => [] })).rejects.toMatchObject({
    code: 'PORT_LIST',
    exitCode: 3,
  });
});

test('a port with the USB ids of a board goes before other things on USB', () => {
  const modem: PortInfo = { path: '/dev/ttyACM9', usb: { vid: '1199', pid: '9071' }, name: 'modem' };
  expect(likelyBoards([modem, ...two])).toEqual(two);
  expect(likelyBoards([modem, { path: '/dev/ttyAMA0', name: 'serial port' }])).toEqual([modem]);
});

test('a board is chosen by its MAC in any spelling, or by the name that it said', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  const list = async () => two;
  for (const port of ['24:58:7c:00:00:02', '24587C000002', '24-58-7C-00-00-02'])
    expect(await choosePort({ env, list, port })).toEqual({ path: '/dev/ttyACM1', from: 'option' });
  rememberName({ mac: '24:58:7c:00:00:02', name: 'kitchen' }, env);
  expect(await choosePort({ env: { ...env, TINCAN_PORT: 'kitchen' }, list })).toEqual({
    path: '/dev/ttyACM1',
    from: 'environment',
  });
  await expect(choosePort({ env, list, port: '24:58:7c:00:00:09' })).rejects.toMatchObject({
    code: 'PORT_MISSING',
    hint: expect.stringContaining(
      '/dev/ttyACM1 (kitchen, ESP32 USB-Serial-JTAG (Espressif), 24:58:7c:00:00:02)',
    ),
  });
  expect(await choosePort({ env, list, port: 'vS3' })).toMatchObject({ path: 'vS3' });
});

test('the board used last is found under another name, and another one under its name is not taken', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  rememberName({ mac: '24:58:7c:00:00:02', name: 'kitchen' }, env);
  rememberLine({ path: '/dev/ttyACM0', usb: two[1]!.usb! }, env);
  expect(readState(env)).toEqual({
    port: '/dev/ttyACM0',
    serial: '24:58:7C:00:00:02',
    names: { '24:58:7c:00:00:02': 'kitchen' },
  });
  expect(await choosePort({ env, list: async () => two })).toEqual({
    path: '/dev/ttyACM1',
    from: 'remembered',
  });
  expect(await choosePort({ env, list: async () => [two[0]!] })).toEqual({
    path: '/dev/ttyACM0',
    from: 'only',
  });
  forgetPort(env);
  expect(readState(env)).toEqual({ names: { '24:58:7c:00:00:02': 'kitchen' } });
});

test('where there is a choice and somebody to ask, the answer is taken', async () => {
  const env = { XDG_CONFIG_HOME: folder() };
  const list = async () => two;
  const offered: string[] = [];
  const pick = async (ports: readonly PortInfo[]) => {
    offered.push(...ports.map(({ path }) => path));
    return '/dev/ttyACM1';
  };
  expect(await choosePort({ env, list, pick })).toEqual({ path: '/dev/ttyACM1', from: 'picked' });
  expect(offered).toEqual(['/dev/ttyACM0', '/dev/ttyACM1']);
  await expect(choosePort({ env, list, pick: async () => undefined })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
});
