/** For tests: the events that a client of the gateway has seen, and waiting for them. */
import type { ServerEvent } from './events.ts';

type EventOf<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>;
/** Guard against hanging for ever; no test depends on how long anything takes. */
const GUARD_MS = 40_000;

export class SeenEvents {
  readonly events: ServerEvent[] = [];
  #waiters = new Set<() => void>();

  /** Something came: whoever waits looks again. */
  protected wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Waits until `found` gives something. */
  async until<T>(what: string, found: () => T | undefined | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(new Error(`no ${what}; events: ${this.types().join(', ')}`));
      }, GUARD_MS);
      const look = () => {
        const value = found();
        if (value === undefined || value === false) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(value);
      };
      this.#waiters.add(look);
      look();
    });
  }

  /** The next event of this type after `from` events. */
  event<T extends ServerEvent['type']>(type: T, from = 0): Promise<EventOf<T>> {
    return this.until(type, () =>
      this.events.slice(from).find((event): event is EventOf<T> => event.type === type),
    );
  }

  types(from = 0): string[] {
    return this.events.slice(from).map((event) => event.type);
  }
}
