import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { aborted, type Context } from '../context.ts';
import { messageOf, TincanError } from '../errors.ts';
import { parseAnnounced } from '../gateway/announce.ts';
import { systemClock } from '../gateway/clock.ts';
import { startGateway } from '../gateway/index.ts';
import { DeviceDesk } from '../gateway/store/desk.ts';
import { registerSecret } from '../redact.ts';
import { configFolder } from '../state.ts';
import { storeOf } from './gateway-device.ts';
import { openPipeline, type PipelineCommandOptions } from './gateway-pipeline.ts';
import { openRelay, type RelayCommandOptions } from './gateway-relay.ts';

export interface GatewayCommandOptions extends RelayCommandOptions, PipelineCommandOptions {
  mode: string;
  script?: string;
  listen: string;
  tokenFile?: string;
  heard?: string;
  tls?: boolean;
  announce?: string[];
  ota?: string;
  db?: string;
}

const MODES = ['echo', 'script', 'pipeline', 'relay'] as const;
/** Options that belong to one mode; in another they would do nothing, and nobody would see it. */
const OF_MODE = {
  script: 'script',
  stt: 'pipeline',
  sttModel: 'pipeline',
  sttGrammar: 'pipeline',
  llm: 'pipeline',
  llmModel: 'pipeline',
  tts: 'pipeline',
  ttsModel: 'pipeline',
  ttsVoice: 'pipeline',
  upstream: 'relay',
  upstreamAuth: 'relay',
  upstreamKeyFile: 'relay',
  upstreamPin: 'relay',
  session: 'relay',
} as const satisfies Partial<Record<keyof GatewayCommandOptions, (typeof MODES)[number]>>;

/** The token that devices must show, and where it came from. @throws TincanError SECRET_FILE */
export function gatewayToken(
  context: Pick<Context, 'env'>,
  file?: string,
): { token: string; from: string; made: boolean } {
  const fromEnv = context.env.TINCAN_GATEWAY_TOKEN;
  if (file === undefined && fromEnv !== undefined && fromEnv !== '') {
    return { token: fromEnv, from: 'TINCAN_GATEWAY_TOKEN', made: false };
  }
  // The same file at the next start, so that devices need not be provisioned again.
  const path = file ?? join(configFolder(context.env), 'gateway-token');
  if (file !== undefined || existsSync(path)) {
    try {
      const token = readFileSync(path, 'utf8').trim();
      if (token !== '') return { token, from: path, made: false };
      throw new Error('it is empty');
    } catch (error) {
      throw new TincanError('SECRET_FILE', `The token file ${path} cannot be used.`, {
        exit: 'usage',
        cause: new Error(messageOf(error)),
        hint: 'It holds one line, the token; without --token-file a new one is made.',
      });
    }
  }
  const token = `tc_${randomBytes(16).toString('hex')}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  return { token, from: path, made: true };
}

/** Where a device that is not on this machine finds the gateway: an announced address, else one of this machine's. */
function deviceUrl(url: string, announced: readonly string[]): string {
  const target = new URL(url);
  const any = target.hostname === '0.0.0.0' || target.hostname === '[::]';
  const own = Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && address.family === 'IPv4' && !address.internal)?.address;
  const [host = any ? own : undefined] = announced;
  if (host !== undefined) target.hostname = host.includes(':') ? `[${host}]` : host;
  return target.href;
}

/** @throws TincanError USAGE where an option belongs to another mode */
function refuseIdle(options: GatewayCommandOptions): void {
  for (const [name, mode] of Object.entries(OF_MODE)) {
    if (options[name as keyof typeof OF_MODE] === undefined || mode === options.mode) continue;
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new TincanError('USAGE', `${option} belongs to mode ${mode}, and the mode is ${options.mode}.`, {
      exit: 'usage',
      hint: `Add --mode ${mode}, or leave the option out.`,
    });
  }
}

/** `tincan gateway`: a Realtime server on this machine, until Ctrl-C. */
export async function gateway(context: Context, options: GatewayCommandOptions): Promise<void> {
  const { out, signal } = context;
  const mode = MODES.find((one) => one === options.mode);
  if (mode === undefined) {
    throw new TincanError('GATEWAY_MODE', `There is no mode "${options.mode}".`, {
      exit: 'usage',
      hint: `Modes: ${MODES.join(', ')}.`,
    });
  }
  refuseIdle(options);
  const { token, from, made } = gatewayToken(context, options.tokenFile);
  registerSecret(token);
  const announced = parseAnnounced(options.announce ?? []);
  const tlsFile = join(configFolder(context.env), 'gateway-tls.pem');
  const tls =
    options.tls === true
      ? await (await import('../gateway/certificate.ts')).keepCertificate(tlsFile)
      : undefined;
  const log = (line: string) => out.note(line);
  const store = storeOf(context, options.db);
  // One that cannot be read is said now, and not to every device as a wrong token.
  if (existsSync(store.file)) store.devices();
  const desk = new DeviceDesk({ store, clock: systemClock(), now: Date.now, log });
  const relay = mode === 'relay' ? await openRelay(context, options, desk) : undefined;
  const pipeline = mode === 'pipeline' ? await openPipeline(context, options) : undefined;
  const server = await startGateway({
    mode: relay?.relay ?? pipeline ?? (mode as 'echo' | 'script'),
    desk,
    listen: options.listen,
    token,
    announce: announced,
    ...(tls === undefined ? {} : { tls }),
    ...(options.script === undefined ? {} : { script: options.script }),
    ...(options.heard === undefined ? {} : { record: { heard: options.heard } }),
    ...(options.ota === undefined ? {} : { ota: options.ota }),
    log,
  });
  try {
    relay?.relay.resume();
    server.on('event', ({ call, direction, event, at }) =>
      out.event({ at, call: call.id, direction, event }),
    );
    const pin = tls?.pin;
    if (options.ota !== undefined)
      out.note(
        `images in ${options.ota}: tincan ota --url ${new URL('/ota/BOARD/tincan.bin', deviceUrl(server.url, announced)).href}`,
      );
    const forDevices = deviceUrl(server.callsUrl, announced);
    out.result(
      {
        url: server.url,
        callsUrl: server.callsUrl,
        deviceUrl: forDevices,
        mode,
        token: from,
        db: store.file,
        ...(relay === undefined ? {} : { upstream: relay.upstream.server }),
        ...(pin === undefined ? {} : { pin }),
      },
      server.callsUrl,
    );
    if (tls !== undefined) {
      out.note(`the certificate is in ${tlsFile}${tls.made ? ' (new, its key readable by you only)' : ''}`);
      out.note(`pin of its key: ${tls.pin}`);
    } else if (!/^http:\/\/(localhost|127\.|\[::1\])/.test(forDevices)) {
      out.note('devices do not send their token in the clear to another machine: add --tls');
    }
    out.note(`the token is in ${from}${made ? ' (new, readable by you only)' : ''}; a device gets it so:`);
    const option = from === 'TINCAN_GATEWAY_TOKEN' ? '--token-file FILE' : `--token-file ${from}`;
    const pinned = pin === undefined ? '' : ` --set server.pin=${pin}`;
    out.note(`  tincan provision --url ${forDevices} ${option}${pinned}`);
    if (relay !== undefined)
      out.note('each device should have a token of its own: tincan gateway device add NAME --token-out FILE');
    await aborted(signal);
  } finally {
    await server.close();
  }
}
