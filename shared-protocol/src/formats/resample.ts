/** Change of sample rate by a windowed sinc: a low-pass below both Nyquist limits, and its values in between. */

/** Zero crossings of the sinc on each side, at the lower of both rates. */
const CROSSINGS = 32;
/** Kaiser window: about 80 dB of stop band. */
const BETA = 8;

/** The same sound at another rate; the length becomes `ceil(length * to / from)`. Rates in Hz, whole numbers. */
export function resample(samples: Int16Array, from: number, to: number): Int16Array {
  const resampler = new Resampler(from, to);
  const head = resampler.push(samples);
  const tail = resampler.end();
  const out = new Int16Array(head.length + tail.length);
  out.set(head);
  out.set(tail, head.length);
  return out;
}

/** Changes the rate of sound that comes in pieces; all pieces together give what `resample` gives for the whole. */
export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #cutoff: number;
  readonly #reach: number;
  readonly #kernels = new Map<number, Float64Array>();
  /** Input that is still needed, and the index of its first sample in the whole. */
  #rest: Int16Array = new Int16Array();
  #start = 0;
  #made = 0;

  /** Rates in Hz, whole numbers above 0; anything else is a RangeError. */
  constructor(from: number, to: number) {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from > 0 && to > 0))
      throw new RangeError(`a sample rate is a whole number of Hz above 0, not ${from} or ${to}`);
    const divisor = gcd(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    // The transition band (0.85 to 1) ends at the lower Nyquist limit, so that nothing folds back.
    this.#cutoff = Math.min(1, to / from) * 0.925;
    this.#reach = Math.ceil(CROSSINGS / this.#cutoff);
  }

  /** What can be said with the sound so far. */
  push(samples: Int16Array): Int16Array {
    if (this.#up === this.#down) return samples.slice();
    const rest = new Int16Array(this.#rest.length + samples.length);
    rest.set(this.#rest);
    rest.set(samples, this.#rest.length);
    this.#rest = rest;
    const known = this.#start + rest.length;
    // The last output whose kernel lies within what is known.
    const count = Math.floor(((known - 1 - this.#reach) * this.#up) / this.#down) + 1;
    const out = this.#make(Math.max(0, count - this.#made));
    const keep = Math.floor((this.#made * this.#down) / this.#up) - this.#reach + 1;
    if (keep > this.#start) {
      this.#rest = rest.slice(keep - this.#start);
      this.#start = keep;
    }
    return out;
  }

  /** The rest, as if silence followed. */
  end(): Int16Array {
    if (this.#up === this.#down) return new Int16Array();
    const length = this.#start + this.#rest.length;
    return this.#make(Math.max(0, Math.ceil((length * this.#up) / this.#down) - this.#made));
  }

  #make(count: number): Int16Array {
    const out = new Int16Array(count);
    for (let i = 0; i < count; i++, this.#made++) {
      const phase = (this.#made * this.#down) % this.#up;
      const center = (this.#made * this.#down - phase) / this.#up;
      let kernel = this.#kernels.get(phase);
      if (!kernel) {
        kernel = makeKernel(phase / this.#up, this.#cutoff, this.#reach);
        this.#kernels.set(phase, kernel);
      }
      const first = center - this.#reach + 1 - this.#start;
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * (this.#rest[first + k] ?? 0);
      out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
    }
    return out;
  }
}

/** Weights of the input samples around a point that lies `fraction` of a sample behind one of them. Their sum is 1. */
function makeKernel(fraction: number, cutoff: number, reach: number): Float64Array {
  const kernel = new Float64Array(2 * reach);
  let sum = 0;
  for (let k = 0; k < kernel.length; k++) {
    const x = k - reach + 1 - fraction;
    const angle = Math.PI * x * cutoff;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    kernel[k] = sinc * kaiser(x / reach);
    sum += kernel[k]!;
  }
  return kernel.map((weight) => weight / sum);
}

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
}

/** Modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
