/** The events that tell what a person said. */
import type { LogProbProperties } from 'openai/resources/realtime/realtime';
import type { Entry } from './conversation.ts';
import { type Draft, newId } from './events.ts';
import type { Transcription } from './schema.ts';
import { heardTokens, textTokens } from './usage.ts';

/** `text` null: this server could not write it down. */
export function* transcribed(
  entry: Entry,
  text: string | null,
  { model = '', prompt }: Transcription,
  withLogprobs: boolean,
): Iterable<Draft> {
  const at = { item_id: entry.item.id, content_index: 0 };
  if (text === null) {
    const message = 'This server does not write down what it hears.';
    const error = { type: 'invalid_request_error', code: 'transcription_unavailable', message };
    yield { type: 'conversation.item.input_audio_transcription.failed', ...at, error };
    return;
  }
  const seconds = entry.audioMs / 1000;
  const logprobs = withLogprobs ? { logprobs: logprobsOf(text) } : {};
  if (text)
    yield { type: 'conversation.item.input_audio_transcription.delta', ...at, delta: text, ...logprobs };
  if (text && model.endsWith('-diarize')) {
    const span = { speaker: 'A', start: 0, end: seconds };
    yield {
      type: 'conversation.item.input_audio_transcription.segment',
      ...at,
      id: newId('seg'),
      ...span,
      text,
    };
  }
  yield {
    type: 'conversation.item.input_audio_transcription.completed',
    ...at,
    transcript: text,
    usage: usageOf(model, entry.audioMs, text, prompt ?? ''),
    ...logprobs,
  };
}

/** gpt-4o-transcribe and its kin are billed by tokens, all others by time. */
function usageOf(model: string, ms: number, text: string, prompt: string) {
  if (!/^gpt-4o(-mini)?-transcribe/.test(model))
    return { type: 'duration' as const, seconds: Math.ceil(ms / 1000) };
  const input = { audio_tokens: heardTokens(ms), text_tokens: textTokens(prompt) };
  const inputTokens = input.audio_tokens + input.text_tokens;
  const outputTokens = textTokens(text);
  return {
    type: 'tokens' as const,
    total_tokens: inputTokens + outputTokens,
    input_tokens: inputTokens,
    input_token_details: input,
    output_tokens: outputTokens,
  };
}

/** Word by word. What writes down here weighs no alternatives: each word has the whole probability. */
function logprobsOf(text: string): LogProbProperties[] {
  return (text.match(/\s*\S+/g) ?? []).map((token) => ({
    token,
    logprob: 0,
    bytes: [...Buffer.from(token)],
  }));
}
