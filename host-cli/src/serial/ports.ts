/**
 * Which serial ports are there, which of them are boards, and which one to take when nobody says.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { interrupted, messageOf, TincanError } from '../errors.ts';
import { readState, type State, writeState } from '../state.ts';
import type { SerialLine, UsbIds } from './line.ts';

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

/** How the system is asked for its ports; another one in tests. */
export interface PortSource {
  platform: NodeJS.Platform;
  /** As `SerialPort.list()` of the serialport package. */
  list(): Promise<{ path: string; vendorId?: string; productId?: string; serialNumber?: string }[]>;
  sysfs(): PortInfo[];
}

const thisSource: PortSource = {
  platform: process.platform,
  list: async () => (await import('serialport')).SerialPort.list(),
  sysfs: () => listSysfs(),
};

export interface FoundPorts {
  /** USB ones first. */
  ports: PortInfo[];
  /** Why the list may lack some, one sentence. */
  note?: string;
}

/** All serial ports that could be a board. @throws TincanError PORT_LIST */
export async function findPorts(source: PortSource = thisSource): Promise<FoundPorts> {
  let found: Awaited<ReturnType<PortSource['list']>>;
  try {
    found = await source.list();
  } catch (error) {
    if (source.platform !== 'linux') {
      throw new TincanError('PORT_LIST', 'The system did not list its serial ports.', {
        exit: 'port',
        cause: new Error(messageOf(error)),
        hint: 'Name the port with --port.',
      });
    }
    // There it starts udevadm, which containers do not have.
    return {
      ports: source.sysfs(),
      note: 'udevadm is missing here (containers have none), so ports are read from /sys: only USB ones are found; name any other with --port.',
    };
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
  return { ports: real.sort((a, b) => Number(b.usb !== undefined) - Number(a.usb !== undefined)) };
}

/** All serial ports that could be a board, USB ones first. @throws TincanError PORT_LIST */
export async function listPorts(): Promise<PortInfo[]> {
  return (await findPorts()).ports;
}

/** Ports whose USB ids are those of boards; where none is, every port on USB. */
export function likelyBoards(ports: readonly PortInfo[]): PortInfo[] {
  const onUsb = ports.filter(({ usb }) => usb !== undefined);
  const known = onUsb.filter(
    ({ usb }) => usb?.vid === '303a' || KNOWN[`${usb?.vid}:${usb?.pid}`] !== undefined,
  );
  return known.length > 0 ? known : onUsb;
}

/** A MAC as chips and USB spell it, in lower case with colons; undefined if it is none. */
export function macOf(text: string | undefined): string | undefined {
  if (text === undefined || !/^([0-9a-f]{2}[:-]?){5}[0-9a-f]{2}$/i.test(text)) return undefined;
  return text.toLowerCase().replaceAll(/[:-]/g, '').match(/../g)?.join(':');
}

/** MAC of the board at a port: what the chip's own USB has for a serial number. Bridges have others. */
export function portMac(port: PortInfo): string | undefined {
  return port.usb?.vid === '303a' ? macOf(port.usb.serial) : undefined;
}

/** What tells a port from its like, for people: what it is, its MAC or serial number, the board's name. */
export function portText(port: PortInfo, names: Record<string, string> = {}): string {
  const mac = portMac(port);
  return [mac === undefined ? undefined : names[mac], port.name, mac ?? port.usb?.serial]
    .filter((text) => text !== undefined && text !== '')
    .join(', ');
}

export interface PortChoice {
  path: string;
  /** How it was chosen, for people. */
  from: 'option' | 'environment' | 'remembered' | 'only' | 'picked';
}

/** Asks a person which one; undefined where they would not say. */
export type PickPort = (
  ports: readonly PortInfo[],
  names: Record<string, string>,
) => Promise<string | undefined>;

export interface ChoosePort {
  /** --port: a path, a URL, or the MAC or name of a board. */
  port?: string | undefined;
  env?: Record<string, string | undefined>;
  list?: () => Promise<PortInfo[]>;
  /** Left out where nobody can be asked. */
  pick?: PickPort | undefined;
}

/**
 * Which port to use: --port, else TINCAN_PORT, else the board used last (if it is there, under whatever name), else the
 * only one that could be a board, else the one that is picked.
 * @throws TincanError PORT_NONE, PORT_SEVERAL, PORT_MISSING, PORT_LIST, INTERRUPTED
 */
export async function choosePort(options: ChoosePort = {}): Promise<PortChoice> {
  const env = options.env ?? process.env;
  const list = options.list ?? listPorts;
  const state = readState(env);
  const names = state.names ?? {};
  for (const [given, from] of [
    [options.port, 'option'],
    [env.TINCAN_PORT, 'environment'],
  ] as const) {
    if (given !== undefined && given !== '') return { path: await pathOf(given, names, list), from };
  }
  const last = await lastPort(state, list);
  if (last !== undefined) return { path: last, from: 'remembered' };
  const ports = likelyBoards(await list());
  const [only, ...more] = ports;
  if (only === undefined) {
    throw new TincanError('PORT_NONE', 'No board was found.', {
      exit: 'port',
      hint: 'Plug one in (the cable must carry data), or start `tincan virtual` and pass the --port that it prints.',
    });
  }
  if (more.length === 0) return { path: only.path, from: 'only' };
  if (options.pick !== undefined) {
    const picked = await options.pick(ports, names);
    if (picked === undefined) throw interrupted('No port was chosen; nothing was done.');
    return { path: picked, from: 'picked' };
  }
  throw new TincanError('PORT_SEVERAL', `There are ${ports.length} ports that could be the board.`, {
    exit: 'port',
    hint: `Choose one with --port: ${ports.map((port) => `${port.path} (${portText(port, names)})`).join(', ')}.`,
  });
}

/** The path behind --port: itself, or that of the board with this MAC or name. */
async function pathOf(
  given: string,
  names: Record<string, string>,
  list: () => Promise<PortInfo[]>,
): Promise<string> {
  const named = Object.keys(names).filter((mac) => names[mac] === given);
  const mac = macOf(given);
  if (mac === undefined && named.length === 0) return given;
  const wanted = mac === undefined ? named : [mac];
  // A file of that name is meant as a path.
  if (mac === undefined && existsSync(given)) return given;
  const ports = await list();
  const found = ports.filter((port) => wanted.includes(portMac(port) ?? ''));
  if (found.length === 1) return found[0]!.path;
  const there = ports.map((port) => `${port.path} (${portText(port, names)})`).join(', ');
  throw new TincanError(
    found.length === 0 ? 'PORT_MISSING' : 'PORT_SEVERAL',
    found.length === 0
      ? `The board ${given} is not plugged in.`
      : `${found.length} boards are named ${given}.`,
    {
      exit: 'port',
      hint:
        there === ''
          ? 'No serial port is there at all: check the cable (some only charge).'
          : `These are there: ${there}. Only over their own USB are boards known by MAC and name.`,
    },
  );
}

/** Where the board used last is now; undefined if it is not there. */
async function lastPort(state: State, list: () => Promise<PortInfo[]>): Promise<string | undefined> {
  const { port, serial } = state;
  if (port === undefined) return undefined;
  if (serial !== undefined) {
    const alike = (await list().catch(() => [])).filter(({ usb }) => usb?.serial === serial);
    // Many bridges of one make have the same serial number.
    if (alike.length > 0) return (alike.find(({ path }) => path === port) ?? alike[0])?.path;
    // Another board under the name of before is not the one that was meant.
    return undefined;
  }
  // A COM port of Windows is no file; whether it is there shows when it is opened.
  return /^(rfc2217:\/\/|COM\d+$)/i.test(port) || existsSync(port) ? port : undefined;
}

/** A list to choose from on the terminal; undefined where there is none. */
export function terminalPicker(): PickPort | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (ports, names) => {
    const { isCancel, select } = await import('@clack/prompts');
    const answer = await select({
      message: 'Which board?',
      options: ports.map((port) => ({ value: port.path, label: port.path, hint: portText(port, names) })),
      output: process.stderr,
    });
    return isCancel(answer) ? undefined : answer;
  };
}

/** Remembers a port that worked, for the next run. */
export function rememberPort(path: string, env: Record<string, string | undefined> = process.env): void {
  const { names } = readState(env);
  writeState({ port: path, ...(names === undefined ? {} : { names }) }, env);
}

/** Remembers the port of a line, and by which serial number its board is known again under another name. */
export function rememberLine(
  line: Pick<SerialLine, 'path' | 'usb'>,
  env: Record<string, string | undefined> = process.env,
): void {
  const { names } = readState(env);
  const serial = line.usb?.serial;
  writeState(
    {
      port: line.path,
      ...(serial === undefined ? {} : { serial }),
      ...(names === undefined ? {} : { names }),
    },
    env,
  );
}

/** Remembers how the board with this MAC calls itself, so that --port may name it. */
export function rememberName(
  { mac, name }: { mac: string; name: string },
  env: Record<string, string | undefined> = process.env,
): void {
  const key = macOf(mac);
  const state = readState(env);
  if (key === undefined || name === '' || state.names?.[key] === name) return;
  writeState({ ...state, names: { ...state.names, [key]: name } }, env);
}

/** Forgets the remembered port, but not the names of boards. */
export function forgetPort(env: Record<string, string | undefined> = process.env): void {
  const { names } = readState(env);
  writeState(names === undefined ? {} : { names }, env);
}
