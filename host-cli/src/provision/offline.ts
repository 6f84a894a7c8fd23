/**
 * Settings written into NVS without the firmware's help: as an image in a file, or into the nvs partition of a board
 * that stands in its loader. Keys that are not ours, and settings that are not named, stay as they are.
 */
import {
  buildNvsImage,
  DATA_SUBTYPE,
  findPartition,
  NvsStore,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type Partition,
  parsePartitionTable,
  SETTING_NAMES,
  SETTINGS,
  SETTINGS_NAMESPACE,
  type SettingName,
  type SettingValue,
  settingsToNvs,
} from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { createFlasher } from '../flash/engine.ts';
import type { ChipInfo, Flasher } from '../flash/flasher.ts';
import type { SerialLine } from '../serial/line.ts';
import type { SettingValues } from './online.ts';

const SECTOR = 4096;
/** Where the firmware keeps a commit that is under way; see firmware/core/settings.h. */
const JOURNAL = 'journal';

/** Settings that are set (not those that go back to the default). */
function given(values: SettingValues): Partial<Record<SettingName, SettingValue>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** An NVS image that holds these (checked) settings and nothing else. `size` in bytes, whole pages. */
export function settingsImage(values: SettingValues, size: number): Uint8Array {
  return nvs(() => buildNvsImage(settingsToNvs(given(values)), { size }));
}

/** A copy of an nvs partition with these settings changed; null removes one, which is its default. */
export function editSettings(partition: Uint8Array, values: SettingValues): Uint8Array {
  const bytes = partition.slice();
  return nvs(() => {
    const store = NvsStore.open({
      size: bytes.length,
      read: (offset, length) => bytes.slice(offset, offset + length),
      program: (offset, data) => {
        for (const [i, byte] of data.entries()) bytes[offset + i]! &= byte;
      },
      erase: (offset, length) => void bytes.fill(0xff, offset, offset + length),
    });
    for (const { namespace, key, ...value } of settingsToNvs(given(values))) store.set(namespace, key, value);
    for (const name of SETTING_NAMES) {
      if (values[name] === null) store.erase(SETTINGS_NAMESPACE, SETTINGS[name].key);
    }
    // An older commit that a power cut left half done would overwrite these at the next start.
    store.erase(SETTINGS_NAMESPACE, JOURNAL);
    return bytes;
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

export interface OfflineOptions {
  line: SerialLine;
  values: SettingValues;
  /** Forget what the partition holds. */
  fresh?: boolean;
  baud?: number;
  createFlasher?: (line: SerialLine, options: { baud?: number }) => Flasher;
}

export interface OfflineResult {
  chip: ChipInfo;
  partition: Partition;
}

/** Changes the settings of a board through its loader, then starts its application. @throws TincanError NVS_FAILED, NVS_NONE */
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
    const old = options.fresh
      ? new Uint8Array(partition.size).fill(0xff)
      : await flasher.read(partition.offset, partition.size);
    const data = editSettings(old, options.values);
    if (data.length % SECTOR !== 0)
      throw new TincanError('NVS_FAILED', 'The nvs partition has no whole pages.');
    await flasher.write([{ offset: partition.offset, data, name: 'settings' }], { skipUnchanged: true });
    return { chip, partition };
  } finally {
    if (touched) await flasher.reset().catch(() => undefined);
    flasher.release();
  }
}
