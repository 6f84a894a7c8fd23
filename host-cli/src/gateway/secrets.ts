/** Who may call: the gateway's own tokens, and the ephemeral secrets that it gave out. Neither is ever shown. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SessionUpdate } from './config.ts';
import { RealtimeError } from './events.ts';
import type { DeviceRow } from './store/index.ts';

const MAX_SECRETS = 1000;
/** One device does not take those of all others. */
const MAX_OF_DEVICE = 100;

interface Secret {
  session: SessionUpdate | undefined;
  /** Unix seconds. */
  expiresAt: number;
  /** The device that it was made for, as it was then. */
  device: DeviceRow | undefined;
}
/**
 * Who is asking. `secret` is set where it is an ephemeral one, `device` where the token is that of a device, or the secret
 * was made with one; `name` tells bearers apart without showing them.
 */
export interface Bearer {
  name: string;
  secret?: Secret;
  device?: DeviceRow;
}
/** A client secret reaches the calls that were made with it, a device its own, a token of the gateway all. */
export function mayReach(
  bearer: Bearer,
  owner: { name: string; device?: { id: number } | undefined },
): boolean {
  if (bearer.secret) return bearer.name === owner.name;
  return bearer.device === undefined || bearer.device.id === owner.device?.id;
}

/** Where tokens of devices are known. */
export interface Devices {
  find(hash: Buffer): DeviceRow | undefined;
  byId(id: number): DeviceRow | undefined;
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
  /** Makes an ephemeral secret for whoever asks, valid for so many seconds. Throws RealtimeError. */
  issue(
    session: SessionUpdate | undefined,
    seconds: number,
    maker?: Bearer,
  ): { value: string; expiresAt: number };
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
  readonly #devices: Devices | undefined;
  readonly #secrets = new Map<string, Secret>();

  /** `tokens` null: everybody may call. `now` gives Unix seconds. */
  constructor(tokens: readonly string[] | null, now: () => number, devices?: Devices) {
    this.#tokens = tokens?.map(digest) ?? null;
    this.#now = now;
    this.#devices = devices;
  }

  /** Makes an ephemeral secret for whoever asks, valid for so many seconds. */
  issue(
    session: SessionUpdate | undefined,
    seconds: number,
    maker?: Bearer,
  ): { value: string; expiresAt: number } {
    const now = this.#now();
    for (const [key, secret] of this.#secrets) if (secret.expiresAt <= now) this.#secrets.delete(key);
    const device = maker?.device;
    const own = [...this.#secrets.values()].filter((one) => one.device?.id === device?.id).length;
    if (this.#secrets.size >= MAX_SECRETS || (device && own >= MAX_OF_DEVICE)) {
      throw new RealtimeError('rate_limit_exceeded', 'Too many client secrets are valid at the same time.');
    }
    const value = `ek_${randomBytes(24).toString('hex')}`;
    const expiresAt = Math.floor(now) + seconds;
    this.#secrets.set(digest(value).toString('hex'), { session, expiresAt, device });
    return { value, expiresAt };
  }

  /** The bearer of these headers, or undefined. Compares digests in constant time. */
  check(headers: KeyHeaders): Bearer | undefined {
    const given = keyOf(headers);
    if (given) {
      const hash = digest(given);
      const name = hash.toString('hex');
      const secret = this.#secrets.get(name);
      if (secret && secret.expiresAt > this.#now()) {
        if (secret.device === undefined) return { name, secret };
        // What a device handed on goes with its token: when it is revoked, also when it then gets another one.
        const maker = this.#devices?.byId(secret.device.id);
        return maker?.hash.equals(secret.device.hash) ? { name, secret, device: maker } : undefined;
      }
      let known = false;
      for (const token of this.#tokens ?? []) known = timingSafeEqual(token, hash) || known;
      if (known) return { name };
      const device = this.#devices?.find(hash);
      if (device) return { name, device };
    }
    return this.#tokens === null ? { name: '' } : undefined;
  }
}
