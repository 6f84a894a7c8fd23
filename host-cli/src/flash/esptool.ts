/**
 * The flashing engine: esptool-js 0.7 over a `SerialLine`. We use its reset sequences, chip detection, stub and packet
 * commands, and do the rest ourselves, because of what is wrong there (the numbers are those of the list of known
 * defects; a test shows each of them worked round):
 *   1 its hard reset never asserts RTS          -> reset()
 *   2 patched images keep a stale SHA-256       -> nothing is patched; files are written as they are
 *   3 MD5 without the stub is read wrongly      -> always the stub, and our own comparison
 *   4 traces on the console                     -> LineTransport, a silent terminal
 *   5 the S3's watchdogs stay on over USB       -> #stopWatchdogs()
 *   7 reading ignores the MD5 at its end        -> read()
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInflate, deflateSync } from 'node:zlib';
import { REG, REG_VALUE, ROM, ROM_CONSOLE, ROM_OP, words } from '@tincan/shared-protocol';
import { ESPError, ESPLoader, UnexpectedChipIdError, UnexpectedChipMagicError } from 'esptool-js';
import { interrupted, messageOf, TincanError } from '../errors.ts';
import { CONSOLE_BAUD, type SerialLine } from '../serial/line.ts';
import type { ChipInfo, Flasher, FlashFile, WriteOptions, WriteReport, WrittenFile } from './flasher.ts';
import { LineTransport } from './transport.ts';

const SILENT = { clean() {}, write() {}, writeLine() {} };

/** Longest a chip may take, in ms for each MB (10^6 bytes): as esptool has them. */
const WRITE_MS_PER_MB = 40_000;
const ERASE_MS_PER_MB = 30_000;
const CHIP_ERASE_MS = 120_000;
const SHORTEST_MS = 5000;
/** How long EN is held low. */
const RESET_MS = 100;

export interface EsptoolOptions {
  /** Speed for the transfer, in baud. */
  baud?: number;
}

function perMb(msPerMb: number, bytes: number): number {
  return Math.max(SHORTEST_MS, (msPerMb * bytes) / 1e6);
}

function md5Of(data: Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

/** How many bytes each piece of a zlib stream stands for. */
export async function inflatedSizes(blocks: readonly Uint8Array[]): Promise<number[]> {
  const inflate = createInflate();
  let total = 0;
  inflate.on('data', (chunk: Buffer) => {
    total += chunk.length;
  });
  const sizes: number[] = [];
  for (const block of blocks) {
    const before = total;
    await new Promise<void>((resolve, reject) =>
      inflate.write(block, (error) => (error ? reject(error) : resolve())),
    );
    sizes.push(total - before);
  }
  inflate.destroy();
  return sizes;
}

function split(data: Uint8Array, size: number): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += size) blocks.push(data.subarray(at, at + size));
  return blocks;
}

export function createEsptoolFlasher(line: SerialLine, options: EsptoolOptions = {}): Flasher {
  return new EsptoolFlasher(line, options.baud ?? 921_600);
}

class EsptoolFlasher implements Flasher {
  readonly #line: SerialLine;
  readonly #transport: LineTransport;
  #loader: ESPLoader;
  readonly #baud: number;

  constructor(line: SerialLine, baud: number) {
    this.#line = line;
    this.#baud = baud;
    this.#transport = new LineTransport(line);
    this.#loader = this.#newLoader();
  }

  #newLoader(): ESPLoader {
    return new ESPLoader({
      transport: this.#transport,
      baudrate: this.#baud,
      romBaudrate: ROM.baud,
      terminal: SILENT,
    });
  }

  async connect(): Promise<ChipInfo> {
    // A loader remembers that its stub runs, even when the chip was reset since.
    const loader = this.#newLoader();
    this.#loader = loader;
    try {
      await loader.connect('default_reset');
    } catch (error) {
      throw this.#connectError(error);
    }
    if (loader.chip.CHIP_NAME !== 'ESP32-S3') {
      throw new TincanError('CHIP_WRONG', `The chip at ${this.#line.path} is an ${loader.chip.CHIP_NAME}.`, {
        exit: 'flash',
        hint: 'Tincan is for the ESP32-S3; is this the right port? `tincan ports` lists them.',
      });
    }
    if (loader.secureDownloadMode) {
      throw new TincanError(
        'CHIP_LOCKED',
        'The chip is in Secure Download Mode and cannot run the flasher stub.',
        {
          exit: 'flash',
          hint: 'Its eFuses were burned so by whoever made the board; use another board for development.',
        },
      );
    }
    return await this.#step('FLASH_STUB', 'start the flasher stub', async () => {
      const console = (await loader.readReg(REG.romConsole)) & 0xff;
      if (console === ROM_CONSOLE.usbSerialJtag) await this.#stopWatchdogs();
      const description = await describe(loader);
      const mac = await loader.chip.readMac(loader);
      await loader.runStub();
      if (this.#baud !== ROM.baud) await loader.changeBaud();
      return {
        chip: loader.chip.CHIP_NAME,
        description,
        revision: revisionOf(description),
        mac,
        flashBytes: await this.#flashBytes(),
        interface: console === ROM_CONSOLE.usbSerialJtag ? 'usb-serial-jtag' : 'uart',
        baud: this.#transport.baudrate,
      };
    });
  }

  async write(files: readonly FlashFile[], options: WriteOptions = {}): Promise<WriteReport> {
    const written: WrittenFile[] = [];
    const totalAll = files.reduce((sum, file) => sum + file.data.length, 0);
    let before = 0;
    let seconds = 0;
    let wireBytes = 0;
    for (const file of files) {
      this.#checkStop(options.signal, before, totalAll);
      const md5 = md5Of(file.data);
      const report: WrittenFile = {
        name: file.name,
        offset: file.offset,
        bytes: file.data.length,
        compressed: 0,
        md5,
        unchanged: false,
      };
      const progress = (bytes: number) =>
        options.onProgress?.({
          file: file.name,
          written: bytes,
          total: file.data.length,
          writtenAll: before + bytes,
          totalAll,
        });
      if (options.skipUnchanged && (await this.md5(file.offset, file.data.length)) === md5) {
        report.unchanged = true;
      } else {
        const started = performance.now();
        const sentBefore = this.#transport.sentBytes;
        report.compressed = await this.#writeFile(file, (bytes) => {
          progress(bytes);
          this.#checkStop(options.signal, before + bytes, totalAll);
        });
        seconds += (performance.now() - started) / 1000;
        wireBytes += this.#transport.sentBytes - sentBefore;
        const found = await this.md5(file.offset, file.data.length);
        if (found !== md5) {
          throw new TincanError('FLASH_VERIFY', `${file.name} is not in the flash as it was sent.`, {
            exit: 'flash',
            cause: new Error(`MD5 expected ${md5}, found ${found} at 0x${file.offset.toString(16)}`),
            hint: 'Run it again with --baud 115200; if that fails too, the flash or its supply is bad.',
          });
        }
      }
      written.push(report);
      progress(file.data.length);
      before += file.data.length;
    }
    const sent = written.filter((file) => !file.unchanged);
    const limit = (seconds * this.#transport.baudrate) / 10;
    return {
      files: written,
      bytes: sent.reduce((sum, file) => sum + file.bytes, 0),
      compressed: sent.reduce((sum, file) => sum + file.compressed, 0),
      wireBytes,
      seconds,
      baud: this.#transport.baudrate,
      lineRatio: limit > 0 ? wireBytes / limit : 0,
    };
  }

  md5(offset: number, length: number): Promise<string> {
    return this.#step('FLASH_VERIFY', 'check the flash', () => this.#loader.flashMd5sum(offset, length));
  }

  read(
    offset: number,
    length: number,
    onProgress?: (read: number, total: number) => void,
  ): Promise<Uint8Array> {
    return this.#step('FLASH_READ', 'read the flash', async () => {
      const body = words(offset, length, ROM.readBlock, ROM.readInFlight);
      await this.#loader.checkCommand('read flash', ROM_OP.readFlash, body);
      const out = new Uint8Array(length);
      let at = 0;
      while (at < length) {
        const packet = await this.#transport.read(3000);
        if (packet.length > length - at) throw new ESPError('more bytes came than were asked for');
        out.set(packet, at);
        at += packet.length;
        await this.#transport.write(words(at));
        onProgress?.(at, length);
      }
      const sum = Buffer.from(await this.#transport.read(3000)).toString('hex');
      if (sum !== md5Of(out)) throw new ESPError('the MD5 behind the bytes does not match them');
      return out;
    });
  }

  async eraseRegion(offset: number, length: number): Promise<void> {
    await this.#step('FLASH_ERASE', 'erase the flash', () =>
      this.#loader.checkCommand(
        'erase region',
        ROM_OP.eraseRegion,
        words(offset, length),
        0,
        0,
        perMb(ERASE_MS_PER_MB, length),
      ),
    );
  }

  async eraseAll(): Promise<void> {
    await this.#step('FLASH_ERASE', 'erase the flash', () =>
      this.#loader.checkCommand('erase flash', ROM_OP.eraseFlash, new Uint8Array(), 0, 0, CHIP_ERASE_MS),
    );
  }

  async reset(onHold?: () => void): Promise<void> {
    const line = this.#line;
    if (this.#loader.IS_STUB) {
      // A board that was put into its loader by software would come back there.
      await this.#loader.writeReg(REG.rtcOption1, 0, REG_VALUE.forceDownloadBoot).catch(() => undefined);
    }
    await line.setLines({ dtr: false, rts: true });
    if (!line.hasLines && this.#loader.IS_STUB) {
      // No reset line (a pty): the chip's own watchdog does it, as esptool's "watchdog-reset".
      await this.#watchdogReset().catch(() => undefined);
    }
    await line.setBaud(CONSOLE_BAUD);
    await sleep(RESET_MS);
    onHold?.();
    await line.setLines({ dtr: false, rts: false });
  }

  release(): void {
    this.#transport.release();
  }

  /** Sends one file; returns its compressed size. */
  async #writeFile(file: FlashFile, onBytes: (written: number) => void): Promise<number> {
    const loader = this.#loader;
    const padded = new Uint8Array(Math.ceil(file.data.length / 4) * 4).fill(0xff);
    padded.set(file.data);
    const compressed = deflateSync(padded, { level: 9 });
    const blocks = split(compressed, loader.FLASH_WRITE_SIZE);
    const sizes = await inflatedSizes(blocks);
    let written = 0;
    const failed = () => `after ${written} of ${file.data.length} bytes of ${file.name}`;
    const step = <T>(run: () => Promise<T>) => this.#step('FLASH_WRITE', 'write the flash', run, failed);
    await step(() => loader.flashDeflBegin(padded.length, compressed.length, file.offset));
    let timeout = SHORTEST_MS;
    for (const [i, block] of blocks.entries()) {
      await step(() => loader.flashDeflBlock(block, i, timeout));
      // The stub acknowledges a block before it writes it, so the next answer waits for that.
      timeout = perMb(WRITE_MS_PER_MB, sizes[i] ?? 0);
      written = Math.min(file.data.length, written + (sizes[i] ?? 0));
      onBytes(written);
    }
    await step(() => loader.flashDeflFinish(false, timeout));
    return compressed.length;
  }

  #checkStop(signal: AbortSignal | undefined, written: number, total: number): void {
    if (!signal?.aborted) return;
    throw interrupted(
      `${written} of ${total} bytes were written. Run the same command again: it is safe, and sends only what is missing.`,
    );
  }

  /** Over USB-Serial-JTAG the RTC watchdog and the super watchdog go on running in the loader (defect 5). */
  async #stopWatchdogs(): Promise<void> {
    const loader = this.#loader;
    await loader.writeReg(REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock);
    await loader.writeReg(REG.rtcWdtConfig0, 0);
    await loader.writeReg(REG.rtcWdtProtect, 0);
    await loader.writeReg(REG.rtcSwdProtect, REG_VALUE.rtcSwdUnlock);
    const config = await loader.readReg(REG.rtcSwdConf);
    await loader.writeReg(REG.rtcSwdConf, (config | REG_VALUE.rtcSwdAutoFeed) >>> 0);
    await loader.writeReg(REG.rtcSwdProtect, 0);
  }

  async #watchdogReset(): Promise<void> {
    const loader = this.#loader;
    await loader.writeReg(REG.rtcWdtProtect, REG_VALUE.rtcWdtUnlock);
    await loader.writeReg(REG.rtcWdtConfig1, 2000);
    // Enabled; stage 0 resets the whole system; nothing but its own clock.
    await loader.writeReg(REG.rtcWdtConfig0, ((1 << 31) | (5 << 28) | (1 << 8) | 2) >>> 0);
    await loader.writeReg(REG.rtcWdtProtect, 0);
  }

  async #flashBytes(): Promise<number> {
    const size = await this.#loader.detectFlashSize();
    const match = size?.match(/^(\d+)(KB|MB)$/);
    if (match?.[1] === undefined) {
      throw new TincanError('FLASH_CHIP', 'The flash chip does not answer.', {
        exit: 'flash',
        hint: 'Something on the flash pins (GPIO 26 to 37) disturbs it, or the supply is weak.',
      });
    }
    return Number(match[1]) * (match[2] === 'MB' ? 1024 * 1024 : 1024);
  }

  #connectError(error: unknown): TincanError {
    if (error instanceof TincanError) return error;
    const path = this.#line.path;
    if (error instanceof UnexpectedChipIdError || error instanceof UnexpectedChipMagicError) {
      return new TincanError('CHIP_WRONG', `The chip at ${path} is not an ESP32-S3.`, {
        exit: 'flash',
        cause: error,
      });
    }
    const said = lastLines(this.#transport.seenText());
    return new TincanError('BOARD_SILENT', `The board at ${path} does not answer its loader protocol.`, {
      exit: 'device',
      cause:
        said === ''
          ? new Error('nothing at all came from it')
          : new Error(`it said last:\n    ${said.split('\n').join('\n    ')}`),
      hint: this.#line.hasLines
        ? 'Hold BOOT, press and let go of RESET, let go of BOOT, then run it again. Is it the right port?'
        : 'This port carries no reset lines: hold BOOT and press RESET by hand, or use an rfc2217:// port.',
    });
  }

  /** Runs one step of the engine; whatever it throws becomes a sentence. */
  async #step<T>(code: string, doing: string, run: () => Promise<T>, where?: () => string): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof TincanError) throw error;
      const at = where === undefined ? '' : ` ${where()}`;
      throw new TincanError(code, `The board at ${this.#line.path} did not ${doing}${at}.`, {
        exit: 'flash',
        cause: new Error(messageOf(error).trim()),
        hint: 'Run it again, it is safe; a shorter cable, another USB port, or --baud 115200 often helps.',
      });
    }
  }
}

async function describe(loader: ESPLoader): Promise<string> {
  return await loader.chip.getChipDescription(loader);
}

/** "… (revision v0.2)" → 2. */
function revisionOf(description: string): number {
  const match = description.match(/revision v(\d+)\.(\d+)/);
  return match === null ? 0 : Number(match[1]) * 100 + Number(match[2]);
}

/** The last lines of what a board said, without anything that a terminal would obey. */
export function lastLines(text: string, count = 4): string {
  return text
    .replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')
    .replace(/[^\x20-\x7e\n]/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join('\n');
}
