import type { Context } from '../context.ts';
import { terminalPrompt } from '../provision/secrets.ts';
import type { TokenSource } from '../token/mint.ts';
import { mintFrom } from '../token/source.ts';
import { writeSecret } from '../token/write.ts';

export interface TokenOptions {
  from: TokenSource;
  url?: string;
  seconds?: number;
  session?: string;
  keyFile?: string;
  pin?: string;
  out?: string;
}

/** `tincan token`: makes an ephemeral secret. */
export async function token(context: Context, options: TokenOptions): Promise<void> {
  const { out, env, signal } = context;
  const mint = await mintFrom({ ...options, env, prompt: terminalPrompt() });
  const write = options.out === undefined ? undefined : writeSecret(options.out);
  try {
    const { value, expiresAt } = await mint(signal);
    const expires = expiresAt === undefined ? null : new Date(expiresAt * 1000).toISOString();
    write?.keep(value);
    // The value is the result here, and is printed once; it is no registered secret.
    out.result(
      { ...(write ? { file: options.out } : { value }), expires_at: expiresAt ?? null, expires },
      write ? (options.out ?? '') : value,
    );
    const until =
      expiresAt === undefined
        ? 'it is not said when it expires'
        : `it expires at ${new Date(expiresAt * 1000).toLocaleString('sv')}`;
    out.note(write ? `${until}; the file can be read by you only` : until);
    if (write && expiresAt !== undefined)
      out.note(
        `a device gets it so: tincan provision --token-file ${options.out} --set server.token_expires=${expiresAt}`,
      );
  } finally {
    write?.drop();
  }
}
