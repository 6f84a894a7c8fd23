/**
 * Errors for people: what was expected, what was found, what to do. Every failure that we know leaves the program as
 * a `TincanError`; anything else is a defect of ours and says so calmly.
 */
import { redact } from './redact.ts';

/** Exit statuses, one table. Scripts rely on them. */
export const EXIT = {
  /** All of it happened. */
  ok: 0,
  /** It failed for a reason that has no number of its own; also a defect of Tincan. */
  failed: 1,
  /** The command line is wrong: unknown option, missing value, a secret as an argument. */
  usage: 2,
  /** The port: none, several, missing, busy, not permitted, nothing listens, unplugged. */
  port: 3,
  /** The image or the flashing: refused before writing, or writing or verifying failed. */
  flash: 4,
  /** The device answered with an error, not at all, or as another one than expected. */
  device: 5,
  /** The server: not reachable, token refused. */
  server: 6,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitName = keyof typeof EXIT;

export interface TincanErrorOptions {
  /** What to do about it, one sentence. */
  hint?: string;
  cause?: unknown;
  /** Which exit status; `failed` where left out. */
  exit?: ExitName;
}

export class TincanError extends Error {
  override readonly name = 'TincanError';
  /** Stable, for scripts: upper case words joined by underscores. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: string, message: string, options: TincanErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = EXIT[options.exit ?? 'failed'];
  }
}

/** Ctrl-C, seen at a safe place. */
export function interrupted(hint?: string): TincanError {
  return new TincanError('INTERRUPTED', 'Stopped by Ctrl-C.', { exit: 'interrupted', hint });
}

/** The text of whatever was thrown, without a stack. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^Error: /, '');
}

/** What other rooms throw: a small Error subclass with a `code` in words. System errors (ENOENT) are not meant. */
function ownCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if ('syscall' in error || 'errno' in error || error.code.startsWith('ERR_')) return undefined;
  return error.code;
}

/** Turns anything thrown into a TincanError: ours stay, those of other rooms keep code and hint, the rest is a defect. */
export function asTincanError(error: unknown): TincanError {
  if (error instanceof TincanError) return error;
  const code = ownCode(error);
  if (code !== undefined && error instanceof Error) {
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
    return new TincanError(code.toUpperCase().replaceAll('-', '_'), error.message, {
      cause: error.cause,
      hint,
    });
  }
  return new TincanError('INTERNAL', `Something happened that Tincan did not expect: ${messageOf(error)}`, {
    cause: error,
    hint: 'Run it again with TINCAN_DEBUG=1 to see where; nothing on the board was harmed by this message.',
  });
}

export interface ErrorReport {
  error: { code: string; message: string; hint?: string; cause?: string; exitCode: number };
}

/** The JSON form of an error, secrets removed. */
export function errorReport(error: unknown): ErrorReport {
  const known = asTincanError(error);
  const cause = known.cause === undefined ? undefined : messageOf(known.cause);
  return {
    error: {
      code: known.code,
      message: redact(known.message),
      ...(known.hint === undefined ? {} : { hint: redact(known.hint) }),
      ...(cause === undefined || cause === known.message ? {} : { cause: redact(cause) }),
      exitCode: known.exitCode,
    },
  };
}

export interface ErrorSinks {
  out(text: string): void;
  err(text: string): void;
  /** Show the stack of what was not expected. */
  debug: boolean;
}

const standardSinks: ErrorSinks = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  debug: process.env.TINCAN_DEBUG === '1',
};

/**
 * Prints an error: for people three lines on stderr (what, cause, what to do), with `json` one object on stdout.
 * Returns the exit status.
 */
export function printError(error: unknown, json: boolean, sinks: ErrorSinks = standardSinks): number {
  const { error: report } = errorReport(error);
  if (json) {
    sinks.out(`${JSON.stringify({ error: report })}\n`);
  } else {
    sinks.err(`error: ${report.message}\n`);
    if (report.cause !== undefined && !report.message.includes(report.cause)) {
      sinks.err(`  cause: ${report.cause}\n`);
    }
    if (report.hint !== undefined) sinks.err(`  hint:  ${report.hint}\n`);
  }
  if (sinks.debug && error instanceof Error && error.stack !== undefined) {
    sinks.err(`${redact(error.stack)}\n`);
    if (error.cause instanceof Error) sinks.err(`caused by ${redact(error.cause.stack ?? '')}\n`);
  }
  return report.exitCode;
}

type TakeError = (error: Error) => boolean;
const foreign = new Set<TakeError>();

/** Offers errors that nobody caught to somebody who runs code of the user's, until the answer is called. */
export function onForeign(take: TakeError): () => void {
  foreign.add(take);
  return () => foreign.delete(take);
}

/** Whether an error that nobody caught was taken, as one of the user's code: it is no end of the program. */
export function isForeign(error: unknown): boolean {
  return error instanceof Error && [...foreign].some((take) => take(error));
}
