/**
 * The names of all Realtime events, GA as of 2026-11, and what the device picks out of each.
 * `check.ts` holds them against the types of the `openai` package, so that drift breaks the build.
 * Written: GA names only. Read: GA and beta names.
 */

/** Events that a client may send. `device`: whether our firmware ever does so by itself. */
export const CLIENT_EVENTS = {
  'session.update': { device: true },
  'conversation.item.create': { device: true },
  'conversation.item.retrieve': { device: false },
  'conversation.item.delete': { device: false },
  'conversation.item.truncate': { device: false },
  'input_audio_buffer.append': { device: false },
  'input_audio_buffer.commit': { device: true },
  'input_audio_buffer.clear': { device: true },
  'output_audio_buffer.clear': { device: true },
  'response.create': { device: true },
  'response.cancel': { device: true },
} as const satisfies Record<string, { device: boolean }>;
export type ClientEventName = keyof typeof CLIENT_EVENTS;

/**
 * Fields that the device acts on, as paths into the event; `[]` is "each element of this array". Texts, then numbers.
 * The generator gives every path a number (`TC_FIELD_…`); `core/realtime.c` fills them in one pass.
 */
export const FIELDS = {
  session_id: 'session.id',
  session_model: 'session.model',
  response_id: 'response_id',
  response_object_id: 'response.id',
  response_status: 'response.status',
  response_reason: 'response.status_details.reason',
  response_error_code: 'response.status_details.error.code',
  item_id: 'item_id',
  previous_item_id: 'previous_item_id',
  delta: 'delta',
  text: 'text',
  transcript: 'transcript',
  item_object_id: 'item.id',
  item_type: 'item.type',
  item_role: 'item.role',
  item_status: 'item.status',
  item_name: 'item.name',
  item_call_id: 'item.call_id',
  item_arguments: 'item.arguments',
  part_type: 'item.content[].type',
  part_text: 'item.content[].text',
  part_transcript: 'item.content[].transcript',
  error_code: 'error.code',
  error_message: 'error.message',
  error_event_id: 'error.event_id',
  output_id: 'response.output[].id',
  output_type: 'response.output[].type',
  output_name: 'response.output[].name',
  output_call_id: 'response.output[].call_id',
  output_arguments: 'response.output[].arguments',
  limit_name: 'rate_limits[].name',
  session_expires_at: 'session.expires_at',
  content_index: 'content_index',
  usage_text: 'response.usage.input_token_details.text_tokens',
  usage_audio: 'response.usage.input_token_details.audio_tokens',
  usage_image: 'response.usage.input_token_details.image_tokens',
  usage_cached_text: 'response.usage.input_token_details.cached_tokens_details.text_tokens',
  usage_cached_audio: 'response.usage.input_token_details.cached_tokens_details.audio_tokens',
  usage_cached_image: 'response.usage.input_token_details.cached_tokens_details.image_tokens',
  usage_made_text: 'response.usage.output_token_details.text_tokens',
  usage_made_audio: 'response.usage.output_token_details.audio_tokens',
  limit_remaining: 'rate_limits[].remaining',
  limit_reset: 'rate_limits[].reset_seconds',
} as const;
export type FieldName = keyof typeof FIELDS;
/** The first of FIELDS that is a number; those before it are texts. */
export const FIRST_NUMBER: FieldName = 'session_expires_at';

interface ServerEvent {
  /** Names of the beta API that mean the same. */
  readonly beta?: readonly string[];
  /** The device changes its state on it; without, it only passes it on to the host. */
  readonly fields?: readonly FieldName[];
}

/** Events that a server may send. */
export const SERVER_EVENTS = {
  error: { fields: ['error_code', 'error_message', 'error_event_id'] },
  'session.created': { fields: ['session_id', 'session_model', 'session_expires_at'] },
  'session.updated': { fields: ['session_id', 'session_model', 'session_expires_at'] },
  'conversation.created': {},
  'conversation.item.added': {
    fields: [
      'previous_item_id',
      'item_object_id',
      'item_type',
      'item_role',
      'item_status',
      'part_type',
      'part_text',
      'part_transcript',
    ],
  },
  'conversation.item.done': {
    fields: [
      'previous_item_id',
      'item_object_id',
      'item_type',
      'item_role',
      'item_status',
      'part_type',
      'part_text',
      'part_transcript',
    ],
  },
  'conversation.item.created': {
    fields: [
      'previous_item_id',
      'item_object_id',
      'item_type',
      'item_role',
      'item_status',
      'part_type',
      'part_text',
      'part_transcript',
    ],
  },
  'conversation.item.retrieved': {
    fields: [
      'previous_item_id',
      'item_object_id',
      'item_type',
      'item_role',
      'item_status',
      'part_type',
      'part_text',
      'part_transcript',
    ],
  },
  'conversation.item.deleted': { fields: ['item_id'] },
  'conversation.item.truncated': { fields: ['item_id'] },
  'conversation.item.input_audio_transcription.delta': { fields: ['item_id', 'content_index', 'delta'] },
  'conversation.item.input_audio_transcription.completed': { fields: ['item_id', 'transcript'] },
  'conversation.item.input_audio_transcription.segment': {},
  'conversation.item.input_audio_transcription.failed': { fields: ['item_id', 'content_index'] },
  'input_audio_buffer.committed': { fields: ['item_id', 'previous_item_id'] },
  'input_audio_buffer.cleared': {},
  'input_audio_buffer.speech_started': { fields: ['item_id'] },
  'input_audio_buffer.speech_stopped': { fields: ['item_id'] },
  'input_audio_buffer.timeout_triggered': {},
  'input_audio_buffer.dtmf_event_received': {},
  'output_audio_buffer.started': { fields: ['response_id'] },
  'output_audio_buffer.stopped': { fields: ['response_id'] },
  'output_audio_buffer.cleared': { fields: ['response_id'] },
  'response.created': { fields: ['response_object_id'] },
  'response.done': {
    fields: [
      'response_object_id',
      'response_status',
      'response_reason',
      'response_error_code',
      'output_id',
      'output_type',
      'output_name',
      'output_call_id',
      'output_arguments',
      'usage_text',
      'usage_audio',
      'usage_image',
      'usage_cached_text',
      'usage_cached_audio',
      'usage_cached_image',
      'usage_made_text',
      'usage_made_audio',
    ],
  },
  'response.output_item.added': { fields: ['response_id', 'item_object_id', 'item_type', 'item_role'] },
  'response.output_item.done': {
    fields: [
      'response_id',
      'item_object_id',
      'item_type',
      'item_role',
      'item_status',
      'item_name',
      'item_call_id',
      'item_arguments',
      'part_type',
      'part_text',
      'part_transcript',
    ],
  },
  'response.content_part.added': {},
  'response.content_part.done': {},
  'response.output_text.delta': {
    beta: ['response.text.delta'],
    fields: ['response_id', 'item_id', 'content_index', 'delta'],
  },
  'response.output_text.done': {
    beta: ['response.text.done'],
    fields: ['response_id', 'item_id', 'content_index', 'text'],
  },
  'response.output_audio_transcript.delta': {
    beta: ['response.audio_transcript.delta'],
    fields: ['response_id', 'item_id', 'content_index', 'delta'],
  },
  'response.output_audio_transcript.done': {
    beta: ['response.audio_transcript.done'],
    fields: ['response_id', 'item_id', 'content_index', 'transcript'],
  },
  'response.output_audio.delta': { beta: ['response.audio.delta'] },
  'response.output_audio.done': { beta: ['response.audio.done'] },
  'response.function_call_arguments.delta': {},
  'response.function_call_arguments.done': {},
  'response.mcp_call_arguments.delta': {},
  'response.mcp_call_arguments.done': {},
  'response.mcp_call.in_progress': {},
  'response.mcp_call.completed': {},
  'response.mcp_call.failed': {},
  'mcp_list_tools.in_progress': {},
  'mcp_list_tools.completed': {},
  'mcp_list_tools.failed': {},
  'rate_limits.updated': { fields: ['limit_name', 'limit_remaining', 'limit_reset'] },
} as const satisfies Record<string, ServerEvent>;
export type ServerEventName = keyof typeof SERVER_EVENTS;
