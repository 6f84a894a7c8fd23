/**
 * What an emulated board's microphone hears: sentences in a flash partition, which `person.c` of the firmware says one
 * after the other. All little endian:
 *
 *     "TCMC"  version:u32  count:u32  then for each sentence  samples:u32  and its samples of 16 bits, 16 kHz, mono
 */
import { concat, FormatError, hex0x, view } from './bytes.ts';
import { resample } from './resample.ts';
import type { Wav } from './wav.ts';

/** `code`: magic, version, size, sentence. */
export class MicImageError extends FormatError {}

export const MIC_SAMPLE_RATE = 16_000;
const MAGIC = 'TCMC';
const VERSION = 1;
const HEADER = 12;

/**
 * Lays out sentences of 16 kHz; what is behind the image stays as it was. With `limit`, the partition's size in bytes,
 * it throws {@link MicImageError} where they do not fit.
 */
export function buildMicImage(sentences: readonly Int16Array[], limit?: number): Uint8Array {
  const parts = [header(sentences.length)];
  for (const [i, samples] of sentences.entries()) {
    if (samples.length === 0) throw new MicImageError('sentence', `sentence ${i + 1} has no samples`);
    const part = new Uint8Array(4 + samples.length * 2);
    const fields = view(part);
    fields.setUint32(0, samples.length, true);
    for (let k = 0; k < samples.length; k++) fields.setInt16(4 + k * 2, samples[k]!, true);
    parts.push(part);
  }
  const image = concat(parts);
  if (limit !== undefined && image.length > limit) throw tooLong(image.length, limit);
  return image;
}

/** The sentence of a WAV file, at the microphone's rate. */
export function micSentence(wav: Pick<Wav, 'sampleRate' | 'samples'>): Int16Array {
  return resample(wav.samples, wav.sampleRate, MIC_SAMPLE_RATE);
}

/** Reads an image, or a whole partition with one at its start. Throws {@link MicImageError}. */
export function parseMicImage(bytes: Uint8Array): Int16Array[] {
  const fields = view(bytes);
  if (bytes.length < HEADER || Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== MAGIC)
    throw new MicImageError('magic', `a microphone image begins with ${MAGIC}; this one does not`);
  const version = fields.getUint32(4, true);
  if (version !== VERSION)
    throw new MicImageError('version', `the microphone image has version ${version}, not ${VERSION}`);
  const count = fields.getUint32(8, true);
  const sentences: Int16Array[] = [];
  let at = HEADER;
  for (let i = 1; i <= count; i++) {
    const samples = at + 4 <= bytes.length ? fields.getUint32(at, true) : -1;
    at += 4;
    if (samples < 1 || samples * 2 > bytes.length - at)
      throw new MicImageError('size', `the microphone image ends within sentence ${i} of ${count}`);
    const sentence = new Int16Array(samples);
    for (let k = 0; k < samples; k++) sentence[k] = fields.getInt16(at + k * 2, true);
    sentences.push(sentence);
    at += samples * 2;
  }
  return sentences;
}

function header(count: number): Uint8Array {
  const out = new Uint8Array(HEADER);
  out.set(Buffer.from(MAGIC, 'latin1'));
  view(out).setUint32(4, VERSION, true);
  view(out).setUint32(8, count, true);
  return out;
}

function tooLong(size: number, limit: number): MicImageError {
  const seconds = (bytes: number) => (bytes / (2 * MIC_SAMPLE_RATE)).toFixed(1);
  return new MicImageError(
    'size',
    `the sentences take ${seconds(size)} s, and the microphone partition of ${hex0x(limit)} bytes holds ${seconds(limit)} s`,
  );
}
