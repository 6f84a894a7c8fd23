import {
  Application,
  createDecoder,
  createEncoder,
  type OpusDecoderHandle,
  type OpusEncoderHandle,
} from 'libopus-wasm';
import { ERR, type PortFunctions } from './codes.ts';
import { type CoreMemory, FRAME_SAMPLES } from './module.ts';

const RATE = 16_000;
const BITRATE = 24_000;

/** Encoder and decoder of one board: 16 kHz, mono, 20 ms, 24 kbit/s, tuned for voice. */
export class OpusCodec {
  #encoder: OpusEncoderHandle;
  #decoder: OpusDecoderHandle;
  #stopped = false;

  private constructor(encoder: OpusEncoderHandle, decoder: OpusDecoderHandle) {
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  static async create(): Promise<OpusCodec> {
    return new OpusCodec(...(await newPair()));
  }

  port(memory: CoreMemory): PortFunctions {
    return {
      tc_port_opus_reset: () => this.reset(),
      tc_port_opus_encode: (pcm, samples, packet, capacity) => {
        const encoded = this.encode(memory.samples(pcm!, samples!), capacity! >>> 0);
        if (typeof encoded === 'number') return encoded;
        memory.bytes(packet!, encoded.length).set(encoded);
        return encoded.length;
      },
      tc_port_opus_decode: (packet, length, pcm, capacity) => {
        const bytes = packet === 0 ? null : memory.bytes(packet!, length!);
        const decoded = this.decode(bytes, capacity! >>> 0);
        if (typeof decoded === 'number') return decoded;
        memory.samples(pcm!, decoded.length).set(decoded);
        return decoded.length;
      },
    };
  }

  /** One packet of at most `capacity` bytes, or a negative `tc_err`. */
  encode(pcm: Int16Array, capacity: number): Uint8Array | number {
    if (pcm.length !== FRAME_SAMPLES) return ERR.size;
    try {
      return this.#encoder.encode(pcm, { maxPacketBytes: capacity });
    } catch {
      return ERR.io;
    }
  }

  /** The samples of one packet, or with null `capacity` samples of concealment, or a negative `tc_err`. */
  decode(packet: Uint8Array | null, capacity: number): Int16Array | number {
    if (packet?.length === 0) return ERR.format; // to libopus an empty packet means a loss
    try {
      if (packet === null) return this.#decoder.decodePacketLoss(capacity);
      const decoded = this.#decoder.decode(packet);
      return decoded.length <= capacity ? decoded : ERR.size;
    } catch {
      return packet === null ? ERR.io : ERR.format;
    }
  }

  /**
   * Forgets what went before. The library gives no reset, so a new pair takes over; that takes some microtasks,
   * which are over before the first frame of a timer.
   */
  reset(): void {
    void newPair().then(([encoder, decoder]) => {
      this.#free();
      [this.#encoder, this.#decoder] = [encoder, decoder];
      if (this.#stopped) this.#free();
    });
  }

  stop(): void {
    if (!this.#stopped) this.#free();
    this.#stopped = true;
  }

  #free(): void {
    this.#encoder.free();
    this.#decoder.free();
  }
}

async function newPair(): Promise<[OpusEncoderHandle, OpusDecoderHandle]> {
  const encoder = await createEncoder({
    sampleRate: RATE,
    channels: 1,
    application: Application.Voip,
    bitrate: BITRATE,
    frameSize: FRAME_SAMPLES,
  });
  return [encoder, await createDecoder({ sampleRate: RATE, channels: 1 })];
}
