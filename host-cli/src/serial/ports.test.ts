import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readState } from '../state.ts';
import { choosePort, listSysfs, type PortInfo, rememberPort } from './ports.ts';

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
