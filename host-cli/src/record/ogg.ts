/**
 * Ogg files with one Opus stream (RFC 3533, RFC 7845), written page by page. Every page stands for itself: a file that
 * is cut at any byte plays up to its last whole page.
 */

/** Samples of 48 kHz that a decoder throws away at the start: what an encoder of libopus looks ahead. */
export const PRE_SKIP = 312;

const CAPTURE = [0x4f, 0x67, 0x67, 0x53]; // OggS
const HEADER = 27;
/** Pieces of packets in one page; a packet has one for each 255 bytes, and one more. */
const MAX_SEGMENTS = 255;
const BOS = 2;
const EOS = 4;

/** CRC of Ogg: polynomial 0x04c11db7, not reflected, from 0, over the page with 0 in the place of its CRC. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  return crc;
});
export function oggCrc(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] as number);
  return crc >>> 0;
}

export class OggOpusWriter {
  readonly #write: (page: Uint8Array) => void;
  readonly #serial: number;
  #sequence = 0;
  #packets: Uint8Array[] = [];
  #segments = 0;
  /** Samples of 48 kHz in all packets, those that wait included. */
  #samples = 0;

  /** Writes both header pages. `tags` are comments, as `TITLE=…`. */
  constructor(write: (page: Uint8Array) => void, serial: number, tags: readonly string[] = []) {
    this.#write = write;
    this.#serial = serial >>> 0;
    const head = Buffer.alloc(19);
    head.write('OpusHead', 'latin1');
    head[8] = 1; // version
    head[9] = 1; // channels
    head.writeUInt16LE(PRE_SKIP, 10);
    head.writeUInt32LE(48_000, 12); // of the input: only told
    this.#page([head], 0n, BOS);
    this.#page([comments(tags)], 0n, 0);
  }

  /** Samples of 48 kHz that were put in. */
  get samples(): number {
    return this.#samples;
  }

  /** Whether packets wait for their page. */
  get waiting(): boolean {
    return this.#packets.length > 0;
  }

  /** Puts in a packet of so many samples of 48 kHz. */
  packet(bytes: Uint8Array, samples: number): void {
    const segments = Math.floor(bytes.length / 255) + 1;
    // No packet goes over the end of a page, so that each page can be played without the next.
    if (this.#segments + segments > MAX_SEGMENTS) this.flush();
    this.#packets.push(bytes);
    this.#segments += segments;
    this.#samples += samples;
  }

  /** Ends the page that waits. */
  flush(): void {
    if (this.#packets.length > 0) this.#page(this.#packets, BigInt(this.#samples), 0);
    this.#clear();
  }

  /** Ends the stream. `samples`: how much of it is played, from its start, without the pre-skip. */
  end(samples: number): void {
    this.#page(this.#packets, BigInt(Math.min(samples + PRE_SKIP, this.#samples)), EOS);
    this.#clear();
  }

  #clear(): void {
    this.#packets = [];
    this.#segments = 0;
  }

  #page(packets: readonly Uint8Array[], granule: bigint, flags: number): void {
    const lacing = packets.flatMap(({ length }) => [
      ...Array<number>(Math.floor(length / 255)).fill(255),
      length % 255,
    ]);
    const header = Buffer.alloc(HEADER + lacing.length);
    header.set(CAPTURE);
    header[5] = flags;
    header.writeBigInt64LE(granule, 6);
    header.writeUInt32LE(this.#serial, 14);
    header.writeUInt32LE(this.#sequence++, 18);
    header[26] = lacing.length;
    header.set(lacing, HEADER);
    const page = Buffer.concat([header, ...packets]);
    page.writeUInt32LE(oggCrc(page), 22);
    this.#write(page);
  }
}

/** OpusTags (RFC 7845, section 5.2). */
function comments(tags: readonly string[]): Uint8Array {
  const text = (words: string) => {
    const bytes = Buffer.from(words, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const count = Buffer.alloc(4);
  count.writeUInt32LE(tags.length);
  return Buffer.concat([Buffer.from('OpusTags', 'latin1'), text('tincan'), count, ...tags.map(text)]);
}

export interface OggOpus {
  preSkip: number;
  channels: number;
  tags: string[];
  packets: { bytes: Uint8Array; samples: number }[];
  /** Samples of 48 kHz that are played: what the last page says, without the pre-skip. */
  length: number;
  /** The stream was ended, not cut off. */
  ended: boolean;
}

/** Reads what is whole. @throws Error where it is no Ogg Opus, or a page that is whole is wrong */
export function readOggOpus(bytes: Uint8Array): OggOpus {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const packets: Uint8Array[] = [];
  let rest: Uint8Array[] = [];
  let granule = 0n;
  let ended = false;
  let sequence = 0;
  for (let at = 0; at + HEADER <= file.length && !ended; ) {
    if (!CAPTURE.every((byte, i) => file[at + i] === byte)) throw new Error(`no page at byte ${at}`);
    const count = file[at + 26] as number;
    const body = at + HEADER + count;
    const lacing = file.subarray(at + HEADER, body);
    const next = body + lacing.reduce((sum, length) => sum + length, 0);
    if (lacing.length < count || next > file.length) break;
    const page = Buffer.from(file.subarray(at, next));
    page.writeUInt32LE(0, 22);
    if (oggCrc(page) !== file.readUInt32LE(at + 22)) throw new Error(`the page at byte ${at} is damaged`);
    if (file.readUInt32LE(at + 18) !== sequence++) throw new Error(`a page is missing before byte ${at}`);
    granule = file.readBigInt64LE(at + 6);
    ended = ((file[at + 5] as number) & EOS) !== 0;
    let from = body;
    for (const length of lacing) {
      rest.push(file.subarray(from, from + length));
      from += length;
      if (length === 255) continue;
      packets.push(Buffer.concat(rest));
      rest = [];
    }
    at = next;
  }
  const [head, tags, ...audio] = packets;
  if (head === undefined || Buffer.from(head).toString('latin1', 0, 8) !== 'OpusHead' || tags === undefined)
    throw new Error('no Opus stream begins here');
  const preSkip = Buffer.from(head).readUInt16LE(10);
  return {
    preSkip,
    channels: head[9] as number,
    tags: readComments(Buffer.from(tags)),
    packets: audio.map((packet) => ({ bytes: packet, samples: packetSamples(packet) ?? 0 })),
    length: Math.max(0, Number(granule) - preSkip),
    ended,
  };
}

function readComments(bytes: Buffer): string[] {
  let at = 12 + bytes.readUInt32LE(8);
  const count = bytes.readUInt32LE(at);
  at += 4;
  return Array.from({ length: count }, () => {
    const length = bytes.readUInt32LE(at);
    at += 4 + length;
    return bytes.toString('utf8', at - length, at);
  });
}

/** Samples of 48 kHz in one frame, by the configuration in the first byte (RFC 6716, table 2). */
const FRAME_SAMPLES = [
  ...[480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880], // SILK
  ...[480, 960, 480, 960], // hybrid
  ...[120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960], // CELT
];

/** How many samples of 48 kHz a packet holds; undefined where it is no Opus (RFC 6716, section 3). */
export function packetSamples(packet: Uint8Array): number | undefined {
  const [toc, second] = packet;
  if (toc === undefined) return undefined;
  const code = toc & 3;
  if (code === 3 && second === undefined) return undefined;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (second as number) & 0x3f;
  const samples = frames * (FRAME_SAMPLES[toc >> 3] as number);
  return samples > 0 && samples <= 5760 ? samples : undefined;
}
