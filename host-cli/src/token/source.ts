/** Where secrets come from, as commands say it: server, key, session; and the minting of one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, TincanError } from '../errors.ts';
import { sessionOf } from '../gateway/relay/session.ts';
import { registerSecret } from '../redact.ts';
import { configFolder } from '../state.ts';
import { type Mint, mintSecret, secretsUrl, type TokenSource } from './mint.ts';

export interface SourceOptions {
  from: TokenSource;
  url?: string | undefined;
  /** Seconds that a secret is good. */
  seconds?: number | undefined;
  /** A JSON file with the session. */
  session?: string | undefined;
  /** A file with the key; - is standard input. */
  keyFile?: string | undefined;
  pin?: string | undefined;
  env: Record<string, string | undefined>;
  /** Asks for the key, hidden; left out where nobody can be asked. */
  prompt?: ((message: string) => Promise<string | undefined>) | undefined;
}

export const SOURCES = ['openai', 'azure', 'gateway'] as const;
const KEY_OF: Record<TokenSource, string> = {
  openai: 'OPENAI_API_KEY',
  azure: 'AZURE_OPENAI_API_KEY',
  gateway: 'TINCAN_GATEWAY_TOKEN',
};
const DEFAULT_GATEWAY = 'http://127.0.0.1:8080';

/** Everything that is needed to make secrets, looked at now and not at the first one. @throws TincanError */
export async function mintFrom(options: SourceOptions): Promise<Mint> {
  const { from, env, seconds, pin } = options;
  if (seconds !== undefined && (seconds < 10 || seconds > 7200)) {
    throw new TincanError('TOKEN_SECONDS', `A secret is good for 10 to 7200 seconds, not ${seconds}.`, {
      exit: 'usage',
      hint: 'Leave --seconds out for 600.',
    });
  }
  if (pin !== undefined && !/^[0-9a-f]{64}$/i.test(pin)) {
    throw new TincanError('TOKEN_PIN', 'A pin is 64 hex digits: the SHA-256 of the public key.', {
      exit: 'usage',
      hint: '`tincan gateway --tls` prints it.',
    });
  }
  const url = secretsUrl(from, options.url ?? defaultUrl(from, env));
  const session = options.session === undefined ? undefined : readSession(options.session);
  const key = await keyFor(options);
  return (signal) => mintSecret({ from, url, key, seconds, session, pin, signal });
}

function defaultUrl(from: TokenSource, env: SourceOptions['env']): string | undefined {
  if (from === 'azure') return env.AZURE_OPENAI_ENDPOINT || undefined;
  return from === 'gateway' ? DEFAULT_GATEWAY : undefined;
}

/** The session of a file, checked as the gateway checks it. @throws TincanError RELAY_SESSION, FILE_READ */
export function readSession(file: string): ReturnType<typeof sessionOf> {
  return sessionOf(readText(file, `The session ${file}`), file);
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new TincanError('FILE_READ', `${what} cannot be read.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
    });
  }
}

/**
 * A key: from a file, the first of these variables that is set, `other`, or a prompt. It is kept out of all output from
 * now on.
 * @throws TincanError SECRET_FILE, KEY_MISSING, KEY_FORM
 */
export async function readKey(
  names: readonly string[],
  options: Pick<SourceOptions, 'env' | 'keyFile' | 'prompt'> & {
    fileOption: string;
    other?: string | undefined;
  },
): Promise<string> {
  const { env, keyFile, prompt, fileOption, other } = options;
  let key: string | undefined;
  if (keyFile !== undefined) {
    try {
      key = readFileSync(keyFile === '-' ? 0 : keyFile, 'utf8').trim();
    } catch (error) {
      throw new TincanError('SECRET_FILE', `The key file ${keyFile} cannot be read.`, {
        exit: 'usage',
        cause: new Error(messageOf(error)),
        hint: 'It holds one line, the key; - is standard input.',
      });
    }
  } else {
    key = names.map((name) => env[name]?.trim()).find((one) => one !== undefined && one !== '') ?? other;
    key ??= (await prompt?.(`The key (${names[0]})`))?.trim();
  }
  if (key === undefined || key === '') {
    throw new TincanError('KEY_MISSING', 'There is no key.', {
      exit: 'usage',
      hint: `Set ${names.join(' or ')}, or use ${fileOption} FILE (- is standard input).`,
    });
  }
  registerSecret(key);
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new TincanError('KEY_FORM', 'The key has a blank or a character in it that no key has.', {
      exit: 'usage',
      hint: 'Was it cut in two, or copied with its quotes or with a text around it?',
    });
  }
  return key;
}

function keyFor({ from, env, keyFile, prompt }: SourceOptions): Promise<string> {
  let other: string | undefined;
  const file = join(configFolder(env), 'gateway-token');
  if (from === 'gateway' && existsSync(file)) other = readFileSync(file, 'utf8').trim();
  return readKey([KEY_OF[from]], { env, keyFile, prompt, other, fileOption: '--key-file' });
}
