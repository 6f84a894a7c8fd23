/**
 * otadata: which OTA slot boots. Two flash sectors, so that one is whole whenever the power goes; each begins with
 *
 *     sequence:u32  label[20]  state:u32  CRC-32 of the sequence
 *
 * The larger valid sequence wins; slot = (sequence - 1) mod number of slots. Source: "Over The Air Updates" in the
 * ESP-IDF programming guide, and esp_flash_partitions.h.
 */
import { espCrc32, FormatError, isBlank, view } from './bytes.ts';

export class OtaDataError extends FormatError {}

export const OTADATA_SIZE = 0x2000;
const SECTOR = 0x1000;
const RECORD = 32;
const NEVER = 0xffffffff;

export const OTA_STATE = {
  new: 0,
  pending: 1,
  valid: 2,
  invalid: 3,
  aborted: 4,
  undefined: 0xffffffff,
} as const;
export type OtaState = keyof typeof OTA_STATE;

export interface OtaRecord {
  /** 1 and up. */
  sequence: number;
  /** `undefined` boots without limits; `invalid` and `aborted` are never booted. */
  state: OtaState;
}
/** One record per sector; `undefined` where the sector holds none that is whole. */
export type OtaData = [OtaRecord | undefined, OtaRecord | undefined];

/** What a new board gets: nothing chosen, so the first slot (or the factory app) boots. */
export function initialOtaData(): Uint8Array {
  return new Uint8Array(OTADATA_SIZE).fill(0xff);
}

export function buildOtaData(data: OtaData): Uint8Array {
  const out = initialOtaData();
  for (const [i, record] of data.entries()) if (record) out.set(buildOtaRecord(record), i * SECTOR);
  return out;
}

/** The 32 bytes at the start of a sector. */
export function buildOtaRecord({ sequence, state }: OtaRecord): Uint8Array {
  if (!Number.isInteger(sequence) || sequence < 1 || sequence >= NEVER)
    throw new OtaDataError('sequence', `an OTA sequence is 1 or more, not ${sequence}`);
  const out = new Uint8Array(RECORD).fill(0xff);
  view(out).setUint32(0, sequence, true);
  view(out).setUint32(24, OTA_STATE[state], true);
  view(out).setUint32(28, espCrc32(out.subarray(0, 4)), true);
  return out;
}

/** Reads both sectors; never throws. `blank` is true on a board that never chose. */
export function parseOtaData(bytes: Uint8Array): { data: OtaData; blank: boolean } {
  const sectors = [bytes.subarray(0, RECORD), bytes.subarray(SECTOR, SECTOR + RECORD)] as const;
  return {
    data: [parseRecord(sectors[0]), parseRecord(sectors[1])],
    blank: isBlank(sectors[0]) && isBlank(sectors[1]),
  };
}

/**
 * Which slot (from 0) boots, and which sector says so. `undefined`: nothing to go by, so the factory app boots, or
 * the first slot where there is none.
 */
export function selectOtaSlot(
  data: OtaData,
  slots: number,
): { slot: number; sector: 0 | 1; record: OtaRecord } | undefined {
  if (slots < 1) return undefined;
  let best: { slot: number; sector: 0 | 1; record: OtaRecord } | undefined;
  for (const sector of [0, 1] as const) {
    const record = data[sector];
    if (!record || record.state === 'invalid' || record.state === 'aborted') continue;
    if (best && best.record.sequence >= record.sequence) continue;
    best = { slot: (record.sequence - 1) % slots, sector, record };
  }
  return best;
}

/**
 * What the boot loader writes before it boots a slot, with rollback enabled: a new app becomes pending; one that is
 * still pending was not confirmed and is aborted (then select again). `undefined`: nothing to write.
 */
export function stateAtBoot(state: OtaState): OtaState | undefined {
  if (state === 'new') return 'pending';
  if (state === 'pending') return 'aborted';
  return undefined;
}

/** The record that makes `slot` boot next, and the sector it goes to: the one that does not hold the choice now. */
export function chooseOtaSlot(
  data: OtaData,
  slot: number,
  slots: number,
  state: OtaState = 'new',
): { sector: 0 | 1; record: OtaRecord } {
  if (!Number.isInteger(slot) || slot < 0 || slot >= slots)
    throw new OtaDataError('slot', `slot ${slot} does not exist; there are ${slots}`);
  const now = selectOtaSlot(data, slots);
  const last = Math.max(0, ...data.map((record) => record?.sequence ?? 0));
  let sequence = last + 1;
  while ((sequence - 1) % slots !== slot) sequence++;
  return { sector: now?.sector === 0 ? 1 : 0, record: { sequence, state } };
}

function parseRecord(bytes: Uint8Array): OtaRecord | undefined {
  if (bytes.length < RECORD) return undefined;
  const fields = view(bytes);
  const sequence = fields.getUint32(0, true);
  if (sequence === 0 || sequence === NEVER) return undefined;
  if (fields.getUint32(28, true) !== espCrc32(bytes.subarray(0, 4))) return undefined;
  const code = fields.getUint32(24, true);
  const state = (Object.keys(OTA_STATE) as OtaState[]).find((name) => OTA_STATE[name] === code);
  return { sequence, state: state ?? 'undefined' };
}
