import { readFileSync } from 'node:fs';
import {
  describeSetting,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type SettingsAnswer,
} from '@tincan/shared-protocol';
import { type Context, openBoard } from '../context.ts';
import { Device } from '../device/device.ts';
import { messageOf, TincanError } from '../errors.ts';
import { table } from '../output.ts';
import { parsePair, parseValue, requireSetting } from '../provision/collect.ts';
import { accountOf } from '../provision/keyring.ts';
import { applyAndJoin, isFingerprint, type SettingValues } from '../provision/online.ts';
import { howTo, isSecret, readSecret, terminalPrompt } from '../provision/secrets.ts';
import { follows, openKeyring } from './provision.ts';

async function withDevice<T>(context: Context, run: (device: Device) => Promise<T>): Promise<T> {
  const device = new Device(await openBoard(context));
  try {
    await device.hello({ timeoutMs: 3000, signal: context.signal });
    return await run(device);
  } finally {
    await device.close();
  }
}

function show(value: SettingsAnswer['values'][string] | undefined): string {
  if (value === undefined) return '(unknown to this firmware)';
  if (isFingerprint(value)) return value.set ? `(set, fingerprint ${value.fingerprint})` : '(not set)';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === '' ? '(empty)' : String(value);
}

async function read(device: Device, names: readonly string[]): Promise<SettingsAnswer['values']> {
  const all: SettingsAnswer['values'] = {};
  for (let i = 0; i < names.length; i += 16) {
    const { values } = await device.request<SettingsAnswer>('settings.get', {
      names: names.slice(i, i + 16),
    });
    Object.assign(all, values);
  }
  return all;
}

/** `tincan config get NAME…` */
export async function configGet(context: Context, names: string[]): Promise<void> {
  const wanted = names.map(requireSetting);
  const values = await withDevice(context, (device) => read(device, wanted));
  const text =
    wanted.length === 1 ? show(values[wanted[0]!]) : table(wanted.map((name) => [name, show(values[name])]));
  context.out.result({ values }, text);
}

/** `tincan config list`: all settings of the device; with --describe what there is, without a device. */
export async function configList(context: Context, options: { describe?: boolean }): Promise<void> {
  if (options.describe) {
    const rows = SETTING_NAMES.map((name) => [name, describeSetting(name), SETTINGS[name].help]);
    context.out.result({ settings: SETTINGS }, table(rows));
    return;
  }
  const values = await withDevice(context, (device) => read(device, SETTING_NAMES));
  const rows = SETTING_NAMES.map((name) => [
    name,
    oneLine(show(values[name])),
    isDefault(name, values) ? '(default)' : '',
  ]);
  context.out.result({ values }, table(rows));
}

function oneLine(text: string): string {
  const flat = text.replaceAll('\n', ' ');
  return flat.length > 60 ? `${flat.slice(0, 59)}…` : flat;
}

function isDefault(name: SettingName, values: SettingsAnswer['values']): boolean {
  return values[name] === SETTINGS[name].default;
}

export interface ConfigSetOptions {
  file?: string;
  keyring?: boolean;
}

/** `tincan config set NAME=VALUE…`, `config set NAME VALUE`, `config set SECRET [--file FILE]`. */
export async function configSet(context: Context, given: string[], options: ConfigSetOptions): Promise<void> {
  const values: SettingValues = {};
  const [first, second] = given;
  const pairs = given.every((one) => one.includes('='));
  if (pairs) {
    for (const pair of given) {
      const [name, value] = parsePair(pair);
      values[name] = value;
    }
  } else if (first !== undefined && given.length <= 2 && !first.includes('=')) {
    const name = requireSetting(first);
    values[name] = await oneValue(context, name, second, options);
  } else {
    throw new TincanError('SETTING_SYNTAX', 'Give one NAME VALUE, or any number of NAME=VALUE.', {
      exit: 'usage',
      hint: 'Example: tincan config set audio.volume=40 session.voice=cedar',
    });
  }
  await apply(context, values);
}

async function oneValue(
  context: Context,
  name: SettingName,
  text: string | undefined,
  options: ConfigSetOptions,
) {
  if (isSecret(name)) {
    const value = await readSecret(name, {
      file: options.file,
      env: context.env,
      prompt: terminalPrompt(),
      ...(options.keyring && { keyring: await openKeyring(context), account: accountOf(name, undefined) }),
    });
    if (value === undefined) {
      throw new TincanError('SETTINGS_MISSING', `No value was given for ${name}.`, {
        exit: 'usage',
        hint: howTo(name),
      });
    }
    return parseValue(name, value);
  }
  if (options.file !== undefined) return parseValue(name, readText(options.file));
  if (text === undefined) {
    throw new TincanError('SETTING_SYNTAX', `No value was given for ${name}.`, {
      exit: 'usage',
      hint: `It is ${describeSetting(name)}. Example: tincan config set ${name}=VALUE`,
    });
  }
  return parseValue(name, text);
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new TincanError('FILE_MISSING', `${file} cannot be read.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
    });
  }
}

/** `tincan config unset NAME…`: back to the defaults. */
export async function configUnset(context: Context, names: string[]): Promise<void> {
  await apply(context, Object.fromEntries(names.map((name) => [requireSetting(name), null])));
}

async function apply(context: Context, values: SettingValues): Promise<void> {
  const { answer, joined } = await withDevice(context, (device) =>
    applyAndJoin(device, values, context.signal),
  );
  const what = answer.changed.length > 0 ? `changed ${answer.changed.join(', ')}` : 'nothing changed';
  context.out.result(answer, `${what}${follows(answer, joined)}`);
}
