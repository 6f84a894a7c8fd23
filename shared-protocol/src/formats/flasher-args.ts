/**
 * `flasher_args.json`: what ESP-IDF's build leaves for flashers. Source: flasher_args.json.in of its esptool_py
 * component. Offsets are hexadecimal text, files are relative to the JSON file.
 */
import { FormatError, type FormatProblem, hex0x } from './bytes.ts';
import {
  FLASH_FREQS,
  FLASH_MODES,
  FLASH_SIZES,
  type FlashFreq,
  type FlashMode,
  type FlashSize,
} from './image.ts';

export class FlasherArgsError extends FormatError {}

export interface FlashFile {
  /** Bytes from the start of the flash. */
  offset: number;
  /** Relative to the folder of the JSON file, with forward slashes. */
  file: string;
  /** `bootloader`, `partition-table`, `otadata`, `app`, …, where ESP-IDF names it. */
  name?: string;
  /** To be written through the chip's flash encryption. */
  encrypted?: boolean;
}
/** `keep` leaves what the image says; `detect` asks the chip. */
export interface FlasherArgs {
  chip: string;
  mode: FlashMode | 'keep';
  size: FlashSize | 'keep' | 'detect';
  freq: FlashFreq | 'keep';
  /** In the order of their offsets. */
  files: FlashFile[];
  /** What to do with the chip before and after, in esptool's words; whether the stub may be used. */
  before: string;
  after: string;
  stub: boolean;
}

const APP_ENTRIES = /^(app|bootloader|partition-table|otadata)$/;

/** Reads the file's text. Throws `FlasherArgsError` with the first problem, and all of them in `problems`. */
export function parseFlasherArgs(text: string): FlasherArgs {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new FlasherArgsError('json', 'flasher_args.json is not JSON');
  }
  const problems: FormatProblem[] = [];
  const add = (code: string, message: string) => problems.push({ code, message });
  if (!isObject(json)) throw new FlasherArgsError('json', 'flasher_args.json does not hold an object');

  const words = Array.isArray(json.write_flash_args) ? json.write_flash_args.map(String) : [];
  const settings = {
    ...settingsInWords(words),
    ...(isObject(json.flash_settings) ? json.flash_settings : {}),
  };
  const pick = <T extends string>(name: string, allowed: readonly T[]): T | undefined => {
    const value = settings[name];
    const found = allowed.find((word) => word === value);
    if (found === undefined && value !== undefined)
      add('settings', `flash_settings.${name} is ${JSON.stringify(value)}; known are ${allowed.join(', ')}`);
    return found;
  };
  const mode = pick('flash_mode', [...(Object.keys(FLASH_MODES) as FlashMode[]), 'keep' as const]);
  const size = pick('flash_size', [
    ...(Object.keys(FLASH_SIZES) as FlashSize[]),
    'keep' as const,
    'detect' as const,
  ]);
  const freq = pick('flash_freq', [...(Object.keys(FLASH_FREQS) as FlashFreq[]), 'keep' as const]);

  const files: FlashFile[] = [];
  if (!isObject(json.flash_files)) {
    add('files', 'flasher_args.json has no flash_files');
  } else {
    for (const [offsetText, file] of Object.entries(json.flash_files)) {
      const offset = parseOffset(offsetText);
      if (offset === undefined) add('offset', `"${offsetText}" in flash_files is no offset`);
      else if (typeof file !== 'string' || file === '')
        add('files', `flash_files has no file name at ${offsetText}`);
      else if (files.some((other) => other.offset === offset))
        add('offset', `two files are to go to ${offsetText}`);
      else files.push({ offset, file });
    }
    if (files.length === 0 && problems.length === 0) add('files', 'flash_files names no file');
  }
  files.sort((a, b) => a.offset - b.offset);
  for (const [name, entry] of Object.entries(json)) {
    if (!isObject(entry) || typeof entry.offset !== 'string') continue;
    const offset = parseOffset(entry.offset);
    const file = files.find((other) => other.offset === offset && other.file === entry.file);
    if (file && (entry.encrypted === true || entry.encrypted === 'true')) file.encrypted = true;
    // A file may stand there twice, for example as `app` and by the name of its partition.
    if (!file || (file.name !== undefined && !APP_ENTRIES.test(name))) continue;
    file.name = name;
  }

  // esptool's own option for a chip whose flash is encrypted: all files, or those behind it.
  if (words.some((word) => /^--encrypt(-files)?$/.test(word.replaceAll('_', '-'))))
    for (const file of files) file.encrypted = true;

  const extra = isObject(json.extra_esptool_args) ? json.extra_esptool_args : {};
  if (typeof extra.chip !== 'string' || extra.chip === '')
    add('chip', 'flasher_args.json does not say for which chip (extra_esptool_args.chip)');
  if (problems.length > 0) throw new FlasherArgsError(problems[0]!.code, problems[0]!.message, problems);
  return {
    chip: String(extra.chip),
    mode: mode ?? 'keep',
    size: size ?? 'keep',
    freq: freq ?? 'keep',
    files,
    before: typeof extra.before === 'string' ? extra.before : 'default-reset',
    after: typeof extra.after === 'string' ? extra.after : 'hard-reset',
    stub: extra.stub !== false,
  };
}

/** The file's text, laid out as ESP-IDF does, with entries for the files that have names. */
export function writeFlasherArgs(
  args: Pick<FlasherArgs, 'chip' | 'mode' | 'size' | 'freq' | 'files'> & Partial<FlasherArgs>,
): string {
  const files = [...args.files].sort((a, b) => a.offset - b.offset);
  const named = files.filter(({ name }) => name !== undefined);
  const json = {
    write_flash_args: ['--flash-mode', args.mode, '--flash-size', args.size, '--flash-freq', args.freq],
    flash_settings: { flash_mode: args.mode, flash_size: args.size, flash_freq: args.freq },
    flash_files: Object.fromEntries(files.map(({ offset, file }) => [hex0x(offset), file])),
    ...Object.fromEntries(
      named.map(({ name, offset, file, encrypted }) => [
        name,
        { offset: hex0x(offset), file, encrypted: encrypted ? 'true' : 'false' },
      ]),
    ),
    extra_esptool_args: {
      after: args.after ?? 'hard-reset',
      before: args.before ?? 'default-reset',
      stub: args.stub ?? true,
      chip: args.chip,
    },
  };
  return `${JSON.stringify(json, null, 4)}\n`;
}

/** `--flash-mode dio` and its like (older builds have underscores), as `flash_settings` has them. */
function settingsInWords(words: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [i, word] of words.entries()) {
    const name = /^--(flash[-_](?:mode|size|freq))$/.exec(word)?.[1]?.replace('-', '_');
    const value = words[i + 1];
    if (name !== undefined && value !== undefined) found[name] = value;
  }
  return found;
}

function parseOffset(text: string): number | undefined {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN;
  return value <= 0xffffffff ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
