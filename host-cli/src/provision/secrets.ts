/**
 * Where secrets come from: a hidden prompt, a file, standard input, the environment, or the system's keyring. Never from an argument: those
 * are readable by every process of the machine and stay in the shell's history.
 */
import { readFileSync } from 'node:fs';
import type { SettingName } from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { registerSecret } from '../redact.ts';
import type { Keyring } from './keyring.ts';

type Env = Record<string, string | undefined>;

/**
 * Settings that are secret, and how their options of `tincan provision` are called: `--password-file`,
 * `--token-file`; '' for those that have none. A test holds the list against shared-protocol, which is not loaded
 * here: every start of the program passes through this file.
 */
export const SECRET_OPTIONS = {
  'wifi.password': 'password',
  'wifi2.password': '',
  'wifi3.password': '',
  'server.token': 'token',
} as const satisfies Partial<Record<SettingName, string>>;
export type SecretName = keyof typeof SECRET_OPTIONS;

export function isSecret(name: string): name is SecretName {
  return Object.hasOwn(SECRET_OPTIONS, name);
}

/** The variable that a setting may come from: `wifi.password` → TINCAN_WIFI_PASSWORD. */
export function envName(name: string): string {
  return `TINCAN_${name.toUpperCase().replaceAll('.', '_')}`;
}

const SECRET_OPTION =
  /^--(?:wifi[23]?[-.]?|server[-.]?|gateway[-.]?|upstream[-.]?|ap[-.]?)?(?:password|passphrase|pass|psk|token|secret|api-?key|key)(?:=(.*))?$/is;
const SECRET_VALUE = new RegExp(
  `^(?:--set=)?(${Object.keys(SECRET_OPTIONS)
    .map((name) => name.replace('.', '\\.'))
    .join('|')})=(.+)$`,
  's',
);

const TOKEN_MAKERS = new Set(['openai', 'azure', 'gateway']);

/**
 * Refuses secrets among the arguments, before anything else looks at them; the value is kept out of every message.
 * @throws TincanError SECRET_ARGUMENT
 */
export function refuseSecretArguments(argv: readonly string[]): void {
  for (const [i, argument] of argv.entries()) {
    const option = SECRET_OPTION.exec(argument);
    const pair = SECRET_VALUE.exec(argument);
    // `config set wifi.password VALUE`
    const bare = isSecret(argument) && argv[i - 1] === 'set' && argv[i + 1] !== undefined;
    const following = argv[i + 1]?.startsWith('-') === false ? argv[i + 1] : undefined;
    const value = option?.[1] ?? pair?.[2] ?? (option || bare ? following : undefined);
    if (option === null && pair === null && !(bare && following !== undefined)) continue;
    // `tincan tail --token gateway` names who makes tokens.
    if (/^--token(?:=|$)/i.test(argument) && value !== undefined && TOKEN_MAKERS.has(value)) continue;
    if (value !== undefined) registerSecret(value);
    const what = option ? (argument.split('=')[0] ?? argument) : (pair?.[1] ?? argument);
    throw new TincanError(
      'SECRET_ARGUMENT',
      `${what} would put a secret on the command line; nothing was done.`,
      {
        exit: 'usage',
        hint: `Arguments can be read by every process and stay in the shell's history. ${/upstream/i.test(what) ? 'Use TINCAN_UPSTREAM_KEY or --upstream-key-file FILE.' : howTo(secretOf(what))} And change the secret if it was real.`,
      },
    );
  }
}

/** The setting that an argument like `--wifi2-password` or `server.token` means. */
function secretOf(what: string): SecretName {
  if (isSecret(what)) return what;
  if (/token|key|secret/i.test(what)) return 'server.token';
  const network = /wifi[23]/i.exec(what)?.[0].toLowerCase() as 'wifi2' | 'wifi3' | undefined;
  return `${network ?? 'wifi'}.password`;
}

/** How to give a secret, as a sentence. */
export function howTo(name: SecretName): string {
  const option = SECRET_OPTIONS[name];
  if (option === '')
    return `Run \`tincan config set ${name}\` to be asked for it, add --file FILE, or use the variable ${envName(name)}.`;
  return `Leave it out to be asked for it, or use --${option}-file FILE, --${option}-file - (standard input), or the variable ${envName(name)}.`;
}

export interface SecretSources {
  /** --…-file: a path, or `-` for standard input. */
  file?: string | undefined;
  env?: Env;
  /** Asks the person; left out where nobody can be asked. */
  prompt?: ((message: string) => Promise<string | undefined>) | undefined;
  readStdin?: () => string;
  /** Asked before the person; what the person says is put there. */
  keyring?: Keyring | undefined;
  /** The secret's name in the keyring; undefined where it has none. */
  account?: string | undefined;
}

/** The text of standard input, to its end. */
function stdinText(): string {
  return readFileSync(0, 'utf8');
}

/**
 * A secret from file, environment, keyring, or prompt, in this order; undefined where none has it. It is kept out of all
 * output from now on.
 * @throws TincanError SECRET_FILE
 */
export async function readSecret(name: SecretName, sources: SecretSources): Promise<string | undefined> {
  const value = await find(name, sources);
  if (value !== undefined) registerSecret(value);
  return value;
}

async function find(name: SecretName, sources: SecretSources): Promise<string | undefined> {
  const { file } = sources;
  if (file !== undefined) {
    let text: string;
    try {
      text = file === '-' ? (sources.readStdin ?? stdinText)() : readFileSync(file, 'utf8');
    } catch (error) {
      throw new TincanError('SECRET_FILE', `The file for ${name} cannot be read.`, {
        exit: 'usage',
        cause: new Error(messageOf(error)),
        hint: howTo(name),
      });
    }
    // Editors and `echo` end a file with a line break that is no part of the secret.
    const value = text.replace(/[\r\n]+$/, '');
    if (value === '' && name === 'server.token') {
      throw new TincanError('SECRET_FILE', `The file for ${name} is empty.`, {
        exit: 'usage',
        hint: howTo(name),
      });
    }
    return value;
  }
  const fromEnv = (sources.env ?? process.env)[envName(name)];
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  const { keyring, account, prompt } = sources;
  const kept = account === undefined ? undefined : keyring?.get(account);
  if (kept !== undefined) return kept;
  if (prompt === undefined) return undefined;
  const { SETTINGS } = await import('@tincan/shared-protocol');
  const said = await prompt(`${SETTINGS[name].help} (${name})`);
  if (said !== undefined && said !== '' && account !== undefined) keyring?.set(account, said);
  return said;
}

/** A hidden prompt, or undefined where there is no terminal to ask at. */
export function terminalPrompt(): ((message: string) => Promise<string | undefined>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (message) => {
    const { isCancel, password } = await import('@clack/prompts');
    // Prompts are for people: stdout stays free for results.
    const answer = await password({ message, output: process.stderr });
    if (isCancel(answer))
      throw new TincanError('INTERRUPTED', 'Stopped; nothing was changed.', { exit: 'interrupted' });
    return answer ?? '';
  };
}

/** A visible prompt for a setting that is no secret. */
export async function askVisible(message: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { isCancel, text } = await import('@clack/prompts');
  const answer = await text({ message, output: process.stderr });
  if (isCancel(answer))
    throw new TincanError('INTERRUPTED', 'Stopped; nothing was changed.', { exit: 'interrupted' });
  return answer ?? '';
}
