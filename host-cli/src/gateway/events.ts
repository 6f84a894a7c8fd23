/** Events of the Realtime API as the gateway sends them: the types of the `openai` package are the judge. */
import { randomBytes } from 'node:crypto';
import type { ConversationItem, RealtimeServerEvent } from 'openai/resources/realtime/realtime';

export type ServerEvent = RealtimeServerEvent;
export type Item = ConversationItem;
/**
 * `session` of session.created and session.updated: the request's fields, and what the server adds. The server shows
 * null for what is off, which the types of the package do not say.
 */
export interface SessionObject {
  type: 'realtime' | 'transcription';
  id: string;
  object: 'realtime.session' | 'realtime.transcription_session';
  /** Unix seconds. */
  expires_at: number;
  [member: string]: unknown;
}

type WithoutId<E> = E extends unknown ? Omit<E, 'event_id'> : never;
/** A server event before it gets its `event_id`. (The one of telephone keys has none, and is never sent here.) */
export type Draft = WithoutId<Exclude<ServerEvent, { type: 'input_audio_buffer.dtmf_event_received' }>>;

/** A new identifier, such as `item_8Fk…`: the prefix and 21 random characters. */
export function newId(
  prefix: 'event' | 'item' | 'resp' | 'sess' | 'call' | 'rtc' | 'conv' | 'mcpl' | 'seg',
): string {
  return `${prefix}_${randomBytes(16).toString('base64url').replace(/[-_]/g, '0').slice(0, 21)}`;
}

/** What goes wrong with a client event: becomes an `error` event; over HTTP, the JSON body of a 4xx. */
export class RealtimeError extends Error {
  override readonly name = 'RealtimeError';
  readonly type: string;
  readonly code: string;
  readonly param: string | null;

  constructor(code: string, message: string, param: string | null = null, type = 'invalid_request_error') {
    super(message);
    this.type = type;
    this.code = code;
    this.param = param;
  }
}
