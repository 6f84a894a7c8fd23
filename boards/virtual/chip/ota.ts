/** Which application the boot loader tries first, and what it falls back to. Source: ESP-IDF's bootloader_utility.c. */
import {
  APP_SUBTYPE,
  buildOtaRecord,
  findPartition,
  type OtaData,
  type Partition,
  parseOtaData,
  selectOtaSlot,
  stateAtBoot,
} from '@tincan/shared-protocol';
import type { Flash } from '../contract.ts';
import type { Log } from './log.ts';

const SECTOR = 0x1000;

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

/**
 * Reads otadata as a boot loader with rollback does: an application that was on trial and did not prove itself is
 * marked as aborted, and one that is chosen for the first time as on trial. A sector is erased, then written: power
 * that fails between leaves the other sector's choice, which is an application that ran.
 */
export function markTrials(
  flash: Flash,
  otadata: Partition,
  slots: number,
): { data: OtaData; blank: boolean } {
  let read = parseOtaData(flash.read(otadata.offset, otadata.size));
  if (otadata.offset % SECTOR !== 0) return read;
  for (const sector of [0, 1] as const)
    if (read.data[sector]?.state === 'pending') remark(flash, otadata, sector, read.data);
  read = parseOtaData(flash.read(otadata.offset, otadata.size));
  const selected = selectOtaSlot(read.data, slots);
  if (selected?.record.state !== 'new') return read;
  remark(flash, otadata, selected.sector, read.data);
  return parseOtaData(flash.read(otadata.offset, otadata.size));
}

function remark(flash: Flash, otadata: Partition, sector: 0 | 1, data: OtaData): void {
  const { sequence, state } = data[sector]!;
  const at = otadata.offset + sector * SECTOR;
  flash.erase(at, SECTOR);
  flash.program(at, buildOtaRecord({ sequence, state: stateAtBoot(state) ?? state }));
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
