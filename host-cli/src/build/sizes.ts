/**
 * What each component costs, read from the linker's map. GNU ld lists every input section below its output section:
 *
 *     .flash.text     0x42000020    0x8b1f2
 *      .text.tcp_in   0x4200c9a4      0x123 esp-idf/lwip/liblwip.a(tcp_in.c.obj)
 *
 * A long name stands on a line of its own, with the numbers on the next. Which memory an output section lies in is
 * told by its name (ESP-IDF's sections.ld).
 */

/** Bytes of one component, or of all. */
export interface Memory {
  /** Code and constants that run from flash. */
  flashCode: number;
  flashData: number;
  /** Code in internal RAM. */
  iram: number;
  /** Initialised and zeroed variables in internal RAM. */
  data: number;
  bss: number;
  /** Zeroed variables in external RAM. */
  psram: number;
  rtc: number;
}
export type MemoryKind = keyof Memory;

/** By component: the name of its archive without `lib`. `(padding)` is what alignment costs. */
export type Components = Record<string, Memory>;

const PADDING = '(padding)';

const PLACES: readonly [RegExp, MemoryKind][] = [
  [/^\.flash\.text/, 'flashCode'],
  // What is not loaded is not in the image.
  [/^\.flash\.(?!rodata_noload)/, 'flashData'],
  [/^\.iram0\.(text|vectors|data)/, 'iram'],
  [/^\.iram0\.bss/, 'bss'],
  [/^\.dram0\.data/, 'data'],
  [/^\.(dram0\.bss|noinit)/, 'bss'],
  [/^\.ext_ram\.(bss|noinit)/, 'psram'],
  [/^\.rtc\./, 'rtc'],
];

export function nothing(): Memory {
  return { flashCode: 0, flashData: 0, iram: 0, data: 0, bss: 0, psram: 0, rtc: 0 };
}

/** What of it lies in the image. */
export function imageBytes(memory: Memory): number {
  return memory.flashCode + memory.flashData + memory.iram + memory.data;
}

/** What of it lies in internal RAM beside code. */
export function dramBytes(memory: Memory): number {
  return memory.data + memory.bss;
}

/** Reads a map; a text that is none gives no components. */
export function readLinkMap(text: string): Components {
  const components: Components = {};
  const begin = text.indexOf('\nLinker script and memory map');
  if (begin < 0) return components;
  let kind: MemoryKind | undefined;
  /** The name of an output section whose numbers are yet to come. */
  let named: string | undefined;
  for (const line of text.slice(begin + 1).split('\n')) {
    const output = /^(\.[^\s]+)(?:\s+0x[0-9a-f]+\s+0x[0-9a-f]+)?/.exec(line);
    if (output !== null) {
      named = output[1] ?? '';
      kind = PLACES.find(([pattern]) => pattern.test(named ?? ''))?.[1];
      continue;
    }
    if (kind === undefined) continue;
    const input = /^ +(?:\S+\s+)?0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*?))?\s*$/.exec(line);
    if (input === null) continue;
    const [, address = '0', size = '0', file] = input;
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0 || Number.parseInt(address, 16) === 0) continue;
    const padding = /^ \*fill\*/.test(line);
    // Symbols and assignments have one number; sections have a file behind two.
    if (file === undefined && !padding) continue;
    const name = padding ? PADDING : componentOf(file ?? '');
    components[name] ??= nothing();
    components[name][kind] += bytes;
  }
  return components;
}

/** `esp-idf/lwip/liblwip.a(tcp.c.obj)` is of lwip; an object outside of archives is the project's own. */
function componentOf(file: string): string {
  const archive = /([^/\\]+)\.a\(/.exec(file.trim())?.[1];
  if (archive === undefined) return /crt[a-z0-9]*\.o$/.test(file) ? 'gcc' : '(project)';
  return archive.replace(/^lib/, '');
}

export function total(components: Components): Memory {
  const sum = nothing();
  for (const memory of Object.values(components)) {
    for (const kind of Object.keys(sum) as MemoryKind[]) sum[kind] += memory[kind];
  }
  return sum;
}

/** How full a place is. */
export interface Fill {
  name: string;
  bytes: number;
  size: number;
}

/** What a build leaves in sizes.json. */
export interface Sizes {
  /** SHA-256 of the application, 64 hex digits. */
  image: string;
  version: string;
  components: Components;
  fill: Fill[];
}

/** Sizes out of sizes.json; undefined where they are not what `Sizes` says. */
export function parseSizes(json: unknown): Sizes | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { image, version, components, fill } = json as Partial<Sizes>;
  if (typeof image !== 'string' || typeof version !== 'string' || !Array.isArray(fill)) return undefined;
  if (typeof components !== 'object' || components === null) return undefined;
  const whole = Object.values(components).every((memory) =>
    Object.keys(nothing()).every((kind) => typeof memory?.[kind as MemoryKind] === 'number'),
  );
  return whole ? { image, version, components, fill } : undefined;
}

const MOST_ROWS = 16;

/**
 * Rows for people, the largest components first: what each adds to the image, how much that has changed since
 * `before`, and what it takes of the memories. What is too small for a row of its own is one row together.
 */
export function sizeRows(now: Components, before?: Components): string[][] {
  const names = Object.keys(now).sort(
    (a, b) => imageBytes(now[b]!) - imageBytes(now[a]!) || (a < b ? -1 : 1),
  );
  // What changed has its row, however small it is; so has what is gone.
  const gone = Object.keys(before ?? {}).filter((name) => now[name] === undefined);
  const changed = (name: string) => before !== undefined && delta(now[name], before[name]) !== '';
  const shown = names.filter((name, i) => i < MOST_ROWS || changed(name));
  const rest = names.filter((name) => !shown.includes(name));
  const sumOf = (all: Components | undefined, which: readonly string[]) =>
    total(Object.fromEntries(which.map((name) => [name, all?.[name] ?? nothing()])));
  const row = (name: string, memory: Memory, change: string) => [
    name,
    number(imageBytes(memory)),
    ...(before === undefined ? [] : [change]),
    number(memory.iram),
    number(dramBytes(memory)),
    number(memory.psram),
  ];
  return [
    ['component', 'image', ...(before === undefined ? [] : ['change']), 'IRAM', 'DRAM', 'PSRAM'],
    ...shown.map((name) => row(name, now[name]!, delta(now[name], before?.[name]))),
    ...gone.map((name) => row(name, nothing(), delta(undefined, before?.[name]))),
    ...(rest.length === 0 ? [] : [row(`${rest.length} others`, sumOf(now, rest), '')]),
    row('all', total(now), before === undefined ? '' : delta(total(now), total(before))),
  ];
}

function number(value: number): string {
  return value === 0 ? '-' : value.toLocaleString('en-US');
}

function delta(now: Memory | undefined, before: Memory | undefined): string {
  const change = imageBytes(now ?? nothing()) - imageBytes(before ?? nothing());
  return change === 0 ? '' : `${change > 0 ? '+' : '-'}${Math.abs(change).toLocaleString('en-US')}`;
}

/** `ota_0: 1,234,567 of 3,145,728 bytes, 39 %` */
export function fillLine({ name, bytes, size }: Fill, before?: Fill): string {
  const change = before === undefined ? 0 : bytes - before.bytes;
  const how = change === 0 ? '' : ` (${change > 0 ? '+' : '-'}${Math.abs(change).toLocaleString('en-US')})`;
  const count = (value: number) => value.toLocaleString('en-US');
  return `${name}: ${count(bytes)}${how} of ${count(size)} bytes, ${Math.round((bytes / size) * 100)} %`;
}
