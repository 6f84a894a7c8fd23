/** RTP (RFC 3550): read, write, and bring back into order. */
import type { Clock } from './clock.ts';

export interface RtpPacket {
  payloadType: number;
  marker: boolean;
  sequence: number;
  /** Counts at 48 kHz for Opus (RFC 7587), whatever the sound was sampled with. */
  timestamp: number;
  ssrc: number;
  payload: Uint8Array;
}

/** RTP and RTCP share one port: RTCP has 192 to 223 in its second byte (RFC 5761 §4). */
export function isRtcp(bytes: Uint8Array): boolean {
  const second = bytes[1] ?? 0;
  return second >= 192 && second <= 223;
}

/** The packet, or undefined where it is none: wrong version, cut off, padding longer than the rest. */
export function parseRtp(bytes: Uint8Array): RtpPacket | undefined {
  if (bytes.length < 12 || bytes[0]! >> 6 !== 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 12 + 4 * (bytes[0]! & 0x0f);
  let end = bytes.length;
  if (bytes[0]! & 0x10) {
    if (start + 4 > end) return undefined;
    start += 4 + 4 * view.getUint16(start + 2);
  }
  if (bytes[0]! & 0x20) {
    const padding = bytes[end - 1]!;
    if (padding === 0) return undefined;
    end -= padding;
  }
  if (start > end) return undefined;
  return {
    payloadType: bytes[1]! & 0x7f,
    marker: (bytes[1]! & 0x80) !== 0,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: bytes.subarray(start, end),
  };
}

export function writeRtp(packet: RtpPacket): Uint8Array {
  const bytes = new Uint8Array(12 + packet.payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80;
  bytes[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  view.setUint16(2, packet.sequence & 0xffff);
  view.setUint32(4, packet.timestamp >>> 0);
  view.setUint32(8, packet.ssrc >>> 0);
  bytes.set(packet.payload, 12);
  return bytes;
}

/** Waits for a missing packet until so many later ones are there, or so many ms have passed. */
const HOLD_PACKETS = 5;
const HOLD_MS = 120;
/** A jump of the sequence number beyond this is a new start of the sender (RFC 3550 A.1). */
const MAX_JUMP = 3000;

/** Gives packets out in the order of their sequence numbers, each with the number of packets lost before it. */
export class Reorder {
  readonly #clock: Clock;
  readonly #out: (packet: RtpPacket, lostBefore: number, restarted: boolean) => void;
  #waiting = new Map<number, RtpPacket>();
  #next: number | undefined;
  #ssrc = 0;
  #cancel: (() => void) | undefined;
  lost = 0;
  /** Came too late, or twice. */
  late = 0;

  constructor(clock: Clock, out: (packet: RtpPacket, lostBefore: number, restarted: boolean) => void) {
    this.#clock = clock;
    this.#out = out;
  }

  push(packet: RtpPacket): void {
    const ahead = ((packet.sequence - (this.#next ?? 0) + 0x8000) & 0xffff) - 0x8000;
    if (this.#next === undefined || packet.ssrc !== this.#ssrc || Math.abs(ahead) > MAX_JUMP) {
      this.#restart(packet);
      return;
    }
    if (ahead < 0 || this.#waiting.has(packet.sequence)) {
      this.late++;
      return;
    }
    this.#waiting.set(packet.sequence, packet);
    this.#drain();
    if (this.#waiting.size > HOLD_PACKETS) this.#skip();
    this.#arm();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.clear();
  }

  #restart(packet: RtpPacket): void {
    while (this.#waiting.size > 0) this.#skip();
    this.#ssrc = packet.ssrc;
    this.#next = (packet.sequence + 1) & 0xffff;
    this.#out(packet, 0, true);
  }

  #drain(lostBefore = 0): void {
    let lost = lostBefore;
    for (;;) {
      const packet = this.#waiting.get(this.#next!);
      if (!packet) return;
      this.#waiting.delete(packet.sequence);
      this.#next = (packet.sequence + 1) & 0xffff;
      this.#out(packet, lost, false);
      lost = 0;
    }
  }

  /** Gives up what is missing before the first packet that waits. */
  #skip(): void {
    const distances = [...this.#waiting.keys()].map((sequence) => (sequence - this.#next!) & 0xffff);
    const lost = Math.min(...distances);
    this.lost += lost;
    this.#next = (this.#next! + lost) & 0xffff;
    this.#drain(lost);
  }

  #arm(): void {
    if (this.#waiting.size === 0) {
      this.#cancel?.();
      this.#cancel = undefined;
      return;
    }
    this.#cancel ??= this.#clock.after(HOLD_MS, () => {
      this.#cancel = undefined;
      if (this.#waiting.size > 0) this.#skip();
      this.#arm();
    });
  }
}
