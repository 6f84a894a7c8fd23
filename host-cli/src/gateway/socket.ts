/**
 * The gateway's WebSocket side, `GET …/v1/realtime`: a whole session (`?model=`, `?intent=transcription`), or a
 * sideband of a call (`?call_id=`) that sees its events and speaks for its client. What is wrong with the key, the
 * model or the API's version is said as the real server says it: an `error` event, then a close code of its own.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Call, CallStats, Carrier } from './call.ts';
import { betaDisabled } from './client-event.ts';
import { newId, RealtimeError } from './events.ts';
import type { HttpFault } from './faults.ts';
import { type FaultAnswer, faultAnswer } from './http-fault.ts';
import { type AccessControl, type Bearer, keyOf } from './secrets.ts';

export interface SocketRequest {
  bearer: Bearer;
  /** `?model=`, or `?deployment=` as Azure has it. */
  model: string | undefined;
  /** `?intent=transcription` */
  transcription: boolean;
}
export interface SocketHost {
  readonly access: AccessControl;
  /** Throws RealtimeError where no more sessions can go on at the same time. */
  makeRoom(): void;
  /** A session that this socket will carry; it is not started. Throws RealtimeError. */
  session(request: SocketRequest): Call;
  /** A call that lasts and belongs to the bearer. */
  find(id: string, bearer: Bearer): Call | undefined;
  /** What is answered instead, where the server misbehaves. */
  fault?(): HttpFault | undefined;
  log(line: string): void;
}

/** An event of 15 MiB of sound, as base64, and what is around it. */
const MAX_PAYLOAD = 21 * 1024 * 1024;
/** More than this waiting means that nobody reads there, bytes. */
const MAX_BUFFERED = 64 * 1024 * 1024;
const CLOSE_MS = 300;
/** A client that does not answer so long has vanished. */
const PING_MS = 30_000;
const PATH = /^(?:\/openai)?\/v1\/realtime\/?$/;
const NO_STATS: CallStats = { packets: 0, lost: 0, late: 0, concealed: 0, bad: 0, sent: 0 };
const GONE = { code: 1000, reason: '' };

/** Takes upgrades of this server. The answer closes every socket that is open, and waits for that a moment. */
export function acceptSockets(server: Pick<Server, 'on'>, host: SocketHost): () => Promise<void> {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    clientTracking: true,
    // What else a browser offers there is its key: never said back.
    handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
  });
  const quiet = new WeakSet<WebSocket>();
  const pinging = setInterval(() => {
    for (const ws of sockets.clients) {
      if (quiet.has(ws)) ws.terminate();
      quiet.add(ws);
      ws.ping();
    }
  }, PING_MS);
  pinging.unref();
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const accept = (run: (ws: WebSocket) => void) =>
      sockets.handleUpgrade(request, socket, head, (ws) => {
        // Without a listener a broken frame would end the process.
        ws.on('error', (error) => host.log(`a WebSocket failed: ${error.message}`));
        ws.on('pong', () => quiet.delete(ws));
        run(ws);
      });
    try {
      upgrade(host, request, accept);
    } catch (error) {
      refuse(socket, host, error);
    }
  });
  return async () => {
    clearInterval(pinging);
    sockets.close();
    const open = [...sockets.clients];
    for (const ws of open) close(ws, 1001, 'the gateway closes');
    await Promise.all(open.map((ws) => closed(ws)));
  };
}

/** A client that does not answer the close within a moment is cut off. */
async function closed(ws: WebSocket): Promise<void> {
  if (ws.readyState === ws.CLOSED) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => ws.terminate(), CLOSE_MS);
    ws.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** An answer instead of the WebSocket. */
class Refusal extends Error {
  readonly answer: FaultAnswer;

  constructor(answer: FaultAnswer) {
    super('refused');
    this.answer = answer;
  }
}

function upgrade(
  host: SocketHost,
  request: IncomingMessage,
  accept: (run: (ws: WebSocket) => void) => void,
): void {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    // Clients that try HTTP/2 first ask for h2c.
    const message = 'The only upgrade here is to "websocket"; ask for anything else in plain HTTP/1.1.';
    throw problem(400, new RealtimeError('invalid_upgrade', message));
  }
  const target = request.url ?? '/';
  const url = URL.canParse(target, 'http://gateway') ? new URL(target, 'http://gateway') : undefined;
  if (!url || !PATH.test(url.pathname)) {
    throw problem(404, new RealtimeError('unknown_url', `Unknown request URL: GET ${target.slice(0, 200)}.`));
  }
  const bearer = host.access.check(request.headers);
  if (!bearer && keyOf(request.headers) === undefined) {
    throw problem(401, new RealtimeError('missing_api_key', 'You did not provide an API key.'));
  }
  if (!bearer) {
    const error = new RealtimeError('invalid_api_key', 'Incorrect API key provided.');
    accept((ws) => end(ws, error, 3000));
    return;
  }
  if (isBeta(request)) {
    accept((ws) => end(ws, betaDisabled()));
    return;
  }

  const query = (name: string) => url.searchParams.get(name)?.trim() || undefined;
  const callId = query('call_id');
  if (callId !== undefined) {
    const call = host.find(callId, bearer);
    if (!call) {
      const message = `No call with id ${callId.slice(0, 64)}.`;
      throw problem(404, new RealtimeError('call_id_not_found', message));
    }
    accept((ws) => listenIn(ws, call));
    return;
  }
  const fault = host.fault?.();
  if (fault) throw new Refusal(faultAnswer(fault));
  host.makeRoom();
  accept((ws) => {
    try {
      const model = query('model') ?? query('deployment');
      carry(ws, host.session({ bearer, model, transcription: query('intent') === 'transcription' }));
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      end(ws, error);
    }
  });
}

function isBeta({ headers }: IncomingMessage): boolean {
  const protocols = String(headers['sec-websocket-protocol'] ?? '');
  return (
    /\brealtime=v1\b/.test(String(headers['openai-beta'] ?? '')) ||
    /(^|[\s,])openai-beta\.realtime-v1($|[\s,])/.test(protocols)
  );
}

/** The session lives as long as the socket. */
function carry(ws: WebSocket, call: Call): void {
  const carrier: Carrier = {
    sendText(text) {
      if (ws.readyState !== ws.OPEN) return false;
      if (ws.bufferedAmount > MAX_BUFFERED) {
        call.hangUp('the client does not read its WebSocket');
        return false;
      }
      ws.send(text);
      return true;
    },
    maxMessage: () => MAX_PAYLOAD,
    stats: () => NO_STATS,
    close: ({ code, reason }) => close(ws, code, reason),
  };
  call.carry(carrier);
  ws.on('message', (data) => call.receiveText(String(data)));
  ws.on('close', () => call.hangUp('the WebSocket was closed'));
  call.start();
}

function listenIn(ws: WebSocket, call: Call): void {
  if (call.ended !== undefined) {
    close(ws, GONE.code, GONE.reason);
    return;
  }
  const { receive, leave } = call.join({
    send: (text) => {
      if (ws.readyState !== ws.OPEN) return;
      // One that misses events would be wrong about the call without knowing it.
      if (ws.bufferedAmount > MAX_BUFFERED) ws.terminate();
      else ws.send(text);
    },
    close: ({ code, reason }) => close(ws, code, reason),
  });
  ws.on('message', (data) => receive(String(data)));
  ws.on('close', leave);
}

/** Tells what is wrong and closes, as the server does for what can be seen only inside. */
function end(ws: WebSocket, error: RealtimeError, code = 4000): void {
  const { type, code: name, message, param } = error;
  const body = { type, code: name, message, param, event_id: null };
  ws.send(JSON.stringify({ type: 'error', event_id: newId('event'), error: body }));
  close(ws, code, `${type}.${name}`);
  void closed(ws);
}

/** A reason has at most 123 bytes (RFC 6455 section 5.5). */
function close(ws: WebSocket, code: number, reason: string): void {
  ws.close(code, reason.slice(0, 120));
}

function problem(status: number, { message, type, code, param }: RealtimeError): Refusal {
  const body = `${JSON.stringify({ error: { message, type, code, param } })}\n`;
  return new Refusal({ status, headers: { 'Content-Type': 'application/json' }, body });
}

function refuse(socket: Duplex, host: SocketHost, error: unknown): void {
  let refusal: Refusal;
  if (error instanceof Refusal) refusal = error;
  else if (error instanceof RealtimeError) {
    refusal = problem(429, error);
    refusal.answer.headers['Retry-After'] = '10';
  } else {
    host.log(`an upgrade failed: ${error instanceof Error ? error.message : String(error)}`);
    refusal = problem(
      500,
      new RealtimeError('server_error', 'The server had an error.', null, 'server_error'),
    );
  }
  const { status, headers, body } = refusal.answer;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  // Who does not close its own side would hold the connection for ever.
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
