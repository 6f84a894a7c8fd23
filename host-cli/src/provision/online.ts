/**
 * Settings changed on the running board: staged in pieces, kept in one commit, read back and compared. A secret comes
 * back as a salted fingerprint only, so that is what is compared.
 */
import { createHash } from 'node:crypto';
import type {
  CommitAnswer,
  Fingerprint,
  SettingsAnswer,
  SettingValue,
  StateChange,
} from '@tincan/shared-protocol';
import type { Device } from '../device/device.ts';
import { TincanError } from '../errors.ts';
import { isSecret } from './secrets.ts';

/** Values by name; null is "back to the default". */
export type SettingValues = Record<string, SettingValue | null>;

/** Longest JSON of one settings.set, in bytes: the device reads a request into a buffer of its own. */
const CHUNK = 3600;

/** SHA-256 over the salt's bytes and the value; 4 bytes, as hex. */
export function fingerprintOf(saltHex: string, value: string): string {
  return createHash('sha256')
    .update(Buffer.from(saltHex, 'hex'))
    .update(value, 'utf8')
    .digest('hex')
    .slice(0, 8);
}

export function isFingerprint(value: unknown): value is Fingerprint {
  return typeof value === 'object' && value !== null && 'salt' in value && 'fingerprint' in value;
}

/** Packs settings into objects whose JSON has at most `limit` bytes; a single larger one gets its own. */
export function chunkValues(values: SettingValues, limit = CHUNK): SettingValues[] {
  const chunks: SettingValues[] = [];
  let chunk: SettingValues = {};
  for (const [name, value] of Object.entries(values)) {
    const wider = { ...chunk, [name]: value };
    if (Object.keys(chunk).length > 0 && Buffer.byteLength(JSON.stringify(wider)) > limit) {
      chunks.push(chunk);
      chunk = { [name]: value };
    } else {
      chunk = wider;
    }
  }
  if (Object.keys(chunk).length > 0) chunks.push(chunk);
  return chunks;
}

/** Settings are staged, in as many pieces as they need; on an error nothing is. */
async function stage(device: Device, values: SettingValues): Promise<void> {
  try {
    for (const chunk of chunkValues(values)) await device.request('settings.set', { values: chunk });
  } catch (error) {
    // What was staged before the refusal must not go into somebody's next commit.
    await device.request('settings.discard').catch(() => undefined);
    throw error;
  }
}

/**
 * Applies settings to a running device; all of them are in force afterwards, or none.
 * @throws TincanError SETTING_… as the device says, SETTINGS_DIFFER
 */
export async function applySettings(device: Device, values: SettingValues): Promise<CommitAnswer> {
  await stage(device, values);
  const answer = await device.request<CommitAnswer>('settings.commit');
  await verify(device, values);
  return answer;
}

/** @throws TincanError SETTINGS_DIFFER */
async function verify(device: Device, values: SettingValues): Promise<void> {
  const wrong = await differing(device, values);
  if (wrong.length > 0) {
    throw new TincanError('SETTINGS_DIFFER', `The device does not hold what was sent: ${wrong.join(', ')}.`, {
      exit: 'device',
      hint: 'Run it again; if it stays so, the firmware and this program do not fit together (`tincan doctor`).',
    });
  }
}

/** How long joining a network may take before nobody waits for it any more, in ms. */
const JOIN_MS = 20_000;
/** The device itself ends a trial: after two tries, each of 30 s at most. */
const TRIAL_MS = 65_000;

/**
 * `applySettings`, and, where they make the device join a network, waits for how that ends. A device that has a network
 * tries the new one first, and keeps the settings only when it has joined: else all of the former ones are in force
 * again. `joined` is undefined where nothing is to be joined: the network did not change, or something that is needed
 * is still missing.
 * @throws TincanError as `applySettings`, and WIFI_PASSWORD, WIFI_NOT_FOUND, WIFI_FAILED
 */
export async function applyAndJoin(
  device: Device,
  values: SettingValues,
  signal?: AbortSignal,
): Promise<{ answer: CommitAnswer; joined: StateChange | undefined }> {
  const ends = watchJoin(device, signal);
  await stage(device, values);
  const answer = await device.request<CommitAnswer>('settings.commit', { trial: true });
  if (answer.trial) {
    const joined = await ends.trial.catch(async (error: unknown) => {
      // Nobody waits any more: the former network is the one that is known to work.
      await device.request('settings.discard').catch(() => undefined);
      throw error;
    });
    if (joined.reason !== 'wifi_up') throw wifiError(joined, true);
    await verify(device, values);
    return { answer, joined };
  }
  await verify(device, values);
  if (answer.effect !== 'wifi' || (await device.hello()).state === 'unprovisioned')
    return { answer, joined: undefined };
  const joined = await ends.kept;
  if (joined.reason !== 'wifi_up') throw wifiError(joined, false);
  return { answer, joined };
}

/**
 * The end of joining, watched from before the commit: of a trial any failure is the end; else the device goes on to its
 * other networks, and the end is its pause.
 */
function watchJoin(device: Device, signal?: AbortSignal) {
  let begun = false;
  const watch = (timeoutMs: number, isEnd: (change: StateChange) => boolean) => {
    const end = device.waitFor<StateChange>(
      ({ method, params }) => {
        if (method !== 'state') return undefined;
        const change = params as unknown as StateChange;
        begun ||= change.reason === 'settings';
        return isEnd(change) ? change : undefined;
      },
      'the network',
      { timeoutMs, signal },
    );
    end.catch(() => undefined);
    return end;
  };
  const failed = ({ reason }: StateChange) => reason.startsWith('wifi_') && reason !== 'wifi_up';
  return {
    trial: watch(TRIAL_MS, (change) => begun && (change.reason === 'wifi_up' || failed(change))),
    kept: watch(
      JOIN_MS,
      (change) => change.reason === 'wifi_up' || (change.state === 'backoff' && failed(change)),
    ),
  };
}

function wifiError({ reason }: StateChange, trial: boolean): TincanError {
  const hint = trial
    ? 'Nothing was changed: the device has all its former settings, and joins its former network.'
    : 'The settings are kept and the device goes on trying; `tincan config set` changes them.';
  if (reason === 'wifi_password')
    return new TincanError('WIFI_PASSWORD', 'The Wi-Fi network refused the password.', {
      exit: 'device',
      hint,
    });
  if (reason === 'wifi_not_found') {
    return new TincanError('WIFI_NOT_FOUND', 'No Wi-Fi network of this name is in reach of the device.', {
      exit: 'device',
      hint: `Mind upper and lower case, and that it is a 2.4 GHz network. ${hint}`,
    });
  }
  return new TincanError('WIFI_FAILED', 'The device could not join the Wi-Fi network.', {
    exit: 'device',
    hint,
  });
}

/** Names whose value on the device is not the given one. Names that are set back to the default are not compared. */
export async function differing(device: Device, values: SettingValues): Promise<string[]> {
  const names = Object.keys(values).filter((name) => values[name] !== null);
  const wrong: string[] = [];
  for (let i = 0; i < names.length; i += 16) {
    const some = names.slice(i, i + 16);
    const { values: held } = await device.request<SettingsAnswer>('settings.get', { names: some });
    for (const name of some) {
      const wanted = values[name];
      const found = held[name];
      if (isFingerprint(found)) {
        const same = found.set
          ? found.fingerprint === fingerprintOf(found.salt, String(wanted))
          : String(wanted) === '';
        if (!same) wrong.push(name);
      } else if (isSecret(name) || found !== wanted) {
        wrong.push(name);
      }
    }
  }
  return wrong;
}
