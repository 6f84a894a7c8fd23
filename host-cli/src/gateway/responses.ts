/**
 * The responses of a session: one at a time writes to the conversation, others (`conversation: "none"`) run beside it.
 * Here is what surrounds them: settings laid over, context and cache, rate limits, who may begin and who is cancelled.
 */
import type { Mind } from './brain.ts';
import type { Clock } from './clock.ts';
import { checkVoice, type ResponseParams, responseConfig, type SessionConfig } from './config.ts';
import { Context } from './context.ts';
import type { Conversation, Entry } from './conversation.ts';
import { type Draft, RealtimeError } from './events.ts';
import type { EventFault } from './faults.ts';
import type { RateLimits } from './limits.ts';
import { type Failure, ResponseRun, rateLimited } from './response.ts';
import { addTokens, fixedTokens, sumOf, totalOf } from './usage.ts';
import type { Voice } from './voice.ts';

/** What a response takes of the rate limit for its answer where it has no limit of its own, tokens. */
const RESERVED = 4096;

export interface ResponsesHost {
  readonly clock: Clock;
  readonly mind: Mind;
  readonly voice: Voice;
  readonly conversation: Conversation;
  readonly limits: RateLimits;
  /** Whether voices are those of the API only. */
  readonly strictVoices: boolean;
  config(): SessionConfig;
  /** The assistant has been heard in this session: its voice stays. */
  spoke(): boolean;
  send(event: Draft): void;
  fault(fault: 'hang_up' | 'expire' | EventFault): void;
  /** A response of the conversation is over, and no other follows. */
  settled(): void;
  log(line: string): void;
}

export class Responses {
  readonly #host: ResponsesHost;
  readonly #context = new Context();
  readonly #beside = new Set<ResponseRun>();
  readonly #taken = new Map<ResponseRun, number>();
  #run: ResponseRun | undefined;
  /** A turn ended while a response was being made. */
  #waiting = false;
  #count = 0;
  #closed = false;

  constructor(host: ResponsesHost) {
    this.#host = host;
  }

  /** A response of the conversation is being made. */
  get busy(): boolean {
    return this.#run !== undefined;
  }

  /** Responses that were begun. */
  get count(): number {
    return this.#count;
  }

  /** `response.create`. Throws RealtimeError. */
  create(params: ResponseParams | undefined): void {
    const voice = params?.audio?.output?.voice;
    if (this.#host.strictVoices) checkVoice(voice, 'response.audio.output.voice');
    if (voice !== undefined && this.#host.spoke()) {
      if (JSON.stringify(voice) !== JSON.stringify(this.#host.config().output.voice)) throw voiceLocked();
    }
    if (params?.conversation !== 'none' && this.#run) {
      throw new RealtimeError(
        'conversation_already_has_active_response',
        `Conversation already has an active response in progress: ${this.#run.id}. ` +
          'Wait until the response is finished before creating a new one.',
      );
    }
    this.#begin(params, false);
  }

  /** Answers a turn; where a response is being made, after that. */
  answer(idle = false): void {
    if (this.#run) this.#waiting = true;
    else this.#begin(undefined, idle);
  }

  /** `response.cancel`. Throws RealtimeError. */
  cancel(responseId: unknown): void {
    if (responseId !== undefined && typeof responseId !== 'string') {
      throw new RealtimeError('invalid_type', "Expected a string for 'response_id'.", 'response_id');
    }
    const run =
      responseId === undefined || responseId === this.#run?.id
        ? this.#run
        : [...this.#beside].find((one) => one.id === responseId);
    if (!run) {
      throw new RealtimeError('response_cancel_not_active', 'Cancellation failed: no active response found');
    }
    run.cancel('client_cancelled');
  }

  /** The person speaks: the response of the conversation ends. Those beside it go on. */
  interrupt(): void {
    this.#run?.cancel('turn_detected');
  }

  close(): void {
    this.#closed = true;
    for (const run of [this.#run, ...this.#beside]) run?.drop();
    this.#run = undefined;
    this.#beside.clear();
  }

  #begin(params: ResponseParams | undefined, idle: boolean): void {
    const host = this.#host;
    const config = responseConfig(host.config(), params);
    let failure: Failure | undefined;
    let entries: Entry[];
    if (params?.input) {
      entries = host.conversation.inputs(params.input, config.input.format);
    } else {
      try {
        entries = this.#context.window(host.conversation.entries, config);
      } catch (error) {
        if (!(error instanceof RealtimeError)) throw error;
        entries = [];
        failure = { type: error.type, code: error.code, message: error.message };
      }
    }
    const read = addTokens(fixedTokens(config), sumOf(entries));
    const cached = this.#context.cached(config, entries);
    const limit = config.max_output_tokens;
    const wanted = totalOf(read) + (limit === 'inf' ? RESERVED : limit);
    const over = host.limits.take(wanted);
    const run = new ResponseRun(
      {
        clock: host.clock,
        mind: host.mind,
        voice: host.voice,
        conversation: host.conversation,
        send: (event) => host.send(event),
        finished: (one) => this.#finished(one),
        rateLimits: () => host.limits.report(),
        fault: (fault) => (fault === 'rate_limit' ? host.limits.exhaust() : host.fault(fault)),
        log: (line) => host.log(line),
      },
      { entries, config, params, first: this.#count === 0, idle },
      { read, cached },
    );
    this.#count++;
    if (!over) this.#taken.set(run, wanted);
    if (run.inConversation) this.#run = run;
    else this.#beside.add(run);
    run.start(failure ?? (over && rateLimited(over)));
  }

  #finished(run: ResponseRun): void {
    this.#host.limits.settle(this.#taken.get(run) ?? 0, this.#taken.has(run) ? run.tokens : 0);
    this.#taken.delete(run);
    this.#beside.delete(run);
    if (!run.inConversation) return;
    if (this.#run === run) this.#run = undefined;
    const { entries, config } = run.question;
    this.#context.remember(config, [...entries, ...run.made]);
    // Also when it was cut short: what the person says next is a new question.
    for (const entry of entries) entry.answered = true;
    if (this.#closed) return;
    if (!this.#waiting) this.#host.settled();
    else {
      this.#waiting = false;
      this.#begin(undefined, false);
    }
  }
}

/** The voice of a session that has spoken stays. */
export function voiceLocked(): RealtimeError {
  return new RealtimeError(
    'cannot_update_voice',
    "Cannot update a conversation's voice if assistant audio is present.",
  );
}
