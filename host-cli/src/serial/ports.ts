/**
 * Which serial ports are there, which of them are boards, and which one to take when nobody says.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TincanError } from '../errors.ts';
import { readState, writeState } from '../state.ts';
import type { UsbIds } from './line.ts';

export interface PortInfo {
  path: string;
  usb?: UsbIds;
  /** What its USB ids say, for people. */
  name: string;
}

/** USB ids of chips that sit on ESP32 boards. */
const KNOWN: Record<string, string> = {
  '303a:1001': 'ESP32 USB-Serial-JTAG (Espressif)',
  '303a:0009': 'ESP32-S3 USB-OTG (Espressif)',
  '10c4:ea60': 'CP210x USB-UART bridge (Silicon Labs)',
  '1a86:7523': 'CH340 USB-UART bridge (WCH)',
  '1a86:55d3': 'CH343 USB-UART bridge (WCH)',
  '1a86:55d4': 'CH9102 USB-UART bridge (WCH)',
  '0403:6001': 'FT232R USB-UART bridge (FTDI)',
  '0403:6010': 'FT2232 USB-UART bridge (FTDI)',
  '0403:6015': 'FT231X USB-UART bridge (FTDI)',
  '067b:2303': 'PL2303 USB-UART bridge (Prolific)',
};

export function usbName(usb: UsbIds | undefined): string {
  if (usb === undefined) return 'serial port';
  const name = KNOWN[`${usb.vid}:${usb.pid}`];
  if (name !== undefined) return name;
  return usb.vid === '303a' ? 'Espressif USB device' : `USB serial port (${usb.vid}:${usb.pid})`;
}

function hexId(id: string): string {
  return id.toLowerCase().replace(/^0x/, '').padStart(4, '0');
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** USB ids of a tty in sysfs: they stand a few folders above its device. */
function sysfsUsb(device: string): UsbIds | undefined {
  let folder: string;
  try {
    folder = realpathSync(device);
  } catch {
    return undefined;
  }
  for (let up = 0; up < 6; up++) {
    const vid = readText(join(folder, 'idVendor'));
    const pid = readText(join(folder, 'idProduct'));
    if (vid !== undefined && pid !== undefined) {
      const serial = readText(join(folder, 'serial'));
      return { vid: hexId(vid), pid: hexId(pid), ...(serial === undefined ? {} : { serial }) };
    }
    folder = dirname(folder);
  }
  return undefined;
}

/** The ports as Linux lists them itself, for machines without udevadm (containers). Only those with a USB parent. */
export function listSysfs(root = '/sys/class/tty', dev = '/dev'): PortInfo[] {
  if (!existsSync(root)) return [];
  const ports: PortInfo[] = [];
  for (const tty of readdirSync(root).sort()) {
    const usb = sysfsUsb(join(root, tty, 'device'));
    if (usb !== undefined) ports.push({ path: join(dev, tty), usb, name: usbName(usb) });
  }
  return ports;
}

/** All serial ports that could be a board, USB ones first. */
export async function listPorts(): Promise<PortInfo[]> {
  const { SerialPort } = await import('serialport');
  let found: Awaited<ReturnType<typeof SerialPort.list>>;
  try {
    found = await SerialPort.list();
  } catch {
    // On Linux it starts udevadm, which containers do not have.
    return listSysfs();
  }
  const ports = found.map((port): PortInfo => {
    if (port.vendorId === undefined || port.productId === undefined) {
      return { path: port.path, name: 'serial port' };
    }
    const usb: UsbIds = {
      vid: hexId(port.vendorId),
      pid: hexId(port.productId),
      ...(port.serialNumber === undefined ? {} : { serial: port.serialNumber }),
    };
    return { path: port.path, usb, name: usbName(usb) };
  });
  // Linux makes /dev/ttyS0 to ttyS31 whether there is a chip or not.
  const real = ports.filter((port) => port.usb !== undefined || !/^\/dev\/ttyS\d+$/.test(port.path));
  return real.sort((a, b) => Number(b.usb !== undefined) - Number(a.usb !== undefined));
}

export interface PortChoice {
  path: string;
  /** How it was chosen, for people. */
  from: 'option' | 'environment' | 'remembered' | 'only';
}

export interface ChoosePort {
  /** --port */
  port?: string | undefined;
  env?: Record<string, string | undefined>;
  list?: () => Promise<PortInfo[]>;
}

/**
 * Which port to use: --port, else TINCAN_PORT, else the one used last (if it is there), else the only USB port.
 * @throws TincanError PORT_NONE, PORT_SEVERAL
 */
export async function choosePort(options: ChoosePort = {}): Promise<PortChoice> {
  const env = options.env ?? process.env;
  if (options.port !== undefined && options.port !== '') return { path: options.port, from: 'option' };
  if (env.TINCAN_PORT !== undefined && env.TINCAN_PORT !== '')
    return { path: env.TINCAN_PORT, from: 'environment' };
  const last = readState(env).port;
  // A COM port of Windows is no file; whether it is there shows when it is opened.
  if (last !== undefined && (/^(rfc2217:\/\/|COM\d+$)/i.test(last) || existsSync(last))) {
    return { path: last, from: 'remembered' };
  }
  const ports = (await (options.list ?? listPorts)()).filter((port) => port.usb !== undefined);
  const [only, ...more] = ports;
  if (only === undefined) {
    throw new TincanError('PORT_NONE', 'No board was found.', {
      exit: 'port',
      hint: 'Plug one in (the cable must carry data), or start `tincan virtual` and pass the --port that it prints.',
    });
  }
  if (more.length > 0) {
    throw new TincanError('PORT_SEVERAL', `There are ${ports.length} ports that could be the board.`, {
      exit: 'port',
      hint: `Choose one with --port: ${ports.map((port) => `${port.path} (${port.name})`).join(', ')}.`,
    });
  }
  return { path: only.path, from: 'only' };
}

/** Remembers a port that worked, for the next run. */
export function rememberPort(path: string, env: Record<string, string | undefined> = process.env): void {
  writeState({ ...readState(env), port: path }, env);
}

/** Forgets the remembered port. */
export function forgetPort(env: Record<string, string | undefined> = process.env): void {
  writeState({}, env);
}
