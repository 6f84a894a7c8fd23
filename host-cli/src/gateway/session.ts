/**
 * One Realtime session, whatever carries it: events come and go as objects, sound as frames of 480 samples (24 kHz),
 * time from the injected clock. Order of events and error codes: GA API as of 2026-11.
 */
import type { ClientEventName } from '@tincan/shared-protocol';
import { msOf } from './audio.ts';
import type { Brain, Mind } from './brain.ts';
import type { Clock } from './clock.ts';
import {
  configObject,
  mergeConfig,
  parseResponse,
  parseSession,
  type ResponseParams,
  type SessionConfig,
} from './config.ts';
import { Conversation, decodePcm, type Entry } from './conversation.ts';
import { type Draft, newId, RealtimeError, type ServerEvent, type SessionObject } from './events.ts';
import { Framer, InputBuffer } from './input.ts';
import { ResponseRun } from './response.ts';
import { Speaker } from './speaker.ts';

/** Longest session, as the API has it. */
const MAX_MS = 60 * 60_000;

export interface SessionOptions {
  clock: Clock;
  brain: Brain;
  config: SessionConfig;
  /** The call said which model it wants; session.update cannot change it any more. */
  modelFixed: boolean;
  /** An event for the client. */
  send(event: ServerEvent): void;
  /** 20 ms for the client's loudspeaker; `first` after a pause. */
  play(pcm: Int16Array, first: boolean): void;
  /** The server ends the call. */
  hangUp(reason: string): void;
  log?(line: string): void;
  /** Unix time in seconds, for `expires_at`. */
  unixNow?(): number;
}

export class RealtimeSession {
  readonly id = newId('sess');
  readonly #options: SessionOptions;
  readonly #conversation = new Conversation();
  readonly #mind: Mind;
  readonly #input: InputBuffer;
  readonly #framer = new Framer();
  readonly #speaker: Speaker;
  readonly #expiresAt: number;
  #config: SessionConfig;
  #modelFixed: boolean;
  #run: ResponseRun | undefined;
  /** A turn ended while a response was being made. */
  #waiting = false;
  #responses = 0;
  #turnItem = newId('item');
  #spoke = false;
  #cancelExpiry: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;
  #open = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#modelFixed = options.modelFixed;
    this.#mind = options.brain.open();
    this.#expiresAt = Math.floor((options.unixNow?.() ?? Date.now() / 1000) + MAX_MS / 1000);
    this.#input = new InputBuffer(options.config.input.turn_detection, {
      started: (startMs) => this.#speechStarted(startMs),
      stopped: (endMs) => this.#speechStopped(endMs),
    });
    this.#speaker = new Speaker(options.clock, {
      frame: (pcm, first) => {
        this.#spoke = true;
        options.play(pcm, first);
      },
      started: (id) => this.#send({ type: 'output_audio_buffer.started', response_id: id }),
      stopped: (id) => {
        this.#send({ type: 'output_audio_buffer.stopped', response_id: id });
        this.#armIdle();
      },
    });
  }

  /** The client can hear events now: sends session.created. */
  start(): void {
    if (this.#open) return;
    this.#open = true;
    this.#cancelExpiry = this.#options.clock.after(MAX_MS, () => {
      this.#error(
        new RealtimeError('session_expired', 'Your session hit the maximum duration of 60 minutes.'),
      );
      this.#options.hangUp('the session is 60 minutes old');
    });
    this.#send({ type: 'session.created', session: this.#object() });
  }

  /** The call is over; nothing is sent or played from now on. */
  close(): void {
    this.#open = false;
    this.#cancelExpiry?.();
    this.#cancelIdle?.();
    this.#run?.drop();
    this.#run = undefined;
    this.#mind.close?.();
    this.#speaker.clear();
  }

  /** 20 ms that were heard: 480 samples. */
  hear(frame: Int16Array): void {
    if (this.#open) this.#input.push(frame);
  }

  /** One message of the client. Whatever is wrong with it becomes an `error` event. */
  receiveText(text: string): void {
    let event: unknown;
    try {
      event = JSON.parse(text);
    } catch {
      this.#error(new RealtimeError('invalid_json', 'The message is not valid JSON.'));
      return;
    }
    this.receive(event);
  }

  receive(event: unknown): void {
    if (!this.#open) return;
    const fields: Record<string, unknown> =
      typeof event === 'object' && event !== null && !Array.isArray(event) ? { ...event } : {};
    const { event_id: eventId, type, ...payload } = fields;
    const id = typeof eventId === 'string' ? eventId.slice(0, 512) : null;
    try {
      if (typeof type !== 'string') {
        throw new RealtimeError('missing_required_parameter', "Missing required parameter: 'type'.", 'type');
      }
      if (eventId !== undefined && (typeof eventId !== 'string' || eventId.length > 512)) {
        throw new RealtimeError(
          'invalid_type',
          "Expected a string of at most 512 characters for 'event_id'.",
          'event_id',
        );
      }
      const handler = Object.hasOwn(this.#handlers, type)
        ? this.#handlers[type as ClientEventName]
        : undefined;
      if (!handler) {
        const known = Object.keys(this.#handlers).map((name) => `'${name}'`);
        throw new RealtimeError(
          'invalid_value',
          `Invalid value: '${type.slice(0, 64)}'. Supported values are: ${known.join(', ')}.`,
          'type',
        );
      }
      const allowed = FIELDS[type as ClientEventName];
      const extra = Object.keys(payload).find((name) => !allowed.includes(name));
      if (extra !== undefined) {
        throw new RealtimeError(
          'unknown_parameter',
          `Unknown parameter: '${extra.slice(0, 64)}'.`,
          extra.slice(0, 64),
        );
      }
      handler(payload);
    } catch (error) {
      if (error instanceof RealtimeError) this.#error(error, id);
      else {
        this.#options.log?.(
          `a client event failed: ${error instanceof Error ? error.message : String(error)}`,
        );
        this.#error(new RealtimeError('server_error', 'The server had an error.', null, 'server_error'), id);
      }
    }
  }

  readonly #handlers: Record<ClientEventName, (payload: Record<string, unknown>) => void> = {
    'session.update': ({ session }) => this.#update(session),
    'input_audio_buffer.append': ({ audio }) => {
      this.#framer.push(decodePcm(audio, 'audio'), (frame) => this.hear(frame));
    },
    'input_audio_buffer.commit': () => {
      void this.#commit(this.#input.commit(), false);
    },
    'input_audio_buffer.clear': () => {
      this.#input.clear();
      this.#send({ type: 'input_audio_buffer.cleared' });
    },
    'output_audio_buffer.clear': () => this.#silence(),
    'conversation.item.create': (payload) => {
      const entry = this.#conversation.create(payload);
      this.#announce(entry);
    },
    'conversation.item.retrieve': ({ item_id }) => {
      this.#send({ type: 'conversation.item.retrieved', item: this.#conversation.retrieve(item_id).item });
    },
    'conversation.item.delete': ({ item_id }) => {
      this.#send({ type: 'conversation.item.deleted', item_id: this.#conversation.delete(item_id) });
    },
    'conversation.item.truncate': ({ item_id, content_index, audio_end_ms }) => {
      const { itemId, endMs } = this.#conversation.truncate(item_id, content_index, audio_end_ms);
      this.#send({
        type: 'conversation.item.truncated',
        item_id: itemId,
        content_index: 0,
        audio_end_ms: endMs,
      });
    },
    'response.create': ({ response }) =>
      this.#create(response === undefined ? undefined : parseResponse(response)),
    'response.cancel': ({ response_id }) => {
      if (!this.#run || (response_id !== undefined && response_id !== this.#run.id)) {
        throw new RealtimeError(
          'response_cancel_not_active',
          'Cancellation failed: no active response found',
        );
      }
      this.#run.cancel('client_cancelled');
    },
  };

  #update(value: unknown): void {
    const update = parseSession(value);
    if (this.#modelFixed && update.model !== undefined && update.model !== this.#config.model) {
      throw new RealtimeError(
        'cannot_update_model',
        "Cannot update a conversation's model.",
        'session.model',
      );
    }
    const next = mergeConfig(this.#config, update);
    if (this.#spoke && JSON.stringify(next.output.voice) !== JSON.stringify(this.#config.output.voice)) {
      throw new RealtimeError(
        'cannot_update_voice',
        "Cannot update a conversation's voice if assistant audio is present.",
        'session.audio.output.voice',
      );
    }
    if (update.model !== undefined) this.#modelFixed = true;
    this.#config = next;
    if (update.audio?.input?.turn_detection !== undefined) {
      this.#input.configure(next.input.turn_detection);
      this.#armIdle();
    }
    this.#send({ type: 'session.updated', session: this.#object() });
  }

  #speechStarted(startMs: number): void {
    this.#cancelIdle?.();
    this.#turnItem = newId('item');
    this.#send({
      type: 'input_audio_buffer.speech_started',
      audio_start_ms: startMs,
      item_id: this.#turnItem,
    });
    if (this.#config.input.turn_detection?.interrupt_response === false) return;
    this.#run?.cancel('turn_detected');
    this.#silence();
  }

  #speechStopped(endMs: number): void {
    this.#send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: endMs, item_id: this.#turnItem });
    void this.#commit(this.#input.take(), this.#config.input.turn_detection?.create_response ?? false);
  }

  /** Makes a user item of what was heard, writes it down if asked to, and answers if asked to. */
  async #commit(pcm: Int16Array, respond: boolean): Promise<void> {
    const item = {
      type: 'message',
      role: 'user',
      content: [{ type: 'input_audio' }],
      status: 'completed',
    } as const;
    const entry = this.#conversation.append({
      item: { ...item, content: [{ type: 'input_audio' }], id: this.#turnItem, object: 'realtime.item' },
      pcm,
      audioMs: msOf(pcm.length),
      answered: false,
    });
    this.#turnItem = newId('item');
    const previous = this.#conversation.previousOf(entry.item.id);
    this.#send({ type: 'input_audio_buffer.committed', item_id: entry.item.id, previous_item_id: previous });
    this.#announce(entry);
    // A mind that knows the words at once has its say first; one that needs longer does not hold up the answer.
    await Promise.race([this.#transcribe(entry), new Promise((resolve) => setImmediate(resolve))]);
    if (!respond || !this.#open) return;
    if (this.#run) this.#waiting = true;
    else this.#respond(undefined, false);
  }

  async #transcribe(entry: Entry): Promise<void> {
    if (!this.#config.input.transcription) return;
    const at = { item_id: entry.item.id, content_index: 0 };
    let text: string | null = null;
    try {
      text = await this.#mind.transcribe(entry, this.#config);
    } catch (error) {
      this.#options.log?.(
        `a turn was not written down: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    if (!this.#open) return;
    if (text === null) {
      const message = 'This server does not write down what it hears.';
      const error = { type: 'invalid_request_error', code: 'transcription_unavailable', message };
      this.#send({ type: 'conversation.item.input_audio_transcription.failed', ...at, error });
      return;
    }
    if (entry.item.type === 'message') entry.item.content = [{ type: 'input_audio', transcript: text }];
    if (text) this.#send({ type: 'conversation.item.input_audio_transcription.delta', ...at, delta: text });
    this.#send({
      type: 'conversation.item.input_audio_transcription.completed',
      ...at,
      transcript: text,
      usage: { type: 'duration', seconds: Math.ceil(entry.audioMs / 1000) },
    });
  }

  /** conversation.item.added and .done of an item that is whole from the start. */
  #announce(entry: Entry): void {
    const previous = this.#conversation.previousOf(entry.item.id);
    const item = structuredClone(entry.item);
    this.#send({ type: 'conversation.item.added', previous_item_id: previous, item });
    this.#send({ type: 'conversation.item.done', previous_item_id: previous, item });
  }

  #create(params: ResponseParams | undefined): void {
    if (this.#run) {
      throw new RealtimeError(
        'conversation_already_has_active_response',
        `Conversation already has an active response in progress: ${this.#run.id}. ` +
          'Wait until the response is finished before creating a new one.',
      );
    }
    this.#respond(params, false);
  }

  #respond(params: ResponseParams | undefined, idle: boolean): void {
    this.#cancelIdle?.();
    const entries = params?.input ? this.#conversation.inputs(params.input) : [...this.#conversation.entries];
    const { voice, format } = params?.audio?.output ?? {};
    const config: SessionConfig = {
      ...this.#config,
      instructions: params?.instructions ?? this.#config.instructions,
      output_modalities: params?.output_modalities ?? this.#config.output_modalities,
      tools: params?.tools ?? this.#config.tools,
      tool_choice: params?.tool_choice ?? this.#config.tool_choice,
      max_output_tokens: params?.max_output_tokens ?? this.#config.max_output_tokens,
      output: {
        ...this.#config.output,
        voice: voice ?? this.#config.output.voice,
        format: format ?? this.#config.output.format,
      },
    };
    this.#run = new ResponseRun(
      {
        clock: this.#options.clock,
        mind: this.#mind,
        speaker: this.#speaker,
        conversation: this.#conversation,
        send: (event) => this.#send(event),
        finished: (run) => this.#finished(run),
        hangUp: () => this.#options.hangUp('the script says so'),
        log: (line) => this.#options.log?.(line),
      },
      { entries, config, params, first: this.#responses === 0, idle },
    );
    this.#responses++;
    this.#run.start();
  }

  #finished(run: ResponseRun): void {
    if (this.#run === run) this.#run = undefined;
    // Also when it was cut short: what the person says next is a new question.
    for (const entry of run.question.entries) entry.answered = true;
    this.#armIdle();
    if (!this.#waiting || !this.#open) return;
    this.#waiting = false;
    this.#respond(undefined, false);
  }

  /** Stops the loudspeaker at once, and cuts in the conversation what was not heard. */
  #silence(): void {
    const { responseIds, cuts } = this.#speaker.clear();
    for (const id of responseIds) this.#send({ type: 'output_audio_buffer.cleared', response_id: id });
    for (const { itemId, playedMs } of cuts) {
      const entry = this.#conversation.find(itemId);
      // The client may have deleted it, or truncated all of it.
      if (!entry || entry.audioMs === 0) continue;
      const { endMs } = this.#conversation.truncate(itemId, 0, Math.min(playedMs, entry.audioMs));
      this.#send({
        type: 'conversation.item.truncated',
        item_id: itemId,
        content_index: 0,
        audio_end_ms: endMs,
      });
    }
  }

  /** server_vad's idle_timeout_ms: counts from the end of the last answer. */
  #armIdle(): void {
    this.#cancelIdle?.();
    const detection = this.#config.input.turn_detection;
    const wait = detection?.type === 'server_vad' ? detection.idle_timeout_ms : null;
    if (!wait || this.#run || this.#speaker.busy || this.#input.speaking || this.#responses === 0) return;
    const startMs = this.#input.heardMs;
    this.#cancelIdle = this.#options.clock.after(wait, () => {
      this.#send({
        type: 'input_audio_buffer.timeout_triggered',
        audio_start_ms: startMs,
        audio_end_ms: this.#input.heardMs,
        item_id: this.#turnItem,
      });
      this.#respond(undefined, true);
    });
  }

  #object(): SessionObject {
    return {
      ...configObject(this.#config),
      id: this.id,
      object: 'realtime.session',
      expires_at: this.#expiresAt,
    };
  }

  #error(error: RealtimeError, eventId: string | null = null): void {
    const { type, code, message, param } = error;
    this.#send({ type: 'error', error: { type, code, message, param, event_id: eventId } });
  }

  #send(draft: Draft): void {
    if (!this.#open) return;
    const event: ServerEvent = { event_id: newId('event'), ...draft };
    this.#options.send(event);
  }
}

/** Client events and their fields beside `type` and `event_id`. */
const FIELDS = {
  'session.update': ['session'],
  'input_audio_buffer.append': ['audio'],
  'input_audio_buffer.commit': [],
  'input_audio_buffer.clear': [],
  'output_audio_buffer.clear': [],
  'conversation.item.create': ['item', 'previous_item_id'],
  'conversation.item.retrieve': ['item_id'],
  'conversation.item.delete': ['item_id'],
  'conversation.item.truncate': ['item_id', 'content_index', 'audio_end_ms'],
  'response.create': ['response'],
  'response.cancel': ['response_id'],
} as const satisfies Record<ClientEventName, readonly string[]> as Record<ClientEventName, readonly string[]>;
