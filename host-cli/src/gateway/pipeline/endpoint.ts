/** One OpenAI-compatible server: its address, its key, and requests whose failures are sentences without secrets. */
import { messageOf, TincanError } from '../../errors.ts';
import { registerSecret } from '../../redact.ts';
import type { Clock } from '../clock.ts';
import { Patience, STAGE_NAMES, type Stage, stageError } from './patience.ts';

/** What a stage asks its server for, below the base address. */
const PATHS: Record<Stage, string> = {
  stt: 'audio/transcriptions',
  llm: 'chat/completions',
  tts: 'audio/speech',
};
/** Paths that are a base, without a slash at their end: /v1, /v1beta, /openai, /api. */
const BASE = /^$|\/(?:v\d+\w*|openai|api)$/;
/** Longest answer of an error that is read, bytes, and of it shown, characters. */
const ERROR_BYTES = 4096;
const ERROR_SHOWN = 200;

export interface EndpointOptions {
  /** Base address (`http://host:11434/v1`, or only the host, or one that ends in "/"), or the full one. */
  url: string;
  key: string | undefined;
  /** Milliseconds that the server may say nothing. */
  limitMs: number;
}

export class Endpoint {
  readonly stage: Stage;
  readonly url: URL;
  /** Base address; undefined where the full one was given. */
  readonly base: URL | undefined;
  readonly limitMs: number;
  readonly #key: string | undefined;

  /** Throws TincanError PIPELINE_URL, PIPELINE_KEY. */
  constructor(stage: Stage, { url: text, key, limitMs }: EndpointOptions) {
    this.stage = stage;
    this.limitMs = limitMs;
    const url = parse(stage, text);
    const path = url.pathname.replace(/\/+$/, '');
    // A slash at the end says that something follows.
    const isBase = BASE.test(path) || (url.pathname !== '/' && url.pathname.endsWith('/'));
    this.url = new URL(url);
    if (isBase) {
      this.base = new URL(url);
      this.base.pathname = path === '' ? '/v1' : path;
      this.url.pathname = `${this.base.pathname}/${PATHS[stage]}`;
    }
    this.#key = key?.trim() || undefined;
    if (this.#key === undefined) return;
    if (!/^[\x21-\x7e]+$/.test(this.#key)) {
      throw new TincanError(
        'PIPELINE_KEY',
        `The key for ${STAGE_NAMES[stage]} holds white space or more than ASCII.`,
        {
          hint: `Look at TINCAN_${stage.toUpperCase()}_KEY: a key is one word.`,
          exit: 'usage',
        },
      );
    }
    registerSecret(this.#key);
  }

  /** Address for people: no query, which may hold a secret. */
  get name(): string {
    return `${this.url.origin}${this.url.pathname}`;
  }

  /** A key goes over the network in the clear. */
  get leaksKey(): boolean {
    const { protocol, hostname } = this.url;
    return (
      this.#key !== undefined &&
      protocol === 'http:' &&
      !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
    );
  }

  headers(): Record<string, string> {
    if (this.#key === undefined) return {};
    // Azure reads Bearer as a token of its own directory.
    return /\.azure\.com$/.test(this.url.hostname)
      ? { 'api-key': this.#key }
      : { authorization: `Bearer ${this.#key}` };
  }

  /**
   * Posts and gives the answer to `read`, which calls touch() with every piece that comes. Everything is over when
   * this returns: the request is aborted where it still runs. Throws TincanError PIPELINE_STT, _LLM, _TTS; where
   * `signal` was aborted, any error.
   */
  async post<T>(
    body: { json: unknown } | { form: FormData },
    { clock, signal }: { clock: Clock; signal: AbortSignal },
    read: (response: Response, patience: Patience) => Promise<T>,
  ): Promise<T> {
    const patience = new Patience(clock, this.limitMs, signal);
    let answered = false;
    try {
      const json = 'json' in body;
      const response = await fetch(this.url, {
        method: 'POST',
        headers: { ...this.headers(), ...(json ? { 'content-type': 'application/json' } : {}) },
        body: json ? JSON.stringify(body.json) : body.form,
        // A key must not travel to where nobody sent it, and a POST that became a GET says nothing useful.
        redirect: 'manual',
        signal: patience.signal,
      });
      answered = true;
      patience.touch();
      if (!response.ok) throw stageError(this.stage, await this.#refusal(response));
      if (/^text\/html\b/.test(response.headers.get('content-type') ?? ''))
        throw stageError(this.stage, `${this.name} answered with a web page; is the address right?`);
      return await read(response, patience);
    } catch (error) {
      throw this.#explain(error, patience, signal, answered);
    } finally {
      patience.end();
    }
  }

  #explain(error: unknown, patience: Patience, signal: AbortSignal, answered: boolean): unknown {
    if (signal.aborted) return error;
    if (patience.over) {
      return stageError(this.stage, `${this.name} said nothing for ${patience.limitMs / 1000} s`);
    }
    if (error instanceof TincanError) return error;
    const what = answered ? 'broke off' : 'cannot be reached';
    return stageError(this.stage, `${this.name} ${what}: ${reasonOf(error)}`);
  }

  async #refusal(response: Response): Promise<string> {
    const { status } = response;
    const to = response.headers.get('location');
    if (status >= 300 && status < 400)
      return `${this.name} redirects${to ? ` to ${to.split('?')[0]}` : ''}; give the address where it ends`;
    const said = await head(response);
    const hint =
      status === 401 || status === 403
        ? `; the key (TINCAN_${this.stage.toUpperCase()}_KEY) is missing or refused`
        : status === 404
          ? '; the address or the model is wrong'
          : '';
    return `${this.name} answered ${status}${said ? ` (${said})` : ''}${hint}`;
  }
}

/** Whether something can be asked over HTTP. */
function parse(stage: Stage, text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password) {
    throw new TincanError('PIPELINE_URL', `The address for ${STAGE_NAMES[stage]} cannot be used.`, {
      hint: 'Give http:// or https://, host and port, without user or password: http://127.0.0.1:11434/v1.',
      exit: 'usage',
    });
  }
  url.hash = '';
  return url;
}

/** The beginning of an error's body, as one line: the message in it where it is JSON. */
async function head(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length >= ERROR_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  if (/^\s*</.test(text)) return 'a web page';
  try {
    text = errorText(JSON.parse(text)) ?? text;
  } catch {
    // Plain text.
  }
  return clip(text);
}

/** A whole body of at most `max` bytes. Throws TincanError where it is larger. */
export async function readAll(
  stage: Stage,
  response: Response,
  patience: Patience,
  max: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    patience.touch();
    parts.push(chunk);
    size += chunk.length;
    if (size > max) throw stageError(stage, `it answered with more than ${max} bytes`);
  }
  return Buffer.concat(parts);
}

/** The message in the body of an error: {error: {message}}, {error}, {message}, {detail}. */
export function errorText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of ['error', 'message', 'detail']) {
    const inner = (value as Record<string, unknown>)[name];
    const text = inner === undefined ? undefined : errorText(inner);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** One line of at most 200 characters. */
export const clip = (text: string): string => {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > ERROR_SHOWN ? `${line.slice(0, ERROR_SHOWN)}…` : line;
};

/** fetch() says "fetch failed" and hides why in its cause. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  // WHATWG Fetch, section 2.9: ports of other protocols.
  if (cause instanceof Error && cause.message === 'bad port')
    return 'HTTP clients refuse this port; let the server listen on another';
  if (cause instanceof AggregateError && cause.errors.length > 0) return messageOf(cause.errors[0]);
  return messageOf(cause instanceof Error ? cause : error);
}
