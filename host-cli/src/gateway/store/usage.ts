/** What a response used, out of an event of a server: foreign bytes, so everything is looked at before it is counted. */
import { type CostUsage, costOf } from '@tincan/shared-protocol';

export interface Tokens {
  textIn: number;
  /** A part of textIn, and so on. */
  textCached: number;
  audioIn: number;
  audioCached: number;
  imageIn: number;
  imageCached: number;
  textOut: number;
  audioOut: number;
}

export interface Usage {
  kind: 'response' | 'transcription';
  /** Id of the response, or of the item that was written down. */
  ref: string;
  tokens: Tokens;
  /** Of sound, where a server counts transcription by time. */
  seconds: number;
}

type Bag = Record<string, unknown>;
const bag = (value: unknown): Bag => (typeof value === 'object' && value !== null ? (value as Bag) : {});
/** More than any response has; a number above it is a defect of the server. */
const MOST = 1e9;
const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.min(Math.round(value), MOST) : 0;

/** The usage in a server event, or undefined where there is none in it. */
export function usageIn(event: unknown): Usage | undefined {
  const { type, response, item_id, usage } = bag(event);
  if (type === 'response.done') {
    const { id, usage: used } = bag(response);
    if (typeof id !== 'string' || typeof used !== 'object' || used === null) return undefined;
    return { kind: 'response', ref: id.slice(0, 128), tokens: tokensIn(bag(used)), seconds: 0 };
  }
  if (type === 'conversation.item.input_audio_transcription.completed') {
    if (typeof item_id !== 'string' || typeof usage !== 'object' || usage === null) return undefined;
    const { seconds } = bag(usage);
    const lasted = typeof seconds === 'number' && seconds > 0 && seconds < MOST ? seconds : 0;
    return {
      kind: 'transcription',
      ref: item_id.slice(0, 128),
      tokens: tokensIn(bag(usage)),
      seconds: lasted,
    };
  }
  return undefined;
}

function tokensIn(usage: Bag): Tokens {
  const input = bag(usage.input_token_details);
  const cached = bag(input.cached_tokens_details);
  const output = bag(usage.output_token_details);
  const textOut = count(output.text_tokens);
  const audioOut = count(output.audio_tokens);
  const textIn = count(input.text_tokens);
  const audioIn = count(input.audio_tokens);
  const imageIn = count(input.image_tokens);
  return {
    // A server that tells the sum only is taken for one of text: better than for nothing.
    textIn: textIn + audioIn + imageIn === 0 ? count(usage.input_tokens) : textIn,
    textCached: count(cached.text_tokens),
    audioIn,
    audioCached: count(cached.audio_tokens),
    imageIn,
    imageCached: count(cached.image_tokens),
    // Transcription tells the sum only; it makes text.
    textOut: textOut + audioOut === 0 ? count(usage.output_tokens) : textOut,
    audioOut,
  };
}

/** Nanodollars of a usage, or null where the model is not known or has no price here. */
export function priceOfUsage(model: string | undefined, { kind, tokens }: Usage): number | null {
  if (model === undefined || kind !== 'response') return null;
  const usage: CostUsage = {
    input_token_details: {
      text_tokens: tokens.textIn,
      audio_tokens: tokens.audioIn,
      image_tokens: tokens.imageIn,
      cached_tokens_details: {
        text_tokens: tokens.textCached,
        audio_tokens: tokens.audioCached,
        image_tokens: tokens.imageCached,
      },
    },
    output_token_details: { text_tokens: tokens.textOut, audio_tokens: tokens.audioOut },
  };
  return costOf(model, usage) ?? null;
}
