/** Speech-to-text over HTTP: POST …/audio/transcriptions, multipart, a WAV of 16 kHz (whisper.cpp takes no other). */
import { resample, writeWav } from '@tincan/shared-protocol';
import { RATE } from '../audio.ts';
import { clip, type Endpoint, errorText, readAll } from './endpoint.ts';
import { stageError } from './patience.ts';
import { type Ear, onlyWords } from './speech.ts';

export const EAR_RATE = 16_000;
const MAX_BODY = 1 << 20;

export function httpEar(endpoint: Endpoint, model: string | undefined): Ear {
  return {
    hear(pcm, options) {
      const form = new FormData();
      // The model first: some servers read the parts as they come.
      form.append('model', model ?? options.model ?? 'whisper-1');
      form.append('response_format', 'json');
      if (options.language) form.append('language', options.language);
      if (options.prompt) form.append('prompt', options.prompt);
      const wav = writeWav(resample(pcm, RATE, EAR_RATE), EAR_RATE);
      form.append('file', new Blob([wav as Uint8Array<ArrayBuffer>], { type: 'audio/wav' }), 'turn.wav');
      return endpoint.post({ form }, options, async (response, patience) => {
        const text = new TextDecoder().decode(await readAll('stt', response, patience, MAX_BODY));
        if (/^text\/plain\b/.test(response.headers.get('content-type') ?? '')) return onlyWords(text);
        return onlyWords(transcript(text));
      });
    },
  };
}

function transcript(body: string): string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw stageError('stt', `it sent what is no transcription: ${clip(body).slice(0, 80)}`);
  }
  if (typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string')
    return value.text;
  throw stageError('stt', `it sent no text: ${clip(errorText(value) ?? body).slice(0, 80)}`);
}
