/**
 * What the device does with every Realtime event, in a sentence each, for `docs/events.md`. A test holds it against the
 * C sources: an event that they do not name is passed on, and no other.
 */
import type { ClientEventName, ServerEventName } from './events.ts';

/** Begins the answer for an event on which the device does not act; all events go on to the host, untouched. */
export const PASSED_ON = 'ignored: passed on';
/** Begins the answer for an event that the device sends only for the host (`realtime.send`). */
export const HOST_ONLY = 'never by itself';

/** When the device sends it. */
export const DEVICE_SENDS: Record<ClientEventName, string> = {
  'session.update':
    'When the channel opens, with all of the session from the settings but its model, which no server changes; on a running session with what changed only (settings, tools of the host).',
  'conversation.item.create':
    'A text of `session.say`; the output of a tool; after a reconnect the history, turn by turn.',
  'conversation.item.retrieve': HOST_ONLY,
  'conversation.item.delete': HOST_ONLY,
  'conversation.item.truncate': `${HOST_ONLY}: over WebRTC the server knows what was not played, and truncates itself`,
  'input_audio_buffer.append': `${HOST_ONLY}: over WebRTC sound travels as RTP`,
  'input_audio_buffer.commit': 'The talk button comes up (turn.detection = none).',
  'input_audio_buffer.clear':
    'The talk button goes down; it was pressed too shortly; the microphone is muted in the middle of a sentence.',
  'output_audio_buffer.clear': 'The button interrupts an answer, behind `response.cancel`.',
  'response.create':
    'The greeting, the goodbye, an answer to a text, to a turn by button, or to the outputs of tools; one at a time, and never before a rate limit has passed.',
  'response.cancel': 'The button interrupts an answer that is still being made.',
};

/** What the device does when it comes. */
export const DEVICE_TAKES: Record<ServerEventName, string> = {
  error:
    'One that answers its first `session.update` ends the session, and so does `session_expired`. One that refuses a change of the session, or a `response.create`, is acted on. Others are logged.',
  'session.created':
    'Notes the model (for the cost; another one than session.model is logged) and when the session ends (to renew it before).',
  'session.updated':
    'The first one makes the session live; each tells which settings are in force, and which the server keeps otherwise.',
  'conversation.created': PASSED_ON,
  'conversation.item.added':
    'The history learns of the item and of its place; the output of a tool has arrived, so that the answer to it can be asked for.',
  'conversation.item.done': 'The history: as `conversation.item.added`, and an answer is complete.',
  'conversation.item.created':
    'The history: as `conversation.item.added`; older servers send it in its place.',
  'conversation.item.retrieved': 'The history: texts of an item that it knows.',
  'conversation.item.deleted': 'The history forgets the item.',
  'conversation.item.truncated': 'The history: the answer was interrupted, and keeps the text that it has.',
  'conversation.item.input_audio_transcription.delta': 'The history: a piece of what the person said.',
  'conversation.item.input_audio_transcription.completed':
    'The history: what the person said, whenever it comes.',
  'conversation.item.input_audio_transcription.segment': PASSED_ON,
  'conversation.item.input_audio_transcription.failed': 'The history: a turn without words.',
  'input_audio_buffer.committed': 'A turn of the person ends, and has its place in the history.',
  'input_audio_buffer.cleared': 'What was said is void: no answer is awaited.',
  'input_audio_buffer.speech_started':
    'The person speaks: activity `hearing`; where turn.interrupt is on, what the loudspeaker has left is thrown away at once.',
  'input_audio_buffer.speech_stopped': 'The turn is over: activity `thinking`, the time of the reply runs.',
  'input_audio_buffer.timeout_triggered':
    'The silence of turn.idle is over: the model will speak to an empty room, which is no sign of life for the idle limit.',
  'input_audio_buffer.dtmf_event_received': PASSED_ON,
  'output_audio_buffer.started': 'Activity `speaking`; the playout opens; the metric `reply` is told.',
  'output_audio_buffer.stopped':
    'The answer ends when the playout has run dry; behind the goodbye the session is closed.',
  'output_audio_buffer.cleared': 'What the playout has left is thrown away at once.',
  'response.created': 'Activity `thinking`; no other response is asked for before it is done.',
  'response.done':
    'Calls of tools among its output are run; its usage is added to the budget; where it failed, a problem is told; a rate limit is waited for.',
  'response.output_item.added': 'The history: to which response an item belongs.',
  'response.output_item.done':
    'A whole `function_call` is run at once, without waiting for the response to end. The history: an answer is complete.',
  'response.content_part.added': PASSED_ON,
  'response.content_part.done': PASSED_ON,
  'response.output_text.delta':
    'In a session of text: activity `speaking`. The history: a piece of the answer.',
  'response.output_text.done': 'The history: the answer, whole.',
  'response.output_audio_transcript.delta': 'The history: a piece of the answer.',
  'response.output_audio_transcript.done': 'The history: the answer, whole.',
  'response.output_audio.delta': `${PASSED_ON}; over WebRTC no server sends it`,
  'response.output_audio.done': PASSED_ON,
  'response.function_call_arguments.delta': PASSED_ON,
  'response.function_call_arguments.done': `${PASSED_ON}; the whole call comes with \`response.output_item.done\``,
  'response.mcp_call_arguments.delta': PASSED_ON,
  'response.mcp_call_arguments.done': PASSED_ON,
  'response.mcp_call.in_progress': PASSED_ON,
  'response.mcp_call.completed': PASSED_ON,
  'response.mcp_call.failed': PASSED_ON,
  'mcp_list_tools.in_progress': PASSED_ON,
  'mcp_list_tools.completed': PASSED_ON,
  'mcp_list_tools.failed': PASSED_ON,
  'rate_limits.updated': 'Where nothing remains, no response is asked for until the limit is reset.',
};
