/**
 * Speech-to-text by pocketsphinx (CMU, in Debian), English. With a grammar it hears these sentences and no other, and
 * hears them well; with its full language model it guesses. Both command lines are known: pocketsphinx_continuous of
 * 5prealpha, and pocketsphinx of 5.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resample, writeWav } from '@tincan/shared-protocol';
import { RATE } from '../audio.ts';
import type { Clock } from '../clock.ts';
import { EAR_RATE } from './ear-http.ts';
import { jsgfOf, problem, readGrammar } from './grammar.ts';
import { type Env, findProgram, inFolder, runProgram } from './programs.ts';
import { type Ear, type HearOptions, onlyWords } from './speech.ts';

/** Throws TincanError PIPELINE_PROGRAM, PIPELINE_GRAMMAR. */
export async function pocketsphinxEar(options: {
  /** File that `readGrammar` reads. */
  grammar: string | undefined;
  clock: Clock;
  env: Env;
}): Promise<Ear> {
  const { clock, env } = options;
  const program = findProgram(
    ['pocketsphinx_continuous', 'pocketsphinx'],
    env,
    'On Debian and Ubuntu: sudo apt install pocketsphinx pocketsphinx-en-us.',
  );
  const given = options.grammar === undefined ? undefined : await readGrammar(options.grammar);

  const run = (pcm: Int16Array, grammar: string | undefined, signal: AbortSignal) =>
    inFolder(async (folder) => {
      const wav = join(folder, 'turn.wav');
      await writeFile(wav, writeWav(pcm, EAR_RATE));
      const args: string[] = [];
      if (grammar !== undefined) {
        const file = join(folder, 'grammar.jsgf');
        await writeFile(file, grammar);
        args.push('-jsgf', file);
      }
      const old = program.name === 'pocketsphinx_continuous';
      const how = old ? ['-infile', wav, ...args] : [...args, 'single', wav];
      const { out, err } = await runProgram('stt', program, how, { clock, env, signal });
      return { words: old ? out.replaceAll('\n', ' ') : hypothesis(out), err };
    });

  if (given !== undefined) {
    // A word that the dictionary lacks ends the program with status 1 and a line in its log.
    try {
      await run(new Int16Array(EAR_RATE / 5), given, new AbortController().signal);
    } catch (error) {
      throw problem(
        `pocketsphinx does not take the grammar ${options.grammar}: ${(error as Error).message}`,
        error,
      );
    }
  }
  return {
    async hear(pcm, { phrases, signal }: HearOptions) {
      const grammar = given ?? (phrases && phrases.length > 0 ? jsgfOf(phrases) : undefined);
      const { words } = await run(resample(pcm, RATE, EAR_RATE), grammar, signal);
      return onlyWords(words);
    },
  };
}

/** pocketsphinx 5 prints one JSON object a line; `t` holds the text. */
function hypothesis(out: string): string {
  return out
    .split('\n')
    .flatMap((line) => {
      try {
        const value = JSON.parse(line) as { t?: unknown };
        return typeof value.t === 'string' ? [value.t] : [];
      } catch {
        return [];
      }
    })
    .join(' ');
}
