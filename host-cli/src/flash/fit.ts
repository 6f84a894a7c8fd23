/** What can be known only from the chip itself: whether it may be flashed at all, and whether it is this board's chip. */
import type { Board } from '@tincan/boards';
import { TincanError } from '../errors.ts';
import type { ChipInfo } from './flasher.ts';

/** What a board's definition says of its memory. */
export type BoardMemory = Pick<Board, 'id' | 'flash' | 'psram'>;

function megabytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MB`;
}

function refuse(code: string, message: string, hint: string, cause: string): TincanError {
  return new TincanError(code, message, { exit: 'flash', hint, cause: new Error(cause) });
}

/**
 * Refuses a chip that would not boot what we write.
 * @throws TincanError CHIP_SECURE_BOOT, CHIP_ENCRYPTED
 */
export function refuseProtected(chip: ChipInfo): void {
  if (chip.secureBoot) {
    throw refuse(
      'CHIP_SECURE_BOOT',
      'Secure boot is on in this chip: it boots only images that are signed with its key.',
      'Sign the image with the key of whoever made the board and flash it with their tools, or use another board.',
      'the eFuse SECURE_BOOT_EN is burned; it cannot be taken back',
    );
  }
  if (chip.flashEncryption) {
    throw refuse(
      'CHIP_ENCRYPTED',
      'Flash encryption is on in this chip: it would read what we write as noise.',
      'Update it over the air (`tincan ota`), or use another board for development.',
      'the eFuse SPI_BOOT_CRYPT_CNT has an odd number of bits; the key never leaves the chip',
    );
  }
}

/**
 * Refuses firmware of a board that has other memory than this one: it would stop in its start.
 * @throws TincanError BOARD_FLASH, BOARD_PSRAM
 */
export function refuseOtherMemory(chip: ChipInfo, board: BoardMemory): void {
  const other = 'Is it another board? `tincan boards` lists them; pass the right one with --board.';
  if (chip.flashBytes < board.flash.bytes) {
    throw refuse(
      'BOARD_FLASH',
      `The board "${board.id}" has ${megabytes(board.flash.bytes)} of flash, this one only ${megabytes(chip.flashBytes)}.`,
      other,
      'the flash chip reports its size by its JEDEC id',
    );
  }
  const { psram } = board;
  // The eFuses of the first chips were blank there, and an emulator's are.
  if (psram === undefined || chip.revision === 0) return;
  const found = chip.psram;
  const wanted = `${megabytes(psram.bytes)} of ${psram.mode} PSRAM`;
  if (found === undefined) {
    // PSRAM with four data lines may be a part of its own on the board.
    if (psram.mode === 'quad') return;
    throw refuse(
      'BOARD_PSRAM',
      `The board "${board.id}" has ${wanted}, but this chip has none.`,
      other,
      'its eFuses say that there is no PSRAM in the package',
    );
  }
  if (found.bytes !== psram.bytes || (found.mode !== undefined && found.mode !== psram.mode)) {
    const mode = found.mode === undefined ? '' : `${found.mode} `;
    throw refuse(
      'BOARD_PSRAM',
      `The board "${board.id}" has ${wanted}, but this chip has ${megabytes(found.bytes)} of ${mode}PSRAM.`,
      other,
      'this is what its eFuses say',
    );
  }
}
