/**
 * One Realtime session, whatever carries it: events come and go as objects, sound as frames of 480 samples (24 kHz),
 * time from the injected clock. Order of events and error codes: GA API as of 2026-11. The person's side is in
 * turns.ts, the assistant's in responses.ts.
 */
import type { ClientEventName } from '@tincan/shared-protocol';
import type { RealtimeSessionCreateRequest } from 'openai/resources/realtime/realtime';
import type { Brain, Mind } from './brain.ts';
import { betaDisabled, eventIdOf, isBetaSession, readClientEvent } from './client-event.ts';
import type { Clock } from './clock.ts';
import {
  checkVoice,
  configObject,
  mergeConfig,
  parseResponse,
  parseSession,
  type SessionConfig,
} from './config.ts';
import { Conversation } from './conversation.ts';
import { type Draft, newId, RealtimeError, type ServerEvent } from './events.ts';
import type { EventFault } from './faults.ts';
import { RateLimits } from './limits.ts';
import { McpServers } from './mcp.ts';
import { Responses, voiceLocked } from './responses.ts';
import { Speaker } from './speaker.ts';
import { Turns } from './turns.ts';
import type { Voice } from './voice.ts';
import { EventVoice } from './voice-events.ts';

/** Longest session, as the API has it. */
export const MAX_MS = 60 * 60_000;

/** How a WebSocket is closed, where a session ends by the server. */
export interface CloseCode {
  code: number;
  reason: string;
}
export interface SessionOptions {
  clock: Clock;
  brain: Brain;
  config: SessionConfig;
  /** The call said which model it wants; session.update cannot change it any more. */
  modelFixed: boolean;
  /** An event for the client. */
  send(event: ServerEvent): void;
  /** 20 ms for the client's loudspeaker; `first` after a pause. Left out: sound goes out as events. */
  play?(pcm: Int16Array, first: boolean): void;
  /** 20 ms of what came in, by track or by event, as it came. */
  heard?(frame: Int16Array): void;
  /** The server ends the call. */
  hangUp(reason: string, close?: CloseCode): void;
  /** The script wants events to go wrong from now on. */
  arm?(fault: EventFault): void;
  log?(line: string): void;
  /** Unix time in seconds, for `expires_at`. */
  unixNow?(): number;
  /** Shared by all sessions of an account; left out, the session has its own. */
  limits?: RateLimits;
  /** How long it lasts, ms. Default 60 minutes. */
  maxMs?: number;
  /** The largest event that its carrier takes, bytes; what can be left out of a larger one is left out. */
  maxEvent?(): number;
}

export class RealtimeSession {
  readonly id = newId('sess');
  readonly #options: SessionOptions;
  readonly #conversation = new Conversation();
  readonly #mind: Mind;
  readonly #turns: Turns;
  readonly #responses: Responses;
  readonly #voice: Voice;
  readonly #mcp: McpServers;
  readonly #maxMs: number;
  readonly #expiresAt: number;
  #config: SessionConfig;
  #modelFixed: boolean;
  #spoke = false;
  #cancelExpiry: (() => void) | undefined;
  #open = false;

  constructor(options: SessionOptions) {
    const { clock, play } = options;
    this.#options = options;
    this.#config = options.config;
    this.#modelFixed = options.modelFixed;
    this.#mind = options.brain.open();
    this.#maxMs = options.maxMs ?? MAX_MS;
    this.#expiresAt = Math.floor((options.unixNow?.() ?? Date.now() / 1000) + this.#maxMs / 1000);
    const send = (event: Draft) => this.#send(event);
    const log = (line: string) => options.log?.(line);
    this.#voice = play
      ? new Speaker(clock, {
          frame: (pcm, first) => {
            this.#spoke = true;
            play(pcm, first);
          },
          started: (id) => send({ type: 'output_audio_buffer.started', response_id: id }),
          stopped: (id) => {
            send({ type: 'output_audio_buffer.stopped', response_id: id });
            this.#settled();
          },
        })
      : new EventVoice(clock, {
          send: (event) => {
            this.#spoke = true;
            send(event);
          },
          played: () => this.#settled(),
        });
    this.#responses = new Responses({
      clock,
      mind: this.#mind,
      voice: this.#voice,
      conversation: this.#conversation,
      limits: options.limits ?? new RateLimits(clock),
      strictVoices: options.brain.anyVoice !== true,
      config: () => this.#config,
      spoke: () => this.#spoke,
      send,
      fault: (fault) => this.#fault(fault),
      settled: () => this.#settled(),
      log,
    });
    this.#turns = new Turns({
      clock,
      mind: this.#mind,
      conversation: this.#conversation,
      config: () => this.#config,
      send,
      heard: (frame) => options.heard?.(frame),
      answer: (idle) => {
        this.#turns.disarmIdle();
        this.#responses.answer(idle);
      },
      interrupt: () => {
        this.#responses.interrupt();
        this.#silence();
      },
      busy: () => this.#responses.busy || this.#voice.busy,
      log,
    });
    this.#mcp = new McpServers(this.#conversation, send);
  }

  /** The client can hear events now: sends session.created. */
  start(): void {
    if (this.#open) return;
    this.#open = true;
    this.#cancelExpiry = this.#options.clock.after(this.#maxMs, () => this.#expire());
    this.#send({ type: 'session.created', session: this.#object() });
    this.#mcp.list(this.#config.tools);
  }

  /** `session.created` for one who joins later; undefined before it was sent to the client. */
  greeting(): ServerEvent | undefined {
    if (!this.#open) return undefined;
    return { event_id: newId('event'), type: 'session.created', session: this.#object() };
  }

  /** The call is over; nothing is sent or played from now on. */
  close(): void {
    this.#open = false;
    this.#cancelExpiry?.();
    this.#turns.close();
    this.#responses.close();
    this.#mind.close?.();
    this.#voice.clear();
    this.#conversation.forget();
  }

  /** 20 ms that were heard: 480 samples. */
  hear(frame: Int16Array): void {
    if (this.#open) this.#turns.hear(frame);
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
    const id = eventIdOf(event);
    try {
      const { type, payload } = readClientEvent(event);
      this.#handlers[type](payload);
    } catch (error) {
      const known = error instanceof RealtimeError;
      if (!known) {
        this.#options.log?.(
          `a client event failed: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      const server = new RealtimeError('server_error', 'The server had an error.', null, 'server_error');
      this.#error(known ? error : server, id);
    }
  }

  readonly #handlers: Record<ClientEventName, (payload: Record<string, unknown>) => void> = {
    'session.update': ({ session }) => this.#update(session),
    'input_audio_buffer.append': ({ audio }) => this.#turns.append(audio),
    'input_audio_buffer.commit': () => this.#turns.commit(),
    'input_audio_buffer.clear': () => this.#turns.clear(),
    'output_audio_buffer.clear': () => {
      if (!this.#options.play) {
        throw new RealtimeError(
          'invalid_value',
          "'output_audio_buffer.clear' is for WebRTC; over WebSocket the client holds the sound.",
          'type',
        );
      }
      this.#silence();
    },
    'conversation.item.create': (payload) => {
      const entry = this.#conversation.create(payload, this.#config.input.format);
      const previous = this.#conversation.previousOf(entry.item.id);
      const item = structuredClone(entry.item);
      this.#send({ type: 'conversation.item.added', previous_item_id: previous, item });
      this.#send({ type: 'conversation.item.done', previous_item_id: previous, item });
    },
    'conversation.item.retrieve': ({ item_id }) => {
      const { input, output } = this.#config;
      const whole = this.#conversation.retrieve(item_id, { input: input.format, output: output.format });
      const room = (this.#options.maxEvent?.() ?? Number.POSITIVE_INFINITY) - 256;
      const small = Buffer.byteLength(JSON.stringify(whole)) <= room;
      const item = small ? whole : this.#conversation.retrieve(item_id, undefined);
      this.#send({ type: 'conversation.item.retrieved', item });
    },
    'conversation.item.delete': ({ item_id }) => {
      this.#send({ type: 'conversation.item.deleted', item_id: this.#conversation.delete(item_id) });
    },
    'conversation.item.truncate': ({ item_id, content_index, audio_end_ms }) => {
      this.#truncated(this.#conversation.truncate(item_id, content_index, audio_end_ms));
    },
    'response.create': ({ response }) => {
      if (this.#config.type === 'transcription') {
        throw new RealtimeError('invalid_value', 'A transcription session makes no responses.', 'type');
      }
      const params = response === undefined || response === null ? undefined : parseResponse(response);
      if (params?.tools) this.#mcp.list(params.tools);
      this.#turns.disarmIdle();
      this.#responses.create(params);
    },
    'response.cancel': ({ response_id }) => this.#responses.cancel(response_id ?? undefined),
  };

  #update(value: unknown): void {
    if (isBetaSession(value)) {
      const error = betaDisabled();
      this.#error(error);
      this.#options.hangUp('the client speaks the beta API', {
        code: 4000,
        reason: `${error.type}.${error.code}`,
      });
      return;
    }
    const update = parseSession(value);
    if (update.type !== this.#config.type) {
      throw new RealtimeError(
        'invalid_parameter',
        `Passing a ${update.type} session update event to a ${this.#config.type} session is not allowed.`,
      );
    }
    if (this.#modelFixed && update.model !== undefined && update.model !== this.#config.model) {
      throw new RealtimeError(
        'cannot_update_model',
        "Cannot update a conversation's model.",
        'session.model',
      );
    }
    if (this.#options.brain.anyVoice !== true)
      checkVoice(update.audio?.output?.voice, 'session.audio.output.voice');
    const next = mergeConfig(this.#config, update);
    if (this.#spoke && differ(next.output.voice, this.#config.output.voice)) throw voiceLocked();
    if (this.#config.tracing && update.tracing && differ(next.tracing, this.#config.tracing)) {
      throw new RealtimeError(
        'invalid_value',
        'Tracing cannot be changed once it is on; null turns it off.',
        'session.tracing',
      );
    }
    const { transcription, turn_detection } = next.input;
    if (next.type === 'transcription' && transcription?.model === 'gpt-realtime-whisper' && turn_detection) {
      if (update.audio?.input?.turn_detection) {
        throw new RealtimeError(
          'invalid_value',
          'Turn detection is not supported for this transcription model.',
          'session.audio.input.turn_detection',
        );
      }
      next.input.turn_detection = null;
    }
    if (update.model !== undefined) this.#modelFixed = true;
    this.#config = next;
    this.#turns.configure();
    this.#send({ type: 'session.updated', session: this.#object() });
    if (update.tools) this.#mcp.list(update.tools);
  }

  /** Stops the loudspeaker at once, and cuts in the conversation what was not heard. */
  #silence(): void {
    const { responseIds, cuts } = this.#voice.clear();
    for (const id of responseIds) this.#send({ type: 'output_audio_buffer.cleared', response_id: id });
    for (const { itemId, playedMs } of cuts) {
      const entry = this.#conversation.find(itemId);
      // The client may have deleted it, or truncated all of it.
      if (!entry || entry.audioMs === 0) continue;
      this.#truncated(this.#conversation.truncate(itemId, 0, Math.min(playedMs, entry.audioMs)));
    }
  }

  #truncated({ itemId, endMs }: { itemId: string; endMs: number }): void {
    this.#send({
      type: 'conversation.item.truncated',
      item_id: itemId,
      content_index: 0,
      audio_end_ms: endMs,
    });
  }

  /** Nothing is being made or played: the silence counts from now on. */
  #settled(): void {
    if (this.#responses.count > 0) this.#turns.armIdle();
  }

  #fault(fault: 'hang_up' | 'expire' | EventFault): void {
    if (fault === 'hang_up') this.#options.hangUp('the script says so');
    else if (fault === 'expire') this.#expire();
    else this.#options.arm?.(fault);
  }

  #expire(): void {
    const minutes = Math.max(1, Math.round(this.#maxMs / 60_000));
    const message = `Your session hit the maximum duration of ${minutes} minutes.`;
    this.#error(new RealtimeError('session_expired', message));
    this.#options.hangUp(`the session is ${minutes} minutes old`, { code: 1001, reason: message });
  }

  /** What the types of the package do not say is true all the same: the server adds an id, and null for what is off. */
  #object(): RealtimeSessionCreateRequest {
    const object = { ...configObject(this.#config), id: this.id, expires_at: this.#expiresAt };
    return object as unknown as RealtimeSessionCreateRequest;
  }

  #error(error: RealtimeError, eventId: string | null = null): void {
    const { type, code, message, param } = error;
    this.#send({ type: 'error', error: { type, code, message, param, event_id: eventId } });
  }

  #send(draft: Draft): void {
    if (!this.#open) return;
    this.#options.send({ event_id: newId('event'), ...draft });
  }
}

const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
