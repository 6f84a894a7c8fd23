/**
 * What flashing needs of an engine. One is there: our own client of the chip's loader (`engine.ts`).
 */
import type { SerialLine } from '../serial/line.ts';

export interface ChipInfo {
  /** "ESP32-S3". */
  chip: string;
  /** Package and revision, as "ESP32-S3 (QFN56) (revision v0.2)". */
  description: string;
  /** major * 100 + minor. */
  revision: number;
  mac: string;
  /** Of the attached flash, in bytes. */
  flashBytes: number;
  /** How the host reaches the chip. */
  interface: 'uart' | 'usb-serial-jtag';
  /** Speed in force after connecting, in baud. */
  baud: number;
  /** PSRAM in the chip's package, as its eFuses say; undefined where it has none. */
  psram: { bytes: number; mode: 'quad' | 'octal' | undefined } | undefined;
  /** Flash in the chip's package, in bytes; undefined where it has none. */
  packagedFlash: number | undefined;
  secureBoot: boolean;
  flashEncryption: boolean;
}

export interface FlashFile {
  /** Where it goes, in bytes from the start of the flash. */
  offset: number;
  data: Uint8Array;
  /** For people: the file's name. */
  name: string;
}

export interface FlashProgress {
  file: string;
  /** Bytes of this file that are in the flash, of `total`. */
  written: number;
  total: number;
  /** The same over all files. */
  writtenAll: number;
  totalAll: number;
}

export interface WrittenFile {
  name: string;
  offset: number;
  bytes: number;
  /** Of them sent: those in sectors that the flash did not hold. */
  sent: number;
  /** Size of these on the line before framing. */
  compressed: number;
  /** MD5 of the flash, equal to the file's. */
  md5: string;
  /** The flash held it already, so nothing was sent. */
  unchanged: boolean;
}

export interface WriteReport {
  files: WrittenFile[];
  /** Bytes that were sent, of all files. */
  bytes: number;
  /** Bytes that the flash held already. */
  skipped: number;
  compressed: number;
  /** Bytes that went to the board on the line while writing, framing included. */
  wireBytes: number;
  seconds: number;
  baud: number;
  /** wireBytes against what the line can carry in that time (8N1: baud / 10 bytes a second). */
  lineRatio: number;
  /** What was done about bytes that went wrong, in order; empty where all went well. */
  recoveries: Recovery[];
  /** A file that was left out on purpose: otadata that selects the written slot already. */
  kept?: string;
}

/** What an engine does when the board does not answer as it should. */
export type Recovery =
  /** The same packet once more: the board reported a wrong checksum. */
  | { kind: 'resend' }
  /** Both sides found each other again; what is missing is sent again. */
  | { kind: 'resync' }
  /** The chip was reset, and its stub started again. */
  | { kind: 'reconnect'; baud: number }
  /** The port went away; waiting for the board to come back. */
  | { kind: 'gone'; path: string }
  | { kind: 'back'; path: string };

export interface WriteOptions {
  onProgress?: (progress: FlashProgress) => void;
  /** Stops after the packet under way. */
  signal?: AbortSignal;
  /** Do not send sectors that the flash holds already. */
  skipUnchanged?: boolean;
}

export interface Flasher {
  /** The line in use; another one after the board came back under another name. */
  readonly line: SerialLine;
  /** Resets the chip into its loader and looks at it. @throws TincanError BOARD_SILENT, CHIP_WRONG, CHIP_LOCKED, FLASH_CHIP */
  connect(): Promise<ChipInfo>;
  /**
   * Writes and verifies each file by MD5. A sector is erased as a whole, also where a file ends within it. Bytes that
   * go wrong on the line are sent again, if need be at a lower speed.
   * @throws TincanError FLASH_WRITE, FLASH_VERIFY, BOARD_CHANGED, PORT_LOST, INTERRUPTED
   */
  write(files: readonly FlashFile[], options?: WriteOptions): Promise<WriteReport>;
  /** MD5 of a region, 32 hex digits. */
  md5(offset: number, length: number): Promise<string>;
  /** @throws TincanError FLASH_READ */
  read(
    offset: number,
    length: number,
    onProgress?: (read: number, total: number) => void,
  ): Promise<Uint8Array>;
  /** `offset` and `length` are multiples of 4096. */
  eraseRegion(offset: number, length: number): Promise<void>;
  eraseAll(): Promise<void>;
  /**
   * Starts the application, and leaves the line at the console's speed. `onHold` is called while the chip stands
   * still: nothing of the loader comes any more, nothing of the application yet.
   */
  reset(onHold?: () => void): Promise<void>;
  /** Lets go of the line (it stays open) without touching the chip. */
  release(): void;
}
