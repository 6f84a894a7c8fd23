/** The flash size in a boot loader's header: what it says, and how to correct it without breaking the image's hash. */
import { createHash } from 'node:crypto';
import { FLASH_SIZES, type FlashSize, IMAGE_MAGIC, parseImage } from '@tincan/shared-protocol';
import type { FlashFile } from './flasher.ts';

/** `keep`: as the image says; `detect`: as the chip says. */
export type FlashSizeChoice = FlashSize | 'keep' | 'detect';
export const FLASH_SIZE_CHOICES = ['keep', 'detect', ...(Object.keys(FLASH_SIZES) as FlashSize[])] as const;

const SIZE_BYTE = 3;
const HASH_SIZE = 32;

/** A flash size by its name, in bytes. */
export function bytesOfFlashSize(size: FlashSize): number {
  return 2 ** FLASH_SIZES[size] * 1024 * 1024;
}

/** The largest size that an image can name and that is there. */
export function flashSizeOf(bytes: number): FlashSize {
  const names = Object.keys(FLASH_SIZES) as FlashSize[];
  return names.findLast((name) => bytesOfFlashSize(name) <= bytes) ?? '1MB';
}

/** The files, the header at 0x0 naming this flash size; the very same ones if it does already. */
export function withFlashSize(
  files: readonly FlashFile[],
  choice: FlashSizeChoice,
  flashBytes: number,
): readonly FlashFile[] {
  if (choice === 'keep') return files;
  const size = choice === 'detect' ? flashSizeOf(flashBytes) : choice;
  return files.map((file) => (file.offset === 0 ? { ...file, data: patched(file.data, size) } : file));
}

function patched(data: Uint8Array, size: FlashSize): Uint8Array {
  if (data[0] !== IMAGE_MAGIC) return data;
  const { header, length } = parseImage(data);
  if (header === undefined || header.flashSize === size) return data;
  const out = data.slice();
  out[SIZE_BYTE] = (FLASH_SIZES[size] << 4) | (out[SIZE_BYTE]! & 0x0f);
  // The checksum covers segments only; the SHA-256 covers the header, too. A broken image stays one.
  if (header.hashAppended && length > HASH_SIZE) {
    const end = length - HASH_SIZE;
    const wasRight = Buffer.compare(sha256(data.subarray(0, end)), data.subarray(end, length)) === 0;
    if (wasRight) out.set(sha256(out.subarray(0, end)), end);
  }
  return out;
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
