/**
 * One voice as an Ogg Opus file that keeps time: what is missing between packets is filled, so that a place in the file
 * is a time of the recording.
 */
import { OggOpusWriter, PRE_SKIP, packetSamples } from './ogg.ts';

/** Samples of a usual packet, 20 ms. */
const PACKET = 960;
/** Gaps of so many packets are losses, which a decoder conceals; longer ones are silence. */
const CONCEAL = 5;
/** A packet that comes so late against the others is left out. */
const LATE = 4800;
/** Samples of the shortest packet. */
const SMALLEST = 120;
/** Samples in a page, at most: half a second. */
const PER_PAGE = 24_000;

/** Silence of 20, 10, 5 and 2.5 ms: CELT, full band, its silence flag set (RFC 6716, section 4.3). */
const SILENCE = [
  [960, 31],
  [480, 30],
  [240, 29],
  [120, 28],
].map(([samples, config]) => ({
  samples: samples as number,
  bytes: Uint8Array.of((config as number) << 3, 0xff, 0xfe),
}));

export class Voice {
  readonly #ogg: OggOpusWriter;
  #paged = 0;
  /** First byte of the last packet: what is lost behind it is of its kind. */
  #kind: number | undefined;
  #counts = { packets: 0, lost: 0, refused: 0 };

  constructor(write: (page: Uint8Array) => void, serial: number, title: string) {
    this.#ogg = new OggOpusWriter(write, serial, [`TITLE=${title}`]);
  }

  /** Where it ends now, in samples of 48 kHz. */
  get end(): number {
    return this.#ogg.samples;
  }

  /** Packets written; gaps of lost ones, in packets of 20 ms; and what was no Opus or came too late. */
  get counts(): Readonly<{ packets: number; lost: number; refused: number }> {
    return this.#counts;
  }

  /** A packet that belongs to this time, in samples of 48 kHz. */
  packet(bytes: Uint8Array, at: number): void {
    const samples = packetSamples(bytes);
    if (samples === undefined || at + LATE < this.end) {
      this.#counts.refused++;
      return;
    }
    this.#conceal(at);
    this.fill(at);
    this.#ogg.packet(bytes, samples);
    this.#kind = bytes[0];
    this.#counts.packets++;
    this.#page();
  }

  /** Goes on to this time in silence; what is less than 2.5 ms is left to the next gap. */
  fill(until: number): void {
    for (const { samples, bytes } of SILENCE)
      for (; until - this.end >= samples; this.#page()) this.#ogg.packet(bytes, samples);
  }

  /** Writes what waits. */
  flush(): void {
    this.#ogg.flush();
    this.#paged = this.end;
  }

  /** Ends the file at this time exactly. */
  close(at: number): void {
    this.fill(at + PRE_SKIP);
    // The last packet is the one that is trimmed, and no other.
    if (this.end < at + PRE_SKIP) this.fill(this.end + SMALLEST);
    this.#ogg.end(at);
  }

  /** Fills what was lost before this time with frames without bytes (RFC 7845, section 4.1). */
  #conceal(until: number): void {
    const gap = until - this.end;
    if (this.#kind === undefined || gap > CONCEAL * PACKET) return;
    const lost = Uint8Array.of(this.#kind & 0xfc);
    const samples = packetSamples(lost) as number;
    for (; until - this.end >= samples; this.#counts.lost++) this.#ogg.packet(lost, samples);
  }

  #page(): void {
    if (this.end - this.#paged >= PER_PAGE) this.flush();
  }
}
