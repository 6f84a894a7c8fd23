/** For tests: a client of the gateway over WebSocket that keeps all events. */
import { WebSocket } from 'ws';
import type { ServerEvent } from './events.ts';

type EventOf<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>;
/** Guard against hanging for ever; no test depends on how long anything takes. */
const GUARD_MS = 40_000;

export class SocketClient {
  readonly socket: WebSocket;
  readonly events: ServerEvent[] = [];
  /** Set when it is closed. */
  closed: { code: number; reason: string } | undefined;
  #waiters = new Set<() => void>();

  /** Connects; rejects with `status body` where the answer is no WebSocket. */
  static async connect(
    url: string,
    headers: Record<string, string> = {},
    protocols: string[] = [],
  ): Promise<SocketClient> {
    const client = new SocketClient(new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers }));
    await new Promise<void>((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
      client.socket.once('unexpected-response', (_, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += String(chunk);
        });
        response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)));
      });
    });
    return client;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data) => {
      this.events.push(JSON.parse(String(data)) as ServerEvent);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#wake();
    });
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

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

  end(): Promise<{ code: number; reason: string }> {
    return this.until('end', () => this.closed);
  }

  types(from = 0): string[] {
    return this.events.slice(from).map((event) => event.type);
  }

  send(event: object): void {
    this.socket.send(JSON.stringify(event));
  }

  close(): void {
    this.socket.close();
  }
}
