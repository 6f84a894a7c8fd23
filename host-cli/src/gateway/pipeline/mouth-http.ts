/** Text-to-speech over HTTP: POST …/audio/speech, its sound decoded as it comes. */
import { Resampler, WavError, WavStream } from '@tincan/shared-protocol';
import { RATE } from '../audio.ts';
import { Channel } from './channel.ts';
import { clip, type Endpoint, errorText } from './endpoint.ts';
import { stageError } from './patience.ts';
import type { Mouth } from './speech.ts';

export interface HttpMouthOptions {
  model: string | undefined;
  voice: string | undefined;
  /** `pcm`: raw, 16 bit, mono. */
  format: 'wav' | 'pcm';
}

/** Sound of one request, seconds; who sends more does not stop. */
const MAX_SECONDS = 120;
/** Hz of raw sound whose answer does not say. OpenAI's is 24 kHz. */
const PCM_RATE = 24_000;

export function httpMouth(endpoint: Endpoint, { model, voice, format }: HttpMouthOptions): Mouth {
  return {
    async *say(text, options) {
      const json = {
        model: model ?? 'tts-1',
        input: text,
        voice: voice ?? options.voice,
        response_format: format,
        ...(options.speed === 1 ? {} : { speed: options.speed }),
      };
      const sound = new Channel<Int16Array>();
      // Stops the request where the sound is not taken to its end.
      const stop = new AbortController();
      const signal = AbortSignal.any([options.signal, stop.signal]);
      endpoint
        .post({ json }, { clock: options.clock, signal }, async (response, patience) => {
          const decoder = new Decoder(response, format);
          for await (const bytes of response.body ?? []) {
            patience.touch();
            put(sound, decoder.push(bytes));
          }
          put(sound, decoder.end());
        })
        .then(
          () => sound.end(),
          (error: unknown) => sound.fail(error),
        );
      try {
        yield* sound;
      } finally {
        stop.abort();
      }
    },
  };
}

function put(sound: Channel<Int16Array>, pcm: Int16Array): void {
  if (pcm.length > 0) sound.put(pcm);
}

/** Bytes of a WAV file, or raw samples, to 24 kHz. */
class Decoder {
  readonly #wav: WavStream | undefined;
  readonly #rate: number;
  #resampler: Resampler | undefined;
  #odd: Uint8Array = new Uint8Array();
  readonly #text: boolean;
  #begun = false;
  #samples = 0;

  constructor(response: Response, format: 'wav' | 'pcm') {
    const type = response.headers.get('content-type') ?? '';
    this.#text = /json|^text\//.test(type);
    this.#wav = format === 'wav' ? new WavStream() : undefined;
    const rate = Number(/rate=(\d{4,6})\b/.exec(type)?.[1] ?? PCM_RATE);
    this.#rate = rate >= 8000 && rate <= 192_000 ? rate : PCM_RATE;
  }

  push(bytes: Uint8Array): Int16Array {
    if (!this.#begun) this.#look(bytes);
    let pcm: Int16Array;
    try {
      pcm = this.#wav ? this.#wav.push(bytes) : this.#raw(bytes);
    } catch (error) {
      throw this.#wrong(error);
    }
    this.#samples += pcm.length;
    const rate = this.#wav?.sampleRate ?? this.#rate;
    if (this.#samples > MAX_SECONDS * rate)
      throw stageError('tts', `it sent more than ${MAX_SECONDS} s for one sentence`);
    if (pcm.length === 0) return pcm;
    this.#resampler ??= new Resampler(rate, RATE);
    return this.#resampler.push(pcm);
  }

  end(): Int16Array {
    if (!this.#begun) throw stageError('tts', 'it sent no sound');
    try {
      this.#wav?.end();
    } catch (error) {
      throw this.#wrong(error);
    }
    return this.#resampler?.end() ?? new Int16Array();
  }

  /** What is often sent instead of what was asked for. */
  #look(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#begun = true;
    const start = Buffer.from(bytes.subarray(0, 400)).toString('latin1');
    const other = /^ID3|^\xff[\xe2-\xfb]/.test(start)
      ? 'MP3'
      : start.startsWith('OggS')
        ? 'Ogg'
        : start.startsWith('fLaC')
          ? 'FLAC'
          : undefined;
    if (other) throw stageError('tts', `it sent ${other} where WAV or PCM was asked for`);
    if (this.#text || start.startsWith('{"'))
      throw stageError('tts', `it sent no sound: ${clip(jsonError(start))}`);
    if (!this.#wav && start.startsWith('RIFF'))
      throw stageError('tts', 'it sent a WAV file where raw PCM was asked for');
  }

  #raw(bytes: Uint8Array): Int16Array {
    const all = Buffer.concat([this.#odd, bytes]);
    const pcm = new Int16Array(all.length >> 1);
    for (let i = 0; i < pcm.length; i++) pcm[i] = all.readInt16LE(2 * i);
    this.#odd = all.subarray(2 * pcm.length);
    return pcm;
  }

  #wrong(error: unknown): unknown {
    return error instanceof WavError ? stageError('tts', error.message, error) : error;
  }
}

function jsonError(text: string): string {
  try {
    return errorText(JSON.parse(text)) ?? text;
  } catch {
    return text;
  }
}
