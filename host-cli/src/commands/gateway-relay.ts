import type { Context } from '../context.ts';
import { TincanError } from '../errors.ts';
import { systemClock } from '../gateway/clock.ts';
import type { SessionUpdate } from '../gateway/config.ts';
import { clean } from '../gateway/relay/clean.ts';
import { Relay, Upstream } from '../gateway/relay/index.ts';
import type { DeviceDesk } from '../gateway/store/desk.ts';
import { readKey, readSession } from '../token/source.ts';

export interface RelayCommandOptions {
  upstream?: string;
  upstreamAuth?: 'bearer' | 'api-key';
  upstreamKeyFile?: string;
  upstreamPin?: string;
  session?: string;
}

const OPENAI = 'https://api.openai.com/v1/realtime/calls';
const AZURE = /\.(openai|cognitiveservices|services\.ai)\.azure\.com$/;

/** The server behind the relay. @throws TincanError RELAY_URL */
export function upstreamUrl(given: string | undefined): URL {
  const text = (given ?? OPENAI).trim();
  const wrong = (message: string, hint: string) =>
    new TincanError('RELAY_URL', message, { exit: 'usage', hint });
  const example = `Example: --upstream ${OPENAI}, or https://RESOURCE.openai.azure.com/openai/v1/realtime/calls.`;
  if (/\s/.test(text) || !URL.canParse(text)) throw wrong(`"${clean(text)}" is no URL.`, example);
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw wrong(`The relay posts offers over https, not ${url.protocol.replace(':', '')}.`, example);
  if (url.username !== '' || url.password !== '')
    throw wrong(
      'The URL holds a user or a password.',
      'The key comes from TINCAN_UPSTREAM_KEY or --upstream-key-file.',
    );
  if (url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))
    throw wrong(
      `The key would go to ${url.host} in the clear.`,
      'Use https; --upstream-pin makes a server with a certificate of its own known.',
    );
  if (url.pathname === '/') throw wrong(`${url.host} is a server, not where offers are posted.`, example);
  url.hash = '';
  return url;
}

/** Mode relay, from options and environment. */
export async function openRelay(
  context: Context,
  options: RelayCommandOptions,
  desk: DeviceDesk,
): Promise<{ relay: Relay; upstream: Upstream; session: SessionUpdate | undefined }> {
  const { out, env } = context;
  const url = upstreamUrl(options.upstream);
  const auth = options.upstreamAuth ?? (AZURE.test(url.hostname) ? 'api-key' : 'bearer');
  if (options.upstreamPin !== undefined && !/^[0-9a-f]{64}$/i.test(options.upstreamPin)) {
    throw new TincanError('RELAY_PIN', 'A pin is 64 hex digits: the SHA-256 of the public key.', {
      exit: 'usage',
      hint: '`tincan gateway --tls` prints that of a gateway.',
    });
  }
  const session = options.session === undefined ? undefined : readSession(options.session);
  const names =
    auth === 'api-key'
      ? ['TINCAN_UPSTREAM_KEY', 'AZURE_OPENAI_API_KEY']
      : ['TINCAN_UPSTREAM_KEY', 'OPENAI_API_KEY'];
  const key = await readKey(names, {
    env,
    keyFile: options.upstreamKeyFile,
    fileOption: '--upstream-key-file',
  });
  const log = (line: string) => out.note(line);
  const upstream = new Upstream({ url, auth, key, pin: options.upstreamPin, log });
  if (!upstream.hasCalls)
    out.warn(
      `${upstream.server} does not end in /calls: its calls cannot be watched or hung up, so only minutes are counted`,
    );
  const relay = new Relay({
    upstream,
    desk,
    clock: systemClock(),
    now: Date.now,
    session,
    // A deployment has the name that somebody gave it.
    ...(auth === 'api-key' ? { model: null } : {}),
    log,
  });
  if (auth === 'api-key' && session?.model === undefined)
    out.note('no model in --session: devices must name their deployment');
  return { relay, upstream, session };
}
