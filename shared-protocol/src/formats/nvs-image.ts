/** NVS partitions as files: built offline as Espressif's generator does, and listed for people. */
import { concat, type FormatProblem } from './bytes.ts';
import {
  BITMAP_AT,
  blobIndexOf,
  CHUNK_ANY,
  checkNvsName,
  ENTRIES_AT,
  encodeBlobIndex,
  encodePageHeader,
  encodeValue,
  encodeVarItem,
  ITEM,
  type Item,
  itemData,
  NVS_ENTRIES,
  NVS_ENTRY_SIZE,
  NVS_MAX_BLOB,
  NVS_MAX_NAMESPACES,
  NVS_MIN_PAGES,
  NVS_PAGE_SIZE,
  type NvsEntry,
  NvsError,
  type NvsListing,
  type NvsValue,
  numberOf,
  type PageState,
  parsePage,
  textOf,
} from './nvs-format.ts';

/**
 * The bytes of a partition, equal to those of Espressif's `esp_idf_nvs_partition_gen` (format 2) for the same entries
 * in the same order. `size`: bytes, whole pages, at least three. Throws `NvsError`.
 */
export function buildNvsImage(entries: readonly NvsEntry[], options: { size: number }): Uint8Array {
  const { size } = options;
  if (!Number.isInteger(size / NVS_PAGE_SIZE) || size < NVS_MIN_PAGES * NVS_PAGE_SIZE)
    throw new NvsError(
      'NVS_SIZE',
      `an NVS partition has whole pages of 4096 bytes and at least three, not ${size} bytes`,
    );
  const writer = new ImageWriter(size);
  const namespaces = new Map<string, number>();
  for (const entry of entries) {
    checkNvsName(entry.namespace, 'namespace');
    checkNvsName(entry.key, 'key');
    let index = namespaces.get(entry.namespace);
    if (index === undefined) {
      index = namespaces.size + 1;
      if (index > NVS_MAX_NAMESPACES) throw new NvsError('NVS_FULL', 'NVS has room for 254 namespaces');
      namespaces.set(entry.namespace, index);
      writer.put(encodeValue(0, entry.namespace, { type: 'u8', value: index }));
    }
    if (entry.type === 'blob') writer.putBlob(index, entry.key, entry.value);
    else writer.put(encodeValue(index, entry.key, entry));
  }
  return writer.finish();
}

/** Fills pages from the first on; the last page of the partition stays blank. */
class ImageWriter {
  readonly #size: number;
  readonly #pages: Uint8Array[] = [];
  /** Entries used in the last page. */
  #used = 0;

  constructor(size: number) {
    this.#size = size;
    this.#newPage();
  }

  put(item: Uint8Array): void {
    const span = item.length / NVS_ENTRY_SIZE;
    // The generator never lets a string take the last entry of a page; numbers may.
    const fits = span === 1 ? this.#used < NVS_ENTRIES : this.#used + span < NVS_ENTRIES;
    if (!fits && this.#used > 0) this.#newPage();
    this.#append(item);
  }

  putBlob(namespace: number, key: string, data: Uint8Array): void {
    if (data.length > NVS_MAX_BLOB)
      throw new NvsError(
        'NVS_TOO_LONG',
        `the blob for "${key}" has ${data.length} bytes, NVS takes ${NVS_MAX_BLOB}`,
      );
    if (this.#used >= NVS_ENTRIES) this.#newPage();
    let count = 0;
    let at = 0;
    do {
      const room = (NVS_ENTRIES - this.#used - 1) * NVS_ENTRY_SIZE;
      const part = data.subarray(at, at + room);
      this.#append(encodeVarItem({ namespace, type: ITEM.blobData, chunk: count++, key }, part));
      at += part.length;
      if (at < data.length || room - part.length < NVS_ENTRY_SIZE) this.#newPage();
    } while (at < data.length);
    this.#append(encodeBlobIndex({ namespace, key }, { size: data.length, count, start: 0 }));
  }

  finish(): Uint8Array {
    const rest = new Uint8Array(this.#size - this.#pages.length * NVS_PAGE_SIZE).fill(0xff);
    return concat([...this.#pages, rest]);
  }

  #append(item: Uint8Array): void {
    const page = this.#pages.at(-1)!;
    page.set(item, ENTRIES_AT + this.#used * NVS_ENTRY_SIZE);
    for (let i = 0; i < item.length / NVS_ENTRY_SIZE; i++, this.#used++)
      page[BITMAP_AT + (this.#used >> 2)]! &= ~(1 << ((this.#used & 3) * 2));
  }

  #newPage(): void {
    if ((this.#pages.length + 2) * NVS_PAGE_SIZE > this.#size)
      throw new NvsError('NVS_FULL', `the entries do not fit into an NVS partition of ${this.#size} bytes`);
    this.#setState('full');
    this.#pages.push(new Uint8Array(NVS_PAGE_SIZE).fill(0xff));
    this.#used = 0;
    this.#setState('active');
  }

  #setState(state: PageState): void {
    const last = this.#pages.length - 1;
    if (last >= 0) this.#pages[last]!.set(encodePageHeader(state, last));
  }
}

/**
 * All entries of a partition, in the order in which they were written. Tolerant: what is not whole is left out and
 * named in `problems`; never throws.
 */
export function readNvs(bytes: Uint8Array): NvsListing {
  const problems: FormatProblem[] = [];
  const found: { item: Item; page: Uint8Array }[] = [];
  if (bytes.length === 0 || bytes.length % NVS_PAGE_SIZE !== 0)
    problems.push({
      code: 'NVS_SIZE',
      message: `an NVS partition has whole pages of 4096 bytes, here are ${bytes.length} bytes`,
    });
  const pages = [];
  for (let at = 0; at + NVS_PAGE_SIZE <= bytes.length; at += NVS_PAGE_SIZE) {
    const page = bytes.subarray(at, at + NVS_PAGE_SIZE);
    pages.push({ page, number: at / NVS_PAGE_SIZE, ...parsePage(page) });
  }
  // A page that is being freed is read first: what was already copied out of it counts as newer.
  pages.sort(
    (a, b) => Number(b.state === 'freeing') - Number(a.state === 'freeing') || a.sequence - b.sequence,
  );
  for (const { page, number, state, items, broken } of pages) {
    if (state === 'corrupt')
      problems.push({ code: 'NVS_PAGE', message: `page ${number} of NVS is not readable` });
    if (broken.length > 0)
      problems.push({
        code: 'NVS_ITEM',
        message: `page ${number} of NVS holds ${broken.length} items that are not whole`,
      });
    for (const item of items) found.push({ item, page });
  }

  const namespaces = new Map<number, string>();
  for (const { item } of found)
    if (item.namespace === 0 && item.type === ITEM.u8) namespaces.set(item.value[0]!, item.key);
  const entries = new Map<string, NvsEntry>();
  for (const { item, page } of found) {
    const value = item.namespace === 0 ? undefined : decode(item, page, found);
    if (!value) continue;
    const namespace = namespaces.get(item.namespace) ?? `#${item.namespace}`;
    const id = `${item.namespace} ${item.key}`;
    entries.delete(id); // the newer one also stands later
    entries.set(id, { namespace, key: item.key, ...value });
  }
  return { entries: [...entries.values()], problems };
}

function decode(item: Item, page: Uint8Array, all: { item: Item; page: Uint8Array }[]): NvsValue | undefined {
  if (item.type === ITEM.string) return { type: 'string', value: textOf(itemData(page, item)) };
  if (item.type === ITEM.oldBlob) return { type: 'blob', value: itemData(page, item) };
  if (item.type !== ITEM.blobIndex) return numberOf(item);
  const { size, count, start } = blobIndexOf(item);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count && start + i < CHUNK_ANY; i++) {
    const part = all.findLast(
      ({ item: other }) =>
        other.type === ITEM.blobData &&
        other.namespace === item.namespace &&
        other.key === item.key &&
        other.chunk === start + i,
    );
    if (!part) return undefined;
    parts.push(itemData(part.page, part.item));
  }
  const value = concat(parts);
  return value.length === size ? { type: 'blob', value } : undefined;
}
