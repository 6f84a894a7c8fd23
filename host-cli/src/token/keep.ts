/**
 * Keeps a connected device supplied: lends it a secret, and the next one before that expires. The device holds it in RAM
 * only, so after a restart it gets one again.
 */
import { asTincanError, messageOf } from '../errors.ts';
import { forgetSecret, registerSecret } from '../redact.ts';
import type { Mint, Minted } from './mint.ts';

/** What is needed of a device (`device/device.ts`). */
export interface Borrower {
  request(method: 'token.lend', params: { token: string; expires_at?: number }): Promise<unknown>;
  listen(listener: {
    message?(message: { method: string }): void;
    connection?(up: boolean): void;
  }): () => void;
}

export interface KeepOptions {
  /** Milliseconds since 1970. */
  now?(): number;
  /** Waits; ends early, without an error, when the signal is aborted. */
  wait?(ms: number, signal: AbortSignal): Promise<void>;
  /** 0 to 1, for the jitter. */
  random?(): number;
  /** The device has one. */
  lent?(): void;
  note?(line: string): void;
  warn?(line: string): void;
}

/** The next secret comes so long before the end of the last; of a short one, when a third of its time is left. */
const MARGIN_MS = 120_000;
/** Of a secret whose end nobody tells. */
const UNKNOWN_MS = 600_000;
const SHORTEST_MS = 5_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;
/** What a new try with the same key, URL and session will not change. */
const HOPELESS = new Set(['TOKEN_REFUSED', 'TOKEN_URL', 'TOKEN_REQUEST', 'DEVICE_METHOD']);

/**
 * Lends secrets until the signal is aborted; never throws. What goes wrong is said and tried again, ever more slowly, but
 * for what no further try can change: that ends it.
 */
export async function keepSupplied(
  device: Borrower,
  mint: Mint,
  signal: AbortSignal,
  options: KeepOptions = {},
): Promise<void> {
  const { now = Date.now, wait = sleep, random = Math.random, lent, note, warn } = options;
  let wake = new AbortController();
  const again = () => wake.abort();
  const unlisten = device.listen({
    // It has restarted, or was unplugged: what it had borrowed is forgotten.
    message: ({ method }) => {
      if (method === 'hello') again();
    },
    connection: (up) => {
      if (up) again();
    },
  });
  let failures = 0;
  let held: Minted | undefined;
  /** When the next one is made. */
  let due = 0;
  try {
    while (!signal.aborted) {
      wake = new AbortController();
      let pause: number;
      try {
        if (held === undefined || now() >= due) {
          const next = await mint(signal);
          if (held) forgetSecret(held.value);
          held = next;
          registerSecret(held.value);
          due = now() + timeOf(held, now());
        }
        if (signal.aborted) return;
        const { value, expiresAt } = held;
        const until = expiresAt === undefined ? {} : { expires_at: expiresAt };
        await device.request('token.lend', { token: value, ...until });
        failures = 0;
        const end =
          expiresAt === undefined ? '' : ` until ${new Date(expiresAt * 1000).toTimeString().slice(0, 8)}`;
        lent?.();
        note?.(`the device has a token${end}`);
        pause = Math.max(0, due - now());
      } catch (error) {
        if (signal.aborted) return;
        const { code, message, hint } = asTincanError(error);
        warn?.(`no token for the device: ${message}${hint === undefined ? '' : ` ${hint}`}`);
        if (HOPELESS.has(code)) return;
        const step = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(10, failures++));
        pause = step * (0.75 + random() / 2);
      }
      await wait(pause, AbortSignal.any([signal, wake.signal]));
    }
  } catch (error) {
    warn?.(`the device is no longer supplied: ${messageOf(error)}`);
  } finally {
    unlisten();
  }
}

/** How long a secret is used before the next one is made, in ms. */
function timeOf({ expiresAt }: Minted, now: number): number {
  const left = expiresAt === undefined ? UNKNOWN_MS : expiresAt * 1000 - now;
  return Math.max(SHORTEST_MS, Math.max(left - MARGIN_MS, (left * 2) / 3));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
