/**
 * An ephemeral secret from a server: `POST …/client_secrets`, with a key that stays on this machine. The secret is good
 * for starting sessions until it expires; a session outlives it.
 */
import { messageOf, TincanError } from '../errors.ts';
import { clean } from '../gateway/relay/clean.ts';
import { registerSecret } from '../redact.ts';
import { post, type WireAnswer, WireError } from '../wire.ts';

export type TokenSource = 'openai' | 'azure' | 'gateway';

export interface MintOptions {
  from: TokenSource;
  /** Of the client secrets, whole. */
  url: URL;
  key: string;
  /** How long the secret shall be good, in seconds. */
  seconds?: number | undefined;
  /** `session` of the request, as it is. */
  session?: unknown;
  pin?: string | undefined;
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Minted {
  value: string;
  /** Unix seconds; undefined where the server does not say. */
  expiresAt: number | undefined;
}

/** Makes a secret. Whoever calls it fresh gets a fresh one. */
export type Mint = (signal: AbortSignal) => Promise<Minted>;

const TIMEOUT_MS = 15_000;
const OPENAI = 'https://api.openai.com';

/**
 * Where secrets are made, from what people write: a whole URL, that of the calls, or the beginning of either.
 * @throws TincanError TOKEN_URL
 */
export function secretsUrl(from: TokenSource, given: string | undefined): URL {
  const text = given?.trim() ?? (from === 'openai' ? OPENAI : undefined);
  if (text === undefined) {
    throw new TincanError('TOKEN_URL', `From where? ${from} needs the URL of its server.`, {
      exit: 'usage',
      hint:
        from === 'azure'
          ? 'Add --url https://RESOURCE.openai.azure.com, or set AZURE_OPENAI_ENDPOINT.'
          : 'Add --url http://127.0.0.1:8080.',
    });
  }
  if (/\s/.test(text) || !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new TincanError('TOKEN_URL', `"${clean(text)}" is no http or https URL.`, {
      exit: 'usage',
      hint: 'Example: --url https://RESOURCE.openai.azure.com',
    });
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new TincanError('TOKEN_URL', 'The URL holds a user or a password; a key never stands there.', {
      exit: 'usage',
      hint: 'Leave them out; the key comes from the environment, a file, or a prompt.',
    });
  }
  if (url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new TincanError('TOKEN_URL', `The key would go to ${url.host} in the clear; nothing was sent.`, {
      exit: 'usage',
      hint: 'Use https; a gateway of yours speaks it with --tls, and --pin makes it known.',
    });
  }
  const base = url.pathname.replace(/\/+$/, '').replace(/\/(?:calls|client_secrets)$/, '');
  const prefix = from === 'azure' ? '/openai/v1' : '/v1';
  if (base === '' || base === '/openai') url.pathname = `${prefix}/realtime/client_secrets`;
  else if (base.endsWith('/v1')) url.pathname = `${base}/realtime/client_secrets`;
  else url.pathname = `${base}/client_secrets`;
  for (const name of ['model', 'webrtcfilter']) url.searchParams.delete(name);
  return url;
}

/**
 * @throws TincanError TOKEN_REFUSED, TOKEN_REQUEST, TOKEN_URL, TOKEN_LIMIT, TOKEN_SERVER, TOKEN_TIMEOUT,
 * TOKEN_UNREACHABLE, TOKEN_CERTIFICATE, INTERRUPTED
 */
export async function mintSecret(options: MintOptions): Promise<Minted> {
  const { from, url, key, seconds, session, pin, timeoutMs = TIMEOUT_MS, signal } = options;
  registerSecret(key);
  const body = JSON.stringify({
    ...(seconds === undefined ? {} : { expires_after: { anchor: 'created_at', seconds } }),
    ...(session === undefined ? {} : { session }),
  });
  let answer: WireAnswer;
  try {
    const headers = {
      'Content-Type': 'application/json',
      ...(from === 'azure' ? { 'api-key': key } : { Authorization: `Bearer ${key}` }),
    };
    answer = await post({ url, headers, body, timeoutMs, pin, signal });
  } catch (error) {
    throw unreachable(url, error);
  }
  if (answer.status < 200 || answer.status > 299) throw refused(url, answer);
  const { value, expires_at: expiresAt } = objectOf(answer.text);
  if (typeof value !== 'string' || !/^[\x21-\x7e]{8,4096}$/.test(value)) {
    throw new TincanError('TOKEN_SERVER', `${url.host} answered ${answer.status}, but without a secret.`, {
      exit: 'server',
      hint: `Is ${url.pathname} where it makes client secrets?`,
    });
  }
  return {
    value,
    expiresAt:
      typeof expiresAt === 'number' && Number.isInteger(expiresAt) && expiresAt > 0 ? expiresAt : undefined,
  };
}

function unreachable(url: URL, error: unknown): Error {
  if (!(error instanceof WireError)) return error instanceof Error ? error : new Error(String(error));
  const cause = new Error(messageOf(error));
  if (error.kind === 'stopped')
    return new TincanError('INTERRUPTED', 'Stopped; no secret was made.', { exit: 'interrupted' });
  if (error.kind === 'timeout')
    return new TincanError('TOKEN_TIMEOUT', `${url.host} did not answer in time.`, {
      exit: 'server',
      cause,
      hint: 'Try again; `tincan doctor` looks at the way to a server.',
    });
  if (error.kind === 'certificate')
    return new TincanError('TOKEN_CERTIFICATE', `${url.host} cannot be trusted; the key was not sent.`, {
      exit: 'server',
      cause,
      hint: 'A server with a certificate of its own is made known with --pin SHA256; `tincan gateway --tls` prints it.',
    });
  return new TincanError('TOKEN_UNREACHABLE', `${url.host} cannot be reached.`, {
    exit: 'server',
    cause,
    hint: 'Is the URL right, and does the server run?',
  });
}

function refused(url: URL, { status, headers, text }: WireAnswer): TincanError {
  const { error } = objectOf(text);
  const said = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined;
  const cause = typeof said === 'string' ? new Error(clean(said)) : undefined;
  const sentence = (code: string, message: string, hint: string) =>
    new TincanError(code, message, { exit: 'server', cause, hint });
  if (status === 401 || status === 403)
    return sentence(
      'TOKEN_REFUSED',
      `${url.host} refused the key (${status}).`,
      'Is it a key of this very server, still valid, and allowed to use Realtime?',
    );
  if (status === 404)
    return sentence(
      'TOKEN_URL',
      `${url.host} knows no ${url.pathname} (404).`,
      'Check --from and --url; on Azure the path begins with /openai/v1.',
    );
  if (status === 429) {
    const after = headers['retry-after'];
    const wait = after !== undefined && /^\d{1,6}$/.test(after) ? ` Try again in ${after} s.` : '';
    return sentence(
      'TOKEN_LIMIT',
      `${url.host} limits requests, or there is no credit left (429).`,
      `The server says why.${wait}`,
    );
  }
  if (status >= 300 && status < 400)
    return sentence(
      'TOKEN_URL',
      `${url.host} points elsewhere (${status}); the key is not sent there.`,
      'Give the URL that it points to with --url, if it is the right server.',
    );
  if (status >= 500)
    return sentence('TOKEN_SERVER', `${url.host} has a problem (${status}).`, 'Try again in a moment.');
  return sentence(
    'TOKEN_REQUEST',
    `${url.host} did not take the request (${status}).`,
    'Look at --session and --seconds (10 to 7200).',
  );
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
