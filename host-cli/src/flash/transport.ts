/**
 * The transport that esptool-js talks through, on a `SerialLine`. It replaces every method of its own that does I/O:
 * the original wants Web Streams, polls every millisecond, copies its buffer for every piece, and prints traces to the
 * console unasked (facts: defect 4).
 */
import { SlipDecoder, slipEncode } from '@tincan/shared-protocol';
import { ESPError, Transport } from 'esptool-js';
import { TincanError } from '../errors.ts';
import type { ModemLines, SerialLine } from '../serial/line.ts';

/** How much of what the board said outside of frames is kept, in characters. */
const SEEN_MAX = 4096;

export class LineTransport extends Transport {
  readonly line: SerialLine;
  /** Bytes written since the start, framing included. */
  sentBytes = 0;
  readonly #stop: () => void;
  #decoder = new SlipDecoder({ maxText: SEEN_MAX });
  #frames: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #lost: TincanError | undefined;
  #lines: ModemLines = { dtr: false, rts: false };
  #seen = '';
  /** Text since the last flushInput: esptool-js looks for the boot mode there. */
  #recent = '';

  constructor(line: SerialLine) {
    super({
      getInfo: () =>
        line.usb === undefined
          ? {}
          : {
              usbVendorId: Number.parseInt(line.usb.vid, 16),
              usbProductId: Number.parseInt(line.usb.pid, 16),
            },
    } as never);
    this.line = line;
    const stopData = line.onData((bytes) => this.#receive(bytes));
    const stopClose = line.onClose((error) => {
      this.#lost = new TincanError('PORT_LOST', `${line.path} went away.`, {
        exit: 'port',
        cause: error,
        hint: 'Plug the board in again (or start the virtual board again), and repeat the command: that is safe.',
      });
      this.#wake?.();
    });
    this.#stop = () => {
      stopData();
      stopClose();
    };
  }

  /** Stops listening to the line. */
  release(): void {
    this.#stop();
  }

  /** What the board said outside of frames, newest last. */
  seenText(): string {
    this.#takeText();
    return this.#seen;
  }

  override trace(): void {}

  override async connect(baud = 115_200): Promise<void> {
    this.baudrate = baud;
    await this.line.setBaud(baud);
  }

  /** esptool-js "disconnects" to reopen the port; the line stays open, only what was received is forgotten. */
  override async disconnect(): Promise<void> {
    this.flushInput();
  }

  override async readLoop(): Promise<void> {}

  override async changeBaudrate(baud: number): Promise<boolean> {
    await this.connect(baud);
    return false;
  }

  override async waitForUnlock(): Promise<void> {}

  override flushInput(): void {
    this.#takeText();
    this.#recent = '';
    this.#frames = [];
    this.#decoder.reset();
  }

  override inWaiting(): number {
    return this.#frames.length;
  }

  override peek(): Uint8Array {
    this.#takeText();
    return Buffer.from(this.#recent, 'latin1');
  }

  override async drainInput(quietMs = 100, maxMs = 400): Promise<void> {
    const deadline = performance.now() + maxMs;
    let heard = true;
    while (heard && performance.now() < deadline) heard = await this.#waitForBytes(quietMs);
    this.flushInput();
  }

  override async write(data: Uint8Array): Promise<void> {
    const bytes = slipEncode(data);
    this.sentBytes += bytes.length;
    await this.line.write(bytes);
  }

  /** The next frame. `timeout` in ms, counted anew whenever something arrives. */
  override async read(timeout: number): Promise<Uint8Array> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#lost !== undefined) throw this.#lost;
      if (!(await this.#waitForBytes(timeout))) throw new ESPError('No serial data received.');
    }
  }

  override async setRTS(state: boolean): Promise<void> {
    await this.setSignals(undefined, state);
  }

  override async setDTR(state: boolean): Promise<void> {
    await this.setSignals(state, undefined);
  }

  /** Lines that are not named keep their state: a tty driver would assert them (facts: §1.4). */
  override async setSignals(dtr?: boolean, rts?: boolean): Promise<void> {
    this.#lines = { dtr: dtr ?? this.#lines.dtr, rts: rts ?? this.#lines.rts };
    this._DTR_state = this.#lines.dtr;
    await this.line.setLines(this.#lines);
  }

  #receive(bytes: Uint8Array): void {
    this.#frames.push(...this.#decoder.push(bytes));
    this.#wake?.();
  }

  #takeText(): void {
    const text = this.#decoder.takeText();
    this.#recent += text;
    this.#seen = (this.#seen + text).slice(-SEEN_MAX);
  }

  /** Waits until something arrives; false after `ms` without. */
  #waitForBytes(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (heard: boolean) => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(heard);
      };
      const timer = setTimeout(() => finish(false), ms);
      this.#wake = () => finish(true);
    });
  }
}
