/** A commit of settings that the power interrupted, as the firmware keeps it; the layout is in firmware/core/settings_journal.h. */
import { crc32 } from 'node:zlib';
import { SETTINGS_NAMESPACE } from '../settings.ts';
import { copy, view } from './bytes.ts';
import type { NvsValue } from './nvs-format.ts';
import type { NvsStore } from './nvs-store.ts';

/** NVS key of the journal. */
export const JOURNAL_KEY = 'journal';
const VERSION = 1;
/** `tc_kv_type` of port.h: numbers go by their width. */
const NUMBERS = { 1: 'u8', 2: 'u16', 4: 'u32' } as const;
const TEXT = 0x21;

/** What one commit does: undefined takes a setting back to its default. */
export interface JournalEntry {
  key: string;
  value: NvsValue | undefined;
}

/** The entries of a journal, or undefined where it is not whole: the firmware drops it then, too. */
export function parseJournal(blob: Uint8Array): JournalEntry[] | undefined {
  const end = blob.length - 4;
  if (end < 2 || blob[0] !== VERSION || view(blob).getUint32(end, true) !== crc32(blob.subarray(0, end)))
    return undefined;
  const entries: JournalEntry[] = [];
  let at = 2;
  for (let left = blob[1]!; left > 0; left--) {
    const keyEnd = at + 1 + (blob[at] ?? 0);
    if (keyEnd + 3 > end) return undefined;
    const key = Buffer.from(blob.subarray(at + 1, keyEnd)).toString('latin1');
    const type = blob[keyEnd]!;
    at = keyEnd + 3;
    const length = view(blob).getUint16(keyEnd + 1, true);
    if (at + length > end) return undefined;
    entries.push({ key, value: nvsValue(type, copy(blob, at, at + length)) });
    at += length;
  }
  return at === end ? entries : undefined;
}

/** Ends an interrupted commit in a store, as the firmware does at its next start. */
export function settleJournal(store: NvsStore): void {
  const journal = store.get(SETTINGS_NAMESPACE, JOURNAL_KEY);
  if (journal === undefined) return;
  for (const { key, value } of (journal.type === 'blob' && parseJournal(journal.value)) || [])
    if (value === undefined) store.erase(SETTINGS_NAMESPACE, key);
    else store.set(SETTINGS_NAMESPACE, key, value);
  store.erase(SETTINGS_NAMESPACE, JOURNAL_KEY);
}

function nvsValue(type: number, bytes: Uint8Array): NvsValue | undefined {
  if (type === TEXT)
    return { type: 'string', value: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) };
  const number = NUMBERS[type as keyof typeof NUMBERS];
  if (number === undefined || bytes.length !== type) return undefined;
  return { type: number, value: bytes.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0) };
}
