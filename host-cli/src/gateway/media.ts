/** Sound on the wire: RTP with Opus in both directions, 24 kHz frames on the inside. */
import { randomBytes } from 'node:crypto';
import { createDecoder, createEncoder, type OpusDecoderHandle, type OpusEncoderHandle } from 'libopus-wasm';
import { FRAME, FRAME_MS, RATE } from './audio.ts';
import type { Clock } from './clock.ts';
import { Framer } from './input.ts';
import { isRtcp, parseRtp, Reorder, type RtpPacket, writeRtp } from './rtp.ts';

/** Ticks of the RTP clock per sample of ours. */
const TICKS = 48_000 / RATE;
/** Lost frames that Opus conceals in a row; after that it is silence. */
const CONCEAL = 5;
/** Gaps longer than this are cut: nobody waits for them. */
const MAX_GAP = 2 * RATE;
/** Without a packet for so long the sender has paused: silence is heard from now on, so that turns end. */
const PAUSE_MS = 1000;

export interface ReceiverStats {
  packets: number;
  lost: number;
  late: number;
  /** 20 ms frames that Opus made up for lost ones. */
  concealed: number;
  /** Packets that are no Opus, or no RTP. */
  bad: number;
}

/** RTP in, frames of 480 samples out. Loss is concealed, pauses are silence. */
export class Receiver {
  readonly #clock: Clock;
  readonly #decoder: OpusDecoderHandle;
  readonly #payloadType: number;
  readonly #hear: (frame: Int16Array) => void;
  readonly #framer = new Framer();
  readonly #order: Reorder;
  #nextTimestamp = 0;
  /** Samples of silence heard since the last packet; the packet that ends the pause may leave out as much. */
  #pause = 0;
  #cancelPause: (() => void) | undefined;
  #closed = false;
  #stats = { packets: 0, concealed: 0, bad: 0 };

  static async create(
    clock: Clock,
    payloadType: number,
    hear: (frame: Int16Array) => void,
  ): Promise<Receiver> {
    return new Receiver(clock, await createDecoder({ sampleRate: RATE, channels: 1 }), payloadType, hear);
  }

  private constructor(
    clock: Clock,
    decoder: OpusDecoderHandle,
    payloadType: number,
    hear: (frame: Int16Array) => void,
  ) {
    this.#clock = clock;
    this.#decoder = decoder;
    this.#payloadType = payloadType;
    this.#hear = (frame) => {
      if (!this.#closed) hear(frame);
    };
    this.#order = new Reorder(clock, (packet, lost, restarted) => this.#packet(packet, lost, restarted));
  }

  get stats(): ReceiverStats {
    return { ...this.#stats, lost: this.#order.lost, late: this.#order.late };
  }

  /** One datagram as it came; RTCP and other payload types are passed over. */
  push(bytes: Uint8Array): void {
    if (this.#closed || isRtcp(bytes)) return;
    const packet = parseRtp(bytes);
    if (!packet) {
      this.#stats.bad++;
      return;
    }
    if (packet.payloadType !== this.#payloadType || packet.payload.length === 0) return;
    this.#stats.packets++;
    this.#order.push(packet);
    this.#armPause(PAUSE_MS);
  }

  /** May be called while a frame is being heard: what ends a call can happen there. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#order.close();
    this.#cancelPause?.();
    this.#decoder.free();
  }

  #packet(packet: RtpPacket, lost: number, restarted: boolean): void {
    const gap = restarted ? 0 : ((packet.timestamp - this.#nextTimestamp) | 0) / TICKS;
    this.#fill(Math.max(0, Math.min(MAX_GAP, Math.round(gap)) - this.#pause), lost);
    this.#pause = 0;
    if (this.#closed) return;
    let samples = FRAME;
    try {
      const pcm = this.#decoder.decode(packet.payload);
      samples = pcm.length;
      this.#framer.push(pcm, this.#hear);
    } catch {
      if (this.#closed) return;
      this.#stats.bad++;
      this.#framer.push(this.#decoder.decodePacketLoss(FRAME), this.#hear);
    }
    this.#nextTimestamp = (packet.timestamp + samples * TICKS) >>> 0;
  }

  /** Sound for a gap: concealed where packets were lost, silence where the sender paused. */
  #fill(samples: number, lost: number): void {
    let rest = samples;
    for (let i = 0; i < Math.min(lost, CONCEAL) && rest >= FRAME && !this.#closed; i++, rest -= FRAME) {
      this.#stats.concealed++;
      this.#framer.push(this.#decoder.decodePacketLoss(FRAME), this.#hear);
    }
    if (rest > 0) this.#framer.push(new Int16Array(rest), this.#hear);
  }

  /**
   * Nothing came for a while. The first time only looks again a moment later: if this process itself was held up,
   * the packets of that time are still on their way through the event loop.
   */
  #armPause(ms: number, silence = 0): void {
    this.#cancelPause?.();
    if (this.#closed) return;
    this.#cancelPause = this.#clock.after(ms, () => {
      if (silence > 0) {
        this.#pause += silence;
        this.#framer.push(new Int16Array(silence), this.#hear);
      }
      this.#armPause(FRAME_MS, silence > 0 ? FRAME : (PAUSE_MS / FRAME_MS + 1) * FRAME);
    });
  }
}

/** Frames of 480 samples in, RTP out; only called while something is said. */
export class Sender {
  readonly ssrc: number;
  readonly #clock: Clock;
  readonly #encoder: OpusEncoderHandle;
  readonly #payloadType: number;
  readonly #send: (bytes: Uint8Array) => void;
  #sequence = randomBytes(2).readUInt16BE();
  #timestamp = randomBytes(4).readUInt32BE();
  #lastAt = 0;
  packets = 0;

  static async create(
    clock: Clock,
    payloadType: number,
    ssrc: number,
    send: (bytes: Uint8Array) => void,
  ): Promise<Sender> {
    const encoder = await createEncoder({
      sampleRate: RATE,
      channels: 1,
      application: 2048,
      bitrate: 32_000,
    });
    return new Sender(clock, encoder, payloadType, ssrc, send);
  }

  private constructor(
    clock: Clock,
    encoder: OpusEncoderHandle,
    payloadType: number,
    ssrc: number,
    send: (bytes: Uint8Array) => void,
  ) {
    this.#clock = clock;
    this.#encoder = encoder;
    this.#payloadType = payloadType;
    this.ssrc = ssrc;
    this.#send = send;
    this.#lastAt = clock.now();
  }

  /** `first`: silence came before; the timestamp moves on by the time that passed (RFC 3550 §5.1). */
  play(pcm: Int16Array, first: boolean): void {
    const now = this.#clock.now();
    if (first) {
      const frames = Math.max(1, Math.round((now - this.#lastAt) / FRAME_MS));
      this.#timestamp = (this.#timestamp + frames * FRAME * TICKS) >>> 0;
    } else {
      this.#timestamp = (this.#timestamp + FRAME * TICKS) >>> 0;
    }
    this.#lastAt = now;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.packets++;
    this.#send(
      writeRtp({
        payloadType: this.#payloadType,
        marker: first,
        sequence: this.#sequence,
        timestamp: this.#timestamp,
        ssrc: this.ssrc,
        payload: this.#encoder.encode(pcm),
      }),
    );
  }

  close(): void {
    this.#encoder.free();
  }
}
