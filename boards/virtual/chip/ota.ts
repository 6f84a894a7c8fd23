/** Which application the boot loader tries first, and what it falls back to. Source: ESP-IDF's bootloader_utility.c. */
import {
  APP_SUBTYPE,
  buildOtaRecord,
  findPartition,
  type OtaData,
  type Partition,
  selectOtaSlot,
} from '@tincan/shared-protocol';
import type { Log } from './log.ts';

export interface BootCandidate {
  partition: Partition;
  /** As the boot loader calls it. */
  name: string;
  /** Its OTA slot; undefined for factory and test. */
  slot: number | undefined;
}
export interface BootChoice {
  /** In the order in which they are tried. */
  candidates: BootCandidate[];
  /** There is no factory app and otadata names no slot. */
  otadataEmpty: boolean;
}

/** From the chosen slot down to the factory app, then up from it, then the test app. */
export function chooseApp(
  partitions: readonly Partition[],
  slots: readonly Partition[],
  ota: { data: OtaData; blank: boolean } | undefined,
  log: Log,
): BootChoice {
  const factory = findPartition(partitions, 'app', APP_SUBTYPE.factory);
  const selected = ota && selectOtaSlot(ota.data, slots.length);
  let start = -1;
  if (selected) {
    start = selected.slot;
  } else if (ota) {
    const unusable = ota.data.some((record) => record !== undefined) || !ota.blank;
    if (factory) {
      if (unusable) log.error('boot', 'ota data partition invalid, falling back to factory');
      else log.info('boot', 'Defaulting to factory image');
    } else if (unusable) {
      log.error('boot', 'ota data partition invalid and no factory, will try all partitions');
    } else {
      log.info('boot', 'No factory image, trying OTA 0');
      start = 0;
    }
  }
  const candidates: BootCandidate[] = [];
  const addSlot = (slot: number) => {
    const partition = slots[slot];
    if (partition) candidates.push({ partition, name: `OTA app partition slot ${slot}`, slot });
  };
  for (let slot = start; slot >= 0; slot--) addSlot(slot);
  if (factory) candidates.push({ partition: factory, name: 'Factory app partition', slot: undefined });
  for (let slot = start + 1; slot < slots.length; slot++) addSlot(slot);
  const test = findPartition(partitions, 'app', APP_SUBTYPE.test);
  if (test) candidates.push({ partition: test, name: 'Factory test app partition', slot: undefined });
  return {
    candidates,
    otadataEmpty: !factory && ota !== undefined && ota.data.every((r) => r === undefined),
  };
}

/** What the boot loader writes into the first sector of an empty otadata. */
export function firstOtaRecord(slot: number): Uint8Array {
  return buildOtaRecord({ sequence: slot + 1, state: 'valid' });
}
