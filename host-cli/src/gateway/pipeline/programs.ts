/** Programs of this machine as ears and mouths: found, run in a folder of their own, killed where nobody waits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inPath } from '../../build/idf-find.ts';
import { type Captured, capture } from '../../build/process.ts';
import { TincanError } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import { Patience, type Stage, stageError } from './patience.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** Milliseconds that a program may take for one turn or sentence. */
const PROGRAM_MS = 30_000;

/** The first of these programs that is installed. Throws TincanError PIPELINE_PROGRAM. */
export function findProgram(
  names: readonly string[],
  env: Env,
  hint: string,
): { name: string; file: string } {
  for (const name of names) {
    const file = inPath(name, { env, platform: process.platform });
    if (file !== undefined) return { name, file };
  }
  throw new TincanError('PIPELINE_PROGRAM', `The program ${names.join(' or ')} is not installed.`, {
    hint,
    exit: 'usage',
  });
}

const runs = new Set<Promise<unknown>>();

/** A folder for one run. */
export async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const one = (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tincan-speech-'));
    try {
      return await run(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  })();
  runs.add(one);
  try {
    return await one;
  } finally {
    runs.delete(one);
  }
}

/** Waits until nothing runs, and nothing of what was said lies in a folder. */
export async function runsEnded(): Promise<void> {
  await Promise.allSettled(runs);
}

/**
 * Runs a program to its end and gives what it said. It is killed when `signal` is aborted and when it takes too long.
 * Throws TincanError of the stage where it cannot be started, is killed, or fails.
 */
export async function runProgram(
  stage: Stage,
  program: { name: string; file: string },
  args: readonly string[],
  { clock, signal, env }: { clock: Clock; signal: AbortSignal; env: Env },
): Promise<Captured> {
  const patience = new Patience(clock, PROGRAM_MS, signal);
  try {
    patience.signal.throwIfAborted();
    const result = await capture(program.file, args, { env: withoutSecrets(env), signal: patience.signal });
    if (patience.over) throw stageError(stage, `${program.name} took more than ${PROGRAM_MS / 1000} s`);
    if (result.status !== 0) {
      const lines = result.err.trim().split('\n');
      // pocketsphinx writes its error among notes: ERROR: "file.c", line 1: what is wrong
      const why = lines
        .findLast((line) => /^ERROR\b/.test(line))
        ?.replace(/^ERROR: (?:"[^"]*", line \d+: )?/, '');
      throw stageError(stage, `${program.name} failed: ${(why ?? lines.at(-1) ?? '').slice(0, 200)}`);
    }
    return result;
  } finally {
    patience.end();
  }
}

/** Programs need PATH and HOME, not our keys. */
function withoutSecrets(env: Env): Env {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(?:TINCAN|OPENAI|AZURE)_\w*(?:KEY|TOKEN|SECRET)\w*$/.test(name),
    ),
  );
}
