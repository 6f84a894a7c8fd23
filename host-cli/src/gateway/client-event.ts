/** A message of the client, taken apart: is it an event, which one, and has it only the members that it may have. */
import type { ClientEventName } from '@tincan/shared-protocol';
import { RealtimeError } from './events.ts';

const MAX_ID = 512;

/** Client events and their members beside `type` and `event_id`. */
const MEMBERS = {
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
} as const satisfies Record<ClientEventName, readonly string[]>;

export interface ClientEvent {
  type: ClientEventName;
  payload: Record<string, unknown>;
}

/** The id that the client gave its event, for `error`; null where there is none. */
export function eventIdOf(event: unknown): string | null {
  const id = typeof event === 'object' && event !== null && 'event_id' in event ? event.event_id : undefined;
  return typeof id === 'string' ? id.slice(0, MAX_ID) : null;
}

/** Throws RealtimeError. */
export function readClientEvent(event: unknown): ClientEvent {
  const members: Record<string, unknown> =
    typeof event === 'object' && event !== null && !Array.isArray(event) ? { ...event } : {};
  const { event_id: id, type, ...payload } = members;
  if (typeof type !== 'string') {
    throw new RealtimeError('missing_required_parameter', "Missing required parameter: 'type'.", 'type');
  }
  if (id !== undefined && id !== null && (typeof id !== 'string' || id.length > MAX_ID)) {
    throw new RealtimeError(
      'invalid_type',
      `Expected a string of at most ${MAX_ID} characters for 'event_id'.`,
      'event_id',
    );
  }
  if (!Object.hasOwn(MEMBERS, type)) {
    const known = Object.keys(MEMBERS).map((name) => `'${name}'`);
    throw new RealtimeError(
      'invalid_value',
      `Invalid value: '${type.slice(0, 64)}'. Supported values are: ${known.join(', ')}.`,
      'type',
    );
  }
  const name = type as ClientEventName;
  const allowed: readonly string[] = MEMBERS[name];
  const extra = Object.keys(payload)
    .find((member) => !allowed.includes(member))
    ?.slice(0, 64);
  if (extra !== undefined)
    throw new RealtimeError('unknown_parameter', `Unknown parameter: '${extra}'.`, extra);
  return { type: name, payload };
}

/** Members of a session as the beta API had them. */
const BETA_MEMBERS = [
  'modalities',
  'voice',
  'input_audio_format',
  'output_audio_format',
  'input_audio_transcription',
  'input_audio_noise_reduction',
  'turn_detection',
  'temperature',
  'max_response_output_tokens',
];

/** Whether the `session` of session.update is one of the beta API, which had no `type`. */
export function isBetaSession(session: unknown): boolean {
  if (typeof session !== 'object' || session === null || 'type' in session) return false;
  return BETA_MEMBERS.some((name) => name in session);
}

/** The beta API is gone: so its clients are told, whatever carries them. */
export function betaDisabled(): RealtimeError {
  return new RealtimeError(
    'beta_api_shape_disabled',
    'The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.',
  );
}
