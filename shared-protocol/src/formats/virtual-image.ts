/**
 * The virtual board's images: real ESP32-S3 images, whose one segment holds WebAssembly (see "The virtual board's
 * image" in ARCHITECTURE.md), and a boot loader that is only a name, for the virtual chip boots by itself.
 */
import { APP_DESCRIPTOR_SIZE, buildAppDescriptor, parseAppDescriptor } from './app-descriptor.ts';
import { concat, copy, hex, same, sha256, view } from './bytes.ts';
import { buildAppImage, ImageError, type ParsedImage } from './image.ts';

/** Start of flash mapped as data, plus the file's header and the segment's. */
export const VIRTUAL_APP_ADDRESS = 0x3c000020;
export const VIRTUAL_PROJECT = 'tincan-virtual';
export const VIRTUAL_BOOTLOADER_NAME = 'tincan virtual boot loader';
/** Instruction RAM where boot loaders of the ESP32-S3 are loaded. */
const BOOTLOADER_ADDRESS = 0x403c8700;
const MARK = new TextEncoder().encode('TCWA');
const WASM_AT = APP_DESCRIPTOR_SIZE + MARK.length + 4;

export interface WasmApp {
  wasm: Uint8Array;
  /** SHA-256 of the WebAssembly, 64 hex digits. */
  hash: string;
  version: string;
  project: string;
}

/** The app image for a WebAssembly module; the same input gives the same bytes. */
export function wrapWasm(app: { wasm: Uint8Array; version: string; project?: string }): Uint8Array {
  const length = new Uint8Array(4);
  view(length).setUint32(0, app.wasm.length, true);
  const descriptor = buildAppDescriptor({
    version: app.version,
    project: app.project ?? VIRTUAL_PROJECT,
    elfSha256: sha256(app.wasm),
  });
  const data = concat([descriptor, MARK, length, app.wasm]);
  return buildAppImage({
    segments: [{ address: VIRTUAL_APP_ADDRESS, data }],
    entry: VIRTUAL_APP_ADDRESS + WASM_AT,
  });
}

/** The WebAssembly of a parsed image. Throws `ImageError` `not-virtual` (an app for silicon) or `wasm`. */
export function unwrapWasm(image: ParsedImage): WasmApp {
  const data = image.segments[0]?.data ?? new Uint8Array();
  const descriptor = parseAppDescriptor(data);
  if (!descriptor) throw new ImageError('not-virtual', 'the image has no application descriptor');
  if (!same(data.subarray(APP_DESCRIPTOR_SIZE, APP_DESCRIPTOR_SIZE + MARK.length), MARK))
    throw new ImageError(
      'not-virtual',
      `the image ("${descriptor.project}") is for a real ESP32-S3, not for the virtual board`,
    );
  const length = data.length >= WASM_AT ? view(data).getUint32(WASM_AT - 4, true) : Infinity;
  if (length > data.length - WASM_AT) throw new ImageError('wasm', 'the WebAssembly in the image is cut off');
  const wasm = copy(data, WASM_AT, WASM_AT + length);
  if (!same(sha256(wasm), descriptor.elfSha256))
    throw new ImageError('wasm', 'the WebAssembly in the image does not match its SHA-256');
  return { wasm, hash: hex(descriptor.elfSha256), version: descriptor.version, project: descriptor.project };
}

/**
 * A boot loader image for 0x0. On silicon it would stand still: its one instruction jumps to itself
 * (Xtensa `J .`: 06 FF FF).
 */
export function virtualBootloader(): Uint8Array {
  const code = new Uint8Array([0x06, 0xff, 0xff, 0x00]);
  const name = new TextEncoder().encode(`${VIRTUAL_BOOTLOADER_NAME}\0`);
  return buildAppImage({
    segments: [{ address: BOOTLOADER_ADDRESS, data: concat([code, name]) }],
    entry: BOOTLOADER_ADDRESS,
  });
}

/** Whether an image is the one that `virtualBootloader` builds, whatever its flash parameters. */
export function isVirtualBootloader(image: ParsedImage): boolean {
  const data = image.segments[0]?.data ?? new Uint8Array();
  return new TextDecoder('latin1').decode(data.subarray(4)).startsWith(VIRTUAL_BOOTLOADER_NAME);
}
