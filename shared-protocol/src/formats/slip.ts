/**
 * SLIP (RFC 1055) as Espressif's serial protocol uses it: a frame begins AND ends with C0, and text of the ROM's
 * boot log may stand between frames.
 */

const END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

/** One frame with both its delimiters. */
export function slipEncode(payload: Uint8Array): Uint8Array {
  let length = payload.length + 2;
  for (const byte of payload) if (byte === END || byte === ESC) length++;
  const out = new Uint8Array(length);
  let at = 0;
  out[at++] = END;
  for (const byte of payload) {
    if (byte === END) {
      out[at++] = ESC;
      out[at++] = ESC_END;
    } else if (byte === ESC) {
      out[at++] = ESC;
      out[at++] = ESC_ESC;
    } else {
      out[at++] = byte;
    }
  }
  out[at] = END;
  return out;
}

/** Between frames, within one, after ESC within one, or in the rest of a frame that was given up. */
type Place = 'outside' | 'inside' | 'escape' | 'skip';

/**
 * Takes frames out of a stream in pieces of any size. A frame that is too long or holds a wrong escape is dropped
 * and counted; the C0 after it may be its end or a new beginning, so it is taken as a beginning (an empty frame is
 * no frame, so both work).
 */
export class SlipDecoder {
  /** Frames given up so far. */
  dropped = 0;
  readonly #maxFrame: number;
  readonly #maxText: number;
  #place: Place = 'outside';
  #frame = new Uint8Array(1024);
  #length = 0;
  #text: number[] = [];

  /** `maxFrame`: longest payload; `maxText`: how much text between frames is kept (the newest), both in bytes. */
  constructor(options: { maxFrame?: number; maxText?: number } = {}) {
    this.#maxFrame = options.maxFrame ?? 0x10400;
    this.#maxText = options.maxText ?? 65_536;
  }

  /** The payloads of all frames that these bytes complete. */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const byte of chunk) {
      if (byte === END) {
        if (this.#place === 'escape') this.dropped++;
        if (this.#place === 'inside' && this.#length > 0) {
          frames.push(this.#frame.slice(0, this.#length));
          this.#place = 'outside';
        } else {
          this.#place = 'inside';
        }
        this.#length = 0;
      } else if (this.#place === 'outside') {
        this.#text.push(byte);
        if (this.#text.length >= 2 * this.#maxText) this.#text.splice(0, this.#text.length - this.#maxText);
      } else if (this.#place === 'inside') {
        if (byte === ESC) this.#place = 'escape';
        else this.#put(byte);
      } else if (this.#place === 'escape') {
        this.#place = 'inside';
        if (byte === ESC_END) this.#put(END);
        else if (byte === ESC_ESC) this.#put(ESC);
        else this.#drop();
      }
    }
    return frames;
  }

  /** The text seen between frames since the last call, one character per byte (Latin-1). */
  takeText(): string {
    const text = Buffer.from(this.#text.slice(-this.#maxText)).toString('latin1');
    this.#text = [];
    return text;
  }

  /** Forgets the frame under way, as after a reset of the chip; text is kept. */
  reset(): void {
    this.#place = 'outside';
    this.#length = 0;
  }

  #put(byte: number): void {
    if (this.#length >= this.#maxFrame) {
      this.#drop();
      return;
    }
    if (this.#length === this.#frame.length) {
      const larger = new Uint8Array(Math.min(this.#maxFrame, this.#frame.length * 4));
      larger.set(this.#frame);
      this.#frame = larger;
    }
    this.#frame[this.#length++] = byte;
  }

  #drop(): void {
    this.dropped++;
    this.#place = 'skip';
    this.#length = 0;
  }
}
