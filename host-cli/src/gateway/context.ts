/**
 * What of the conversation the model reads: all of it while it fits, else without its oldest items (`truncation`). And
 * what of that it has read before: the API caches by prefix, so that what was dropped or changed costs what follows.
 */
import type { SessionConfig } from './config.ts';
import type { Entry } from './conversation.ts';
import { RealtimeError } from './events.ts';
import { addTokens, fixedTokens, NO_TOKENS, type Tokens, tokensOf, totalOf } from './usage.ts';

/** Tokens that a model reads at most: its window less its longest answer. */
function inputLimit(model: string | undefined): number {
  return /^gpt-realtime-(2|2\.1)(-|$)/.test(model ?? 'gpt-realtime-2.1') ? 96_000 : 28_224;
}

export class Context {
  /** Signs of what was read last, in order; the first is that of instructions and tools. */
  #read: { sign: string; tokens: Tokens }[] = [];
  readonly #dropped = new WeakSet<Entry>();

  /**
   * The items that are read now. Items that were dropped once stay out.
   * @throws RealtimeError context_length_exceeded where `truncation` is "disabled" and they are too many
   */
  window(entries: readonly Entry[], config: SessionConfig): Entry[] {
    const { truncation } = config;
    const fixed = totalOf(fixedTokens(config));
    const most = Math.max(0, inputLimit(config.model) - fixed);
    const kept = entries.filter((entry) => !this.#dropped.has(entry));
    let size = kept.reduce((sum, entry) => sum + totalOf(tokensOf(entry)), 0);
    const ratio = typeof truncation === 'object' ? truncation : undefined;
    const limit = Math.min(most, ratio?.token_limits?.post_instructions ?? most);
    if (size <= limit) return kept;
    if (truncation === 'disabled') {
      throw new RealtimeError(
        'context_length_exceeded',
        `The conversation has ${size + fixed} tokens, the model reads ${limit + fixed} at most.`,
      );
    }
    const target = ratio ? limit * ratio.retention_ratio : limit;
    // The newest item stays, whatever its size: it is the question.
    let first = 0;
    for (; first < kept.length - 1 && size > target; first++) {
      size -= totalOf(tokensOf(kept[first]!));
      this.#dropped.add(kept[first]!);
    }
    kept.splice(0, first);
    // The output of a call that is gone has no meaning.
    const calls = new Set(kept.flatMap(({ item }) => (item.type === 'function_call' ? [item.call_id] : [])));
    return kept.filter((entry) => {
      if (entry.item.type !== 'function_call_output' || calls.has(entry.item.call_id)) return true;
      this.#dropped.add(entry);
      return false;
    });
  }

  /** Tokens of these items that were read before, as the beginning of what was read last. */
  cached(config: SessionConfig, entries: readonly Entry[]): Tokens {
    let sum = NO_TOKENS;
    for (const [index, { sign, tokens }] of signs(config, entries).entries()) {
      if (this.#read[index]?.sign !== sign) break;
      sum = addTokens(sum, tokens);
    }
    return sum;
  }

  /** These items were read, or made, by a response of the conversation. */
  remember(config: SessionConfig, entries: readonly Entry[]): void {
    this.#read = signs(config, entries);
  }
}

function signs(config: SessionConfig, entries: readonly Entry[]): { sign: string; tokens: Tokens }[] {
  return [
    { sign: JSON.stringify([config.instructions, config.tools]), tokens: fixedTokens(config) },
    ...entries.map((entry) => {
      const tokens = tokensOf(entry);
      return { sign: `${entry.item.id} ${tokens.text} ${tokens.audio} ${tokens.image}`, tokens };
    }),
  ];
}
