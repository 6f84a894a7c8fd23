/**
 * `esp_app_desc_t`: 256 bytes at the start of an application's first segment. Source: esp_app_desc.h of ESP-IDF.
 */
import { copy, putText, readText, utf8Length, view } from './bytes.ts';
import { ImageError, type ParsedImage } from './image.ts';

export const APP_DESCRIPTOR_SIZE = 256;
const MAGIC = 0xabcd5432;

export interface AppDescriptor {
  secureVersion: number;
  version: string;
  project: string;
  /** Of the compilation, as C's __TIME__ and __DATE__. */
  time: string;
  date: string;
  idfVersion: string;
  /** SHA-256 of the program that the image was made from, 32 bytes. */
  elfSha256: Uint8Array;
  /** eFuse block revisions: major * 100 + minor. */
  minEfuseRev: number;
  maxEfuseRev: number;
  /** Size of an MMU page, in bytes. */
  mmuPageSize: number;
}

const TEXTS = [
  ['version', 16, 32],
  ['project', 48, 32],
  ['time', 80, 16],
  ['date', 96, 16],
  ['idfVersion', 112, 32],
] as const;

/** Throws `ImageError` if a text is too long for its field (it needs room for a NUL) or the hash is not 32 bytes. */
export function buildAppDescriptor(app: Partial<AppDescriptor>): Uint8Array {
  const out = new Uint8Array(APP_DESCRIPTOR_SIZE);
  const fields = view(out);
  fields.setUint32(0, MAGIC, true);
  fields.setUint32(4, app.secureVersion ?? 0, true);
  for (const [name, at, size] of TEXTS) {
    const text = app[name] ?? '';
    if (utf8Length(text) >= size || text.includes('\0'))
      throw new ImageError(
        'descriptor',
        `the ${name} of an application has at most ${size - 1} bytes and no NUL`,
      );
    putText(out, at, text);
  }
  if (app.elfSha256) {
    if (app.elfSha256.length !== 32) throw new ImageError('descriptor', 'a SHA-256 has 32 bytes');
    out.set(app.elfSha256, 144);
  }
  fields.setUint16(176, app.minEfuseRev ?? 0, true);
  fields.setUint16(178, app.maxEfuseRev ?? 0xffff, true);
  out[180] = Math.log2(app.mmuPageSize ?? 0x10000);
  return out;
}

/** `undefined` unless the bytes begin with a descriptor. */
export function parseAppDescriptor(bytes: Uint8Array): AppDescriptor | undefined {
  if (bytes.length < APP_DESCRIPTOR_SIZE) return undefined;
  const fields = view(bytes);
  if (fields.getUint32(0, true) !== MAGIC) return undefined;
  const text = (at: number, size: number) => readText(bytes.subarray(at, at + size));
  return {
    secureVersion: fields.getUint32(4, true),
    version: text(16, 32),
    project: text(48, 32),
    time: text(80, 16),
    date: text(96, 16),
    idfVersion: text(112, 32),
    elfSha256: copy(bytes, 144, 176),
    minEfuseRev: fields.getUint16(176, true),
    maxEfuseRev: fields.getUint16(178, true),
    mmuPageSize: 2 ** bytes[180]!,
  };
}

/** The descriptor of a parsed image, if it has one. */
export function appDescriptorOf(image: ParsedImage): AppDescriptor | undefined {
  const first = image.segments[0];
  return first && parseAppDescriptor(first.data);
}
