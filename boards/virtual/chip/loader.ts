/** What the ROM's loader and the flasher stub have in common. */
import {
  decodeRequest,
  encodeResponse,
  ROM,
  ROM_DATA_OPS,
  type RomRequest,
  romChecksum,
  SlipDecoder,
  slipEncode,
  words,
} from '@tincan/shared-protocol';
import type { Clock } from '../contract.ts';
import { type NorFlash, PowerCut } from './flash.ts';
import type { ChipIdentity, Registers } from './registers.ts';

/** What a loader may do with the chip that it runs on. */
export interface LoaderHost {
  readonly clock: Clock;
  readonly flash: NorFlash;
  readonly registers: Registers;
  readonly identity: ChipIdentity;
  /** `real`: a command takes as long as the flash is busy. */
  readonly timing: 'none' | 'real';
  send(bytes: Uint8Array): void;
  setBaud(baud: number): void;
  /** The host's rate is known now: no further change by itself. */
  synced(): void;
  startStub(): void;
  /** Code was uploaded and started that is no flasher stub. */
  crash(): void;
  /** Leaves the loader and boots from flash. */
  bootFlash(): void;
  /** A reset by software; the boot mode stays as it was latched. */
  softReset(): void;
}

export interface Reply {
  value?: number;
  body?: Uint8Array;
  /** An error code of the ROM or of the stub. */
  error?: number;
  /** Runs when the reply is out. An error code goes into the reply to the next command. */
  after?: () => number | undefined;
}

/** A request with its words at hand. */
export class Body {
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Word `index`; 0 behind the end. */
  word(index: number): number {
    return index * 4 + 4 <= this.length ? this.#view.getUint32(index * 4, true) : 0;
  }

  /** What a *_DATA request carries. */
  get payload(): Uint8Array {
    return this.bytes.subarray(ROM.dataHeader);
  }
}

export abstract class Loader {
  protected readonly host: LoaderHost;
  readonly #decoder = new SlipDecoder({ maxText: 0 });
  #frames: Uint8Array[] = [];
  #busy: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();
  #stopped = false;
  #busyBefore = 0;

  constructor(host: LoaderHost) {
    this.host = host;
  }

  /** Bytes from the UART. */
  receive(bytes: Uint8Array): void {
    this.#frames.push(...this.#decoder.push(bytes));
    this.#work();
  }

  /** The chip resets: nothing more may happen. */
  stop(): void {
    this.#stopped = true;
    this.#frames = [];
    this.#busy?.();
    this.#busy = undefined;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }

  /** One frame; what it costs the flash delays the next. */
  protected abstract handle(frame: Uint8Array): void;

  /** Sends when the flash has done what this command asked of it so far. */
  protected sendFrame(payload: Uint8Array): void {
    const bytes = slipEncode(payload);
    const ms = this.#busyMs();
    if (ms <= 0) {
      this.host.send(bytes);
      return;
    }
    const cancel = this.host.clock.after(ms, () => {
      this.#waiting.delete(cancel);
      this.host.send(bytes);
    });
    this.#waiting.add(cancel);
  }

  protected respond(op: number, value: number, body: Uint8Array, status: Uint8Array): void {
    const data = new Uint8Array(body.length + status.length);
    data.set(body);
    data.set(status, body.length);
    this.sendFrame(encodeResponse(op, value, data));
  }

  protected request(frame: Uint8Array): RomRequest | undefined {
    return decodeRequest(frame);
  }

  protected checksumOk(request: RomRequest): boolean {
    return (
      !ROM_DATA_OPS.has(request.op) || romChecksum(request.data.subarray(ROM.dataHeader)) === request.checksum
    );
  }

  /** GET_SECURITY_INFO's 20 bytes: flags, crypt count, 7 key purposes, chip id, API version. */
  protected securityInfo(): Uint8Array {
    const { secureDownload, secureBoot, flashEncryption, chipId } = this.host.identity;
    const body = new Uint8Array(20);
    body[0] = (secureBoot ? 1 << 0 : 0) | (secureDownload ? 1 << 2 : 0);
    body[4] = flashEncryption ? 1 : 0;
    body[5] = flashEncryption ? 4 : 0;
    body.set(words(chipId, 0), 12);
    return body;
  }

  protected inFlash(offset: number, length: number): boolean {
    return offset + length <= this.host.flash.size;
  }

  #work(): void {
    while (!this.#busy && !this.#stopped) {
      const frame = this.#frames.shift();
      if (!frame) return;
      this.#busyBefore = this.host.flash.counters.busyMs;
      try {
        this.handle(frame);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      const ms = this.#busyMs();
      if (ms > 0 && !this.#stopped) {
        this.#busy = this.host.clock.after(ms, () => {
          this.#busy = undefined;
          this.#work();
        });
      }
    }
  }

  #busyMs(): number {
    return this.host.timing === 'real' ? this.host.flash.counters.busyMs - this.#busyBefore : 0;
  }
}
