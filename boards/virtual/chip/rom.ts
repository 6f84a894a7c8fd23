/**
 * The loader in the ESP32-S3's ROM, as it answers in download mode. Source: "Serial Protocol" in the documentation of
 * esptool.
 */
import {
  ROM_ERROR,
  ROM_OP,
  ROM_SECURE_OPS,
  ROM_STATUS_LENGTH,
  SYNC_REPLIES,
  SYNC_VALUE_ROM,
} from '@tincan/shared-protocol';
import { md5Hex } from './digest.ts';
import { SECTOR } from './flash.ts';
import { InflateError, Inflater } from './inflate.ts';
import { Body, Loader, type Reply } from './loader.ts';
import { RamUpload } from './ram-upload.ts';

/** Reads up to 64 bytes of flash; the answer always has 64. */
const READ_FLASH_SLOW = 0x0e;
const READ_FLASH_SLOW_SIZE = 64;
/** What is not understood is answered this many times. */
const INVALID_REPLIES = 8;

interface Write {
  offset: number;
  end: number;
  blockSize: number;
  blocks: number;
  next: number;
  inflater: Inflater | undefined;
}

export class RomLoader extends Loader {
  readonly #ram = new RamUpload();
  #attached = false;
  #flashSize = 0;
  #write: Write | undefined;

  protected handle(frame: Uint8Array): void {
    const request = this.request(frame);
    const run = request && this.#commandFor(request.op);
    if (!request || !run) {
      this.#invalid();
      return;
    }
    const reply = this.checksumOk(request) ? run(new Body(request.data)) : { error: ROM_ERROR.checksum };
    for (let i = request.op === ROM_OP.sync ? SYNC_REPLIES : 1; i > 0; i--) this.#reply(request.op, reply);
    reply.after?.();
  }

  #commandFor(op: number): ((body: Body) => Reply) | undefined {
    if (this.host.identity.secureDownload && !isAllowedSecurely(op)) return undefined;
    return this.#commands[op];
  }

  readonly #commands: Record<number, (body: Body) => Reply> = {
    [ROM_OP.sync]: () => {
      this.host.synced();
      return { value: SYNC_VALUE_ROM };
    },
    [ROM_OP.readReg]: (body) => ({ value: this.host.registers.read(body.word(0)) }),
    [ROM_OP.writeReg]: (body) => {
      for (let at = 0; at * 4 < body.length; at += 4)
        this.host.registers.write(body.word(at), body.word(at + 1), body.word(at + 2));
      return {};
    },
    [ROM_OP.getSecurityInfo]: () => ({ body: this.securityInfo() }),
    [ROM_OP.changeBaudrate]: (body) => ({
      after: () => {
        this.host.setBaud(body.word(0));
        return undefined;
      },
    }),

    [ROM_OP.memBegin]: (body) => {
      this.#ram.begin(body.word(0), body.word(1), body.word(2), body.word(3));
      return {};
    },
    [ROM_OP.memData]: (body) =>
      this.#ram.block(body.word(1), body.payload) && body.word(0) === body.payload.length
        ? {}
        : { error: ROM_ERROR.failed },
    [ROM_OP.memEnd]: (body) => ({
      after: () => {
        if (body.word(0) !== 0) return undefined; // stay in the loader
        if (this.#ram.isStub(body.word(1))) this.host.startStub();
        else this.host.crash();
        return undefined;
      },
    }),

    [ROM_OP.spiAttach]: () => {
      this.#attached = true;
      this.host.registers.flashAttached = true;
      return {};
    },
    [ROM_OP.spiSetParams]: (body) => {
      this.#flashSize = body.word(1);
      return {};
    },
    [ROM_OP.flashBegin]: (body) => this.#begin(body, false),
    [ROM_OP.flashDeflBegin]: (body) => this.#begin(body, true),
    [ROM_OP.flashData]: (body) => this.#data(body),
    [ROM_OP.flashDeflData]: (body) => this.#data(body),
    [ROM_OP.flashEnd]: (body) => this.#end(body),
    [ROM_OP.flashDeflEnd]: (body) => this.#end(body),
    [ROM_OP.spiFlashMd5]: (body) => {
      const offset = body.word(0);
      const size = body.word(1);
      if (!this.#reachable(offset, size)) return { error: ROM_ERROR.flashRead };
      return { body: Buffer.from(md5Hex(this.host.flash.read(offset, size)), 'latin1') };
    },
    [READ_FLASH_SLOW]: (body) => {
      const length = body.word(1);
      if (length > READ_FLASH_SLOW_SIZE) return { error: ROM_ERROR.flashReadLength };
      if (!this.#reachable(body.word(0), length)) return { error: ROM_ERROR.flashRead };
      const bytes = new Uint8Array(READ_FLASH_SLOW_SIZE);
      bytes.set(this.host.flash.read(body.word(0), length));
      return { body: bytes };
    },
  };

  /** The ROM erases all that will be written before it answers. */
  #begin(body: Body, compressed: boolean): Reply {
    const [size, blocks, blockSize, offset] = [body.word(0), body.word(1), body.word(2), body.word(3)];
    this.#write = undefined;
    if (size > 0) {
      if (!this.#reachable(offset, size)) return { error: ROM_ERROR.failed };
      const start = offset - (offset % SECTOR);
      const end = Math.ceil((offset + size) / SECTOR) * SECTOR;
      this.host.flash.erase(start, Math.min(end, this.host.flash.size) - start);
    }
    this.#write = {
      offset,
      end: offset + (compressed ? size : blocks * blockSize),
      blockSize,
      blocks,
      next: 0,
      inflater: compressed ? new Inflater() : undefined,
    };
    return {};
  }

  #data(body: Body): Reply {
    const write = this.#write;
    const bytes = body.payload;
    const sequence = body.word(1);
    if (!write || body.word(0) !== bytes.length || bytes.length > write.blockSize || sequence >= write.blocks)
      return { error: ROM_ERROR.failed };
    if (!write.inflater) {
      const at = write.offset + sequence * write.blockSize;
      if (!this.#reachable(at, bytes.length)) return { error: ROM_ERROR.flashWrite };
      return this.#program(at, bytes) ? {} : { error: ROM_ERROR.flashWrite };
    }
    if (sequence !== write.next) return { error: ROM_ERROR.deflate };
    let plain: Uint8Array;
    try {
      plain = write.inflater.push(bytes);
    } catch (error) {
      if (!(error instanceof InflateError)) throw error;
      return { error: ROM_ERROR.deflate };
    }
    write.next++;
    if (write.offset + plain.length > write.end) return { error: ROM_ERROR.deflate };
    const at = write.offset;
    if (!this.#reachable(at, plain.length)) return { error: ROM_ERROR.flashWrite };
    write.offset += plain.length;
    return this.#program(at, plain) ? {} : { error: ROM_ERROR.flashWrite };
  }

  /** False if the flash does not hold the bytes afterwards, for it was not erased. */
  #program(offset: number, bytes: Uint8Array): boolean {
    this.host.flash.program(offset, bytes);
    return Buffer.compare(this.host.flash.read(offset, bytes.length), bytes) === 0;
  }

  /** 0: reset. 1: leave the loader and run what is in the flash. */
  #end(body: Body): Reply {
    this.#write = undefined;
    return {
      after: () => {
        if (body.word(0) === 0) this.host.softReset();
        else this.host.bootFlash();
        return undefined;
      },
    };
  }

  /** The ROM knows neither pins nor size of the flash before SPI_ATTACH and SPI_SET_PARAMS. */
  #reachable(offset: number, length: number): boolean {
    return this.#attached && offset + length <= this.#flashSize && this.inFlash(offset, length);
  }

  #reply(op: number, reply: Reply): void {
    const status = new Uint8Array(ROM_STATUS_LENGTH);
    if (reply.error !== undefined) status.set([1, reply.error]);
    const body = reply.error === undefined ? reply.body : undefined;
    this.respond(op, reply.value ?? 0, body ?? new Uint8Array(), status);
  }

  /** Not under the operation that was asked for: this is how clients tell it from an operation that failed. */
  #invalid(): void {
    for (let i = 0; i < INVALID_REPLIES; i++) this.#reply(0, { error: ROM_ERROR.invalidMessage });
  }
}

function isAllowedSecurely(op: number): boolean {
  return (
    ROM_SECURE_OPS.has(op) ||
    op === ROM_OP.flashDeflBegin ||
    op === ROM_OP.flashDeflData ||
    op === ROM_OP.flashDeflEnd
  );
}
