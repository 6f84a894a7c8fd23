/** Text-to-speech by flite (CMU, in Debian): 40 to 60 ms a sentence, English. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readWav, resample } from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../../errors.ts';
import { RATE } from '../audio.ts';
import type { Clock } from '../clock.ts';
import { stageError } from './patience.ts';
import { type Env, findProgram, inFolder, runProgram } from './programs.ts';
import type { Mouth } from './speech.ts';

const DEFAULT_VOICE = 'slt';

/** Throws TincanError PIPELINE_PROGRAM, PIPELINE_VOICE. */
export async function fliteMouth(options: {
  voice: string | undefined;
  clock: Clock;
  env: Env;
}): Promise<Mouth> {
  const { clock, env } = options;
  const program = findProgram(['flite'], env, 'On Debian and Ubuntu: sudo apt install flite.');
  const { out } = await runProgram('tts', program, ['-lv'], {
    clock,
    env,
    signal: new AbortController().signal,
  });
  const voices = (/available:(.*)/.exec(out)?.[1] ?? '').trim().split(/\s+/);
  if (options.voice !== undefined && !voices.includes(options.voice)) {
    throw new TincanError('PIPELINE_VOICE', `flite has no voice "${options.voice}".`, {
      hint: `It has ${voices.join(', ')}.`,
      exit: 'usage',
    });
  }
  return {
    async *say(text, { voice, speed, signal }) {
      // A session's voice is a name of the real API, most often.
      const chosen = options.voice ?? (voices.includes(voice) ? voice : DEFAULT_VOICE);
      yield await inFolder(async (folder) => {
        const words = join(folder, 'words.txt');
        const sound = join(folder, 'sound.wav');
        await writeFile(words, `${text}\n`);
        const stretch = speed === 1 ? [] : ['--setf', `duration_stretch=${(1 / speed).toFixed(3)}`];
        const args = ['-voice', chosen, ...stretch, '-f', words, '-o', sound];
        await runProgram('tts', program, args, { clock, env, signal });
        try {
          const { samples, sampleRate } = readWav(await readFile(sound));
          return resample(samples, sampleRate, RATE);
        } catch (error) {
          throw stageError('tts', `flite made no sound: ${messageOf(error)}`, error);
        }
      });
    },
  };
}
