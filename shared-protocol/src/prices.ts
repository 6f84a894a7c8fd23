/**
 * What a conversation costs: list prices of the Realtime models, and the sum of a response's `usage`. The one place
 * where prices stand; the device's table (`generated/prices_gen.c`) comes from here.
 *
 * A model is found by its name here, a date behind it or not (`gpt-realtime-2.1-2026-08-01`). A model that is not here
 * has no price: nothing is guessed, and a budget in money does not apply to it.
 */

/** Nanodollars a token: 1,000 times the list price in dollars a million tokens. */
export interface Price {
  readonly audio: readonly [fresh: number, cached: number, made: number];
  readonly text: readonly [fresh: number, cached: number, made: number];
  /** Images are read, never made. */
  readonly image: number;
}

/** List prices of 2026-11 (https://openai.com/api/pricing). */
export const PRICES = {
  'gpt-realtime': { audio: [32_000, 400, 64_000], text: [4_000, 400, 16_000], image: 5_000 },
  'gpt-realtime-1.5': { audio: [32_000, 400, 64_000], text: [4_000, 400, 16_000], image: 5_000 },
  'gpt-realtime-mini': { audio: [10_000, 300, 20_000], text: [600, 60, 2_400], image: 800 },
  'gpt-realtime-2': { audio: [32_000, 400, 64_000], text: [4_000, 400, 24_000], image: 5_000 },
  'gpt-realtime-2.1': { audio: [32_000, 400, 64_000], text: [4_000, 400, 24_000], image: 5_000 },
  'gpt-realtime-2.1-mini': { audio: [10_000, 300, 20_000], text: [600, 60, 2_400], image: 800 },
} as const satisfies Record<string, Price>;

/** `response.usage` as far as it costs; what is left out counts as 0. */
export interface CostUsage {
  input_token_details?: {
    text_tokens?: number;
    audio_tokens?: number;
    image_tokens?: number;
    /** A part of the input tokens. */
    cached_tokens_details?: { text_tokens?: number; audio_tokens?: number; image_tokens?: number };
  };
  output_token_details?: { text_tokens?: number; audio_tokens?: number };
}

/** The price of a model, or undefined where it has none here. */
export function priceOf(model: string): Price | undefined {
  const name = model.replace(/-\d{4}-\d{2}-\d{2}$/, '');
  return Object.hasOwn(PRICES, name) ? PRICES[name as keyof typeof PRICES] : undefined;
}

/** Nanodollars of one response, or undefined where the model has no price here. */
export function costOf(model: string, usage: CostUsage): number | undefined {
  const price = priceOf(model);
  if (price === undefined) return undefined;
  const {
    text_tokens: text = 0,
    audio_tokens: audio = 0,
    image_tokens: image = 0,
  } = usage.input_token_details ?? {};
  const cached = usage.input_token_details?.cached_tokens_details ?? {};
  const made = usage.output_token_details ?? {};
  const input = (
    tokens: number,
    kept: number | undefined,
    [fresh, old]: readonly [number, number, number],
  ) => {
    const again = Math.min(kept ?? 0, tokens);
    return (tokens - again) * fresh + again * old;
  };
  return (
    input(text, cached.text_tokens, price.text) +
    input(audio, cached.audio_tokens, price.audio) +
    // No price of cached images is published apart: they are counted as cached text.
    input(image, cached.image_tokens, [price.image, price.text[1], 0]) +
    (made.text_tokens ?? 0) * price.text[2] +
    (made.audio_tokens ?? 0) * price.audio[2]
  );
}
