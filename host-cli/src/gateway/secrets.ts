/** Who may call: the gateway's own tokens, and the ephemeral secrets that it gave out. Neither is ever shown. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SessionUpdate } from './config.ts';
import { RealtimeError } from './events.ts';

const MAX_SECRETS = 1000;

interface Secret {
  session: SessionUpdate | undefined;
  /** Unix seconds. */
  expiresAt: number;
}
/** Who is asking. `secret` is set where it is an ephemeral one; `name` tells bearers apart without showing them. */
export interface Bearer {
  name: string;
  secret?: Secret;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Headers that may carry a key. */
export interface KeyHeaders {
  authorization?: string;
  'api-key'?: string | string[];
  'sec-websocket-protocol'?: string;
}
/** Who may call, and how ephemeral secrets are given out. */
export interface AccessControl {
  /** The bearer of these headers, or undefined. */
  check(headers: KeyHeaders): Bearer | undefined;
  /** Makes an ephemeral secret, valid for so many seconds. Throws RealtimeError. */
  issue(session: SessionUpdate | undefined, seconds: number): { value: string; expiresAt: number };
}

/** The key that a request shows: as bearer, as `api-key`, or as a subprotocol, the only way for a browser's socket. */
export function keyOf(headers: KeyHeaders): string | undefined {
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer) return bearer;
  const key = headers['api-key'];
  if (typeof key === 'string' && key.trim()) return key.trim();
  const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const prefix = 'openai-insecure-api-key.';
  return protocols.find((one) => one.startsWith(prefix))?.slice(prefix.length) || undefined;
}

export class Access implements AccessControl {
  readonly #tokens: Buffer[] | null;
  readonly #now: () => number;
  readonly #secrets = new Map<string, Secret>();

  /** `tokens` null: everybody may call. `now` gives Unix seconds. */
  constructor(tokens: readonly string[] | null, now: () => number) {
    this.#tokens = tokens?.map(digest) ?? null;
    this.#now = now;
  }

  /** Makes an ephemeral secret, valid for so many seconds. */
  issue(session: SessionUpdate | undefined, seconds: number): { value: string; expiresAt: number } {
    const now = this.#now();
    for (const [key, secret] of this.#secrets) if (secret.expiresAt <= now) this.#secrets.delete(key);
    if (this.#secrets.size >= MAX_SECRETS) {
      throw new RealtimeError('rate_limit_exceeded', 'Too many client secrets are valid at the same time.');
    }
    const value = `ek_${randomBytes(24).toString('hex')}`;
    const expiresAt = Math.floor(now) + seconds;
    this.#secrets.set(digest(value).toString('hex'), { session, expiresAt });
    return { value, expiresAt };
  }

  /** The bearer of these headers, or undefined. Compares digests in constant time. */
  check(headers: KeyHeaders): Bearer | undefined {
    const given = keyOf(headers);
    if (given) {
      const hash = digest(given);
      const name = hash.toString('hex');
      const secret = this.#secrets.get(name);
      if (secret && secret.expiresAt > this.#now()) return { name, secret };
      let known = false;
      for (const token of this.#tokens ?? []) known = timingSafeEqual(token, hash) || known;
      if (known) return { name };
    }
    return this.#tokens === null ? { name: '' } : undefined;
  }
}
