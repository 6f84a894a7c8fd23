/** Features of speech: mel-frequency cepstral coefficients with their deltas, from 24 kHz sound. */
import { RATE } from './audio.ts';

const SIZE = 1024;
const WINDOW = (RATE * 25) / 1000;
const HOP = (RATE * 10) / 1000;
const BANDS = 26;
const LOW_HZ = 100;
const HIGH_HZ = 6500;
const CEPSTRA = 12;
/** Weight of the slopes beside the coefficients themselves. */
const DELTA = 3;
/** Sound this far below the loudest band of the utterance counts as silence: hides the room and the codec. dB. */
const DEPTH = 25;
/** An utterance begins and ends this far below its loudest moment. dB. */
const TRIM = 20;
/** How much of the estimated noise is taken away: its peaks reach above the estimate. */
const NOISE = 2;
/** The ends are found in the lower bands (up to about 1 kHz): white noise has most of its power above. */
const VOICE_BANDS = 10;
/** Rows kept around that: consonants have little power there. */
const BEFORE = 4;
const AFTER = 8;
/** Below this level (dB of the band sums) there is nothing but rounding. */
const NOTHING = 60;
/** Part of the rows of an utterance in which a band holds noise only. */
const QUIET = 0.15;

/** One vector of 24 numbers each 10 ms. */
export type Features = Float64Array[];

const window = Float64Array.from(
  { length: WINDOW },
  (_, i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (WINDOW - 1)),
);
const cosines = Float64Array.from({ length: SIZE / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / SIZE));
const sines = Float64Array.from({ length: SIZE / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / SIZE));
const mel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
const hz = (m: number) => 700 * (10 ** (m / 2595) - 1);
const edges = Array.from({ length: BANDS + 2 }, (_, i) => {
  const at = mel(LOW_HZ) + ((mel(HIGH_HZ) - mel(LOW_HZ)) * i) / (BANDS + 1);
  return (hz(at) * SIZE) / RATE;
});

/** In place, radix 2. */
function fft(re: Float64Array, im: Float64Array): void {
  for (let i = 1, j = 0; i < SIZE; i++) {
    let bit = SIZE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j]!, re[i]!, im[j]!, im[i]!];
  }
  for (let length = 2; length <= SIZE; length <<= 1) {
    const step = SIZE / length;
    for (let start = 0; start < SIZE; start += length) {
      for (let k = 0; k < length / 2; k++) {
        const a = start + k;
        const b = a + length / 2;
        const c = cosines[k * step]!;
        const s = -sines[k * step]!;
        const xr = re[b]! * c - im[b]! * s;
        const xi = re[b]! * s + im[b]! * c;
        re[b] = re[a]! - xr;
        im[b] = im[a]! - xi;
        re[a] = re[a]! + xr;
        im[a] = im[a]! + xi;
      }
    }
  }
}

/** Energies of the mel bands, one row each 10 ms. */
function bands(pcm: Int16Array): Float64Array[] {
  const rows: Float64Array[] = [];
  const re = new Float64Array(SIZE);
  const im = new Float64Array(SIZE);
  for (let start = 0; start + WINDOW <= pcm.length; start += HOP) {
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < WINDOW; i++) {
      const before = start + i > 0 ? pcm[start + i - 1]! : 0;
      re[i] = (pcm[start + i]! - 0.95 * before) * window[i]!;
    }
    fft(re, im);
    const row = new Float64Array(BANDS);
    for (let band = 0; band < BANDS; band++) {
      const [from, top, to] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
      for (let bin = Math.ceil(from); bin < to; bin++) {
        const weight = bin <= top ? (bin - from) / (top - from) : (to - bin) / (to - top);
        row[band]! += weight * (re[bin]! ** 2 + im[bin]! ** 2);
      }
    }
    rows.push(row);
  }
  return rows;
}

/**
 * Takes away steady noise, measured per band inside the utterance: speech leaves each band quiet at times. (Around
 * the utterance there may be another room, or none.)
 */
function denoise(rows: Float64Array[]): Float64Array[] {
  const noise = Float64Array.from({ length: BANDS }, (_, band) => {
    const smooth = rows.map((_, at) => {
      const near = rows.slice(Math.max(0, at - 2), at + 3);
      return near.reduce((sum, row) => sum + row[band]!, 0) / near.length;
    });
    return NOISE * smooth.sort((x, y) => x - y)[Math.floor(smooth.length * QUIET)]!;
  });
  return rows.map((row) => row.map((value, band) => Math.max(value - noise[band]!, 0)));
}

/** Cuts silence and noise off both ends, by the level over 50 ms. */
function trim(rows: Float64Array[]): Float64Array[] {
  const raw = rows.map((row) => row.subarray(0, VOICE_BANDS).reduce((sum, value) => sum + value, 1e-9));
  const levels = raw.map((_, at) => {
    const near = raw.slice(Math.max(0, at - 2), at + 3);
    return 10 * Math.log10(near.reduce((sum, value) => sum + value, 0) / near.length);
  });
  const sorted = [...levels].sort((x, y) => x - y);
  const peak = sorted.at(-1) ?? 0;
  if (peak < NOTHING) return [];
  const noise = sorted[Math.floor(sorted.length * 0.15)] ?? 0;
  const limit = Math.max(peak - TRIM, Math.min(noise + 6, peak - 12));
  const first = levels.findIndex((level) => level > limit);
  return first < 0
    ? []
    : rows.slice(Math.max(0, first - BEFORE), levels.findLastIndex((level) => level > limit) + 1 + AFTER);
}

/**
 * Features of one utterance. Neither its level nor a constant colour (microphone, room) matters; silence at the ends
 * is cut off. Empty where there is less than 100 ms of sound.
 */
export function features(pcm: Int16Array): Features {
  const rows = denoise(trim(bands(pcm)));
  if (rows.length < 10) return [];
  const floor = rows.reduce((max, row) => Math.max(max, ...row), 1e-9) * 10 ** (-DEPTH / 10);
  const cepstra = rows.map((row) => {
    const logs = row.map((value) => Math.log(value + floor));
    return Float64Array.from({ length: CEPSTRA }, (_, index) => {
      const n = index + 1;
      let sum = 0;
      for (let band = 0; band < BANDS; band++) sum += logs[band]! * cosineOf(n, band);
      // Liftering: the higher coefficients are smaller by nature.
      return (sum * (1 + 6 * Math.sin((Math.PI * n) / CEPSTRA))) / 4;
    });
  });
  for (let n = 0; n < CEPSTRA; n++) {
    const mean = cepstra.reduce((sum, row) => sum + row[n]!, 0) / cepstra.length;
    for (const row of cepstra) row[n]! -= mean;
  }
  return cepstra.map((row, at) => {
    const out = new Float64Array(2 * CEPSTRA);
    out.set(row);
    for (let n = 0; n < CEPSTRA; n++) {
      let slope = 0;
      for (let k = 1; k <= 3; k++) {
        const after = cepstra[Math.min(cepstra.length - 1, at + k)]![n]!;
        slope += k * (after - cepstra[Math.max(0, at - k)]![n]!);
      }
      out[CEPSTRA + n] = (DELTA * slope) / 28;
    }
    return out;
  });
}

const cosineTable = Float64Array.from({ length: (CEPSTRA + 1) * BANDS }, (_, i) =>
  Math.cos((Math.PI * Math.floor(i / BANDS) * ((i % BANDS) + 0.5)) / BANDS),
);
const cosineOf = (n: number, band: number): number => cosineTable[n * BANDS + band]!;
