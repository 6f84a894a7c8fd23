/**
 * WAV files (RIFF, WAVE_FORMAT_PCM, IEEE_FLOAT, EXTENSIBLE): read whole, write whole, or write as sound comes.
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
  let format: { code: number; channels: number; rate: number; bits: number } | undefined;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const id = ascii(bytes, at, at + 4);
    const length = fields.getUint32(at + 4, true);
    const start = at + 8;
    const end = Math.min(bytes.length, start + length);
    if (id === 'fmt ') {
      if (end - start < 16) throw new WavError('format', 'the WAV file ends within its format');
      let code = fields.getUint16(start, true);
      // The first word of an extensible format's GUID is the format that it extends.
      if (code === EXTENSIBLE && end - start >= 26) code = fields.getUint16(start + 24, true);
      format = {
        code,
        channels: fields.getUint16(start + 2, true),
        rate: fields.getUint32(start + 4, true),
        bits: fields.getUint16(start + 14, true),
      };
    } else if (id === 'data') {
      if (!format) throw new WavError('format', 'the WAV file has sound before it says in which format');
      return decodeSamples(bytes.subarray(start, end), format);
    }
    at = start + length + (length % 2);
  }
  throw new WavError('data', format ? 'the WAV file holds no sound' : 'the WAV file does not say its format');
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

function decodeSamples(
  data: Uint8Array,
  format: { code: number; channels: number; rate: number; bits: number },
): Wav {
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
