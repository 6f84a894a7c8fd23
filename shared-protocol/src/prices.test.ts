import { describe, expect, it } from 'vitest';
import { costOf, PRICES, priceOf } from './prices.ts';

describe('priceOf', () => {
  it('finds a dated model by its name', () => {
    expect(priceOf('gpt-realtime-2.1-mini-2026-08-01')).toBe(PRICES['gpt-realtime-2.1-mini']);
    expect(priceOf('gpt-realtime-2.1')).toBe(PRICES['gpt-realtime-2.1']);
    expect(priceOf('gpt-realtime-2025-08-28')).toBe(PRICES['gpt-realtime']);
  });
  it('guesses nothing', () => {
    expect(priceOf('gpt-realtime-2.5')).toBeUndefined();
    expect(priceOf('gpt-realtime-whisper')).toBeUndefined();
    expect(priceOf('my-deployment')).toBeUndefined();
    expect(costOf('my-deployment', {})).toBeUndefined();
  });
});

describe('costOf', () => {
  it('counts a minute of both voices as the price list does', () => {
    // 30 s of the person are 300 audio tokens, 30 s of the assistant 600.
    const usage = { input_token_details: { audio_tokens: 300 }, output_token_details: { audio_tokens: 600 } };
    expect(costOf('gpt-realtime-2.1', usage)).toBe(300 * 32_000 + 600 * 64_000);
  });
  it('takes what was cached for the lower price, and never more than there was', () => {
    const usage = {
      input_token_details: { text_tokens: 100, cached_tokens_details: { text_tokens: 500 } },
    };
    expect(costOf('gpt-realtime-2.1-mini', usage)).toBe(100 * 60);
  });
});
