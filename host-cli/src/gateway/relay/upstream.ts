/**
 * The server behind the relay: OpenAI, Azure, or any that has the same calls. Holds the real key; no error and no log
 * line of here has it in them.
 *
 * How a call is made goes by how the key is sent. `bearer` (OpenAI): one multipart POST with the offer and the session,
 * as its unified interface wants it. `api-key` (Azure): its key is documented for client_secrets only, and calls take a
 * secret; so a secret is made with the session in it, and the offer is posted with that. It lives a minute and is never
 * handed out.
 */
import { randomBytes } from 'node:crypto';
import type { Agent } from 'node:http';
import { forgetSecret, registerSecret } from '../../redact.ts';
import { agentFor, post, type WireAnswer, WireError } from '../../wire.ts';
import type { SessionUpdate } from '../config.ts';
import { HttpError } from '../http.ts';
import { clean } from './clean.ts';

export interface UpstreamOptions {
  /** Where offers are posted, whole. */
  url: URL;
  auth: 'bearer' | 'api-key';
  key: string;
  /** SHA-256 of its public key, for a server with a certificate of its own. */
  pin?: string | undefined;
  timeoutMs?: number | undefined;
  log(line: string): void;
}

/** How to reach a call beside its media. */
export interface SidebandTarget {
  url: URL;
  headers: Record<string, string>;
  agent: Agent;
}

const TIMEOUT_MS = 15_000;
const SECRET_SECONDS = 60;
const CALLS = /\/calls\/?$/;
const CALL_ID = /^[A-Za-z0-9._~-]{1,200}$/;

export class Upstream {
  /** Without query: what tells this server from others. */
  readonly server: string;
  readonly #options: UpstreamOptions;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    registerSecret(options.key);
    this.server = options.url.origin + options.url.pathname;
  }

  /** Whether it has calls by id at all: they can be watched and hung up. */
  get hasCalls(): boolean {
    return CALLS.test(this.#options.url.pathname);
  }

  /**
   * Posts an offer with its session. `id` is undefined where the server names no call.
   * @throws HttpError as the device shall see it
   */
  async call(offer: string, session: SessionUpdate): Promise<{ answer: string; id: string | undefined }> {
    const { url, auth } = this.#options;
    if (auth === 'bearer')
      return this.#answered(await this.#post(url, this.#authorization(), multipart(offer, session)));
    const secret = await this.#mint(session);
    registerSecret(secret);
    try {
      const headers = { Authorization: `Bearer ${secret}` };
      return this.#answered(await this.#post(url, headers, { type: 'application/sdp', body: offer }));
    } finally {
      // One for each call: they would pile up.
      forgetSecret(secret);
    }
  }

  #answered(answer: WireAnswer): { answer: string; id: string | undefined } {
    if (answer.status < 200 || answer.status > 299) throw this.#refused(answer);
    if (!answer.text.startsWith('v=0'))
      throw this.#wrong(
        `answered ${answer.status} with what is no SDP`,
        'The server behind the relay did not answer with SDP.',
      );
    const id = callId(answer.headers.location);
    if (id === undefined) this.#options.log('upstream named no call: it can be neither watched nor hung up');
    return { answer: answer.text, id };
  }

  /** False where there is no such call any more. @throws HttpError */
  async hangUp(id: string): Promise<boolean> {
    const url = this.#beside(`/calls/${encodeURIComponent(id)}/hangup`);
    const answer = await this.#post(url, this.#authorization(), { type: undefined, body: '' });
    if (answer.status === 404) return false;
    if (answer.status < 200 || answer.status > 299) throw this.#refused(answer);
    return true;
  }

  sideband(id: string): SidebandTarget {
    const url = this.#beside('');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('call_id', id);
    return { url, headers: this.#authorization(), agent: agentFor(url, this.#options.pin) };
  }

  /** A URL beside that of the calls; its query stays, but for what belongs to the offer alone. */
  #beside(path: string): URL {
    const url = new URL(this.#options.url);
    url.pathname = url.pathname.replace(CALLS, '') + path;
    for (const name of ['model', 'webrtcfilter']) url.searchParams.delete(name);
    return url;
  }

  #authorization(): Record<string, string> {
    const { auth, key } = this.#options;
    return auth === 'bearer' ? { Authorization: `Bearer ${key}` } : { 'api-key': key };
  }

  async #mint(session: SessionUpdate): Promise<string> {
    const body = JSON.stringify({
      expires_after: { anchor: 'created_at', seconds: SECRET_SECONDS },
      session,
    });
    const answer = await this.#post(this.#beside('/client_secrets'), this.#authorization(), {
      type: 'application/json',
      body,
    });
    if (answer.status < 200 || answer.status > 299) throw this.#refused(answer);
    const value = fieldOf(parsed(answer.text), 'value');
    if (typeof value !== 'string' || !/^[\x21-\x7e]{8,4096}$/.test(value))
      throw this.#wrong(
        'made a client secret without a value',
        'The server behind the relay made no client secret.',
      );
    return value;
  }

  async #post(
    url: URL,
    headers: Record<string, string>,
    { type, body }: { type: string | undefined; body: string },
  ): Promise<WireAnswer> {
    const { pin, timeoutMs = TIMEOUT_MS, log } = this.#options;
    try {
      return await post({
        url,
        headers: { ...headers, ...(type === undefined ? {} : { 'Content-Type': type }) },
        body,
        timeoutMs,
        pin,
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      log(`upstream ${url.host}: ${clean(error.message)}`);
      if (error.kind === 'timeout')
        throw new HttpError(504, 'upstream_timeout', 'The server behind the relay did not answer in time.');
      const what = error.kind === 'certificate' ? 'cannot be trusted' : 'cannot be reached';
      throw new HttpError(502, `upstream_${error.kind}`, `The server behind the relay ${what}.`);
    }
  }

  #wrong(what: string, message: string): HttpError {
    this.#options.log(`upstream ${what}`);
    return new HttpError(502, 'upstream_answer', message);
  }

  /** An upstream status as the device shall see it: its own faults as they are, those of the relay as 502. */
  #refused({ status, headers, text }: WireAnswer): HttpError {
    const error = fieldOf(parsed(text), 'error');
    const said = (name: string) => {
      const value = fieldOf(error, name);
      return typeof value === 'string' && value !== '' ? clean(value) : undefined;
    };
    const code = said('code') ?? said('type');
    const message = said('message');
    this.#options.log(`upstream answered ${status}${code ? ` ${code}` : ''}${message ? `: ${message}` : ''}`);
    const after = headers['retry-after'];
    const wait: Record<string, string> =
      after !== undefined && /^[\w ,:+-]{1,40}$/.test(after) ? { 'Retry-After': after } : {};
    if (status === 429)
      return new HttpError(
        429,
        code ?? 'rate_limit_exceeded',
        message ?? 'The server behind the relay limits calls.',
        wait,
      );
    if (status === 401 || status === 403) {
      return new HttpError(
        502,
        'upstream_auth',
        "The server behind the relay refused the relay's own key; the device's token is right.",
      );
    }
    const noModel = /^(model_not_found|DeploymentNotFound)$/i.test(code ?? '');
    if (status === 400 || status === 422 || (status === 404 && noModel)) {
      const text = message ?? 'The server behind the relay refused the call.';
      const param = noModel ? 'session.model' : (said('param') ?? null);
      return new HttpError(400, code ?? 'invalid_request', text, {}, param);
    }
    if (status === 404)
      return new HttpError(
        502,
        'upstream_not_found',
        'The server behind the relay takes no calls at the URL that the relay has.',
      );
    if (status === 408 || status === 504)
      return new HttpError(
        504,
        'upstream_timeout',
        'The server behind the relay did not answer in time.',
        wait,
      );
    if (status >= 300 && status < 400)
      return new HttpError(
        502,
        'upstream_redirect',
        'The server behind the relay points elsewhere; the relay does not follow with its key.',
      );
    return new HttpError(502, 'upstream_error', `The server behind the relay answered ${status}.`, wait);
  }
}

/** The id of a call: the last part of the path in `Location`, whole URL or not. */
export function callId(location: string | undefined): string | undefined {
  const id = location?.split(/[?#]/)[0]?.replace(/\/+$/, '').split('/').at(-1)?.trim();
  return id !== undefined && CALL_ID.test(id) ? id : undefined;
}

function multipart(offer: string, session: SessionUpdate): { type: string; body: string } {
  // 128 random bits: in no offer and in no session.
  const boundary = `tincan-${randomBytes(16).toString('hex')}`;
  const part = (name: string, type: string, text: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
  const body =
    part('sdp', 'application/sdp', offer) +
    part('session', 'application/json', JSON.stringify(session)) +
    `--${boundary}--\r\n`;
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
