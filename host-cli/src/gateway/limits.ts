/**
 * Rate limits as the API shows them: so many requests and tokens a minute, filled up again steadily. A response takes
 * its share when it begins (what it reads, and what it may say at most) and gives back what it did not need.
 */
import type { Clock } from './clock.ts';

export interface Limits {
  /** Responses in a minute. */
  requests: number;
  /** Tokens in a minute. */
  tokens: number;
}
export interface RateLimit {
  name: 'requests' | 'tokens';
  limit: number;
  remaining: number;
  reset_seconds: number;
}
export const DEFAULT_LIMITS: Limits = { requests: 1000, tokens: 1_000_000 };

const PER_MS = 60_000;
const NAMES = ['requests', 'tokens'] as const;

export class RateLimits {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #used: Limits = { requests: 0, tokens: 0 };
  #at: number;

  constructor(clock: Clock, limits: Limits = DEFAULT_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
    this.#at = clock.now();
  }

  /** Takes a request and so many tokens; the name of the limit that does not allow it, where one does not. */
  take(tokens: number): 'requests' | 'tokens' | undefined {
    this.#refill();
    const wanted: Limits = { requests: 1, tokens };
    const over = NAMES.find((name) => this.#used[name] + wanted[name] > this.#limits[name]);
    if (over) return over;
    for (const name of NAMES) this.#used[name] += wanted[name];
    return undefined;
  }

  /** The response is over: it was given `taken` tokens and needed `used`. */
  settle(taken: number, used: number): void {
    this.#refill();
    this.#used.tokens = Math.max(0, this.#used.tokens + used - taken);
  }

  /** Nothing is left from now on, for a minute. */
  exhaust(): void {
    this.#refill();
    Object.assign(this.#used, this.#limits);
  }

  /** As in `rate_limits.updated`. */
  report(): RateLimit[] {
    this.#refill();
    return NAMES.map((name) => {
      const limit = this.#limits[name];
      const used = this.#used[name];
      return {
        name,
        limit,
        remaining: Math.max(0, Math.floor(limit - used)),
        reset_seconds: Math.round((used / limit) * PER_MS) / 1000,
      };
    });
  }

  #refill(): void {
    const now = this.#clock.now();
    const share = (now - this.#at) / PER_MS;
    this.#at = now;
    for (const name of NAMES) this.#used[name] = Math.max(0, this.#used[name] - this.#limits[name] * share);
  }
}
