/** Opus over RTP for stacks that leave both to the application: 48 kHz, mono, 20 ms. */
import { createDecoder, createEncoder } from 'libopus-wasm';
import type { CallEvents } from './foreign-server.ts';
import { level, paced } from './sound.ts';

const RATE = 48_000;
const FRAME = 960;
const HEADER = 12;

export interface OpusRtp {
  /** One datagram of the audio track: RTP or RTCP, headers included. */
  receive(packet: Uint8Array): void;
  play(pcm: Int16Array): Promise<void>;
  hush(): void;
  audio(): Promise<{ received: number; lost: number }>;
  free(): void;
}

/** `send` puts one RTP packet on the track. */
export async function opusRtp(
  payloadType: number,
  ssrc: number,
  send: (packet: Buffer) => void,
  events: Pick<CallEvents, 'sound'>,
): Promise<OpusRtp> {
  const encoder = await createEncoder({ sampleRate: RATE, channels: 1, frameSize: FRAME });
  const decoder = await createDecoder({ sampleRate: RATE, channels: 1 });
  const born = performance.now();
  let sequence = 65_500; // soon goes round
  let playing = 0;
  let received = 0;
  let first: number | undefined;
  let highest = 0;
  let freed = false;
  return {
    receive(packet) {
      const second = packet[1] ?? 0;
      // RTCP shares the port (RFC 5761 section 4).
      if (freed || packet.length <= HEADER || (second >= 192 && second <= 223)) return;
      const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
      const number = view.getUint16(2);
      first ??= number;
      highest = received === 0 ? number : highest + (((number - highest) << 16) >> 16);
      received++;
      const pcm = decoder.decode(packet.subarray(HEADER + 4 * (packet[0]! & 15)));
      events.sound(level(pcm), (pcm.length * 1000) / RATE);
    },
    async play(pcm) {
      const mine = ++playing;
      // The timestamp runs on while nobody speaks (RFC 3550 section 5.1).
      const begin = Math.round((performance.now() - born) / 20) * FRAME;
      await paced(
        Math.floor(pcm.length / FRAME),
        20,
        (frame) => {
          const payload = encoder.encode(pcm.slice(frame * FRAME, (frame + 1) * FRAME));
          const packet = Buffer.alloc(HEADER + payload.length);
          packet[0] = 0x80;
          packet[1] = payloadType | (frame === 0 ? 0x80 : 0);
          packet.writeUInt16BE(sequence++ & 0xffff, 2);
          packet.writeUInt32BE((begin + frame * FRAME) >>> 0, 4);
          packet.writeUInt32BE(ssrc, 8);
          packet.set(payload, HEADER);
          send(packet);
        },
        () => freed || playing !== mine,
      );
    },
    hush() {
      playing++;
    },
    audio: async () => ({ received, lost: first === undefined ? 0 : highest - first + 1 - received }),
    free() {
      if (freed) return;
      freed = true;
      encoder.free();
      decoder.free();
    },
  };
}

/** Payload type of Opus in an offer. */
export function opusType(offer: string): number {
  const type = /^a=rtpmap:(\d+) opus\/48000/m.exec(offer)?.[1];
  if (type === undefined) throw new Error('the offer has no Opus');
  return Number(type);
}
