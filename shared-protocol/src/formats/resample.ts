/** Change of sample rate by a windowed sinc: a low-pass below both Nyquist limits, and its values in between. */

/** Zero crossings of the sinc on each side, at the lower of both rates. */
const CROSSINGS = 32;
/** Kaiser window: about 80 dB of stop band. */
const BETA = 8;

/** The same sound at another rate; the length becomes `ceil(length * to / from)`. Rates in Hz, whole numbers. */
export function resample(samples: Int16Array, from: number, to: number): Int16Array {
  if (!(Number.isInteger(from) && Number.isInteger(to) && from > 0 && to > 0))
    throw new RangeError(`a sample rate is a whole number of Hz above 0, not ${from} or ${to}`);
  if (from === to) return samples.slice();
  const divisor = gcd(from, to);
  const up = to / divisor;
  const down = from / divisor;
  // The transition band (0.85 to 1) ends at the lower Nyquist limit, so that nothing folds back.
  const cutoff = Math.min(1, to / from) * 0.925;
  const reach = Math.ceil(CROSSINGS / cutoff);
  const taps = new Map<number, Float64Array>();
  const out = new Int16Array(Math.ceil((samples.length * up) / down));
  for (let i = 0; i < out.length; i++) {
    const phase = (i * down) % up;
    const center = (i * down - phase) / up;
    let kernel = taps.get(phase);
    if (!kernel) {
      kernel = makeKernel(phase / up, cutoff, reach);
      taps.set(phase, kernel);
    }
    let sum = 0;
    for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * (samples[center - reach + 1 + k] ?? 0);
    out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
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
