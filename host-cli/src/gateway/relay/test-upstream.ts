/** For tests: a strict server behind a relay, which takes nothing that the documentation does not have. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export const KEY = 'sk-the-real-key-0123456789abcdef';
export const ANSWER =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n';

export interface Seen {
  path: string;
  type: string | undefined;
  authorization: string | undefined;
  apiKey: string | undefined;
  body: string;
}
type Answer = { status: number; headers?: Record<string, string>; body?: string } | 'never';

export class FakeUpstream {
  readonly seen: Seen[] = [];
  readonly faults: string[] = [];
  /** Ids of calls that run. */
  readonly calls = new Set<string>();
  readonly sockets = new Set<WebSocket>();
  auth: 'bearer' | 'api-key' = 'bearer';
  /** Answers instead of the usual ones, by the last part of the path; used once each. */
  readonly instead = new Map<string, Answer[]>();
  /** The next sidebands are refused with these; a close code: it is opened, an error said, and closed. */
  readonly refuse: number[] = [];
  readonly #server: Server;
  readonly #secrets = new Set<string>();
  #count = 0;

  static async start(): Promise<FakeUpstream> {
    const fake = new FakeUpstream();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    this.#server.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '', 'http://fake');
      const id = url.searchParams.get('call_id') ?? '';
      const known = url.pathname.endsWith('/v1/realtime') && this.calls.has(id);
      if (!this.#authorized(request)) this.faults.push('a sideband without the key');
      const status = this.refuse.shift() ?? (known ? 101 : 404);
      if (status >= 1000) {
        sockets.handleUpgrade(request, socket, head, (one) => {
          one.send('{"type":"error","error":{"code":"no"}}');
          one.close(status);
        });
        return;
      }
      if (status !== 101) {
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (one) => {
        this.sockets.add(one);
        one.on('close', () => this.sockets.delete(one));
      });
    });
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.auth === 'api-key' ? '/openai' : ''}/v1/realtime/calls`;
  }

  /** To every sideband. */
  send(event: object): void {
    for (const socket of this.sockets) socket.send(JSON.stringify(event));
  }

  next(path: string, ...answers: Answer[]): void {
    this.instead.set(path, answers);
  }

  #authorized(request: IncomingMessage): boolean {
    const { authorization, 'api-key': apiKey } = request.headers;
    return this.auth === 'bearer'
      ? authorization === `Bearer ${KEY}` && apiKey === undefined
      : apiKey === KEY && authorization === undefined;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { pathname } = new URL(request.url ?? '', 'http://fake');
    const last = pathname.split('/').at(-1)!;
    const { authorization, 'api-key': apiKey, 'content-type': type } = request.headers;
    this.seen.push({
      path: request.url ?? '',
      type,
      authorization,
      apiKey: apiKey === undefined ? undefined : String(apiKey),
      body: body.toString('utf8'),
    });
    const other = this.instead.get(last)?.shift();
    if (other === 'never') return;
    const send = (status: number, headers: Record<string, string>, text: string) =>
      void response.writeHead(status, headers).end(text);
    if (other) return send(other.status, other.headers ?? {}, other.body ?? '');
    const refuse = (status: number, fault: string) => {
      this.faults.push(fault);
      send(status, {}, JSON.stringify({ error: { message: fault } }));
    };
    const secret = /^Bearer (ek_\w+)$/.exec(authorization ?? '')?.[1];
    if (last === 'calls') {
      const fromSecret = secret !== undefined && this.#secrets.delete(secret);
      if (!fromSecret && (this.auth === 'api-key' || !this.#authorized(request)))
        return refuse(401, 'no key');
      const fault = fromSecret ? rawFault(type, body) : await formFault(type, body);
      if (fault) return refuse(400, fault);
      const id = `rtc_u1_${(++this.#count).toString().padStart(8, '0')}`;
      this.calls.add(id);
      return send(201, { 'Content-Type': 'application/sdp', Location: `/v1/realtime/calls/${id}` }, ANSWER);
    }
    if (!this.#authorized(request)) return refuse(401, 'no key');
    if (last === 'client_secrets') {
      const value = `ek_${(++this.#count).toString().padStart(16, '0')}`;
      this.#secrets.add(value);
      return send(
        200,
        { 'Content-Type': 'application/json' },
        JSON.stringify({ value, expires_at: 2_000_000_000 }),
      );
    }
    if (last === 'hangup') {
      const id = pathname.split('/').at(-2)!;
      if (!this.calls.delete(id))
        return send(404, {}, '{"error":{"message":"gone","code":"call_id_not_found"}}');
      for (const socket of this.sockets) socket.close(1000);
      return send(200, {}, '');
    }
    refuse(404, `unknown path ${pathname}`);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

function rawFault(type: string | undefined, body: Buffer): string | undefined {
  if (type !== 'application/sdp') return `a secret with ${type}`;
  return body.toString('utf8').startsWith('v=0\r\n') ? undefined : 'no offer';
}

/** What is wrong with the form, as Node's own parser (undici) reads it. */
async function formFault(type: string | undefined, body: Buffer): Promise<string | undefined> {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': type ?? '' } }).formData();
  } catch (error) {
    return `no form: ${(error as Error).message}`;
  }
  const names = [...form.keys()].sort().join();
  if (names !== 'sdp,session') return `parts ${names}`;
  const sdp = String(form.get('sdp'));
  if (!sdp.startsWith('v=0\r\n') || !sdp.endsWith('\r\n')) return 'the offer was changed';
  const session = JSON.parse(String(form.get('session'))) as { type?: string; model?: string };
  if (session.type !== 'realtime' || !session.model) return 'no model';
  return undefined;
}

/** The session of a posted form. */
export async function sessionIn({ type, body }: Seen): Promise<Record<string, unknown>> {
  const form = await new Response(body, { headers: { 'content-type': type ?? '' } }).formData();
  return JSON.parse(String(form.get('session'))) as Record<string, unknown>;
}
