/**
 * otadata and flashing. A build's otadata is blank ("boot the first slot"), and the boot loader writes its choice into
 * it at the first start: written again each time, it would wear the flash and forget that the image has proven itself.
 */
import {
  DATA_SUBTYPE,
  OTADATA_SIZE,
  otaSlots,
  PARTITION_TYPE,
  type Partition,
  parseOtaData,
  selectOtaSlot,
} from '@tincan/shared-protocol';
import type { Flasher, FlashFile } from './flasher.ts';

const SECTOR = 0x1000;
const RECORD = 32;

/**
 * The file that may stay out: a blank otadata, where the one on the board selects the slot that is written and is not
 * on trial. Undefined: none, so all are written.
 */
export async function settledOtaData(
  flasher: Flasher,
  files: readonly FlashFile[],
  table: readonly Partition[] | undefined,
): Promise<FlashFile | undefined> {
  const partition = table?.find(
    ({ type, subtype }) => type === PARTITION_TYPE.data && subtype === DATA_SUBTYPE.ota,
  );
  const file = files.find(({ offset }) => offset === partition?.offset);
  if (table === undefined || file === undefined || file.data.some((byte) => byte !== 0xff)) return undefined;
  const found = new Uint8Array(OTADATA_SIZE).fill(0xff);
  for (const at of [0, SECTOR]) found.set(await flasher.read(file.offset + at, RECORD), at);
  const slots = otaSlots(table);
  const chosen = selectOtaSlot(parseOtaData(found).data, slots.length);
  if (chosen === undefined) return undefined;
  const settled = chosen.record.state === 'valid' || chosen.record.state === 'undefined';
  const written = files.some(({ offset }) => offset === slots[chosen.slot]?.offset);
  return settled && written ? file : undefined;
}
