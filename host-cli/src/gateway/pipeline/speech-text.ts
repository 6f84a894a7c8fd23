/**
 * What of a written answer can be said aloud: Markdown, emoji, code and addresses are made for eyes. It works on whole
 * pieces of text, since marks come in pairs; the transcript keeps them.
 */
const FENCE = /^\s*(?:```|~~~)/;
const RULE = /^\s*(?:[-*_=─]\s*){3,}$/u;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const EMOJI =
  /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\u20e3|[\ufe0e\ufe0f]|[\u{e0020}-\u{e007f}]/gu;
const SHAPES = /[\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2b00-\u2bff•‣]/gu;

/** Takes the pieces of one answer in their order. */
export class SpeechText {
  #fenced = false;
  #lineStart = true;

  /** The words to say for this piece; empty where there is nothing to say. */
  say(piece: string): string {
    const lines = piece.split('\n').map((line, index) => {
      const starts = index > 0 || this.#lineStart;
      return this.#line(line, starts);
    });
    this.#lineStart = piece.endsWith('\n') || (this.#lineStart && piece.trim() === '');
    const words = lines
      .filter((line) => line !== '')
      .join(' ')
      .replace(/\s+/gu, ' ')
      .trim();
    return /[\p{L}\p{N}]/u.test(words) ? words : '';
  }

  #line(line: string, starts: boolean): string {
    if (starts && FENCE.test(line)) {
      // ```code``` in one line opens and closes.
      if (!/^\s*(```|~~~).+\1\s*$/.test(line)) this.#fenced = !this.#fenced;
      return '';
    }
    if (this.#fenced || (starts && (RULE.test(line) || TABLE_RULE.test(line)))) return '';
    let text = line;
    if (starts) {
      text = text.replace(/^\s*(?:>\s*)*(?:#{1,6}\s+|[-*+•]\s+(?:\[[ xX]\]\s+)?)?/u, '');
      if (/^\s*\|.*\|\s*$/.test(text)) text = cells(text);
    }
    return inline(text);
  }
}

const cells = (row: string): string =>
  row
    .split('|')
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '')
    .join(', ');

/** Marks within a line. */
function inline(text: string): string {
  return (
    text
      .replace(/!?\[([^\]]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+"[^"]*")?\)/g, '$1')
      .replace(/<?https?:\/\/(?:www\.)?([^\s/<>)]+)[^\s<>)]*>?/g, (all, host: string) => {
        const end = /[.,;:!?]+>?$/.exec(all)?.[0].replace('>', '') ?? '';
        return host.replace(/[.,;:!?]+$/, '') + end;
      })
      .replace(/<\/?[a-zA-Z][^<>]*>/g, ' ')
      .replace(/`+/g, '')
      .replace(/~~/g, '')
      // Stars touch what they stress; a star between spaces or digits multiplies.
      .replace(/(?<=^|[^\d\s])\*+|(?<!\s)\*+(?=\D|$)|\*+(?=[^\s\d*])/gu, '')
      // An underscore within a word belongs to it.
      .replace(/(?<![\p{L}\p{N}])_+(?=\S)|(?<=\S)_+(?![\p{L}\p{N}_])/gu, '')
      .replace(EMOJI, ' ')
      .replace(SHAPES, ' ')
      .replace(/\s+([.,;:!?])/gu, '$1')
  );
}
