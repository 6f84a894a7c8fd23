/** Numbers as three tones, which survive a codec and lost packets: a turn that a machine can say and understand. */
const TONES = [500, 650, 800, 950, 1100, 1250, 1400, 1550];
const DIGITS = 3;
const DIGIT_MS = 300;
/** Within a tone, away from its edges: where the codec glides, and where packets were lost, it is not looked at. */
const EDGE_MS = 60;
export const CODE_MS = DIGITS * DIGIT_MS;
export const CODES = TONES.length ** DIGITS;

/** The sound of a number below CODES. */
export function sayNumber(number: number, rate: number): Int16Array {
  const perDigit = (rate * DIGIT_MS) / 1000;
  return Int16Array.from({ length: DIGITS * perDigit }, (_, i) => {
    const place = DIGITS - 1 - Math.floor(i / perDigit);
    const hertz = TONES[Math.floor(number / TONES.length ** place) % TONES.length]!;
    return Math.round(12_000 * Math.sin((2 * Math.PI * hertz * i) / rate));
  });
}

/** How much of a tone is in a piece of sound (Goertzel). */
function power(pcm: Int16Array, hertz: number, rate: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * hertz) / rate);
  let [before, last] = [0, 0];
  for (const sample of pcm) [before, last] = [last, sample + factor * last - before];
  return last * last + before * before - factor * last * before;
}

/** The number that was said, or undefined where none was. */
export function hearNumber(pcm: Int16Array, rate: number): number | undefined {
  const frame = rate / 50;
  const loud = (at: number) => {
    let sum = 0;
    for (const sample of pcm.subarray(at, at + frame)) sum += sample * sample;
    return sum / frame > 1000 ** 2;
  };
  let start = 0;
  // Two in a row: a click is no beginning.
  while (start + frame < pcm.length && !(loud(start) && loud(start + frame))) start += frame;
  let number = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const from = start + ((digit * DIGIT_MS + EDGE_MS) * rate) / 1000;
    const piece = pcm.subarray(from, from + ((DIGIT_MS - 2 * EDGE_MS) * rate) / 1000);
    const powers = TONES.map((hertz) => power(piece, hertz, rate));
    const best = Math.max(...powers);
    const second = Math.max(...powers.filter((one) => one !== best));
    if (piece.length === 0 || best < 4 * second) return undefined;
    number = number * TONES.length + powers.indexOf(best);
  }
  return number;
}
