/**
 * zlib streams (RFC 1950), decompressed as they come in. Node's zlib works on another thread; a chip whose time is
 * injected must not depend on when that thread is done, so it is pako.
 */
import { constants, Inflate } from 'pako';

/** Broken input. */
export class InflateError extends Error {
  override readonly name = 'InflateError';
}

export class Inflater {
  /** The stream is complete and its checksum is right. */
  done = false;
  readonly #inflate = new Inflate({ chunkSize: 16_384 });
  #out: Uint8Array[] = [];
  #failed = false;

  constructor() {
    this.#inflate.onData = (chunk) => this.#out.push(chunk as Uint8Array);
    this.#inflate.onEnd = (status) => {
      this.done = status === constants.Z_OK;
      this.#failed = status !== constants.Z_OK;
    };
  }

  /** zlib's own words. */
  get #reason(): string {
    const { strm } = this.#inflate as unknown as { strm?: { msg?: string } };
    return strm?.msg || 'the zlib stream is broken';
  }

  /** Takes the next piece and gives what it decompresses to; what follows the stream's end is left. Throws `InflateError`. */
  push(input: Uint8Array): Uint8Array {
    if (this.done) return new Uint8Array(0);
    this.#out = [];
    this.#inflate.push(input, constants.Z_SYNC_FLUSH);
    if (this.#failed) throw new InflateError(this.#reason);
    return new Uint8Array(Buffer.concat(this.#out));
  }
}
