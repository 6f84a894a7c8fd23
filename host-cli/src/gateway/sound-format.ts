/** Sound inside events: base64 of 16-bit PCM at 24 kHz, or of G.711 at 8 kHz; our side has 24 kHz. */
import { resample } from '@tincan/shared-protocol';
import { join, RATE } from './audio.ts';
import { RealtimeError } from './events.ts';
import { fromAlaw, fromMulaw, toAlaw, toMulaw } from './g711.ts';
import type { Format } from './schema.ts';

const PHONE_RATE = 8000;
const TIMES = RATE / PHONE_RATE;
/** Samples of 8 kHz on either side that a filtered sample depends on, with some to spare. */
const REACH = 48;
/** Longest piece of sound in one event, as the API has it. */
const MAX_BYTES = 15 * 1024 * 1024;

/** Sound of one event, whole in itself. Throws RealtimeError. */
export function decodeSound(base64: unknown, format: Format, param: string): Int16Array {
  const bytes = decodeBase64(base64, param);
  if (format.type === 'audio/pcm') return pcmOf(bytes);
  return resample(phoneOf(bytes, format), PHONE_RATE, RATE);
}

export function encodeSound(pcm: Int16Array, format: Format): string {
  if (format.type === 'audio/pcm') return bytesOf(pcm).toString('base64');
  const encode = format.type === 'audio/pcmu' ? toMulaw : toAlaw;
  return Buffer.from(Uint8Array.from(resample(pcm, RATE, PHONE_RATE), encode)).toString('base64');
}

/** Sound that goes on from event to event, inwards. */
export class SoundDecoder {
  readonly format: Format;
  readonly #stream = new RateStream(PHONE_RATE, RATE);

  constructor(format: Format) {
    this.format = format;
  }

  /** Throws RealtimeError. */
  push(base64: unknown, param: string): Int16Array {
    const bytes = decodeBase64(base64, param);
    if (this.format.type === 'audio/pcm') return pcmOf(bytes);
    return this.#stream.push(phoneOf(bytes, this.format));
  }
}

/** Sound that goes on from event to event, outwards. */
export class SoundEncoder {
  readonly #format: Format;
  readonly #stream = new RateStream(RATE, PHONE_RATE);

  constructor(format: Format) {
    this.#format = format;
  }

  /** Base64; empty where there is not enough for a sample yet. `last` gives what was held back too. */
  push(pcm: Int16Array, last = false): string {
    if (this.#format.type === 'audio/pcm') return bytesOf(pcm).toString('base64');
    const encode = this.#format.type === 'audio/pcmu' ? toMulaw : toAlaw;
    return Buffer.from(Uint8Array.from(this.#stream.push(pcm, last), encode)).toString('base64');
  }
}

/** Change of rate in pieces, without seams: each piece is filtered with what came before, and its end waits. */
class RateStream {
  readonly #from: number;
  readonly #to: number;
  readonly #reach: number;
  readonly #step: number;
  #held: Int16Array = new Int16Array();
  /** Samples at the start of #held that were given out already. */
  #done = 0;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
    this.#step = from > to ? TIMES : 1;
    this.#reach = REACH * this.#step;
  }

  push(pcm: Int16Array, last = false): Int16Array {
    const all = join([this.#held, pcm]);
    const end = last ? all.length : Math.floor((all.length - this.#reach) / this.#step) * this.#step;
    if (end <= this.#done) {
      this.#held = all;
      return new Int16Array();
    }
    const scale = (index: number) => Math.round((index * this.#to) / this.#from);
    const out = resample(all, this.#from, this.#to).slice(scale(this.#done), scale(end));
    const start = Math.max(0, Math.floor((end - this.#reach) / this.#step) * this.#step);
    this.#held = all.slice(start);
    this.#done = end - start;
    return out;
  }
}

function decodeBase64(base64: unknown, param: string): Buffer {
  if (base64 === undefined)
    throw new RealtimeError('missing_required_parameter', `Missing required parameter: '${param}'.`, param);
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new RealtimeError('invalid_value', `Expected base64 for '${param}'.`, param);
  }
  if (base64.length > Math.ceil(MAX_BYTES / 3) * 4) {
    throw new RealtimeError(
      'string_above_max_length',
      `'${param}' has more than ${MAX_BYTES} bytes of sound.`,
      param,
    );
  }
  return Buffer.from(base64, 'base64');
}

function pcmOf(bytes: Buffer): Int16Array {
  const pcm = new Int16Array(bytes.length >> 1);
  for (let i = 0; i < pcm.length; i++) pcm[i] = bytes.readInt16LE(2 * i);
  return pcm;
}

function bytesOf(pcm: Int16Array): Buffer {
  const bytes = Buffer.alloc(2 * pcm.length);
  for (let i = 0; i < pcm.length; i++) bytes.writeInt16LE(pcm[i]!, 2 * i);
  return bytes;
}

function phoneOf(bytes: Buffer, format: Format): Int16Array {
  return Int16Array.from(bytes, format.type === 'audio/pcmu' ? fromMulaw : fromAlaw);
}
