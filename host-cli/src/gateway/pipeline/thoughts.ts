/** Takes out what a model thinks aloud before it answers: <think>…</think> at the beginning of its text. */
const OPEN = '<think>';
const CLOSE = '</think>';

export class Thoughts {
  #held = '';
  #state: 'start' | 'thinking' | 'answering' = 'start';

  /** What of the text is for the person, as far as it is known. */
  push(text: string): string {
    if (this.#state === 'answering') return text;
    this.#held += text;
    if (this.#state === 'start') {
      const begin = this.#held.trimStart();
      if (begin.startsWith(OPEN)) this.#state = 'thinking';
      else if (OPEN.startsWith(begin)) return '';
      else return this.#answer(this.#held);
    }
    const end = this.#held.indexOf(CLOSE);
    if (end >= 0) return this.#answer(this.#held.slice(end + CLOSE.length).trimStart());
    // The end may be cut in two.
    this.#held = OPEN + this.#held.slice(-CLOSE.length);
    return '';
  }

  /** What was held back at the end of the text. */
  end(): string {
    return this.#state === 'start' ? this.#answer(this.#held) : '';
  }

  #answer(text: string): string {
    this.#state = 'answering';
    this.#held = '';
    return text;
  }
}
