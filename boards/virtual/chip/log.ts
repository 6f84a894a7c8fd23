/** Log lines as ESP-IDF writes them. Their time is that of a chip at 115,200 baud, which waits for its UART. */
export class Log {
  text = '';
  #ms = 24;

  info(tag: string, message: string): void {
    this.#add('I', tag, message);
  }

  error(tag: string, message: string): void {
    this.#add('E', tag, message);
  }

  #add(level: string, tag: string, message: string): void {
    const line = `${level} (${this.#ms}) ${tag}: ${message}\r\n`;
    this.#ms += Math.ceil((line.length * 10_000) / 115_200);
    this.text += line;
  }
}
