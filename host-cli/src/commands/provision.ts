import { rmSync, writeFileSync } from 'node:fs';
import { type CommitAnswer, SETTINGS, type SettingsAnswer, type StateChange } from '@tincan/shared-protocol';
import { findBoard } from '../build/board.ts';
import { type Context, openBoard } from '../context.ts';
import { Device } from '../device/device.ts';
import { asTincanError, TincanError } from '../errors.ts';
import { collectSettings, fillRequired } from '../provision/collect.ts';
import { type Keyring, systemKeyring } from '../provision/keyring.ts';
import { readNvsCsv } from '../provision/nvs-csv.ts';
import { readKeys } from '../provision/nvs-keys.ts';
import { type NvsContents, provisionOffline, settingsImage } from '../provision/offline.ts';
import { applyAndJoin, isFingerprint, type SettingValues } from '../provision/online.ts';
import { askVisible, terminalPrompt } from '../provision/secrets.ts';

export interface ProvisionOptions {
  board: string;
  ssid?: string;
  passwordFile?: string;
  tokenFile?: string;
  url?: string;
  set?: string[];
  offline?: boolean;
  fresh?: boolean;
  out?: string;
  /** With `out`: bytes. */
  size?: number;
  csv?: string;
  keys?: string;
  makeKeys?: string;
  hmacKeyFile?: string;
  keyring?: boolean;
}

const REQUIRED = Object.entries(SETTINGS)
  .filter(([, setting]) => 'required' in setting && setting.required === true)
  .map(([name]) => name);

/** `tincan provision`: gives a board its network, server and token. */
export async function provision(context: Context, options: ProvisionOptions): Promise<void> {
  const keyring = options.keyring ? await openKeyring(context) : undefined;
  const values = await collectSettings({ ...options, env: context.env, keyring });
  if (options.out !== undefined) return toFile(context, values, options, keyring);
  if (options.offline) return throughLoader(context, values, options, keyring);
  const raw = (['csv', 'keys', 'makeKeys', 'hmacKeyFile', 'size'] as const).find((name) => options[name]);
  if (raw !== undefined) {
    throw new TincanError('USAGE', 'NVS entries and keys go into a file or through the loader.', {
      exit: 'usage',
      hint: 'Add --out FILE or --offline; a running board encrypts its settings itself.',
    });
  }
  return onRunning(context, values, keyring);
}

/** The system's keyring; where there is none, says so once. */
export async function openKeyring(context: Context): Promise<Keyring | undefined> {
  const keyring = await systemKeyring();
  if (keyring === undefined) context.out.warn('this computer has no keyring; secrets come from elsewhere');
  return keyring;
}

const questions = (context: Context, keyring: Keyring | undefined) => ({
  env: context.env,
  keyring,
  prompt: terminalPrompt(),
  ask: process.stdin.isTTY ? askVisible : undefined,
});

/** What goes into the partition beside settings. */
function contentsOf(options: ProvisionOptions): NvsContents {
  return { entries: options.csv === undefined ? [] : readNvsCsv(options.csv), keys: readKeys(options) };
}

async function toFile(
  context: Context,
  values: SettingValues,
  options: ProvisionOptions,
  keyring: Keyring | undefined,
): Promise<void> {
  // A CSV file may be all that a partition of somebody else's firmware needs.
  if (options.csv === undefined) await fillRequired(values, new Set(), questions(context, keyring));
  const nvs = findBoard(options.board).partitions.find((one) => one.type === 'data' && one.subtype === 'nvs');
  if (nvs === undefined)
    throw new TincanError('NVS_NONE', `The board ${options.board} has no nvs partition.`);
  const file = options.out ?? '';
  const size = options.size ?? nvs.size;
  const contents = contentsOf(options);
  const image = settingsImage(values, size, contents);
  // It holds secrets in the clear; the mode of a file that is there already would stay.
  rmSync(file, { force: true });
  writeFileSync(file, image, { mode: 0o600 });
  const entries = contents.entries?.length ?? 0;
  const encrypted = contents.keys !== undefined;
  context.out.result(
    { file, offset: nvs.offset, bytes: size, settings: Object.keys(values), entries, encrypted },
    `${file}: NVS image for 0x${nvs.offset.toString(16)} with ${count(values)}${entries > 0 ? ` and ${entries} entries of ${options.csv}` : ''}. ` +
      (encrypted ? 'It is encrypted.' : 'It holds secrets in the clear.'),
  );
}

async function throughLoader(
  context: Context,
  values: SettingValues,
  options: ProvisionOptions,
  keyring: Keyring | undefined,
): Promise<void> {
  const contents = contentsOf(options);
  if (!contents.entries?.length) {
    await fillRequired(values, options.fresh ? new Set() : new Set(REQUIRED), questions(context, keyring));
    nothingGiven(values);
  }
  const line = await openBoard(context);
  const started = performance.now();
  try {
    const { partition } = await provisionOffline({
      line,
      values,
      ...contents,
      fresh: options.fresh ?? false,
      env: context.env,
    });
    const ms = Math.round(performance.now() - started);
    context.out.result(
      { way: 'offline', settings: Object.keys(values), partition: partition.name, ms },
      `wrote ${count(values)} into ${partition.name} in ${ms} ms; the board starts with them`,
    );
  } finally {
    await line.close();
  }
}

async function onRunning(
  context: Context,
  values: SettingValues,
  keyring: Keyring | undefined,
): Promise<void> {
  const device = new Device(await openBoard(context));
  try {
    const hello = await device.hello({ timeoutMs: 3000, signal: context.signal }).catch((error: unknown) => {
      const known = asTincanError(error);
      if (known.code !== 'BOARD_SILENT') throw error;
      throw new TincanError(known.code, known.message, {
        exit: 'device',
        cause: known.cause,
        hint: 'Flash it first (`tincan flash`); or use --offline, which needs no running firmware.',
      });
    });
    await fillRequired(values, await heldBy(device), questions(context, keyring));
    nothingGiven(values);
    const started = performance.now();
    const { answer, joined } = await applyAndJoin(device, values, context.signal);
    const ms = Math.round(performance.now() - started);
    context.out.result(
      { way: 'online', settings: Object.keys(values), ...answer, address: joined?.detail, ms },
      `${hello.name}: ${answer.changed.length} of ${count(values)} changed and read back in ${ms} ms${follows(answer, joined)}`,
    );
  } finally {
    await device.close();
  }
}

/** Required settings that the device already has. */
async function heldBy(device: Device): Promise<Set<string>> {
  const { values } = await device.request<SettingsAnswer>('settings.get', { names: REQUIRED });
  return new Set(
    REQUIRED.filter((name) => {
      const value = values[name];
      return isFingerprint(value) ? value.set : value !== undefined && value !== '';
    }),
  );
}

function nothingGiven(values: SettingValues): void {
  if (Object.keys(values).length > 0) return;
  throw new TincanError('NOTHING_TO_DO', 'There is no setting to write.', {
    exit: 'usage',
    hint: 'Example: tincan provision --ssid home --password-file wifi.txt --token-file token.txt',
  });
}

function count(values: SettingValues): string {
  const number = Object.keys(values).length;
  return `${number} setting${number === 1 ? '' : 's'}`;
}

/** What a commit sets going, for people. */
export function follows({ effect, waits }: CommitAnswer, joined: StateChange | undefined): string {
  if (joined) return `; it is on the network${joined.detail ? ` as ${joined.detail}` : ''}`;
  if (effect === 'wifi') return '; it joins the network as soon as nothing is missing';
  if (waits?.length)
    return `; ${waits.join(', ')} ${waits.length === 1 ? 'waits' : 'wait'} for the next session`;
  if (effect === 'session') return '; a session that runs follows at once';
  return '';
}
