/**
 * Settings that differ from board to board: a row of a CSV file for each, found by MAC or handed out in order, or what
 * a command prints.
 */
import { spawn } from 'node:child_process';
import { parseCsv } from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { parseValue, requireSetting } from '../provision/collect.ts';
import type { SettingValues } from '../provision/online.ts';
import { isSecret } from '../provision/secrets.ts';
import { registerSecret } from '../redact.ts';

export interface BoardIdentity {
  /** `30:ed:a0:12:34:56`. */
  mac: string;
  port: string;
  /** Its place among the boards of this run, from 0. */
  index: number;
}

export interface BoardSettings {
  values: SettingValues;
  /** What the row says beyond settings: columns of any name, for the label. */
  extra: Record<string, string>;
}

/** Gives a board its settings. @throws TincanError where there are none for it */
export type SettingsSource = (board: BoardIdentity) => Promise<BoardSettings>;

interface Row extends BoardSettings {
  line: number;
  mac: string;
}

const normal = (mac: string) => mac.toLowerCase().replaceAll(/[^0-9a-f]/g, '');

/**
 * Settings from a CSV file whose first line names its columns: `mac`, names of settings, and any others, which go on
 * the label. Rows with a MAC are for that board, the others for boards in the order in which they ask, each for one.
 * @throws TincanError FLEET_CSV, SETTING_…; no secret in it
 */
export function settingsFromCsv(text: string): SettingsSource {
  const [head, ...lines] = parseCsv(text);
  const columns = head?.cells.map((cell) => cell.trim()) ?? [];
  const known = columns.map((name) => name === 'mac' || name.includes('.'));
  for (const [i, name] of columns.entries()) if (known[i] && name !== 'mac') requireSetting(name);
  if (lines.length === 0 || columns.length === 0) throw csvError('The CSV file of settings has no rows.');
  const rows = lines.map(({ line, cells }): Row => {
    if (cells.length > columns.length) throw csvError(`Line ${line} has more cells than the first one.`);
    const row: Row = { line, mac: '', values: {}, extra: {} };
    for (const [i, name] of columns.entries()) {
      const cell = cells[i] ?? '';
      if (name === 'mac') row.mac = normal(cell);
      else if (!known[i]) row.extra[name] = cell;
      // An empty cell leaves the setting as it is.
      else if (cell !== '') row.values[name] = checked(name, cell, `Line ${line}`);
    }
    if (row.mac !== '' && row.mac.length !== 12) throw csvError(`Line ${line} holds no MAC of six bytes.`);
    return row;
  });
  const macs = rows.map(({ mac }) => mac).filter((mac) => mac !== '');
  const twice = macs.find((mac, i) => macs.indexOf(mac) !== i);
  if (twice !== undefined) throw csvError(`The MAC ${twice} stands in two lines.`);
  const inOrder = rows.filter(({ mac }) => mac === '');
  return async ({ mac }) => {
    const wanted = normal(mac);
    const row = rows.find((one) => one.mac === wanted) ?? inOrder.shift();
    if (row === undefined) {
      throw new TincanError('FLEET_ROW', `The CSV file has no settings for the board ${mac}.`, {
        exit: 'usage',
        hint: 'Add a line with its MAC, or one without a MAC, which the next board gets.',
      });
    }
    return { values: row.values, extra: row.extra };
  };
}

/**
 * Settings from a command, run by the shell for each board with TINCAN_BOARD_MAC, TINCAN_BOARD_PORT and
 * TINCAN_BOARD_INDEX. It prints a JSON object, or lines `name=value`; names without a dot go on the label.
 * @throws TincanError FLEET_COMMAND, SETTING_…; what it printed is never repeated
 */
export function settingsFromCommand(
  command: string,
  options: { env?: Record<string, string | undefined>; signal?: AbortSignal | undefined } = {},
): SettingsSource {
  return async ({ mac, port, index }) => {
    const text = await outputOf(
      command,
      {
        ...(options.env ?? process.env),
        TINCAN_BOARD_MAC: mac,
        TINCAN_BOARD_PORT: port,
        TINCAN_BOARD_INDEX: `${index}`,
      },
      options.signal,
    );
    const result: BoardSettings = { values: {}, extra: {} };
    for (const [name, value] of pairs(text)) {
      if (!name.includes('.')) result.extra[name] = value;
      else result.values[requireSetting(name)] = checked(name, value, 'The command');
    }
    return result;
  };
}

function pairs(text: string): [string, string][] {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    let object: unknown;
    try {
      object = JSON.parse(trimmed);
    } catch {
      throw commandError('The command for settings printed no whole JSON object.');
    }
    return Object.entries(object as Record<string, unknown>).map(([name, value]) => [name, String(value)]);
  }
  return trimmed.split(/\r?\n/).flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    if (line.trim() === '' || line.startsWith('#')) return [];
    if (at < 1) throw commandError('The command for settings printed a line that is not name=value.');
    return [[line.slice(0, at).trim(), line.slice(at + 1)]];
  });
}

function outputOf(
  command: string,
  env: Record<string, string | undefined>,
  signal: AbortSignal | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(signal && { signal }),
    });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.on('error', (error) =>
      reject(commandError('The command for settings does not start.', messageOf(error))),
    );
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(parts).toString('utf8'));
      else reject(commandError(`The command for settings ended with status ${status}.`));
    });
  });
}

/** A checked value; a secret is kept out of all output from now on. */
function checked(name: string, text: string, where: string): SettingValues[string] {
  if (isSecret(name)) registerSecret(text);
  try {
    return parseValue(name, text);
  } catch (error) {
    if (!(error instanceof TincanError)) throw error;
    throw new TincanError(error.code, `${where}: ${error.message}`, {
      exit: 'usage',
      hint: error.hint ?? '',
    });
  }
}

function csvError(message: string): TincanError {
  return new TincanError('FLEET_CSV', message, {
    exit: 'usage',
    hint: 'Its first line names the columns, for example: mac,device.name,wifi.ssid,wifi.password',
  });
}

function commandError(message: string, cause?: string): TincanError {
  return new TincanError('FLEET_COMMAND', message, {
    exit: 'usage',
    ...(cause !== undefined && { cause: new Error(cause) }),
    hint: 'It prints a JSON object, or lines name=value, for the board in TINCAN_BOARD_MAC.',
  });
}
