/** Settings as NVS entries and back: how the table in settings.ts lies in the flash. */
import {
  SETTING_NAMES,
  SETTINGS,
  SETTINGS_NAMESPACE,
  type Setting,
  type SettingName,
  type SettingValue,
} from '../settings.ts';
import { checkSetting, SettingError } from '../settings-check.ts';
import type { FormatProblem } from './bytes.ts';
import type { NvsEntry, NvsValue } from './nvs-format.ts';

type Values = Partial<Record<SettingName, SettingValue>>;

/**
 * Entries for these settings, in the order of the table: text is a string, a number has its width, a flag is u8 0 or 1,
 * a choice is u8, its place in the list. Throws `SettingError` where `checkSetting` does.
 */
export function settingsToNvs(values: Values): NvsEntry[] {
  for (const [name, value] of Object.entries(values)) if (value !== undefined) checkSetting(name, value);
  return SETTING_NAMES.flatMap((name) => {
    const given = values[name];
    if (given === undefined) return [];
    const value = encode(SETTINGS[name], checkSetting(name, given));
    return [{ namespace: SETTINGS_NAMESPACE, key: SETTINGS[name].key, ...value }];
  });
}

/** The settings among some entries. What is no legal value is left out and named in `problems`. */
export function settingsFromNvs(entries: readonly NvsEntry[]): { values: Values; problems: FormatProblem[] } {
  const values: Values = {};
  const problems: FormatProblem[] = [];
  for (const name of SETTING_NAMES) {
    const { key } = SETTINGS[name];
    const entry = entries.find((other) => other.namespace === SETTINGS_NAMESPACE && other.key === key);
    if (!entry) continue;
    const value = decode(SETTINGS[name], entry);
    if (value !== undefined && isLegal(name, value)) values[name] = value;
    else problems.push({ code: 'NVS_VALUE', message: `the flash holds no legal value for ${name}` });
  }
  return { values, problems };
}

function isLegal(name: SettingName, value: SettingValue): boolean {
  try {
    checkSetting(name, value);
    return true;
  } catch (error) {
    if (error instanceof SettingError) return false;
    throw error;
  }
}

/** A value that was checked. */
function encode(setting: Setting, value: SettingValue): NvsValue {
  switch (setting.type) {
    case 'text':
      return { type: 'string', value: String(value) };
    case 'number':
      return { type: setting.width, value: Number(value) };
    case 'flag':
      return { type: 'u8', value: value ? 1 : 0 };
    case 'choice':
      return { type: 'u8', value: setting.choices.indexOf(String(value)) };
  }
}

function decode(setting: Setting, entry: NvsValue): SettingValue | undefined {
  switch (setting.type) {
    case 'text':
      return entry.type === 'string' ? entry.value : undefined;
    case 'number':
      return entry.type === setting.width ? entry.value : undefined;
    case 'flag':
      return entry.type === 'u8' && entry.value <= 1 ? entry.value === 1 : undefined;
    case 'choice':
      return entry.type === 'u8' ? setting.choices[entry.value] : undefined;
  }
}
