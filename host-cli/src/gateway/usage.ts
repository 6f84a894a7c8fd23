/**
 * Tokens, counted as the API bills them: a second of the person is 10 audio tokens, a second of the assistant 20,
 * text about four characters a token, an image 85 or (in detail) 765.
 */
import type { RealtimeResponseUsage } from 'openai/resources/realtime/realtime';
import type { SessionConfig } from './config.ts';
import type { Entry } from './conversation.ts';

export interface Tokens {
  readonly text: number;
  readonly audio: number;
  readonly image: number;
}
export const NO_TOKENS: Tokens = { text: 0, audio: 0, image: 0 };
const IMAGE = { low: 85, high: 765, auto: 765 } as const;

export const textTokens = (text: string): number => Math.ceil(text.length / 4);
/** Tokens of so many milliseconds of the person. */
export const heardTokens = (ms: number): number => Math.ceil(ms / 100);
export const totalOf = ({ text, audio, image }: Tokens): number => text + audio + image;
export const addTokens = (a: Tokens, b: Tokens): Tokens => ({
  text: a.text + b.text,
  audio: a.audio + b.audio,
  image: a.image + b.image,
});

/** Tokens of one item: its words, its sound, its images. */
export function tokensOf({ item, audioMs }: Entry): Tokens {
  if (item.type === 'function_call') return { ...NO_TOKENS, text: textTokens(item.name + item.arguments) };
  if (item.type === 'function_call_output') return { ...NO_TOKENS, text: textTokens(item.output) };
  if (item.type !== 'message') return NO_TOKENS;
  let text = 0;
  let image = 0;
  for (const part of item.content) {
    if ('text' in part && part.text) text += textTokens(part.text);
    // A person's transcript is made for the client; the assistant's is made by the model.
    else if (item.role === 'assistant' && 'transcript' in part && part.transcript)
      text += textTokens(part.transcript);
    else if (part.type === 'input_image') image += IMAGE[part.detail ?? 'auto'];
  }
  const audio = item.role === 'assistant' ? Math.ceil(audioMs / 50) : heardTokens(audioMs);
  return { text, audio, image };
}

/** Tokens of what stands before every conversation: instructions and tools. */
export function fixedTokens(config: SessionConfig): Tokens {
  const tools = config.tools.length > 0 ? textTokens(JSON.stringify(config.tools)) : 0;
  return { ...NO_TOKENS, text: textTokens(config.instructions) + tools };
}

export function sumOf(entries: readonly Entry[]): Tokens {
  return entries.reduce((sum, entry) => addTokens(sum, tokensOf(entry)), NO_TOKENS);
}

/** The usage of a response: what it read, what of that was cached, and what it made. */
export function usageOf(read: Tokens, cached: Tokens, made: Tokens): RealtimeResponseUsage {
  const input = totalOf(read);
  const output = totalOf(made);
  return {
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    input_token_details: {
      text_tokens: read.text,
      audio_tokens: read.audio,
      image_tokens: read.image,
      cached_tokens: totalOf(cached),
      cached_tokens_details: {
        text_tokens: cached.text,
        audio_tokens: cached.audio,
        image_tokens: cached.image,
      },
    },
    output_token_details: { text_tokens: made.text, audio_tokens: made.audio },
  };
}
