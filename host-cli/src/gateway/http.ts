/** The gateway's HTTP side: routes, limits, status codes and error bodies as the real API has them. */
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { betaDisabled } from './client-event.ts';
import {
  check,
  configObject,
  defaultConfig,
  mergeConfig,
  parseSession,
  type SessionUpdate,
} from './config.ts';
import { newId, RealtimeError } from './events.ts';
import type { HttpFault } from './faults.ts';
import { faultAnswer } from './http-fault.ts';
import { parseMultipart } from './multipart.ts';
import { type Offer, readOffer } from './sdp.ts';
import type { AccessControl, Bearer } from './secrets.ts';

export const MAX_BODY = 65_536;

export interface CallRequest {
  offer: Offer;
  session: SessionUpdate | undefined;
  /** `?model=` of older samples. */
  model: string | undefined;
  bearer: Bearer;
}
export interface HttpHost {
  readonly access: AccessControl;
  /** One line that says what this is. */
  readonly about: string;
  /** Answers a call. Throws RealtimeError; with a status of its own, HttpError. */
  call(request: CallRequest): Promise<{ id: string; answer: string }>;
  /** False where there is no such call, or it belongs to another bearer. */
  hangUp(id: string, bearer: Bearer): boolean | Promise<boolean>;
  /** What an offer gets instead of an answer, where the server misbehaves on purpose. */
  fault?(): HttpFault | undefined;
  /** Whether there is such a call of this bearer. */
  knows?(id: string, bearer: Bearer): boolean;
  /** The folder whose images devices may get: `<board>/tincan.bin`. */
  readonly ota?: string | undefined;
  log(line: string): void;
}

/** An error with its status. */
export class HttpError extends RealtimeError {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Record<string, string> = {},
    param: string | null = null,
  ) {
    super(code, message, param, status >= 500 ? 'server_error' : 'invalid_request_error');
    this.status = status;
    this.headers = headers;
  }
}

/** Seconds after which it is worth another try, where too much goes on. */
const RETRY_AFTER = '10';
const ROUTES = [
  { path: /^(?:\/openai)?\/v1\/realtime\/calls\/?$/, run: call },
  { path: /^(?:\/openai)?\/v1\/realtime\/client_secrets\/?$/, run: clientSecrets },
  { path: /^(?:\/openai)?\/v1\/realtime\/calls\/(rtc_[A-Za-z0-9]+)\/hangup\/?$/, run: hangUp },
  {
    path: /^(?:\/openai)?\/v1\/realtime\/calls\/(rtc_[A-Za-z0-9]+)\/(?:accept|reject|refer)\/?$/,
    run: telephone,
  },
  { path: /^(?:\/openai)?\/v1\/realtime(?:\/(?:transcription_)?sessions)?\/?$/, run: beta },
] as const;

interface Context {
  host: HttpHost;
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  bearer: Bearer;
  match: RegExpExecArray;
}

/** Handles one request to its end; never throws. */
export async function handle(
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  cors(request, response);
  try {
    await route(host, request, response);
  } catch (error) {
    const known = error instanceof RealtimeError;
    if (!known) host.log(`a request failed: ${error instanceof Error ? error.message : String(error)}`);
    const problem = known ? error : new HttpError(500, 'server_error', 'The server had an error.');
    if (problem instanceof HttpError) {
      for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
    } else if (problem.code === 'rate_limit_exceeded') {
      response.setHeader('Retry-After', RETRY_AFTER);
    }
    // What is left of the body is not read: the connection ends with this answer.
    if (!request.complete) response.setHeader('Connection', 'close');
    const { message, type, code, param } = problem;
    const status =
      problem instanceof HttpError ? problem.status : problem.code === 'rate_limit_exceeded' ? 429 : 400;
    json(response, status, {
      error: { message, type, code, param },
    });
  }
}

async function route(host: HttpHost, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.url ?? '/';
  if (!URL.canParse(target, 'http://gateway')) throw unknownUrl(request.method, target);
  const url = new URL(target, 'http://gateway');
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  if (url.pathname === '/' && (request.method === 'GET' || request.method === 'HEAD')) {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${host.about}\n`);
    return;
  }
  const image = /^\/ota\/([a-z0-9][a-z0-9.-]*)\/tincan\.bin$/.exec(url.pathname);
  if (image && host.ota !== undefined && (request.method === 'GET' || request.method === 'HEAD')) {
    await sendImage(host.ota, image[1]!, request, response);
    return;
  }
  for (const { path, run } of ROUTES) {
    const match = path.exec(url.pathname);
    if (!match) continue;
    if (request.method === 'GET' && run === beta && !url.pathname.includes('sessions')) {
      // Who serves WebSockets has taken this request before it comes here.
      if (request.headers.upgrade !== undefined)
        throw new HttpError(404, 'no_websocket', `There is no WebSocket here. ${host.about}`);
      throw new HttpError(426, 'upgrade_required', 'This is a WebSocket: ask for an upgrade.', {
        Upgrade: 'websocket',
        Connection: 'Upgrade',
      });
    }
    if (request.method !== 'POST') {
      throw new HttpError(405, 'method_not_allowed', `Not allowed to ${request.method} on ${url.pathname}.`, {
        Allow: 'POST, OPTIONS',
      });
    }
    const bearer = host.access.check(request.headers);
    if (!bearer) {
      const given = request.headers.authorization !== undefined || request.headers['api-key'] !== undefined;
      throw given
        ? new HttpError(401, 'invalid_api_key', 'Incorrect API key provided.')
        : new HttpError(
            401,
            'missing_api_key',
            'You did not provide an API key: use "Authorization: Bearer" or "api-key".',
          );
    }
    if (/\brealtime=v1\b/.test(String(request.headers['openai-beta'] ?? ''))) {
      throw betaDisabled();
    }
    await run({ host, request, response, url, bearer, match });
    return;
  }
  throw unknownUrl(request.method, url.pathname);
}

function unknownUrl(method: string | undefined, path: string): HttpError {
  return new HttpError(404, 'unknown_url', `Unknown request URL: ${method} ${path.slice(0, 200)}.`);
}

/** An application of `tincan build`. It needs no token: there is no secret in it. */
async function sendImage(
  folder: string,
  board: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = await open(join(folder, board, 'tincan.bin')).catch(() => undefined);
  const size = await file?.stat().then((stat) => (stat.isFile() ? stat.size : undefined));
  if (file === undefined || size === undefined) {
    await file?.close();
    throw new HttpError(404, 'image_not_found', `There is no image for board ${board}.`);
  }
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': size });
  if (request.method === 'HEAD') {
    await file.close();
    response.end();
    return;
  }
  // A device that goes away is no failure of ours; the stream closes the file.
  await pipeline(file.createReadStream(), response).catch(() => undefined);
}

async function call({ host, request, response, url, bearer }: Context): Promise<void> {
  const header = request.headers['content-type'] ?? '';
  const type = header.split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/sdp' && type !== 'multipart/form-data') {
    throw new HttpError(
      415,
      'unsupported_content_type',
      'Unsupported content type: use "application/sdp" with the offer, or "multipart/form-data" with "sdp" and "session".',
    );
  }
  const body = await read(request);
  const fault = host.fault?.();
  if (fault) {
    const answer = faultAnswer(fault);
    response.writeHead(answer.status, answer.headers).end(answer.body);
    return;
  }
  let sdp = body.toString('utf8');
  let session: SessionUpdate | undefined;
  if (type === 'multipart/form-data') {
    const parts = parseMultipart(header, body);
    const offer = parts.find((part) => part.name === 'sdp');
    if (!offer)
      throw new RealtimeError('missing_required_parameter', "Missing required parameter: 'sdp'.", 'sdp');
    sdp = offer.body;
    const config = parts.find((part) => part.name === 'session');
    if (config) session = parseSession(parse(config.body, 'session'));
  }
  const model = url.searchParams.get('model')?.trim() || undefined;
  const { id, answer } = await host.call({ offer: readOffer(sdp), session, model, bearer });
  const base = url.pathname.replace(/\/$/, '');
  response.writeHead(201, { 'Content-Type': 'application/sdp', Location: `${base}/${id}` }).end(answer);
}

const secretRequest = z.strictObject({
  expires_after: z
    .strictObject({
      anchor: z.literal('created_at').optional(),
      seconds: z.int().min(10).max(7200).optional(),
    })
    .optional(),
  session: z.unknown().optional(),
});

async function clientSecrets({ host, request, response, bearer }: Context): Promise<void> {
  if (bearer.secret)
    throw new HttpError(401, 'invalid_api_key', 'A client secret cannot make client secrets.');
  const body = await read(request);
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (body.length > 0 && type !== 'application/json') {
    throw new HttpError(415, 'unsupported_content_type', 'Unsupported content type: use "application/json".');
  }
  const { expires_after: after, session: value } = check(
    secretRequest,
    body.length === 0 ? {} : parse(body.toString('utf8'), ''),
    '',
  );
  const session = value === undefined ? undefined : parseSession(value);
  const { value: secret, expiresAt } = host.access.issue(session, after?.seconds ?? 600, bearer);
  const config = mergeConfig(defaultConfig(session?.type), session ?? { type: 'realtime' });
  json(response, 200, {
    value: secret,
    expires_at: expiresAt,
    session: { ...configObject(config), id: newId('sess'), expires_at: 0 },
  });
}

async function hangUp({ host, request, response, bearer, match }: Context): Promise<void> {
  await read(request);
  const id = match[1]!;
  if (!(await host.hangUp(id, bearer)))
    throw new HttpError(404, 'call_id_not_found', `No call with id ${id}.`);
  response.writeHead(200).end();
}

async function beta(): Promise<void> {
  throw betaDisabled();
}

/** What is for telephones only; a call here has none. */
async function telephone({ host, request, bearer, match }: Context): Promise<void> {
  await read(request);
  const id = match[1]!;
  if (!host.knows?.(id, bearer)) throw new HttpError(404, 'call_id_not_found', `No call with id ${id}.`);
  throw new RealtimeError('invalid_call', `Call ${id} is not a SIP call: it can only be hung up.`);
}

/** The whole body, at most 64 KiB. */
async function read(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () =>
    new HttpError(413, 'request_too_large', `The body is larger than ${MAX_BODY} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY) {
        request.pause();
        reject(tooLarge());
      } else {
        chunks.push(chunk);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('aborted', () => reject(new HttpError(400, 'aborted', 'The request was cut off.')));
  });
}

function parse(text: string, param: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RealtimeError('invalid_json', 'The request is not valid JSON.', param || null);
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return void response.end();
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

/** Pages of any origin may call: what protects a call is its token, which no browser adds by itself. */
function cors(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', 'Location');
  if (request.method !== 'OPTIONS') return;
  response.setHeader('Access-Control-Allow-Methods', 'POST, GET, OPTIONS');
  const wanted = String(request.headers['access-control-request-headers'] ?? '');
  const safe = /^[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*$/.test(wanted);
  response.setHeader('Access-Control-Allow-Headers', safe ? wanted : 'Authorization, Content-Type');
  response.setHeader('Access-Control-Max-Age', '600');
}
