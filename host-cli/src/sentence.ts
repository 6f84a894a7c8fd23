import { readFileSync } from 'node:fs';
import { readWav, resample } from '@tincan/shared-protocol';
import { messageOf, TincanError } from './errors.ts';

/** Hz, of everything that a microphone hears. */
const RATE = 16_000;

/** Reads a WAV as 16 kHz mono. @throws TincanError WAV_BROKEN */
export function readSentence(path: string): Int16Array {
  try {
    const wav = readWav(new Uint8Array(readFileSync(path)));
    return resample(wav.samples, wav.sampleRate, RATE);
  } catch (error) {
    throw new TincanError('WAV_BROKEN', `${path} is no sound that the microphone can hear.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint: 'It takes a WAV file, any rate, mono or stereo; known sentences are in host-cli/data/voices/.',
    });
  }
}
