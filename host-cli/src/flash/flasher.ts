/**
 * What flashing needs of an engine. One is there: esptool-js (`esptool.ts`).
 */

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
  /** Size on the line before framing. */
  compressed: number;
  /** MD5 of the flash, equal to the file's. */
  md5: string;
  /** The flash held it already, so nothing was sent. */
  unchanged: boolean;
}

export interface WriteReport {
  files: WrittenFile[];
  /** Bytes of all files that were sent (not the unchanged ones). */
  bytes: number;
  compressed: number;
  /** Bytes that went to the board on the line while writing, framing included. */
  wireBytes: number;
  seconds: number;
  baud: number;
  /** wireBytes against what the line can carry in that time (8N1: baud / 10 bytes a second). */
  lineRatio: number;
}

export interface WriteOptions {
  onProgress?: (progress: FlashProgress) => void;
  /** Stops after the packet under way. */
  signal?: AbortSignal;
  /** Do not send what the flash holds already. */
  skipUnchanged?: boolean;
}

export interface Flasher {
  /** Resets the chip into its loader and looks at it. @throws TincanError BOARD_SILENT, CHIP_WRONG, CHIP_LOCKED, FLASH_CHIP */
  connect(): Promise<ChipInfo>;
  /** Writes and verifies each file by MD5. @throws TincanError FLASH_WRITE, FLASH_VERIFY, INTERRUPTED */
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
