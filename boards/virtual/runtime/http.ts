import { createHash, X509Certificate } from 'node:crypto';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../contract.ts';
import { ERR, EVENT, HTTP, type PortFunctions, type Post } from './codes.ts';
import type { CoreMemory } from './module.ts';

/** A longer body is not read to its end (`port.h`). */
const MAX_BODY = 20_480;

/** Pieces of a body that is got, in bytes: each is an event. */
const PIECE = 4_096;

interface Request {
  method: 'POST' | 'GET';
  url: string;
  /** "", or the hex SHA-256 of the only key that the server may have. */
  pin: string;
  headers: Record<string, string> | undefined;
  body: Uint8Array;
  timeoutMs: number;
}
/** Ends a request; `code` is a status or an `HTTP` error. */
type Finish = (code: number, extra?: number, data?: Uint8Array) => void;

/** HTTPS, one request at a time. Certificates are verified, or the key is pinned; redirects are not followed. */
export class HttpPort {
  readonly #clock: Clock;
  readonly #online: () => boolean;
  readonly #post: Post;
  #current: { id: number; abort: () => void } | undefined;

  constructor(clock: Clock, online: () => boolean, post: Post) {
    this.#clock = clock;
    this.#online = online;
    this.#post = post;
  }

  port(memory: CoreMemory): PortFunctions {
    return {
      tc_port_http_post: (id, url, pin, headers, body, length, timeout) =>
        this.send(
          id! >>> 0,
          memory.text(url!),
          memory.text(pin!),
          memory.text(headers!),
          memory.bytes(body!, length!).slice(),
          timeout! >>> 0,
        ),
      tc_port_http_get: (id, url, pin, timeout) =>
        this.get(id! >>> 0, memory.text(url!), memory.text(pin!), timeout! >>> 0),
      tc_port_http_cancel: (id) => this.cancel(id! >>> 0),
    };
  }

  /**
   * Posts `body`; the answer is posted as an event. `pin` is "", or the hex SHA-256 of the only key that the server
   * may have. Negative `tc_err` where it cannot be started.
   */
  send(
    id: number,
    url: string,
    pin: string,
    headerLines: string,
    body: Uint8Array,
    timeoutMs: number,
  ): number {
    const headers = parseHeaders(headerLines);
    return this.#start(id, { method: 'POST', url, pin, headers, body, timeoutMs }, receive);
  }

  /** Gets a body of any length, in pieces; `timeoutMs` is how long the server may send nothing. Answers as `send`. */
  get(id: number, url: string, pin: string, timeoutMs: number): number {
    const request: Request = { method: 'GET', url, pin, headers: {}, body: new Uint8Array(), timeoutMs };
    return this.#start(id, request, (response, finish, alive) =>
      stream(response, finish, alive, (data, total) =>
        this.#post({ kind: EVENT.httpData, id, extra: total, data }),
      ),
    );
  }

  #start(
    id: number,
    { method, url, pin, headers, body, timeoutMs }: Request,
    take: (response: IncomingMessage, finish: Finish, alive: () => void) => void,
  ): number {
    if (this.#current) return ERR.state;
    const target = URL.canParse(url) ? new URL(url) : undefined;
    if (!target || (target.protocol !== 'https:' && target.protocol !== 'http:') || !headers)
      return ERR.format;
    const secure = target.protocol === 'https:';
    const pinned = secure && pin !== '';
    const literal = isIP(target.hostname.replace(/^\[|\]$/g, '')) !== 0;

    let over = false;
    let phase: number = literal ? HTTP.tcp : HTTP.dns;
    let request: ClientRequest | undefined;
    const finish: Finish = (code, extra = 0, data) => {
      if (over) return;
      over = true;
      cancelTimer();
      this.#current = undefined;
      request?.destroy();
      this.#post({ kind: EVENT.http, id, code, extra, data });
    };
    const late = () => finish(HTTP.timeout);
    let cancelTimer = this.#clock.after(timeoutMs, late);
    const alive = () => {
      if (over) return;
      cancelTimer();
      cancelTimer = this.#clock.after(timeoutMs, late);
    };
    this.#current = {
      id,
      abort: () => {
        over = true;
        cancelTimer();
        this.#current = undefined;
        request?.destroy();
      },
    };
    if (!this.#online()) {
      // Without a network no name is found; the answer still comes as an event.
      this.#clock.after(0, () => finish(HTTP.dns));
      return 0;
    }
    try {
      request = (secure ? httpsRequest : httpRequest)(target, {
        method,
        headers: { ...headers, ...(method === 'POST' && { 'Content-Length': body.length }) },
        agent: false,
        // A pinned key is all that counts; nothing of the request, with its token, leaves before it was seen.
        ...(secure ? { rejectUnauthorized: !pinned } : {}),
      });
    } catch {
      // A header that HTTP does not allow. Node's message is not passed on: it may quote the header.
      this.#current.abort();
      return ERR.format;
    }
    // What has been reached tells what an error means; its own code depends on the platform.
    request.on('socket', (socket) => {
      socket.once('lookup', (error: Error | null) => {
        if (!error) phase = HTTP.tcp;
      });
      socket.once('connect', () => {
        phase = secure ? HTTP.tls : HTTP.io;
      });
      (socket as TLSSocket).once('secureConnect', () => {
        if (pinned && publicKeyHash(socket as TLSSocket) !== pin) {
          finish(HTTP.pin);
          return;
        }
        phase = HTTP.io;
        if (pinned) request!.end(body);
      });
    });
    request.on('error', () => finish(phase));
    request.on('response', (response) => take(response, finish, alive));
    if (!pinned) request.end(body);
    return 0;
  }

  cancel(id: number): void {
    if (this.#current?.id === id) this.#current.abort();
  }

  stop(): void {
    this.#current?.abort();
  }
}

/** SHA-256 over the DER SubjectPublicKeyInfo of the peer's certificate, in hex (RFC 7469, section 2.4). */
function publicKeyHash(socket: TLSSocket): string {
  const { raw } = socket.getPeerCertificate();
  if (!raw) return '';
  const spki = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

function receive(response: IncomingMessage, finish: Finish): void {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (Number(response.headers['content-length']) > MAX_BODY) {
    finish(HTTP.tooLarge);
    return;
  }
  response.on('data', (part: Uint8Array) => {
    length += part.length;
    if (length > MAX_BODY) finish(HTTP.tooLarge);
    else parts.push(part);
  });
  response.on('end', () =>
    finish(response.statusCode ?? 0, retryAfter(response.headers['retry-after']), Buffer.concat(parts)),
  );
  response.on('error', () => finish(HTTP.io));
  response.on('aborted', () => finish(HTTP.io));
}

/** Hands on the body of a 200 in pieces. */
function stream(
  response: IncomingMessage,
  finish: Finish,
  alive: () => void,
  piece: (data: Uint8Array, total: number) => void,
): void {
  const status = response.statusCode ?? 0;
  if (status !== 200) {
    finish(status, retryAfter(response.headers['retry-after']));
    return;
  }
  const total = Number(response.headers['content-length'] ?? 0);
  response.on('data', (bytes: Uint8Array) => {
    alive();
    for (let at = 0; at < bytes.length; at += PIECE) piece(bytes.slice(at, at + PIECE), total);
  });
  response.on('end', () => finish(response.complete ? status : HTTP.io));
  response.on('error', () => finish(HTTP.io));
  response.on('aborted', () => finish(HTTP.io));
}

/** Seconds of a Retry-After header; 0 where there is none or it is a date, which the device has no clock for. */
function retryAfter(value: string | undefined): number {
  return value !== undefined && /^\d{1,9}$/.test(value.trim()) ? Number(value) : 0;
}

/** Lines "Name: value\r\n"; undefined where a line is none. */
function parseHeaders(lines: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const line of lines.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) return undefined;
    headers[line.slice(0, colon)] = line.slice(colon + 1).trim();
  }
  return headers;
}
