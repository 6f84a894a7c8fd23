/** The flashing engine: our own client of the ESP32-S3's loader, with Espressif's stub in the chip. */
import { REG, REG_VALUE, ROM, ROM_OP, words } from '@tincan/shared-protocol';
import { interrupted } from '../errors.ts';
import { CONSOLE_BAUD, type SerialLine } from '../serial/line.ts';
import { armWatchdogReset, bootWasHeld, writeRegs } from './chip.ts';
import { type Clock, pause, realTime } from './clock.ts';
import { md5Of } from './difference.ts';
import type {
  ChipInfo,
  Flasher,
  FlashFile,
  Recovery,
  WriteOptions,
  WriteReport,
  WrittenFile,
} from './flasher.ts';
import { LoaderError } from './link.ts';
import { RESET_MS } from './reset.ts';
import { LoaderSession } from './session.ts';
import { allowedMs, askMd5, writeFile } from './write.ts';

const DEFAULT_BAUD = 921_600;
const ERASE_MS = { least: 5000, perMb: 30_000 };
const CHIP_ERASE_MS = 120_000;
const PACKET_MS = 3000;
/** What is read and checked at a time: all that is lost when bytes go wrong. */
const READ_PIECE = 0x40000;

export interface FlasherOptions {
  /** Speed of the transfer, in baud; 921,600 where left out. */
  baud?: number | undefined;
  clock?: Clock | undefined;
  /** Opens the port of the same board again after it went away; without it that is an error (PORT_LOST). */
  reopen?: ((lost: SerialLine) => Promise<SerialLine>) | undefined;
  onRecovery?: ((recovery: Recovery) => void) | undefined;
}

export function createFlasher(line: SerialLine, options: FlasherOptions = {}): Flasher {
  return new LoaderFlasher(line, options);
}

class LoaderFlasher implements Flasher {
  readonly #session: LoaderSession;
  readonly #clock: Clock;
  #chip: ChipInfo | undefined;

  constructor(line: SerialLine, options: FlasherOptions) {
    this.#clock = options.clock ?? realTime;
    this.#session = new LoaderSession(line, {
      ...options,
      baud: options.baud ?? DEFAULT_BAUD,
      clock: this.#clock,
    });
  }

  get line(): SerialLine {
    return this.#session.link.line;
  }

  async connect(): Promise<ChipInfo> {
    this.#chip = await this.#session.connect();
    return this.#chip;
  }

  async write(files: readonly FlashFile[], options: WriteOptions = {}): Promise<WriteReport> {
    const session = this.#session;
    const written: WrittenFile[] = [];
    const totalAll = files.reduce((sum, file) => sum + file.data.length, 0);
    const recoveriesBefore = session.recoveries.length;
    let before = 0;
    let seconds = 0;
    let wireBytes = 0;
    for (const file of files) {
      const total = file.data.length;
      const started = this.#clock.now();
      const sentBefore = session.sentBytes;
      this.#checkStop(options.signal, before, totalAll);
      const { sent, compressed } = await writeFile(session, file, options.skipUnchanged !== true, {
        onProgress: (inFlash) => {
          options.onProgress?.({
            file: file.name,
            written: inFlash,
            total,
            writtenAll: before + inFlash,
            totalAll,
          });
          if (inFlash < total) this.#checkStop(options.signal, before + inFlash, totalAll);
        },
      });
      if (sent > 0) {
        seconds += (this.#clock.now() - started) / 1000;
        wireBytes += session.sentBytes - sentBefore;
      }
      written.push({
        name: file.name,
        offset: file.offset,
        bytes: total,
        sent,
        compressed,
        md5: md5Of(file.data),
        unchanged: sent === 0,
      });
      before += total;
    }
    const sum = (of: (file: WrittenFile) => number) => written.reduce((all, file) => all + of(file), 0);
    const limit = (seconds * session.link.baud) / 10;
    return {
      files: written,
      bytes: sum(({ sent }) => sent),
      skipped: sum(({ bytes, sent }) => Math.max(0, bytes - sent)),
      compressed: sum(({ compressed }) => compressed),
      wireBytes,
      seconds,
      baud: session.link.baud,
      lineRatio: limit > 0 ? wireBytes / limit : 0,
      recoveries: session.recoveries.slice(recoveriesBefore),
    };
  }

  md5(offset: number, length: number): Promise<string> {
    return this.#session.reliably({ code: 'FLASH_VERIFY', doing: 'check the flash' }, () =>
      askMd5(this.#session, offset, length),
    );
  }

  async read(
    offset: number,
    length: number,
    onProgress?: (read: number, total: number) => void,
  ): Promise<Uint8Array> {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += READ_PIECE) {
      const size = Math.min(READ_PIECE, length - at);
      const piece = await this.#session.reliably(
        { code: 'FLASH_READ', doing: 'read the flash', where: () => `after ${at} of ${length} bytes` },
        () => this.#readPiece(offset + at, size, (read) => onProgress?.(at + read, length)),
      );
      out.set(piece, at);
    }
    return out;
  }

  async eraseRegion(offset: number, length: number): Promise<void> {
    await this.#erase(ROM_OP.eraseRegion, words(offset, length), allowedMs(ERASE_MS, length));
  }

  async eraseAll(): Promise<void> {
    await this.#erase(ROM_OP.eraseFlash, new Uint8Array(), CHIP_ERASE_MS);
  }

  async reset(onHold?: () => void): Promise<void> {
    const { link } = this.#session;
    const { line } = link;
    let held = false;
    if (link.stub) {
      // A board that was put into its loader by software would come back there.
      await this.#quietly(() => writeRegs(link, [REG.rtcOption1, 0, REG_VALUE.forceDownloadBoot]));
      // Over its own USB a chip whose BOOT was held cannot be reset by the lines: it does not look at BOOT again.
      held =
        this.#chip?.interface === 'usb-serial-jtag' &&
        ((await this.#quietly(() => bootWasHeld(link))) ?? false);
      if (held) await this.#quietly(() => armWatchdogReset(link));
    }
    await line.setLines({ dtr: false, rts: !held });
    // No reset line (a pty): the chip's own watchdog does it, as esptool's "watchdog-reset".
    if (!line.hasLines && link.stub) await this.#quietly(() => armWatchdogReset(link));
    await link.setBaud(CONSOLE_BAUD);
    link.stub = false;
    await pause(this.#clock, RESET_MS);
    onHold?.();
    await line.setLines({ dtr: false, rts: false });
  }

  release(): void {
    this.#session.link.release();
  }

  async #erase(op: number, body: Uint8Array, timeoutMs: number): Promise<void> {
    await this.#session.reliably({ code: 'FLASH_ERASE', doing: 'erase the flash' }, () =>
      this.#session.link.request(op, body, { timeoutMs }),
    );
  }

  /** READ_FLASH: one packet under way at a time, behind the last one its MD5. */
  async #readPiece(offset: number, length: number, onBytes: (read: number) => void): Promise<Uint8Array> {
    const { link } = this.#session;
    await link.request(ROM_OP.readFlash, words(offset, length, ROM.readBlock, ROM.readInFlight));
    const out = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const packet = await link.packet(PACKET_MS);
      if (packet.length > length - at)
        throw new LoaderError('damaged', 'more bytes came than were asked for');
      out.set(packet, at);
      at += packet.length;
      link.sendFrame(words(at));
      onBytes(at);
    }
    const sum = Buffer.from(await link.packet(PACKET_MS)).toString('hex');
    if (sum !== md5Of(out)) throw new LoaderError('damaged', 'the MD5 behind the bytes does not match them');
    return out;
  }

  #checkStop(signal: AbortSignal | undefined, written: number, total: number): void {
    if (!signal?.aborted) return;
    throw interrupted(
      `${written} of ${total} bytes were written. Run the same command again: it is safe, and sends only what is missing.`,
    );
  }

  /** The reset goes on whether the loader still listens or not. */
  async #quietly<T>(run: () => Promise<T>): Promise<T | undefined> {
    return await run().catch(() => undefined);
  }
}
