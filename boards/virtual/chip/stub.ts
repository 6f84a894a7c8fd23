/**
 * Espressif's flasher stub, running in the chip's RAM. Modelled on what esp-flasher-stub does: replies before it writes,
 * and reports a failed write in the reply to the next command; erases just ahead of what it writes.
 */
import {
  ROM,
  ROM_OP,
  type RomRequest,
  STUB_ERROR,
  STUB_HELLO,
  STUB_STATUS_LENGTH,
  SYNC_REPLIES,
} from '@tincan/shared-protocol';
import { md5 } from './digest.ts';
import { ERASE_BLOCK, SECTOR } from './flash.ts';
import { InflateError, Inflater } from './inflate.ts';
import { Body, Loader, type LoaderHost, type Reply } from './loader.ts';
import { RamUpload } from './ram-upload.ts';

interface Write {
  offset: number;
  remaining: number;
  inflater: Inflater | undefined;
  nextErase: number;
  eraseEnd: number;
  /** A sector that was not blank has been seen: from there on all are erased. */
  dirty: boolean;
}

interface Read {
  remaining: number;
  packet: number;
  bytes: Uint8Array;
}

/** Lengths that requests must have, in bytes. */
const LENGTHS: Record<number, readonly number[]> = {
  [ROM_OP.sync]: [36],
  [ROM_OP.flashBegin]: [16, 20],
  [ROM_OP.flashDeflBegin]: [16, 20],
  [ROM_OP.flashEnd]: [4],
  [ROM_OP.flashDeflEnd]: [4],
  [ROM_OP.memBegin]: [16],
  [ROM_OP.memEnd]: [8],
  [ROM_OP.readReg]: [4],
  [ROM_OP.spiAttach]: [4],
  [ROM_OP.spiSetParams]: [24],
  [ROM_OP.changeBaudrate]: [8],
  [ROM_OP.spiFlashMd5]: [16],
  [ROM_OP.getSecurityInfo]: [0],
  [ROM_OP.readFlash]: [16],
  [ROM_OP.eraseRegion]: [8],
};
/** NAND commands: known to the stub, but in plug-ins that are not loaded. */
const FIRST_PLUGIN_OP = 0xd5;
const LAST_PLUGIN_OP = 0xef;

export class StubLoader extends Loader {
  #ram = new RamUpload();
  #write: Write | undefined;
  #read: Read | undefined;
  #carried: number | undefined;

  constructor(host: LoaderHost) {
    super(host);
    host.registers.flashAttached = true;
  }

  /** The stub says that it runs. */
  start(): void {
    this.sendFrame(STUB_HELLO);
  }

  protected handle(frame: Uint8Array): void {
    if (this.#read) {
      this.#acknowledge(this.#read, frame);
      return;
    }
    const request = this.request(frame);
    const op = request?.op ?? frame[1] ?? 0;
    const wrong = frame[0] === 0 ? STUB_ERROR.dataLength : STUB_ERROR.command;
    const reply = request ? this.#run(request) : { error: wrong };
    if (!reply) return;
    for (let i = op === ROM_OP.sync && !reply.error ? SYNC_REPLIES : 1; i > 0; i--) this.#reply(op, reply);
    this.#carried = reply.after?.();
  }

  #run(request: RomRequest): Reply | undefined {
    const { op } = request;
    if (this.#carried !== undefined) return { error: this.#carried };
    const body = new Body(request.data);
    const lengths = LENGTHS[op];
    if (lengths && !lengths.includes(body.length)) return { error: STUB_ERROR.dataLength };
    const run = this.#commands[op];
    if (!run) {
      const plugin = op >= FIRST_PLUGIN_OP && op <= LAST_PLUGIN_OP;
      return { error: plugin ? STUB_ERROR.notImplemented : STUB_ERROR.command };
    }
    return this.checksumOk(request) ? run(body) : { error: STUB_ERROR.checksum };
  }

  readonly #commands: Record<number, (body: Body) => Reply | undefined> = {
    [ROM_OP.sync]: () => ({}),
    [ROM_OP.readReg]: (body) => ({ value: this.host.registers.read(body.word(0)) }),
    [ROM_OP.writeReg]: (body) => {
      if (body.length === 0 || body.length % 16 !== 0) return { error: STUB_ERROR.notEnoughData };
      for (let at = 0; at * 4 < body.length; at += 4)
        this.host.registers.write(body.word(at), body.word(at + 1), body.word(at + 2));
      return {};
    },
    [ROM_OP.getSecurityInfo]: () => ({ body: this.securityInfo() }),
    [ROM_OP.spiAttach]: () => ({}),
    [ROM_OP.spiSetParams]: () => ({}),
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
    [ROM_OP.memData]: (body) => {
      if (body.length < ROM.dataHeader) return { error: STUB_ERROR.notEnoughData };
      const whole = body.word(0) === body.payload.length && this.#ram.block(body.word(1), body.payload);
      return whole ? {} : { error: STUB_ERROR.tooMuchData };
    },
    [ROM_OP.memEnd]: (body) => {
      const ram = this.#ram;
      this.#ram = new RamUpload();
      return {
        after: () => {
          if (body.word(0) === 0) {
            if (ram.isStub(body.word(1))) this.host.startStub();
            else this.host.crash();
          }
          return undefined;
        },
      };
    },

    [ROM_OP.flashBegin]: (body) => this.#begin(body, false),
    [ROM_OP.flashDeflBegin]: (body) => this.#begin(body, true),
    [ROM_OP.flashData]: (body) => {
      if (body.length < ROM.dataHeader) return { error: STUB_ERROR.notEnoughData };
      const write = this.#write;
      if (!write) return { error: STUB_ERROR.notFlashMode };
      if (body.word(0) !== body.payload.length) return { error: STUB_ERROR.tooMuchData };
      // The last block is padded.
      return { after: () => this.#program(write, body.payload.subarray(0, write.remaining)) };
    },
    [ROM_OP.flashDeflData]: (body) => {
      if (body.length < ROM.dataHeader) return { error: STUB_ERROR.dataLength };
      const write = this.#write;
      if (!write?.inflater) return { error: STUB_ERROR.notFlashMode };
      if (body.word(0) !== body.payload.length) return { error: STUB_ERROR.tooMuchData };
      return { after: () => this.#inflate(write, write.inflater!, body.payload) };
    },
    [ROM_OP.flashEnd]: (body) => this.#end(body),
    [ROM_OP.flashDeflEnd]: (body) => this.#end(body),

    [ROM_OP.spiFlashMd5]: (body) => {
      if (!this.inFlash(body.word(0), body.word(1))) return { error: STUB_ERROR.spi };
      return { body: md5(this.host.flash.read(body.word(0), body.word(1))) };
    },
    [ROM_OP.eraseFlash]: () => {
      this.host.flash.erase(0, this.host.flash.size);
      return {};
    },
    [ROM_OP.eraseRegion]: (body) => {
      const [offset, size] = [body.word(0), body.word(1)];
      if (offset % SECTOR !== 0 || size % SECTOR !== 0) return { error: STUB_ERROR.dataLength };
      if (!this.inFlash(offset, size)) return { error: STUB_ERROR.spi };
      this.host.flash.erase(offset, size);
      return {};
    },
    [ROM_OP.readFlash]: (body) => {
      const [offset, size, packet] = [body.word(0), body.word(1), body.word(2)];
      if (packet === 0 || packet > ROM.readBlock) return { error: STUB_ERROR.dataLength };
      if (!this.inFlash(offset, size)) return { error: STUB_ERROR.spi };
      return {
        after: () => {
          const bytes = this.host.flash.read(offset, size);
          this.#read = size > 0 ? { remaining: size, packet, bytes } : undefined;
          if (this.#read) this.#sendBlock(this.#read);
          else this.sendFrame(md5(bytes));
          return undefined;
        },
      };
    },
    [ROM_OP.runUserCode]: () => {
      this.host.bootFlash();
      return undefined; // no reply
    },
  };

  #begin(body: Body, compressed: boolean): Reply {
    const size = body.word(0);
    const offset = body.word(3);
    if (!this.inFlash(offset, size)) return { error: STUB_ERROR.spi };
    const start = offset - (offset % SECTOR);
    this.#write = {
      offset,
      remaining: size,
      inflater: compressed ? new Inflater() : undefined,
      nextErase: start,
      eraseEnd: Math.ceil((offset + size) / SECTOR) * SECTOR,
      dirty: false,
    };
    return {};
  }

  #inflate(write: Write, inflater: Inflater, compressed: Uint8Array): number | undefined {
    try {
      return this.#program(write, inflater.push(compressed));
    } catch (error) {
      if (error instanceof InflateError) return STUB_ERROR.inflate;
      throw error;
    }
  }

  #program(write: Write, bytes: Uint8Array): number | undefined {
    if (bytes.length > write.remaining) return STUB_ERROR.tooMuchData;
    this.#eraseTo(write, write.offset + bytes.length);
    this.host.flash.program(write.offset, bytes);
    write.offset += bytes.length;
    write.remaining -= bytes.length;
    return undefined;
  }

  /** Blank sectors are left alone up to the first that is not: on a new chip nothing needs to be erased. */
  #eraseTo(write: Write, end: number): void {
    const { flash } = this.host;
    while (write.nextErase < end) {
      const at = write.nextErase;
      if (!write.dirty && flash.isBlank(at, SECTOR)) {
        write.nextErase += SECTOR;
        continue;
      }
      write.dirty = true;
      const block = at % ERASE_BLOCK === 0 && write.eraseEnd - at >= ERASE_BLOCK;
      const length = block ? ERASE_BLOCK : SECTOR;
      flash.erase(at, length);
      write.nextErase += length;
    }
  }

  /** 0: reset into the ROM's loader. 1: stay. */
  #end(body: Body): Reply {
    const write = this.#write;
    if (!write) return { error: STUB_ERROR.notFlashMode };
    if (write.remaining !== 0) return { error: STUB_ERROR.dataLength };
    this.#write = undefined;
    return {
      after: () => {
        if (body.word(0) === 0) this.host.softReset();
        return undefined;
      },
    };
  }

  #sendBlock(read: Read): void {
    const length = Math.min(read.packet, read.remaining);
    const at = read.bytes.length - read.remaining;
    read.remaining -= length;
    this.sendFrame(read.bytes.subarray(at, at + length));
  }

  /** The host says how many bytes it has; one block is under way at a time, as in the real stub. */
  #acknowledge(read: Read, frame: Uint8Array): void {
    const acknowledged = frame.length === 4 ? new Body(frame).word(0) : undefined;
    if (acknowledged !== undefined && read.remaining > 0) {
      this.#sendBlock(read);
      return;
    }
    // All was acknowledged, or the host speaks of something else: it gave up.
    if (acknowledged !== undefined && acknowledged < read.bytes.length) return;
    this.#read = undefined;
    this.sendFrame(md5(read.bytes));
  }

  #reply(op: number, reply: Reply): void {
    const status = new Uint8Array(STUB_STATUS_LENGTH);
    const error = reply.error ?? 0;
    status.set([error >> 8, error & 0xff]);
    this.respond(op, reply.value ?? 0, error === 0 && reply.body ? reply.body : new Uint8Array(), status);
  }
}
