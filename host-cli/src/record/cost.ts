/** What a conversation has cost, by the `usage` of its responses and the list prices. */
import { type CostUsage, costOf } from '@tincan/shared-protocol';

/** Numbers of `response.done.response.usage`, added up. */
export interface Tokens {
  input: number;
  output: number;
  input_text: number;
  input_audio: number;
  input_image: number;
  cached: number;
  output_text: number;
  output_audio: number;
}
export interface ModelCost {
  responses: number;
  tokens: Tokens;
  /** By list price; null where the model has none here. */
  dollars: number | null;
}
/** What `cost.json` holds. */
export interface Cost {
  models: Record<string, ModelCost>;
  /** Of all models that have a price; null where none has. */
  dollars: number | null;
  /** Responses whose model has no price here; they are not in `dollars`. */
  unpriced: number;
  /** Speech to text is billed apart, and not priced here. */
  transcription: { turns: number; tokens: number; seconds: number };
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const count = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;

/** Model of a session whose beginning was not seen. */
const UNKNOWN = 'unknown';

export class CostMeter {
  #model = UNKNOWN;
  readonly #models = new Map<string, { responses: number; tokens: Tokens; nano: number | undefined }>();
  readonly #transcription = { turns: 0, tokens: 0, seconds: 0 };

  /** The model of a session that runs already, as its settings say. */
  assume(model: string): void {
    if (this.#model === UNKNOWN) this.#model = model;
  }

  /** Takes an event of the server; answers whether something was added. */
  take(event: unknown): boolean {
    if (!isObject(event)) return false;
    switch (event.type) {
      case 'session.created':
      case 'session.updated':
        if (isObject(event.session) && typeof event.session.model === 'string')
          this.#model = event.session.model;
        return false;
      case 'response.done':
        return isObject(event.response) && this.#response(event.response.usage);
      case 'conversation.item.input_audio_transcription.completed':
        return this.#transcribed(event.usage);
      default:
        return false;
    }
  }

  get cost(): Cost {
    const models: Cost['models'] = {};
    let nano: number | undefined;
    let unpriced = 0;
    for (const [name, { responses, tokens, nano: own }] of this.#models) {
      models[name] = { responses, tokens: { ...tokens }, dollars: own === undefined ? null : own / 1e9 };
      if (own === undefined) unpriced += responses;
      else nano = (nano ?? 0) + own;
    }
    return {
      models,
      dollars: nano === undefined ? null : nano / 1e9,
      unpriced,
      transcription: { ...this.#transcription },
    };
  }

  #response(usage: unknown): boolean {
    if (!isObject(usage)) return false;
    const part = (name: string) => (isObject(usage[name]) ? usage[name] : {});
    const given = part('input_token_details');
    const made = part('output_token_details');
    const cached = isObject(given.cached_tokens_details) ? given.cached_tokens_details : {};
    const numbers = (of: Json) => ({
      text_tokens: count(of.text_tokens),
      audio_tokens: count(of.audio_tokens),
      image_tokens: count(of.image_tokens),
    });
    const clean = {
      input_token_details: { ...numbers(given), cached_tokens_details: numbers(cached) },
      output_token_details: numbers(made),
    } satisfies CostUsage;
    const added: Tokens = {
      input: count(usage.input_tokens),
      output: count(usage.output_tokens),
      input_text: count(given.text_tokens),
      input_audio: count(given.audio_tokens),
      input_image: count(given.image_tokens),
      cached: count(given.cached_tokens),
      output_text: count(made.text_tokens),
      output_audio: count(made.audio_tokens),
    };
    const before = this.#models.get(this.#model);
    const nano = costOf(this.#model, clean);
    if (before === undefined) this.#models.set(this.#model, { responses: 1, tokens: added, nano });
    else {
      before.responses++;
      before.nano = nano === undefined ? undefined : (before.nano ?? 0) + nano;
      for (const name of Object.keys(added) as (keyof Tokens)[]) before.tokens[name] += added[name];
    }
    return true;
  }

  #transcribed(usage: unknown): boolean {
    if (!isObject(usage)) return false;
    this.#transcription.turns++;
    this.#transcription.tokens += count(usage.total_tokens);
    this.#transcription.seconds += count(usage.seconds);
    return true;
  }
}
