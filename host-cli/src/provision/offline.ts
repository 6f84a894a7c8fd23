/**
 * Settings written into NVS without the firmware's help: as an image in a file, or into the nvs partition of a board
 * that stands in its loader. Keys that are not ours, and settings that are not named, stay as they are.
 */
import {
  buildNvsImage,
  DATA_SUBTYPE,
  decryptNvs,
  encryptedRegion,
  encryptNvs,
  findPartition,
  isNvsReadable,
  NVS_PAGE_SIZE,
  type NvsEntry,
  type NvsKeys,
  type NvsRegion,
  NvsStore,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type Partition,
  parsePartitionTable,
  readNvs,
  SETTING_NAMES,
  SETTINGS,
  SETTINGS_NAMESPACE,
  type SettingName,
  type SettingValue,
  settingsToNvs,
  settleJournal,
} from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { createFlasher } from '../flash/engine.ts';
import type { ChipInfo, Flasher } from '../flash/flasher.ts';
import type { SerialLine } from '../serial/line.ts';
import type { SettingValues } from './online.ts';
import { rescueOf } from './rescue.ts';

/** Settings that are set (not those that go back to the default). */
function given(values: SettingValues): Partial<Record<SettingName, SettingValue>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

export interface NvsContents {
  /** More entries, of any namespace; they come first, so that settings win. */
  entries?: readonly NvsEntry[] | undefined;
  /** The partition is encrypted by these keys. */
  keys?: NvsKeys | undefined;
}

/** An NVS image that holds these (checked) settings and entries, and nothing else. `size` in bytes, whole pages. */
export function settingsImage(values: SettingValues, size: number, contents: NvsContents = {}): Uint8Array {
  return nvs(() => {
    const image = buildNvsImage([...(contents.entries ?? []), ...settingsToNvs(given(values))], { size });
    return contents.keys === undefined ? image : encryptNvs(image, contents.keys);
  });
}

/**
 * A copy of an nvs partition with these settings and entries changed; null removes a setting, which is its default.
 * @throws TincanError NVS_ENCRYPTED, NVS_FAILED
 */
export function editSettings(
  partition: Uint8Array,
  values: SettingValues,
  { entries = [], keys }: NvsContents = {},
): Uint8Array {
  const bytes = partition.slice();
  const flash: NvsRegion = {
    size: bytes.length,
    read: (offset, length) => bytes.slice(offset, offset + length),
    program: (offset, data) => {
      for (const [i, byte] of data.entries()) bytes[offset + i]! &= byte;
    },
    erase: (offset, length) => void bytes.fill(0xff, offset, offset + length),
  };
  // To a store an entry that makes no sense is one that a power cut left: it would erase them all.
  if (!isNvsReadable(keys === undefined ? bytes : decryptNvs(bytes, keys))) throw notReadable(keys);
  return nvs(() => {
    const store = NvsStore.open(keys === undefined ? flash : encryptedRegion(flash, keys));
    // A commit that a power cut left half done would overwrite these at the next start.
    settleJournal(store);
    for (const { namespace, key, ...value } of [...entries, ...settingsToNvs(given(values))])
      store.set(namespace, key, value);
    for (const name of SETTING_NAMES) {
      if (values[name] === null) store.erase(SETTINGS_NAMESPACE, SETTINGS[name].key);
    }
    return bytes;
  });
}

function notReadable(keys: NvsKeys | undefined): TincanError {
  const online = 'The running board opens it itself: `tincan provision` without --offline.';
  return keys === undefined
    ? new TincanError('NVS_ENCRYPTED', 'The NVS partition is encrypted.', {
        exit: 'device',
        hint: `${online} With its keys in a file: --keys or --hmac-key-file.`,
      })
    : new TincanError('NVS_ENCRYPTED', 'The NVS partition does not open with these keys.', {
        exit: 'device',
        hint: `They are of another board, or it is not encrypted. ${online}`,
      });
}

function nvs(run: () => Uint8Array): Uint8Array {
  try {
    return run();
  } catch (error) {
    throw new TincanError('NVS_FAILED', 'The settings do not go into the NVS partition.', {
      exit: 'device',
      cause: new Error(messageOf(error)),
      hint: '`tincan provision --offline --fresh` writes it anew; what else was stored there is lost then.',
    });
  }
}

/** Whether a write ended between erasing and writing: a page that was in use is blank now, or holds half its items. */
function isTorn(found: Uint8Array, before: Uint8Array, keys: NvsKeys | undefined): boolean {
  const clear = keys === undefined ? found : decryptNvs(found, keys);
  for (let at = 0; at < found.length; at += NVS_PAGE_SIZE) {
    const page = (bytes: Uint8Array) => bytes.subarray(at, at + NVS_PAGE_SIZE);
    if (Buffer.compare(page(found), page(before)) === 0) continue;
    if (page(found).every((byte) => byte === 0xff) || readNvs(page(clear)).problems.length > 0) return true;
  }
  return false;
}

export interface OfflineOptions extends NvsContents {
  line: SerialLine;
  values: SettingValues;
  /** Forget what the partition holds. */
  fresh?: boolean;
  baud?: number;
  /** Where the configuration folder is. */
  env?: Record<string, string | undefined>;
  createFlasher?: (line: SerialLine, options: { baud?: number }) => Flasher;
}

export interface OfflineResult {
  chip: ChipInfo;
  partition: Partition;
}

/**
 * Changes the settings of a board through its loader, then starts its application. After a failure, running it again
 * ends with the new settings and with all else that was there.
 * @throws TincanError NVS_FAILED, NVS_NONE, NVS_ENCRYPTED, and as `Flasher`
 */
export async function provisionOffline(options: OfflineOptions): Promise<OfflineResult> {
  const flasher = (options.createFlasher ?? createFlasher)(options.line, {
    ...(options.baud === undefined ? {} : { baud: options.baud }),
  });
  let touched = false;
  try {
    const chip = await flasher.connect();
    touched = true;
    const table = await flasher.read(PARTITION_TABLE_OFFSET, PARTITION_TABLE_SIZE);
    const { entries } = parsePartitionTable(table);
    const partition = findPartition(entries, 'data', DATA_SUBTYPE.nvs);
    if (partition === undefined) {
      throw new TincanError('NVS_NONE', 'The board has no nvs partition yet.', {
        exit: 'device',
        hint: 'Flash it first: `tincan flash` writes its partition table.',
      });
    }
    const rescue = rescueOf(chip.mac, options.env);
    const found = options.fresh
      ? new Uint8Array(partition.size).fill(0xff)
      : await flasher.read(partition.offset, partition.size);
    const kept = rescue.read(partition.size);
    const old = kept !== undefined && !options.fresh && isTorn(found, kept, options.keys) ? kept : found;
    const data = editSettings(old, options.values, options);
    if (data.length % NVS_PAGE_SIZE !== 0)
      throw new TincanError('NVS_FAILED', 'The nvs partition has no whole pages.');
    if (!options.fresh) rescue.keep(old);
    await flasher.write([{ offset: partition.offset, data, name: 'settings' }], { skipUnchanged: true });
    rescue.drop();
    return { chip, partition };
  } finally {
    if (touched) await flasher.reset().catch(() => undefined);
    flasher.release();
  }
}
