/**
 * Tokens, counted as the API bills them: a second of the person is 10 audio tokens, a second of the assistant 20,
 * text about four characters a token. Nothing is cached here.
 */
import type { RealtimeResponseUsage } from 'openai/resources/realtime/realtime';
import type { SessionConfig } from './config.ts';
import type { Entry } from './conversation.ts';

interface Tokens {
  text: number;
  audio: number;
}
const textTokens = (text: string): number => Math.ceil(text.length / 4);

/** Tokens of one item: its words and its sound. */
export function tokensOf({ item, audioMs }: Entry): Tokens {
  if (item.type === 'function_call') return { text: textTokens(item.name + item.arguments), audio: 0 };
  if (item.type === 'function_call_output') return { text: textTokens(item.output), audio: 0 };
  if (item.type !== 'message') return { text: 0, audio: 0 };
  let text = 0;
  for (const part of item.content) {
    if ('text' in part && part.text) text += textTokens(part.text);
    // A person's transcript is made for the client; the assistant's is made by the model.
    else if (item.role === 'assistant' && 'transcript' in part && part.transcript)
      text += textTokens(part.transcript);
  }
  const audio = Math.ceil(audioMs / (item.role === 'assistant' ? 50 : 100));
  return { text, audio };
}

/** The usage of a response: what it read and what it made. */
export function usageOf(
  config: SessionConfig,
  read: readonly Entry[],
  made: readonly Entry[],
): RealtimeResponseUsage {
  const input = sum(read);
  input.text +=
    textTokens(config.instructions) +
    (config.tools.length > 0 ? textTokens(JSON.stringify(config.tools)) : 0);
  const output = sum(made);
  return {
    total_tokens: input.text + input.audio + output.text + output.audio,
    input_tokens: input.text + input.audio,
    output_tokens: output.text + output.audio,
    input_token_details: {
      text_tokens: input.text,
      audio_tokens: input.audio,
      image_tokens: 0,
      cached_tokens: 0,
      cached_tokens_details: { text_tokens: 0, audio_tokens: 0, image_tokens: 0 },
    },
    output_token_details: { text_tokens: output.text, audio_tokens: output.audio },
  };
}

function sum(entries: readonly Entry[]): Tokens {
  const total: Tokens = { text: 0, audio: 0 };
  for (const entry of entries) {
    const { text, audio } = tokensOf(entry);
    total.text += text;
    total.audio += audio;
  }
  return total;
}
