import { type Command, InvalidArgumentError, Option } from 'commander';
import type { GatewayCommandOptions } from '../commands/gateway.ts';
import type { LimitOptions } from '../commands/gateway-device.ts';
import type { TokenOptions } from '../commands/token.ts';
import { type Common, contextOf, several, verb, wholeNumber } from './parts.ts';

/** Where devices and what they used are kept. */
const DB = () =>
  new Option('--db <file>', 'devices and what they used (default: gateway.db in the config folder)');
const SOURCE = ['openai', 'azure', 'gateway'];

/** A limit: a number above 0, or "none". (Commander makes '' of null.) */
function limit(text: string): number | 'none' {
  if (text === 'none') return text;
  const value = Number(text);
  if (!(value > 0) || value > 1e6) throw new InvalidArgumentError('It is a number above 0, or none.');
  return value;
}

function wholeLimit(text: string): number | 'none' {
  const value = limit(text);
  if (value !== 'none' && !Number.isInteger(value))
    throw new InvalidArgumentError('It is a whole number, or none.');
  return value;
}

const limits = (command: Command): Command =>
  command
    .option('--minutes-per-day <n>', 'how long it may talk in a day (default: none)', limit)
    .option('--cents-per-day <n>', 'what that may cost, where the model has a price (default: none)', limit)
    .option('--calls <n>', 'calls at the same time (default: none)', wholeLimit);

/** The Realtime server, and tokens for it. */
export function addGateway(program: Command): void {
  const gateway = verb(
    program,
    'gateway',
    'run a Realtime server on this machine until Ctrl-C',
    'tincan gateway --mode echo --listen 127.0.0.1:8080',
  )
    .option(
      '--mode <mode>',
      'echo: says back what it hears; script: a written conversation; pipeline: speech-to-text, model and speech of your own; relay: calls go on to a server, with a key that devices do not have',
      'echo',
    )
    .option('--script <file>', 'the conversation of mode script')
    .option('--listen <host:port>', 'where it listens', '127.0.0.1:8080')
    .option(
      '--token-file <file>',
      'token that devices must show (else TINCAN_GATEWAY_TOKEN, or one that is made)',
    )
    .option('--heard <wav>', 'where what it hears is recorded')
    .option('--tls', 'HTTPS, with a certificate of its own that devices pin')
    .option(
      '--announce <address>',
      'its address as devices see it (NAT, container); may be repeated',
      several,
    )
    .option('--ota <dir>', 'folder with images for updates of devices: <dir>/<board>/tincan.bin')
    .addOption(DB())
    .option(
      '--stt <url>',
      'pipeline: OpenAI-compatible server that writes down (key: TINCAN_STT_KEY), or pocketsphinx',
    )
    .option('--stt-model <name>', 'pipeline: its model')
    .option(
      '--stt-grammar <file>',
      'pipeline: what may be said, for pocketsphinx (JSGF, a script, or sentences)',
    )
    .option('--llm <url>', 'pipeline: OpenAI-compatible server that answers (key: TINCAN_LLM_KEY)')
    .option('--llm-model <name>', 'pipeline: its model')
    .option('--tts <url>', 'pipeline: OpenAI-compatible server that speaks (key: TINCAN_TTS_KEY), or flite')
    .option('--tts-model <name>', 'pipeline: its model')
    .option('--tts-voice <name>', 'pipeline: its voice')
    .option('--upstream <url>', 'relay: where offers are posted (default: that of OpenAI)')
    .addOption(
      new Option('--upstream-auth <way>', 'relay: how the key is sent (default: by the server)').choices([
        'bearer',
        'api-key',
      ]),
    )
    .option(
      '--upstream-key-file <file>',
      'relay: file with the key; - is standard input (else TINCAN_UPSTREAM_KEY, OPENAI_API_KEY; AZURE_OPENAI_API_KEY for api-key)',
    )
    .option('--upstream-pin <sha256>', 'relay: key of a server with a certificate of its own')
    .option('--session <file>', 'relay: session (JSON) that is laid over what devices choose')
    .action(async (options: Common & GatewayCommandOptions) =>
      (await import('../commands/gateway.ts')).gateway(contextOf(options), options),
    )
    .addHelpText(
      'after',
      '  $ tincan gateway --mode pipeline --stt pocketsphinx --stt-grammar words.txt --llm http://127.0.0.1:11434/v1 --tts flite\n' +
        '  $ tincan gateway --mode relay --session kitchen.json --tls --listen 0.0.0.0:8443\n',
    );
  addDevices(gateway);
  verb(
    gateway,
    'status',
    'show what devices used: calls, minutes, tokens, cost',
    'tincan gateway status --since 2026-11-01',
  )
    .addOption(DB())
    .option('--since <day>', 'from this day on: YEAR-MONTH-DAY, today, or all (default: today)')
    .action(async (options: Common & { db?: string; since?: string }) =>
      (await import('../commands/gateway-status.ts')).gatewayStatus(contextOf(options), options),
    );
  addToken(program);
}

function addDevices(gateway: Command): void {
  const device = gateway
    .command('device')
    .description('devices with tokens of their own, and what they may use')
    .addHelpText('after', '\nExample:\n  $ tincan gateway device add kitchen --minutes-per-day 30');
  limits(
    verb(
      device,
      'add <name>',
      'add a device, or give a revoked one a new token; prints the token, once',
      'tincan gateway device add kitchen --minutes-per-day 30 --token-out kitchen.txt',
    )
      .addOption(DB())
      .option('--token-out <file>', 'write the token into a file instead, readable by you only'),
  ).action(async (name: string, options: Common & LimitOptions & { db?: string; tokenOut?: string }) =>
    (await import('../commands/gateway-device.ts')).deviceAdd(contextOf(options), name, options),
  );
  verb(device, 'list', 'list devices and their limits', 'tincan gateway device list')
    .addOption(DB())
    .action(async (options: Common & { db?: string }) =>
      (await import('../commands/gateway-device.ts')).deviceList(contextOf(options), options),
    );
  verb(
    device,
    'revoke <name>',
    'take the token of a device back; its calls end at once',
    'tincan gateway device revoke kitchen',
  )
    .addOption(DB())
    .action(async (name: string, options: Common & { db?: string }) =>
      (await import('../commands/gateway-device.ts')).deviceRevoke(contextOf(options), name, options),
    );
  limits(
    verb(
      device,
      'limit <name>',
      'change or show what a device may use; "none" takes a limit away',
      'tincan gateway device limit kitchen --minutes-per-day 60 --calls none',
    ).addOption(DB()),
  ).action(async (name: string, options: Common & LimitOptions & { db?: string }) =>
    (await import('../commands/gateway-device.ts')).deviceLimit(contextOf(options), name, options),
  );
}

function addToken(program: Command): void {
  verb(
    program,
    'token',
    'make an ephemeral secret for a device or a page',
    'tincan token --from openai --seconds 600 --out token.txt',
  )
    .addOption(new Option('--from <server>', 'who makes it').choices(SOURCE).default('openai'))
    .option(
      '--url <url>',
      'its server (azure: else AZURE_OPENAI_ENDPOINT; gateway: else http://127.0.0.1:8080)',
    )
    .option(
      '--seconds <n>',
      'how long it is good: 10 to 7200 (default: what the server says, 600)',
      wholeNumber,
    )
    .option('--session <file>', 'session (JSON) that goes with it: model, instructions, …')
    .option(
      '--key-file <file>',
      'file with the key; - is standard input (else OPENAI_API_KEY, AZURE_OPENAI_API_KEY or TINCAN_GATEWAY_TOKEN; else you are asked)',
    )
    .option('--pin <sha256>', 'key of a server with a certificate of its own')
    .option('--out <file>', 'write it into a file, readable by you only')
    .action(async (options: Common & TokenOptions) =>
      (await import('../commands/token.ts')).token(contextOf(options), options),
    );
}
