import type { Context } from '../context.ts';
import { terminalPrompt } from '../provision/secrets.ts';
import { type Borrower, keepSupplied } from './keep.ts';
import type { TokenSource } from './mint.ts';
import { mintFrom } from './source.ts';

export interface SupplyOptions {
  from: TokenSource;
  tokenUrl?: string | undefined;
  tokenPin?: string | undefined;
}

/**
 * Keeps a device supplied beside what else a command does. Done when the device has its first token, or when there is
 * none for now; `close` ends it.
 * @throws TincanError where key or URL are of no use, before anything is asked
 */
export async function startSupply(
  { env, out, signal }: Context,
  device: Borrower,
  { from, tokenUrl, tokenPin }: SupplyOptions,
): Promise<{ close(): Promise<void> }> {
  const mint = await mintFrom({ from, url: tokenUrl, pin: tokenPin, env, prompt: terminalPrompt() });
  const stop = new AbortController();
  let begun = () => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const kept = keepSupplied(device, mint, AbortSignal.any([signal, stop.signal]), {
    lent: () => begun(),
    note: (line) => out.note(line),
    warn: (line) => {
      out.warn(line);
      begun();
    },
  });
  await Promise.race([first, kept]);
  return {
    async close() {
      stop.abort();
      await kept;
    },
  };
}
