/** For tests: a client of the gateway over WebSocket that keeps all events. */
import { WebSocket } from 'ws';
import type { ServerEvent } from './events.ts';
import { SeenEvents } from './test-seen.ts';

export class SocketClient extends SeenEvents {
  readonly socket: WebSocket;
  /** Set when it is closed. */
  closed: { code: number; reason: string } | undefined;

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
    super();
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data) => {
      this.events.push(JSON.parse(String(data)) as ServerEvent);
      this.wake();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.wake();
    });
  }

  end(): Promise<{ code: number; reason: string }> {
    return this.until('end', () => this.closed);
  }

  send(event: object): void {
    this.socket.send(JSON.stringify(event));
  }

  close(): void {
    this.socket.close();
  }
}
