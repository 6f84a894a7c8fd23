/** A queue from one maker to one taker. What was put in comes out before an end or a failure does. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #weigh: (value: T) => number;
  readonly #queue: T[] = [];
  #weight = 0;
  #end: { error?: unknown } | undefined;
  #wakeTaker: (() => void) | undefined;
  #wakeMaker: (() => void) | undefined;

  constructor(weigh: (value: T) => number = () => 1) {
    this.#weigh = weigh;
  }

  put(value: T): void {
    if (this.#end) return;
    this.#queue.push(value);
    this.#weight += this.#weigh(value);
    this.#wakeTaker?.();
  }

  end(): void {
    this.#finish({});
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Waits until less than `weight` lies in the queue, or it is over. */
  async room(weight: number): Promise<void> {
    while (!this.#end && this.#weight >= weight) {
      await new Promise<void>((resolve) => {
        this.#wakeMaker = resolve;
      });
    }
  }

  /** The next value, or undefined at the end; throws what it failed with. */
  async take(): Promise<T | undefined> {
    for (;;) {
      if (this.#queue.length > 0) {
        const value = this.#queue.shift()!;
        this.#weight -= this.#weigh(value);
        this.#wakeMaker?.();
        return value;
      }
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const value = await this.take();
      if (value === undefined) return;
      yield value;
    }
  }

  #finish(end: { error?: unknown }): void {
    this.#end ??= end;
    this.#wakeTaker?.();
    this.#wakeMaker?.();
  }
}
