/** G.711 (ITU-T): 8 bit logarithmic samples at 8 kHz, as telephones have them. */

const BIAS = 0x84;
const CLIP = 32_635;

/** μ-law byte of a 16-bit sample. */
export function toMulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const value = Math.min(CLIP, Math.abs(sample)) + BIAS;
  const exponent = 31 - Math.clz32(value) - 7;
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0f)) & 0xff;
}

export function fromMulaw(byte: number): number {
  const bits = ~byte & 0xff;
  const value = (((bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 7);
  return bits & 0x80 ? BIAS - value : value - BIAS;
}

/** A-law byte of a 16-bit sample. */
export function toAlaw(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  const value = Math.min(0xfff, (sample < 0 ? -sample - 1 : sample) >> 3);
  const exponent = value < 0x20 ? 0 : 31 - Math.clz32(value) - 4;
  const mantissa = (exponent < 2 ? value >> 1 : value >> exponent) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

export function fromAlaw(byte: number): number {
  const bits = byte ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const value = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return bits & 0x80 ? value : -value;
}
