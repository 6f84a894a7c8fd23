/**
 * Cuts text that is still being written into sentences, so that each can be spoken as soon as it is whole. All pieces
 * joined are the text, character by character: white space goes with the sentence that follows it.
 */

/** What may stand between the end of a sentence and the next one. */
const CLOSERS = /["'”’»)\]}*_~`）」』】〉》]/u;
const QUOTES = /["'”’»」』]/u;
/** Ends that need no space behind them. */
const WIDE_ENDS = /[。！？｡．؟۔।]/u;
const ENDS = /[.!?…。！？｡．؟۔।]/u;
/** They are followed by a name, a number or more of the sentence, whatever that begins with. */
const NEVER_LAST = new Set(
  (
    'mr mrs ms dr prof st sr mt gen col sgt capt lt rev hon messrs mme mlle fr hr nr str bzw ca evtl ggf inkl sog ' +
    'z.b d.h u.a i.d.r vgl e.g i.e cf vs approx fig figs vol pp no'
  ).split(' '),
);
/** They may be the last word of a sentence: then a capital letter follows. */
const MAYBE_LAST = new Set(
  'etc inc ltd co corp jr dept est a.m p.m u.s u.k usw al ph.d b.sc m.sc'.split(' '),
);
const GERMAN_MONTH = /^(?:Jan|Feb|März|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)/u;
/** Clause marks that a space follows, and those that need none. */
const CLAUSE = /[,;:–—](?=\s)|[，、；：]/gu;
const FENCE = /^\s*(?:```|~~~)/;

export interface CutterOptions {
  /** The first piece may end at a clause that has as many characters (wide ones count twice). 0: only at its end. */
  firstClause?: number;
  /** A sentence without an end is cut between words after so many characters. */
  longest?: number;
}

export class SentenceCutter {
  readonly #firstClause: number;
  readonly #longest: number;
  #text = '';
  #cutOnce = false;
  #fenced = false;

  constructor({ firstClause = 20, longest = 300 }: CutterOptions = {}) {
    this.#firstClause = firstClause;
    this.#longest = longest;
  }

  /** Takes more text; gives what is whole by now. */
  push(text: string): string[] {
    this.#text += text;
    return this.#cut(false);
  }

  /** Nothing followed for a while: gives also a last sentence that looks whole, though nobody knows what follows. */
  stalled(): string[] {
    return this.#cut(true);
  }

  /** The text is over: gives all that is left. */
  end(): string[] {
    const out = this.#cut(false);
    if (this.#text !== '') out.push(this.#take(this.#text.length));
    return out;
  }

  #cut(stalled: boolean): string[] {
    const out: string[] = [];
    for (;;) {
      const at = this.#boundary(stalled);
      if (at === undefined) return out;
      out.push(this.#take(at));
    }
  }

  #take(length: number): string {
    const piece = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    this.#cutOnce = true;
    // A fence is a line of its own, and lines are pieces.
    if (FENCE.test(piece)) this.#fenced = !this.#fenced;
    return piece;
  }

  /** Where the first piece of the text ends; undefined while that is not known. */
  #boundary(stalled: boolean): number | undefined {
    const text = this.#text;
    const begin = text.search(/\S/u);
    if (begin < 0) return undefined;
    const clause = this.#clause(begin);
    const fenced = this.#fenced || FENCE.test(text);
    // Beyond that it is cut anyway; to look further costs the square of a text that comes all at once.
    const limit = clause ?? Math.min(text.length, fenced ? text.length : begin + this.#longest);
    for (let at = begin; at < limit; at++) {
      const char = text[at]!;
      if (char === '\n') return at;
      if (fenced || !ENDS.test(char)) continue;
      const end = this.#endOfSentence(begin, at, stalled);
      if (end === 'unknown') break;
      if (end !== undefined) return end;
      while (ENDS.test(text[at + 1] ?? '')) at++;
    }
    if (fenced) return undefined;
    return clause ?? this.#tooLong(begin);
  }

  /** The end of the sentence if one of its marks at `at` is its last; 'unknown' while what follows decides. */
  #endOfSentence(begin: number, at: number, stalled: boolean): number | undefined | 'unknown' {
    const text = this.#text;
    let end = at;
    while (end < text.length && ENDS.test(text[end]!)) end++;
    const marks = text.slice(at, end);
    const closed = end;
    while (end < text.length && CLOSERS.test(text[end]!)) end++;
    const closers = text.slice(closed, end);
    const open = end === text.length;
    const next = text[end] ?? '';
    const following = /^\s+(\S)/u.exec(text.slice(end))?.[1];
    const whole = (unsure: boolean) => (unsure ? (stalled ? end : 'unknown') : end);

    if (WIDE_ENDS.test(marks)) return whole(open);
    if (marks === '.') {
      const word = /\S*$/u.exec(text.slice(begin, at))![0];
      const verdict = this.#dot(word, begin, at, next, following, stalled);
      if (verdict !== 'end') return verdict === 'no' ? undefined : 'unknown';
    }
    if (open) return whole(true);
    if (!/\s/u.test(next)) {
      // "One.Two": models forget the space; but not "example.Com" or "v2.A".
      const glued = marks === '.' && /\p{Ll}{2}$/u.test(text.slice(begin, at)) && /^\p{Lu}/u.test(next);
      if (!glued || closers !== '') return undefined;
      if (text.length < end + 2 && !stalled) return 'unknown';
      return /^\p{Lu}[\p{Ll}\s]/u.test(text.slice(end)) && !/[/@]\S*$/.test(text.slice(begin, at))
        ? end
        : undefined;
    }
    // Whether it goes on is seen from the next letter: "Wait... what", '"Really?" she asked'.
    if (/^(?:\.{2,}|…+)$/u.test(marks) || QUOTES.test(closers)) {
      if (following === undefined) return whole(true);
      return /\p{Ll}/u.test(following) ? undefined : end;
    }
    return end;
  }

  /** What a single full stop behind `word` means. */
  #dot(
    word: string,
    begin: number,
    at: number,
    next: string,
    following: string | undefined,
    stalled: boolean,
  ): 'end' | 'no' | 'unknown' {
    const bare = word.replace(/^[^\p{L}\p{N}]+/u, '').toLowerCase();
    if (NEVER_LAST.has(bare)) {
      // "No." is also an answer.
      if (bare !== 'no') return 'no';
      if (following === undefined)
        return next === '' || /\s/u.test(next) ? (stalled ? 'end' : 'unknown') : 'no';
      return /\p{N}/u.test(following) ? 'no' : 'end';
    }
    if (/^\p{Lu}$/u.test(word) && word !== 'I') return 'no';
    const number = /^(\d+)$/.exec(word)?.[1];
    if (number !== undefined) {
      const lineStart = begin + word.length === at;
      if (lineStart && number.length <= 3 && (next === '' || /\s/u.test(next))) return 'no';
      if (next === '') return stalled ? 'end' : 'unknown';
      if (number.length <= 2 && /\s/u.test(next)) {
        if (following === undefined) return stalled ? 'end' : 'unknown';
        if (GERMAN_MONTH.test(this.#text.slice(at + 1).trimStart())) return 'no';
      }
      return 'end';
    }
    if (MAYBE_LAST.has(bare) || /^(?:\p{L}\.)+\p{L}$/u.test(bare)) {
      if (following === undefined)
        return next === '' || /\s/u.test(next) ? (stalled ? 'end' : 'unknown') : 'no';
      return /[\p{Lu}\p{Lo}]/u.test(following) ? 'end' : 'no';
    }
    return 'end';
  }

  /** The end of the first clause that may be spoken alone, of the very first piece. */
  #clause(begin: number): number | undefined {
    if (this.#cutOnce || this.#firstClause === 0) return undefined;
    for (const { index } of this.#text.matchAll(CLAUSE)) {
      if (width(this.#text.slice(begin, index)) >= this.#firstClause) return index + 1;
    }
    return undefined;
  }

  /** A place between words where the sentence grows too long. */
  #tooLong(begin: number): number | undefined {
    const text = this.#text;
    if (text.length - begin <= this.#longest) return undefined;
    const head = text.slice(0, begin + this.#longest);
    const space = head.search(/\s\S*$/u);
    if (space > begin + this.#longest / 2) return space;
    // No words: between two characters as people see them, never within one.
    const last = [...new Intl.Segmenter().segment(head)].at(-1);
    return last && last.index > begin ? last.index : undefined;
  }
}

/** Characters, those of Chinese, Japanese and Korean counted twice: they say as much. */
function width(text: string): number {
  return text.length + (text.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/gu)?.length ?? 0);
}
