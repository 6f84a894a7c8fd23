/**
 * WAV files (RIFF, WAVE_FORMAT_PCM, IEEE_FLOAT, EXTENSIBLE): read and write them whole, or as sound comes.
 * Samples are signed 16 bit, mono, in the order of time.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { FormatError, view } from './bytes.ts';

/** `code`: riff, format, data, rate. */
export class WavError extends FormatError {}

export interface Wav {
  /** Hz. */
  sampleRate: number;
  /** How many channels the file has; `samples` is their mean. */
  channels: number;
  samples: Int16Array;
}

const HEADER_SIZE = 44;
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** Reads PCM of 8, 16, 24, 32 bit or float of 32, 64 bit. Other chunks are skipped; a cut-off end is taken as it is. */
export function readWav(bytes: Uint8Array): Wav {
  const fields = view(bytes);
  if (bytes.length < 12 || ascii(bytes, 0, 4) !== 'RIFF' || ascii(bytes, 8, 12) !== 'WAVE')
    throw new WavError('riff', 'this is no WAV file: it does not begin with RIFF and WAVE');
  let format: Format | undefined;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const id = ascii(bytes, at, at + 4);
    const length = fields.getUint32(at + 4, true);
    const start = at + 8;
    const end = Math.min(bytes.length, start + length);
    if (id === 'fmt ') {
      format = readFormat(bytes.subarray(start, end));
    } else if (id === 'data') {
      if (!format) throw new WavError('format', 'the WAV file has sound before it says in which format');
      return decode(bytes.subarray(start, end), format);
    }
    at = start + length + (length % 2);
  }
  throw new WavError('data', format ? 'the WAV file holds no sound' : 'the WAV file does not say its format');
}

interface Format {
  code: number;
  channels: number;
  rate: number;
  bits: number;
}

function readFormat(chunk: Uint8Array): Format {
  if (chunk.length < 16) throw new WavError('format', 'the WAV file ends within its format');
  const fields = view(chunk);
  let code = fields.getUint16(0, true);
  // The first word of an extensible format's GUID is the format that it extends.
  if (code === EXTENSIBLE && chunk.length >= 26) code = fields.getUint16(24, true);
  return {
    code,
    channels: fields.getUint16(2, true),
    rate: fields.getUint32(4, true),
    bits: fields.getUint16(14, true),
  };
}

/** A chunk before the sound that is longer than this is no WAV file that anybody streams. */
const MAX_CHUNK = 1 << 20;

/**
 * Reads a WAV file that comes in pieces. Who streams one does not know its length and writes 0 or a huge number: then
 * the sound goes on to the end. Some servers send several files in a row; they are read as one where the rate stays.
 */
export class WavStream {
  #rest: Uint8Array = new Uint8Array();
  #format: Format | undefined;
  #begun = false;
  /** Bytes left of the sound; undefined while headers are read. */
  #left: number | undefined;

  /** Hz; undefined until the format is known. */
  get sampleRate(): number | undefined {
    return this.#format?.rate;
  }

  /** The sound in these bytes and what was left of those before: mono, 16 bit. Throws WavError as readWav does. */
  push(bytes: Uint8Array): Int16Array {
    const rest = new Uint8Array(this.#rest.length + bytes.length);
    rest.set(this.#rest);
    rest.set(bytes, this.#rest.length);
    this.#rest = rest;
    const parts: Int16Array[] = [];
    while (this.#left === undefined ? this.#header() : this.#sound(parts));
    return joinSamples(parts);
  }

  /** All bytes were pushed. Throws WavError where no sound began. */
  end(): void {
    if (this.#format === undefined) throw new WavError('data', 'the WAV file ends before its sound');
  }

  /** Reads one chunk's header; false where more bytes are needed. */
  #header(): boolean {
    const bytes = this.#rest;
    if (bytes.length < 12) return false;
    const id = ascii(bytes, 0, 4);
    if (id === 'RIFF') {
      if (ascii(bytes, 8, 12) !== 'WAVE')
        throw new WavError('riff', 'this is no WAV file: it does not begin with RIFF and WAVE');
      this.#begun = true;
      this.#rest = bytes.subarray(12);
      return true;
    }
    if (!this.#begun) throw new WavError('riff', 'this is no WAV file: it does not begin with RIFF and WAVE');
    const length = view(bytes).getUint32(4, true);
    if (id === 'data') {
      if (!this.#format)
        throw new WavError('format', 'the WAV file has sound before it says in which format');
      this.#left = length === 0 ? Number.POSITIVE_INFINITY : length;
      this.#rest = bytes.subarray(8);
      return true;
    }
    if (length > MAX_CHUNK) throw new WavError('data', `the WAV file has a chunk of ${length} bytes`);
    const end = 8 + length + (length % 2);
    if (bytes.length < end) return false;
    if (id === 'fmt ') {
      const format = readFormat(bytes.subarray(8, 8 + length));
      if (this.#format && this.#format.rate !== format.rate)
        throw new WavError('rate', 'the rate of the sound changes in the middle');
      this.#format = format;
    }
    this.#rest = bytes.subarray(end);
    return true;
  }

  /** Takes whole samples; false where more bytes are needed. */
  #sound(parts: Int16Array[]): boolean {
    const { bits, channels } = this.#format!;
    const width = Math.max(1, (bits / 8) * channels);
    const there = Math.min(this.#left!, this.#rest.length);
    const taken = there - (there % width);
    parts.push(decode(this.#rest.subarray(0, taken), this.#format!).samples);
    this.#rest = this.#rest.subarray(taken);
    this.#left! -= taken;
    if (this.#left! >= width) return false;
    // Less than a sample is left of a length that is known: skip it, and look for another header.
    if (this.#rest.length < this.#left!) return false;
    this.#rest = this.#rest.subarray(this.#left!);
    this.#left = undefined;
    return true;
  }
}

/** A mono file of 16 bit. */
export function writeWav(samples: Int16Array, sampleRate: number): Uint8Array {
  const out = new Uint8Array(HEADER_SIZE + samples.length * 2);
  out.set(header(samples.length, sampleRate));
  out.set(littleEndian(samples), HEADER_SIZE);
  return out;
}

/** Writes a mono file of 16 bit piece by piece; the header is right after `flush` and once it is closed. */
export class WavWriter {
  readonly path: string;
  readonly #sampleRate: number;
  #file: number | undefined;
  #count = 0;

  constructor(path: string, sampleRate: number) {
    this.path = path;
    this.#sampleRate = sampleRate;
    this.#file = openSync(path, 'w');
    writeSync(this.#file, header(0, sampleRate));
  }

  /** Samples written so far. */
  get length(): number {
    return this.#count;
  }

  /** After `close` it does nothing: sound may still come while things stop. */
  write(samples: Int16Array): void {
    if (this.#file === undefined) return;
    writeAll(this.#file, littleEndian(samples));
    this.#count += samples.length;
  }

  /** Makes the file whole as it stands; more may follow. */
  flush(): void {
    if (this.#file !== undefined)
      writeSync(this.#file, header(this.#count, this.#sampleRate), 0, HEADER_SIZE, 0);
  }

  close(): void {
    if (this.#file === undefined) return;
    this.flush();
    closeSync(this.#file);
    this.#file = undefined;
  }
}

function decode(data: Uint8Array, format: Format): Wav {
  const { code, channels, rate, bits } = format;
  const integer = code === PCM && [8, 16, 24, 32].includes(bits);
  const float = code === FLOAT && (bits === 32 || bits === 64);
  if (!integer && !float)
    throw new WavError('format', `the WAV file has format ${code} with ${bits} bits; PCM or float is needed`);
  if (channels < 1 || channels > 64) throw new WavError('format', `the WAV file claims ${channels} channels`);
  if (rate < 1000 || rate > 384_000) throw new WavError('rate', `the WAV file claims a rate of ${rate} Hz`);
  const width = bits / 8;
  const fields = view(data);
  const read = (at: number): number => {
    if (float) return (width === 4 ? fields.getFloat32(at, true) : fields.getFloat64(at, true)) * 32768;
    if (width === 1) return (data[at]! - 128) * 256;
    if (width === 2) return fields.getInt16(at, true);
    if (width === 3) return (fields.getInt8(at + 2) << 8) + fields.getUint16(at, true) / 256;
    return fields.getInt32(at, true) / 65536;
  };
  const samples = new Int16Array(Math.floor(data.length / (width * channels)));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += read((i * channels + channel) * width);
    samples[i] = clip(sum / channels);
  }
  return { sampleRate: rate, channels, samples };
}

/** Nearest 16-bit sample; what is no number is silence. */
function clip(value: number): number {
  return Math.max(-32768, Math.min(32767, Math.round(value))) || 0;
}

function header(samples: number, sampleRate: number): Uint8Array {
  const out = new Uint8Array(HEADER_SIZE);
  const fields = view(out);
  out.set(Buffer.from('RIFF....WAVEfmt ', 'latin1'));
  fields.setUint32(4, HEADER_SIZE - 8 + samples * 2, true);
  fields.setUint32(16, 16, true);
  fields.setUint16(20, PCM, true);
  fields.setUint16(22, 1, true);
  fields.setUint32(24, sampleRate, true);
  fields.setUint32(28, sampleRate * 2, true);
  fields.setUint16(32, 2, true);
  fields.setUint16(34, 16, true);
  out.set(Buffer.from('data', 'latin1'), 36);
  fields.setUint32(40, samples * 2, true);
  return out;
}

function littleEndian(samples: Int16Array): Uint8Array {
  const out = new Uint8Array(samples.length * 2);
  const fields = view(out);
  for (let i = 0; i < samples.length; i++) fields.setInt16(i * 2, samples[i]!, true);
  return out;
}

function writeAll(file: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at);
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}

/** Joins pieces of sound. */
export function joinSamples(parts: readonly Int16Array[]): Int16Array {
  const out = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
