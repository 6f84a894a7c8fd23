/**
 * NOR flash, 4 KiB sectors, 256-byte pages: programming clears bits, erasing sets a sector to FF. Kept in memory, or
 * in a file that every operation is written through to, so that a killed process loses no more than the bytes under
 * way.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Flash } from '../contract.ts';
import { BoardError } from './errors.ts';
import { lockFile } from './file-lock.ts';

export const SECTOR = 0x1000;
export const ERASE_BLOCK = 0x10000;
export const PAGE = 0x100;

/** Typical times of a GD25Q64 (datasheet, "AC characteristics"), in milliseconds. */
export const FLASH_TIME = { page: 0.5, sector: 45, block: 150 } as const;

export interface FlashCounters {
  /** Page programs, sectors erased, bytes programmed. */
  programs: number;
  erases: number;
  bytes: number;
  /** How long a real part would have been busy, in milliseconds. */
  busyMs: number;
}

/** The supply failed in the middle of a program or an erase, and the flash is without power since. */
export class PowerCut extends Error {
  constructor() {
    super('the power failed');
    this.name = 'PowerCut';
  }
}

export interface FlashChange {
  kind: 'program' | 'erase';
  offset: number;
  length: number;
}

export class NorFlash implements Flash {
  readonly size: number;
  readonly counters: FlashCounters = { programs: 0, erases: 0, bytes: 0, busyMs: 0 };
  /** Told of every change, after it. */
  onChange: ((change: FlashChange) => void) | undefined;
  /** Called once when a planned power cut happens; whoever owns the board switches it off. */
  onPowerCut: (() => void) | undefined;
  readonly #bytes: Uint8Array;
  #file: number | undefined;
  readonly #unlock: (() => void) | undefined;
  #cutAfter = Number.POSITIVE_INFINITY;
  #dead = false;

  private constructor(bytes: Uint8Array, file?: number, unlock?: () => void) {
    this.size = bytes.length;
    this.#bytes = bytes;
    this.#file = file;
    this.#unlock = unlock;
  }

  /** Blank, or with these contents. `size` in bytes, whole sectors. */
  static inMemory(size = 0x800000, contents?: Uint8Array): NorFlash {
    const bytes = new Uint8Array(size).fill(0xff);
    if (contents) bytes.set(contents);
    return new NorFlash(bytes);
  }

  /**
   * Opens `path`, or makes it blank; locked against other boards until `close`. Throws `BoardError` (`flash-busy`,
   * `flash-size`, `flash-file`).
   */
  static open(path: string, size = 0x800000): NorFlash {
    const unlock = lockOrExplain(path);
    let file: number | undefined;
    try {
      file = openFile(path);
      const bytes = new Uint8Array(size).fill(0xff);
      const stat = fstatSync(file);
      if (!stat.isFile()) throw new BoardError('flash-file', `${path} is no file that could hold a flash`);
      const found = stat.size;
      if (found === 0) {
        writeAll(file, bytes, 0);
      } else if (found !== size) {
        throw new BoardError(
          'flash-size',
          `the flash file ${path} has ${found} bytes, but the flash of this board has ${size}`,
          'choose another file, or delete it to begin with blank flash',
        );
      } else {
        for (let at = 0; at < size; ) {
          const got = readSync(file, bytes, at, size - at, at);
          if (got === 0) throw new BoardError('flash-file', `the flash file ${path} ended while it was read`);
          at += got;
        }
      }
      return new NorFlash(bytes, file, unlock);
    } catch (error) {
      if (file !== undefined) closeSync(file);
      unlock();
      throw error instanceof BoardError
        ? error
        : new BoardError(
            'flash-file',
            `the flash file ${path} cannot be used: ${reason(error)}`,
            undefined,
            error,
          );
    }
  }

  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    return this.#bytes.slice(offset, offset + length);
  }

  program(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    for (let done = 0; done < bytes.length; ) {
      const room = PAGE - ((offset + done) % PAGE);
      const length = Math.min(room, bytes.length - done);
      const whole = this.#count();
      // A cut leaves the first half of the page's bytes programmed.
      const end = done + (whole ? length : length >> 1);
      for (let i = done; i < end; i++) this.#bytes[offset + i]! &= bytes[i]!;
      this.counters.programs++;
      this.counters.bytes += end - done;
      this.counters.busyMs += FLASH_TIME.page;
      if (!whole) {
        this.#store(offset, end);
        this.#cut();
      }
      done += length;
    }
    this.#store(offset, bytes.length);
    this.onChange?.({ kind: 'program', offset, length: bytes.length });
  }

  erase(offset: number, length: number): void {
    this.#check(offset, length);
    if (offset % SECTOR !== 0 || length % SECTOR !== 0)
      throw new RangeError(`flash is erased in sectors of ${SECTOR} bytes, not ${length} bytes at ${offset}`);
    for (let at = offset; at < offset + length; at += SECTOR) {
      const whole = this.#count();
      // A cut leaves the sector half erased.
      this.#bytes.fill(0xff, at, at + (whole ? SECTOR : SECTOR >> 1));
      this.counters.erases++;
      if (!whole) {
        this.#store(offset, at + SECTOR - offset);
        this.#cut();
      }
    }
    this.counters.busyMs += eraseTime(offset, length);
    this.#store(offset, length);
    this.onChange?.({ kind: 'erase', offset, length });
  }

  isBlank(offset: number, length: number): boolean {
    this.#check(offset, length);
    for (let i = offset; i < offset + length; i++) if (this.#bytes[i] !== 0xff) return false;
    return true;
  }

  /** The power fails in the middle of operation number `operations` from now (page programs and sector erases; 1 is the next). */
  cutPowerAt(operations: number): void {
    this.#cutAfter = operations;
  }

  /** Power is back after a cut. */
  restorePower(): void {
    this.#dead = false;
  }

  /** Gives the file back; a second time it does nothing. */
  close(): void {
    this.#dead = true;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#unlock?.();
  }

  /** Whether the operation that begins now comes to its end. */
  #count(): boolean {
    return --this.#cutAfter > 0;
  }

  #cut(): never {
    this.#cutAfter = Number.POSITIVE_INFINITY;
    this.#dead = true;
    this.onPowerCut?.();
    throw new PowerCut();
  }

  #check(offset: number, length: number): void {
    if (this.#dead) throw new PowerCut();
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new RangeError(`${length} bytes at ${offset} are not within the flash of ${this.size} bytes`);
  }

  #store(offset: number, length: number): void {
    if (this.#file !== undefined) writeAll(this.#file, this.#bytes.subarray(offset, offset + length), offset);
  }
}

/** As a driver erases: 64 KiB blocks where they fit, sectors else. */
function eraseTime(offset: number, length: number): number {
  let ms = 0;
  for (let at = offset; at < offset + length; ) {
    const block = at % ERASE_BLOCK === 0 && offset + length - at >= ERASE_BLOCK;
    ms += block ? FLASH_TIME.block : FLASH_TIME.sector;
    at += block ? ERASE_BLOCK : SECTOR;
  }
  return ms;
}

function lockOrExplain(path: string): () => void {
  try {
    return lockFile(path);
  } catch (error) {
    if (error instanceof BoardError) throw error;
    throw new BoardError(
      'flash-file',
      `the flash file ${path} cannot be used: ${reason(error)}`,
      undefined,
      error,
    );
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, 'w+', 0o600); // NVS holds secrets
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
