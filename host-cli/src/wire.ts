/**
 * One HTTP exchange with a server of somebody else: bounded in time and size, no redirect followed, and with a pin
 * nothing is said before the server's key was compared. A secret goes into headers only, and is in no error.
 */
import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

export interface WireRequest {
  url: URL;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  /** SHA-256 of the server's public key (DER SubjectPublicKeyInfo), hex; then its certificate is not looked at. */
  pin?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface WireAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** What kept an exchange from coming to an answer. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly kind: 'timeout' | 'unreachable' | 'certificate' | 'too_large' | 'stopped';

  constructor(kind: WireError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

const MAX_ANSWER = 262_144;
const HANDSHAKE_MS = 15_000;

/** An agent that speaks only with the server of this key. */
class PinnedAgent extends HttpsAgent {
  readonly #pin: string;

  constructor(pin: string) {
    super({ keepAlive: false });
    this.#pin = pin.toLowerCase();
  }

  override createConnection(
    options: ConnectionOptions,
    ready?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const socket: TLSSocket = connect({ ...options, rejectUnauthorized: false });
    const fail = (error: Error) => {
      socket.destroy();
      ready?.(error, socket);
    };
    socket.once('error', fail);
    socket.setTimeout(HANDSHAKE_MS, () => fail(new WireError('timeout', 'the TLS handshake did not end')));
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
      const found = key === undefined ? '' : createHash('sha256').update(key).digest('hex');
      socket.off('error', fail);
      if (found === this.#pin) ready?.(null, socket);
      else fail(new WireError('certificate', 'the server has another key than the pin says'));
    });
    return undefined;
  }
}

/** The agent for a URL: pinned, or as Node has them. One connection for each exchange. */
export function agentFor(url: URL, pin: string | undefined): HttpAgent {
  if (url.protocol !== 'https:' && url.protocol !== 'wss:') return new HttpAgent({ keepAlive: false });
  return pin === undefined ? new HttpsAgent({ keepAlive: false }) : new PinnedAgent(pin);
}

/** Posts, and reads the whole answer. @throws WireError */
export function post({ url, headers, body, timeoutMs, pin, signal }: WireRequest): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    let timer: NodeJS.Timeout | undefined;
    const finish = (end: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      end();
    };
    const fail = (error: Error) => finish(() => reject(wireError(error)));
    // Not by an event of the request: one that has closed already has no more of them.
    const giveUp = (kind: WireError['kind'], message: string) => {
      fail(new WireError(kind, message));
      request.destroy();
    };
    const request = (secure ? httpsRequest : httpRequest)(
      url,
      {
        method: 'POST',
        agent: agentFor(url, pin),
        headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          chunks.push(chunk);
          if (length > MAX_ANSWER) giveUp('too_large', `the answer is larger than ${MAX_ANSWER} bytes`);
        });
        response.on('error', fail);
        response.on('end', () =>
          finish(() =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString('utf8'),
            }),
          ),
        );
      },
    );
    const stop = () => giveUp('stopped', 'it was stopped');
    timer = setTimeout(() => giveUp('timeout', `no answer within ${timeoutMs / 1000} s`), timeoutMs);
    request.on('error', fail);
    // Else a 101 would end the request without a response and without an error.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      giveUp('unreachable', 'it answered with another protocol');
    });
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    request.end(body);
  });
}

function wireError(error: Error): WireError {
  if (error instanceof WireError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|ERR_TLS|EPROTO|ERR_SSL/.test(code);
  return new WireError(certificate ? 'certificate' : 'unreachable', code === '' ? error.message : code);
}
