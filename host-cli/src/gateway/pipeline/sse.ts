/** Server-sent events (WHATWG HTML, section 9.2): what of them an answer of a model uses, the data. */

/** One event of a model is a few hundred bytes; who sends more sends something else. */
const MAX_EVENT = 1 << 20;

export class SseReader {
  readonly #decoder = new TextDecoder();
  #line = '';
  #data: string[] = [];
  #size = 0;
  #afterReturn = false;

  /** The data of the events that these bytes complete. Throws Error where one is larger than 1 MiB. */
  push(bytes: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The body is over; an event that lacks its empty line counts as well. */
  end(): string[] {
    return [...this.#take(`${this.#decoder.decode()}\n`), ...this.#dispatch()];
  }

  #take(text: string): string[] {
    const out: string[] = [];
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (char !== '\n' && char !== '\r') {
        this.#afterReturn = false;
        continue;
      }
      if (char === '\n' && this.#afterReturn) {
        // The second half of \r\n.
        this.#afterReturn = false;
        from = at + 1;
        continue;
      }
      this.#afterReturn = char === '\r';
      out.push(...this.#endLine(this.#line + text.slice(from, at)));
      this.#line = '';
      from = at + 1;
    }
    this.#line += text.slice(from);
    this.#check(this.#line.length);
    return out;
  }

  #endLine(line: string): string[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if ((colon < 0 ? line : line.slice(0, colon)) !== 'data') return [];
    const data = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    this.#data.push(data);
    this.#size += data.length;
    this.#check(this.#size);
    return [];
  }

  #dispatch(): string[] {
    const data = this.#data;
    this.#data = [];
    this.#size = 0;
    return data.length === 0 ? [] : [data.join('\n')];
  }

  #check(size: number): void {
    if (size > MAX_EVENT) throw new Error('it sent an event of more than 1 MiB');
  }
}
