/**
 * The console UART between chip and host, 8N1. Bytes cross it whole only where both sides use the same baud rate; at
 * other rates the receiver samples the sender's bits at its own moments, as a real one does.
 */
import type { Clock } from '../contract.ts';

const BITS = 10;
/** Both sides of a real link are a little off; up to here every bit is still sampled where it belongs. */
const TOLERANCE = 0.03;
/** How much of the line is moved at once when it is paced, in milliseconds. */
const SLICE_MS = 2;

/** What a receiver at `rxBaud` reads of bytes sent back to back at `txBaud`. */
export function sampleAt(bytes: Uint8Array, txBaud: number, rxBaud: number): Uint8Array {
  if (Math.abs(txBaud / rxBaud - 1) <= TOLERANCE) return bytes;
  const step = txBaud / rxBaud; // sender's bits per receiver's bit
  const end = bytes.length * BITS;
  const level = (at: number): number => {
    const bit = Math.floor(at);
    if (bit >= end) return 1;
    const place = bit % BITS;
    if (place === 0) return 0;
    return place === BITS - 1 ? 1 : (bytes[(bit - place) / BITS]! >> (place - 1)) & 1;
  };
  const out: number[] = [];
  for (let at = 0; ; ) {
    while (at < end && level(at) === 1) at++; // the falling edge of a start bit
    if (at >= end) return Uint8Array.from(out);
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte |= level(at + (bit + 1.5) * step) << bit;
    out.push(byte);
    at = Math.floor(at + 9.5 * step);
    // A low stop bit is a framing error: the byte is kept, and the line must rise before the next one.
    while (at < end && level(at) === 0) at++;
  }
}

type Item = { bytes: Uint8Array; baud: number } | { run: () => void };

/** One direction: takes bytes in, gives them out at the speed of the line, or at once. */
class Wire {
  queued = 0;
  readonly #clock: Clock;
  readonly #paced: boolean;
  readonly #deliver: (bytes: Uint8Array, baud: number) => void;
  #items: Item[] = [];
  #freeAt = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, paced: boolean, deliver: (bytes: Uint8Array, baud: number) => void) {
    this.#clock = clock;
    this.#paced = paced;
    this.#deliver = deliver;
  }

  push(bytes: Uint8Array, baud: number): void {
    if (bytes.length === 0) return;
    if (!this.#paced) {
      this.#deliver(bytes, baud);
      return;
    }
    this.#items.push({ bytes: bytes.slice(), baud });
    this.queued += bytes.length;
    this.#start();
  }

  /** Runs once all that was pushed before is out. */
  afterwards(run: () => void): void {
    if (this.#items.length === 0) run();
    else this.#items.push({ run });
  }

  clear(): void {
    this.#items = [];
    this.queued = 0;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #start(): void {
    if (this.#cancel) return;
    this.#freeAt = Math.max(this.#freeAt, this.#clock.now());
    this.#wait();
  }

  #wait(): void {
    const item = this.#items[0];
    if (!item || !('bytes' in item)) return;
    const byteMs = (BITS * 1000) / item.baud;
    const due = this.#freeAt + Math.min(item.bytes.length * byteMs, Math.max(SLICE_MS, byteMs));
    this.#cancel = this.#clock.after(due - this.#clock.now(), () => this.#move());
  }

  #move(): void {
    this.#cancel = undefined;
    const now = this.#clock.now() + 1e-6;
    for (;;) {
      const item = this.#items[0];
      if (!item) break;
      if ('run' in item) {
        this.#items.shift();
        item.run();
        continue;
      }
      const byteMs = (BITS * 1000) / item.baud;
      const count = Math.min(item.bytes.length, Math.floor((now - this.#freeAt) / byteMs));
      if (count <= 0) break;
      this.#freeAt += count * byteMs;
      this.queued -= count;
      const moved = item.bytes.subarray(0, count);
      if (count === item.bytes.length) this.#items.shift();
      else item.bytes = item.bytes.subarray(count);
      this.#deliver(moved, item.baud);
    }
    if (!this.#cancel) this.#wait();
  }
}

export interface UartOptions {
  clock: Clock;
  /** Whether bytes take their time on the line: ten bits each. */
  pace?: boolean;
  /** Bytes that wait for the line when it is paced. */
  fifo?: number;
  /** Bytes for the chip, as it sees them. */
  onChip: (bytes: Uint8Array) => void;
  /** Bytes for the host, as it sees them. */
  onHost: (bytes: Uint8Array) => void;
  /** There is room again after `offer` took less than it was given. */
  onRoom: () => void;
}

export class Uart {
  /** The host's baud rate; undefined: always the chip's. */
  hostBaud: number | undefined = 115_200;
  /** While set, the chip measures the rate of what comes and takes it over, as the ROM loader does. */
  autoBaud = false;
  readonly #capacity: number;
  readonly #toChip: Wire;
  readonly #toHost: Wire;
  #chipBaud = 115_200;
  /** What is sent from now on leaves at this rate; differs from `#chipBaud` while older bytes are on their way. */
  #sendBaud = 115_200;
  #wasFull = false;

  constructor(options: UartOptions) {
    const pace = options.pace ?? false;
    this.#capacity = pace ? (options.fifo ?? 4096) : Number.POSITIVE_INFINITY;
    this.#toChip = new Wire(options.clock, pace, (bytes, baud) => {
      if (this.autoBaud) this.#setBaud(baud);
      const seen = sampleAt(bytes, baud, this.#chipBaud);
      if (seen.length > 0) options.onChip(seen);
    });
    this.#toHost = new Wire(options.clock, pace, (bytes, baud) => {
      const seen = sampleAt(bytes, baud, this.hostBaud ?? baud);
      if (seen.length > 0) options.onHost(seen);
      if (this.#wasFull && this.#toHost.queued < this.#capacity / 2) {
        this.#wasFull = false;
        options.onRoom();
      }
    });
  }

  get chipBaud(): number {
    return this.#chipBaud;
  }

  fromHost(bytes: Uint8Array, baud: number = this.hostBaud ?? this.#chipBaud): void {
    this.#toChip.push(bytes, baud);
  }

  /** All of it, however long it takes: what ROM and stub print. */
  send(bytes: Uint8Array): void {
    this.#toHost.push(bytes, this.#sendBaud);
  }

  /** As much as the FIFO takes; returns how much that is. */
  offer(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, Math.max(0, this.#capacity - this.#toHost.queued));
    if (taken < bytes.length) this.#wasFull = true;
    this.#toHost.push(bytes.subarray(0, taken), this.#sendBaud);
    return taken;
  }

  /** The chip's rate, once all that it said before is out. */
  setChipBaud(baud: number): void {
    this.#sendBaud = baud;
    this.#toHost.afterwards(() => {
      this.#chipBaud = baud;
    });
  }

  /** The chip was reset: what was on the way is lost, and the rate is the ROM's. */
  reset(): void {
    this.#toChip.clear();
    this.#toHost.clear();
    this.#wasFull = false;
    this.#setBaud(115_200);
    this.autoBaud = false;
  }

  #setBaud(baud: number): void {
    this.#chipBaud = baud;
    this.#sendBaud = baud;
  }
}
