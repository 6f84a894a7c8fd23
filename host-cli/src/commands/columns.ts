/** Tables of names that people made: cut where they are long, and aligned where characters are wide. */

/** Characters that terminals show two columns wide (East Asian, and emoji). */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff00-\uff60]/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

const graphemes = (text: string): string[] => [...segmenter.segment(text)].map((one) => one.segment);
const widthOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);

/** Columns that a text takes on a terminal. */
export function width(text: string): number {
  return graphemes(text).reduce((sum, one) => sum + widthOf(one), 0);
}

/** At most so many columns; cut in the middle, since names of a fleet differ at the end. */
export function cut(text: string, most = 24): string {
  if (width(text) <= most) return text;
  const parts = graphemes(text);
  const tail: string[] = [];
  const head: string[] = [];
  let left = most - 1;
  const half = Math.floor(left / 2);
  for (let i = parts.length - 1, used = 0; i >= 0 && used + widthOf(parts[i]!) <= half; i--) {
    used += widthOf(parts[i]!);
    left -= widthOf(parts[i]!);
    tail.unshift(parts[i]!);
  }
  for (const part of parts) {
    if (left < widthOf(part)) break;
    left -= widthOf(part);
    head.push(part);
  }
  return `${head.join('')}…${tail.join('')}`;
}

/** Rows as columns, two blanks apart. Columns whose number is in `right` hold numbers. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, width(cell));
    });
  const pad = (cell: string, i: number) => {
    const blanks = ' '.repeat((widths[i] ?? 0) - width(cell));
    return right.includes(i) ? blanks + cell : cell + blanks;
  };
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

/** A moment of this machine's calendar, to the minute. */
export function moment(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
