/**
 * Which settings `tincan provision` and `tincan config set` are to write: from options, environment, files, and
 * questions; each checked by the rules of shared-protocol before anything leaves this machine.
 */
import { checkSetting, closestSetting, parseSetting, SETTING_NAMES, SETTINGS } from '@tincan/shared-protocol';
import { TincanError } from '../errors.ts';
import { accountOf, type Keyring } from './keyring.ts';
import type { SettingValues } from './online.ts';
import { envName, howTo, isSecret, readSecret, type SecretName, type SecretSources } from './secrets.ts';

export interface CollectOptions {
  ssid?: string | undefined;
  passwordFile?: string | undefined;
  tokenFile?: string | undefined;
  url?: string | undefined;
  /** `name=value` pairs, never of a secret. */
  set?: readonly string[];
  env?: Record<string, string | undefined>;
  /** Asks for a secret, hidden; for other settings `ask`. */
  prompt?: SecretSources['prompt'];
  ask?: ((message: string) => Promise<string | undefined>) | undefined;
  readStdin?: () => string;
  keyring?: Keyring | undefined;
}

/** Checks a value as people write it. @throws TincanError with the code of the rule it breaks; no secret in it */
export function parseValue(name: string, text: string): SettingValues[string] {
  return ruled(() => parseSetting(name, text));
}

/** Runs a check of shared-protocol; its SettingError becomes ours. */
function ruled<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'hint' in error) {
      throw new TincanError(String(error.code), `${error.message}.`, {
        exit: 'usage',
        hint: String(error.hint),
      });
    }
    throw error;
  }
}

/** Splits `name=value`; an empty value is allowed. @throws TincanError SETTING_SYNTAX, SETTING_UNKNOWN, SECRET_ARGUMENT */
export function parsePair(pair: string): [string, SettingValues[string]] {
  const at = pair.indexOf('=');
  if (at < 1) {
    throw new TincanError('SETTING_SYNTAX', `"${pair.slice(0, 40)}" is not name=value.`, {
      exit: 'usage',
      hint: 'Example: --set audio.volume=40',
    });
  }
  const name = pair.slice(0, at);
  if (isSecret(name)) {
    throw new TincanError('SECRET_ARGUMENT', `${name} is a secret and does not go on the command line.`, {
      exit: 'usage',
      hint: howTo(name),
    });
  }
  return [name, parseValue(name, pair.slice(at + 1))];
}

/** @throws TincanError SETTING_UNKNOWN */
export function requireSetting(name: string): keyof typeof SETTINGS {
  if (Object.hasOwn(SETTINGS, name)) return name as keyof typeof SETTINGS;
  const near = closestSetting(name);
  throw new TincanError('SETTING_UNKNOWN', `There is no setting "${name}".`, {
    exit: 'usage',
    hint: near === undefined ? '`tincan config list` shows all of them.' : `Did you mean ${near}?`,
  });
}

/** All settings that were given; asks for required ones only through `fillRequired`. */
export async function collectSettings(options: CollectOptions): Promise<SettingValues> {
  const env = options.env ?? process.env;
  const values: SettingValues = {};
  for (const name of SETTING_NAMES) {
    const text = env[envName(name)];
    if (text !== undefined && !isSecret(name)) values[name] = parseValue(name, text);
  }
  if (options.ssid !== undefined) values['wifi.ssid'] = parseValue('wifi.ssid', options.ssid);
  if (options.url !== undefined) values['server.url'] = parseValue('server.url', options.url);
  for (const pair of options.set ?? []) {
    const [name, value] = parsePair(pair);
    values[name] = value;
  }
  if (options.passwordFile === '-' && options.tokenFile === '-') {
    throw new TincanError('SECRET_FILE', 'Standard input can carry one secret, not two.', {
      exit: 'usage',
      hint: 'Put one of them into a file, or into its environment variable.',
    });
  }
  const files: Record<SecretName, string | undefined> = {
    'wifi.password': options.passwordFile,
    'wifi2.password': undefined,
    'wifi3.password': undefined,
    'server.token': options.tokenFile,
  };
  for (const [name, file] of Object.entries(files) as [SecretName, string | undefined][]) {
    const value = await readSecret(name, {
      file,
      env,
      keyring: options.keyring,
      account: accountOf(name, values['wifi.ssid']),
      ...(options.readStdin === undefined ? {} : { readStdin: options.readStdin }),
    });
    if (value !== undefined) values[name] = parseValue(name, value);
  }
  return values;
}

/**
 * Asks for what is required and neither given nor on the device (`held`), and for the password of a network that was
 * named without one.
 * @throws TincanError SETTINGS_MISSING where nobody can be asked
 */
export async function fillRequired(
  values: SettingValues,
  held: ReadonlySet<string>,
  options: Pick<CollectOptions, 'prompt' | 'ask' | 'env' | 'keyring'>,
): Promise<void> {
  const missing: string[] = [];
  for (const name of SETTING_NAMES) {
    const setting = SETTINGS[name];
    const required = 'required' in setting && setting.required === true;
    const wanted = required || (name === 'wifi.password' && values['wifi.ssid'] !== undefined && !required);
    if (!wanted || name in values || (required && held.has(name))) continue;
    const text = isSecret(name)
      ? await readSecret(name, {
          env: options.env ?? process.env,
          prompt: options.prompt,
          keyring: options.keyring,
          account: accountOf(name, values['wifi.ssid']),
        })
      : await options.ask?.(`${setting.help} (${name})`);
    if (text === undefined) {
      if (required) missing.push(name);
      continue;
    }
    values[name] = ruled(() => checkSetting(name, text));
  }
  if (missing.length > 0) {
    const [first] = missing;
    throw new TincanError('SETTINGS_MISSING', `The device cannot work without ${missing.join(' and ')}.`, {
      exit: 'usage',
      hint: first !== undefined && isSecret(first) ? howTo(first) : 'Give the network with --ssid NAME.',
    });
  }
}
