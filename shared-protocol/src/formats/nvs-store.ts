/**
 * NVS on a running board: a log of items in flash pages, safe against a power cut at any moment.
 *
 * Why it is safe: an item is programmed first and marked as written after, so a half-written one is never read. The
 * old item is marked as erased only after the new one is whole; where a cut leaves both, the newer wins at the next
 * start. One page is always free: to gain room, the items of the emptiest page are copied there. That page says
 * `freeing` meanwhile, so that a cut starts the copy again, and `corrupt` before it is erased, so that a half-erased
 * page is never believed. Marks are programmed so that the header of an item is the first to say "written" and the
 * last to say "erased": its length is known as long as any of its entries counts.
 */
import { concat, copy, isBlank, same } from './bytes.ts';
import {
  BITMAP_AT,
  blobIndexOf,
  CHUNK_SECOND,
  checkNvsName,
  ENTRIES_AT,
  ENTRY_STATE,
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
  NVS_MAX_DATA,
  NVS_MAX_NAMESPACES,
  NVS_MIN_PAGES,
  NVS_PAGE_SIZE,
  type NvsEntry,
  NvsError,
  type NvsValue,
  numberOf,
  PAGE_STATE,
  type PageState,
  parsePage,
  textOf,
} from './nvs-format.ts';

/** NOR flash of whole 4,096-byte sectors: programming only clears bits, erasing sets FF. Offsets in bytes. */
export interface NvsRegion {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
  program(offset: number, bytes: Uint8Array): void;
  /** Offset and length are multiples of 4096. */
  erase(offset: number, length: number): void;
}

interface Page {
  readonly at: number;
  state: PageState;
  sequence: number;
  states: Uint8Array;
  items: Item[];
  /** First entry that can be written. */
  next: number;
}
interface Place {
  page: Page;
  item: Item;
}

export class NvsStore {
  readonly #region: NvsRegion;
  readonly #pages: Page[] = [];
  readonly #namespaces = new Map<string, number>();
  #sequence = 0;

  private constructor(region: NvsRegion) {
    this.#region = region;
  }

  /**
   * Reads the region, ends what a power cut left half done, and is ready. A blank region is an empty store. Throws
   * `NvsError`: NVS_SIZE, NVS_NEW_VERSION, or NVS_NO_FREE_PAGE (then erase the region, as ESP-IDF's examples do).
   */
  static open(region: NvsRegion): NvsStore {
    if (region.size % NVS_PAGE_SIZE !== 0 || region.size < NVS_MIN_PAGES * NVS_PAGE_SIZE)
      throw new NvsError(
        'NVS_SIZE',
        `NVS needs whole pages of 4096 bytes, at least three; there are ${region.size} bytes`,
      );
    const store = new NvsStore(region);
    store.#load();
    store.#finishFreeing();
    store.#resolveDuplicates();
    store.#dropBrokenBlobs();
    store.#loadNamespaces();
    if (store.#free().length === 0)
      throw new NvsError('NVS_NO_FREE_PAGE', 'NVS has no free page to work with; erase it to begin anew');
    return store;
  }

  /** The value of a key, or `undefined`. */
  get(namespace: string, key: string): NvsValue | undefined {
    const index = this.#namespaces.get(namespace);
    const place = index === undefined ? undefined : this.#find(index, key);
    return place && this.#value(place);
  }

  /**
   * Writes one value; a key has one value, whatever its type was. After a power cut it is the old value or the new
   * one. Throws `NvsError` NVS_FULL with nothing lost, or NVS_KEY, NVS_VALUE, NVS_TOO_LONG.
   */
  set(namespace: string, key: string, value: NvsValue): void {
    checkNvsName(namespace, 'namespace');
    checkNvsName(key, 'key');
    const old = this.get(namespace, key);
    if (old && sameValue(old, value)) return;
    if (value.type === 'blob') {
      this.#setBlob(namespace, key, value.value);
      return;
    }
    encodeValue(0, key, value); // a value that is not allowed leaves no namespace behind
    const index = this.#namespaceIndex(namespace);
    const item = encodeValue(index, key, value);
    const page = this.#room(item.length / NVS_ENTRY_SIZE);
    const before = this.#find(index, key);
    this.#append(page, item);
    if (before) this.#eraseWhole(before);
  }

  /** Removes a key; false if there was none. */
  erase(namespace: string, key: string): boolean {
    const index = this.#namespaces.get(namespace);
    const place = index === undefined ? undefined : this.#find(index, key);
    if (place) this.#eraseWhole(place);
    return place !== undefined;
  }

  /** All entries, oldest first. */
  entries(): NvsEntry[] {
    const names = new Map([...this.#namespaces].map(([name, index]) => [index, name]));
    const out: NvsEntry[] = [];
    for (const place of this.#live()) {
      const { item } = place;
      const namespace = names.get(item.namespace);
      if (item.namespace === 0 || item.type === ITEM.blobData || namespace === undefined) continue;
      const value = this.#value(place);
      if (value) out.push({ namespace, key: item.key, ...value });
    }
    return out;
  }

  /** Entries of 32 bytes: in use, and in all (without the page that is kept free). */
  stats(): { used: number; total: number } {
    const used = this.#pages.reduce((sum, page) => sum + (isUsed(page) ? usedEntries(page) : 0), 0);
    return { used, total: (this.#pages.length - 1) * NVS_ENTRIES };
  }

  // ---- opening

  #load(): void {
    for (let at = 0; at < this.#region.size; at += NVS_PAGE_SIZE) {
      const parsed = parsePage(this.#region.read(at, NVS_PAGE_SIZE));
      if (parsed.version < 0xfe)
        throw new NvsError('NVS_NEW_VERSION', 'NVS holds pages of a newer format than this one knows');
      const page: Page = { at, ...parsed };
      this.#pages.push(page);
      this.#sequence = Math.max(this.#sequence, isUsed(page) ? page.sequence + 1 : 0);
      for (const { entry, span } of parsed.broken) this.#mark(page, entry, span, ENTRY_STATE.erased);
      for (let i = 0; i < page.next; i++)
        if (page.states[i] === ENTRY_STATE.empty) this.#mark(page, i, 1, ENTRY_STATE.erased);
    }
    // Only the newest page is written to; there are never two active ones, unless the flash holds nonsense.
    for (const page of this.#inState('active').slice(0, -1)) this.#setState(page, 'full');
  }

  /** A cut while a page was being freed: what was copied so far is thrown away, and the copy starts again. */
  #finishFreeing(): void {
    const victim = this.#inState('freeing')[0];
    if (!victim) return;
    for (const page of this.#inState('active')) this.#wipe(page);
    this.#moveOut(victim);
  }

  /** A cut between "new one written" and "old one erased". */
  #resolveDuplicates(): void {
    const seen = new Map<string, Place>();
    for (const place of this.#live()) {
      const { item } = place;
      const id = `${item.namespace} ${item.type === ITEM.blobData ? item.chunk : ''} ${item.key}`;
      const older = seen.get(id);
      if (older) this.#eraseItem(older);
      seen.set(id, place);
    }
  }

  /** A cut while a blob was written or erased: an index without all its parts, and parts without an index. */
  #dropBrokenBlobs(): void {
    for (const place of this.#live())
      if (place.item.type === ITEM.blobIndex && !this.#value(place)) this.#eraseItem(place);
    for (const place of this.#live()) {
      const { type, namespace, key, chunk } = place.item;
      if (type !== ITEM.blobData) continue;
      const index = this.#find(namespace, key);
      const blob = index?.item.type === ITEM.blobIndex ? blobIndexOf(index.item) : undefined;
      if (!blob || chunk < blob.start || chunk >= blob.start + blob.count) this.#eraseItem(place);
    }
  }

  #loadNamespaces(): void {
    for (const { item } of this.#live()) {
      const index = item.value[0]!;
      const legal = index >= 1 && index <= NVS_MAX_NAMESPACES;
      if (item.namespace === 0 && item.type === ITEM.u8 && legal) this.#namespaces.set(item.key, index);
    }
  }

  // ---- items

  /** All items in the order in which they were written. */
  #live(): Place[] {
    return this.#pages
      .filter(isUsed)
      .sort(bySequence)
      .flatMap((page) => page.items.map((item) => ({ page, item })));
  }

  /** The item that stands for a key: a number, a string, or the index of a blob. */
  #find(namespace: number, key: string): Place | undefined {
    return this.#live().find(
      ({ item }) => item.namespace === namespace && item.key === key && item.type !== ITEM.blobData,
    );
  }

  #parts(index: Item): Place[] {
    const { start, count } = blobIndexOf(index);
    return this.#live()
      .filter(
        ({ item }) =>
          item.type === ITEM.blobData &&
          item.namespace === index.namespace &&
          item.key === index.key &&
          item.chunk >= start &&
          item.chunk < start + count,
      )
      .sort((a, b) => a.item.chunk - b.item.chunk);
  }

  #value(place: Place): NvsValue | undefined {
    const { item } = place;
    if (item.type === ITEM.string) return { type: 'string', value: textOf(this.#data(place)) };
    if (item.type === ITEM.oldBlob) return { type: 'blob', value: this.#data(place) };
    if (item.type !== ITEM.blobIndex) return numberOf(item);
    const { size, count } = blobIndexOf(item);
    const parts = this.#parts(item);
    const value = concat(parts.map((part) => this.#data(part)));
    return parts.length === count && value.length === size ? { type: 'blob', value } : undefined;
  }

  #data({ page, item }: Place): Uint8Array {
    return itemData(this.#region.read(page.at, NVS_PAGE_SIZE), item);
  }

  #setBlob(namespace: string, key: string, data: Uint8Array): void {
    const most = Math.min(NVS_MAX_BLOB, (this.#pages.length - 1) * NVS_MAX_DATA);
    if (data.length > most)
      throw new NvsError(
        'NVS_TOO_LONG',
        `the blob for "${key}" has ${data.length} bytes, here at most ${most} fit`,
      );
    const index = this.#namespaceIndex(namespace);
    const old = this.#find(index, key);
    const start = old?.item.type === ITEM.blobIndex && blobIndexOf(old.item).start === 0 ? CHUNK_SECOND : 0;
    let count = 0;
    try {
      let at = 0;
      do {
        const page = this.#room(Math.min(2, 1 + data.length - at));
        const part = data.subarray(at, at + (NVS_ENTRIES - page.next - 1) * NVS_ENTRY_SIZE);
        this.#append(
          page,
          encodeVarItem({ namespace: index, type: ITEM.blobData, chunk: start + count, key }, part),
        );
        count++;
        at += part.length;
      } while (at < data.length);
      const page = this.#room(1);
      const before = this.#find(index, key);
      this.#append(page, encodeBlobIndex({ namespace: index, key }, { size: data.length, count, start }));
      if (before) this.#eraseWhole(before);
    } catch (error) {
      if (error instanceof NvsError)
        for (const part of this.#chunks(index, key, start, count)) this.#eraseItem(part);
      throw error;
    }
  }

  #chunks(namespace: number, key: string, start: number, count: number): Place[] {
    return this.#live().filter(
      ({ item }) =>
        item.type === ITEM.blobData &&
        item.namespace === namespace &&
        item.key === key &&
        item.chunk >= start &&
        item.chunk < start + count,
    );
  }

  #namespaceIndex(name: string): number {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const taken = new Set(this.#namespaces.values());
    let index = 1;
    while (taken.has(index)) index++;
    if (index > NVS_MAX_NAMESPACES) throw new NvsError('NVS_FULL', 'NVS has room for 254 namespaces');
    this.#append(this.#room(1), encodeValue(0, name, { type: 'u8', value: index }));
    this.#namespaces.set(name, index);
    return index;
  }

  /** Erases what stands for a key: first the index of a blob, so that its parts belong to nobody. */
  #eraseWhole(place: Place): void {
    const parts = place.item.type === ITEM.blobIndex ? this.#parts(place.item) : [];
    this.#eraseItem(place);
    for (const part of parts) this.#eraseItem(part);
  }

  #eraseItem({ page, item }: Place): void {
    this.#mark(page, item.entry, item.span, ENTRY_STATE.erased);
    page.items = page.items.filter((other) => other !== item);
  }

  #append(page: Page, bytes: Uint8Array): void {
    const entry = page.next;
    const span = bytes.length / NVS_ENTRY_SIZE;
    page.next += span; // also if the flash fails now: what was half programmed is never programmed again
    this.#region.program(page.at + ENTRIES_AT + entry * NVS_ENTRY_SIZE, bytes);
    this.#mark(page, entry, span, ENTRY_STATE.written);
    const header = bytes.subarray(0, NVS_ENTRY_SIZE);
    const end = header.indexOf(0, 8);
    page.items.push({
      entry,
      namespace: header[0]!,
      type: header[1]!,
      span,
      chunk: header[3]!,
      key: Buffer.from(header.subarray(8, Math.min(end, 24))).toString('latin1'),
      value: copy(header, 24),
    });
  }

  // ---- pages

  #inState(state: PageState): Page[] {
    return this.#pages.filter((page) => page.state === state).sort(bySequence);
  }

  #free(): Page[] {
    return this.#pages.filter((page) => !isUsed(page));
  }

  /** The active page, with room for `span` entries; frees a page if need be. Throws NVS_FULL before it changes anything. */
  #room(span: number): Page {
    const active = this.#inState('active')[0];
    if (active && active.next + span <= NVS_ENTRIES) return active;
    const victim = this.#free().length >= 2 ? undefined : this.#victim(span);
    if (victim && usedEntries(victim) + span > NVS_ENTRIES)
      throw new NvsError('NVS_FULL', `NVS has no room for ${span * NVS_ENTRY_SIZE} more bytes`);
    if (active) this.#setState(active, 'full');
    if (!victim) return this.#activate();
    this.#setState(victim, 'freeing');
    return this.#moveOut(victim);
  }

  /** The page to free: the oldest that is nearly empty, so that old values move too; else the emptiest. */
  #victim(span: number): Page | undefined {
    const pages = this.#pages.filter(isUsed).sort(bySequence);
    const oldest = pages.find((page) => usedEntries(page) <= Math.min(NVS_ENTRIES / 4, NVS_ENTRIES - span));
    return (
      oldest ??
      pages.reduce(
        (best: Page | undefined, page) => (best && usedEntries(best) <= usedEntries(page) ? best : page),
        undefined,
      )
    );
  }

  /** Copies the items of a page that says `freeing` to a new one, and frees it. Returns the new page. */
  #moveOut(victim: Page): Page {
    const target = this.#activate();
    for (const item of victim.items) {
      const at = victim.at + ENTRIES_AT + item.entry * NVS_ENTRY_SIZE;
      this.#append(target, copy(this.#region.read(at, item.span * NVS_ENTRY_SIZE)));
    }
    this.#wipe(victim);
    return target;
  }

  /** Makes the free page after the newest one active: so all pages take turns. */
  #activate(): Page {
    const newest = this.#pages.filter(isUsed).sort(bySequence).at(-1);
    const begin = newest ? newest.at / NVS_PAGE_SIZE + 1 : 0;
    const turn = [...this.#pages.slice(begin), ...this.#pages.slice(0, begin)];
    const page = turn.find((candidate) => !isUsed(candidate));
    if (!page)
      throw new NvsError('NVS_NO_FREE_PAGE', 'NVS has no free page to work with; erase it to begin anew');
    if (!isBlank(this.#region.read(page.at, NVS_PAGE_SIZE))) this.#wipe(page);
    page.state = 'active';
    page.sequence = this.#sequence++;
    this.#region.program(page.at, encodePageHeader('active', page.sequence));
    return page;
  }

  #wipe(page: Page): void {
    if (isUsed(page)) this.#setState(page, 'corrupt');
    this.#region.erase(page.at, NVS_PAGE_SIZE);
    page.state = 'blank';
    page.states = new Uint8Array(NVS_ENTRIES).fill(ENTRY_STATE.empty);
    page.items = [];
    page.next = 0;
  }

  #setState(page: Page, state: PageState): void {
    page.state = state;
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, PAGE_STATE[state], true);
    this.#region.program(page.at, word);
  }

  /** Programs the state bits of some entries: the byte with the first entry is programmed last when erasing. */
  #mark(page: Page, entry: number, span: number, state: number): void {
    page.states.fill(state, entry, entry + span);
    const first = entry >> 2;
    const last = (entry + span - 1) >> 2;
    if (state === ENTRY_STATE.written || first === last) {
      this.#programStates(page, first, last);
    } else {
      this.#programStates(page, first + 1, last);
      this.#programStates(page, first, first);
    }
  }

  #programStates(page: Page, first: number, last: number): void {
    const bytes = new Uint8Array(last - first + 1);
    for (let i = 0; i < bytes.length; i++)
      for (let k = 0; k < 4; k++)
        bytes[i]! |= (page.states[(first + i) * 4 + k] ?? ENTRY_STATE.empty) << (k * 2);
    this.#region.program(page.at + BITMAP_AT + first, bytes);
  }
}

/** Whether a page holds items. */
function isUsed(page: Page): boolean {
  return page.state === 'active' || page.state === 'full' || page.state === 'freeing';
}

function usedEntries(page: Page): number {
  return page.items.reduce((sum, item) => sum + item.span, 0);
}

function bySequence(a: Page, b: Page): number {
  return a.sequence - b.sequence;
}

function sameValue(a: NvsValue, b: NvsValue): boolean {
  if (a.type !== b.type) return false;
  if (a.type === 'blob' && b.type === 'blob') return same(a.value, b.value);
  return a.value === b.value;
}
