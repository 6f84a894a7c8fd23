/**
 * What the gateway does with every Realtime event, in a sentence each, for `docs/events.md`. A test holds it against the
 * sources: what is claimed to be sent is there, what is never sent is not.
 */
import type { ClientEventName, ServerEventName } from '@tincan/shared-protocol';

/** Begins the answer for an event that the gateway does not send. */
export const NEVER_SENT = 'never sent';

/** When it is sent. */
export const GATEWAY_SENDS: Record<ServerEventName, string> = {
  error:
    "A client event is refused, with that event's `event_id`, and the session goes on; or the session expires, and ends.",
  'session.created': 'First, when the client can hear it, with all of the session as it is in force.',
  'session.updated': 'After each `session.update` that is taken, with all of the session.',
  'conversation.created': `${NEVER_SENT}: no flow of the GA API was seen with it`,
  'conversation.item.added': 'An item joins the conversation, with its predecessor.',
  'conversation.item.done': 'An item is whole: at once for those of the client, at its end for an answer.',
  'conversation.item.created': `${NEVER_SENT}: it belongs to the beta; added and done stand in its place`,
  'conversation.item.retrieved':
    'Answers `conversation.item.retrieve`; with sound as far as the carrier has room.',
  'conversation.item.deleted': 'Answers `conversation.item.delete`.',
  'conversation.item.truncated':
    'Answers `conversation.item.truncate`; and where an answer was interrupted, with what was heard of it.',
  'conversation.item.input_audio_transcription.delta':
    'A turn was understood, and the session has a transcription model: all words in one piece.',
  'conversation.item.input_audio_transcription.completed':
    'The session has a transcription model: the words of a turn, "" where it was not understood.',
  'conversation.item.input_audio_transcription.segment':
    'A turn was understood, and the transcription model tells speakers apart (`…-diarize`).',
  'conversation.item.input_audio_transcription.failed':
    'The session has a transcription model, and the mode cannot write down what it hears.',
  'input_audio_buffer.committed': 'A turn ends by turn detection, or `input_audio_buffer.commit` is taken.',
  'input_audio_buffer.cleared': 'Answers `input_audio_buffer.clear`.',
  'input_audio_buffer.speech_started': 'Turn detection hears somebody begin.',
  'input_audio_buffer.speech_stopped': 'Turn detection hears silence for long enough.',
  'input_audio_buffer.timeout_triggered': 'Nobody has said anything for `idle_timeout_ms`.',
  'input_audio_buffer.dtmf_event_received': `${NEVER_SENT}: it belongs to telephone calls (SIP)`,
  'output_audio_buffer.started': 'WebRTC: the first sound of an answer leaves.',
  'output_audio_buffer.stopped': 'WebRTC: the last sound of an answer has left, after its `response.done`.',
  'output_audio_buffer.cleared': 'WebRTC: what was left of an answer is thrown away.',
  'response.created': 'A response begins, by `response.create`, by turn detection, or by the idle timeout.',
  'response.done': 'It ends, completed, cancelled, incomplete or failed, with its output and its usage.',
  'response.output_item.added': 'An item of the response begins.',
  'response.output_item.done': 'It ends.',
  'response.content_part.added': 'A part of a message begins: text or sound.',
  'response.content_part.done': 'It ends, with all of its words.',
  'response.output_text.delta': 'Words of an answer in text, piece by piece.',
  'response.output_text.done': 'All of them.',
  'response.output_audio_transcript.delta': 'Words of an answer in sound, piece by piece.',
  'response.output_audio_transcript.done': 'All of them.',
  'response.output_audio.delta': 'WebSocket: the sound itself, in base64. Over WebRTC it is RTP.',
  'response.output_audio.done': 'The sound of a part has all been made.',
  'response.function_call_arguments.delta': 'Arguments of a call, piece by piece.',
  'response.function_call_arguments.done': 'All of them, with the name of the function.',
  'response.mcp_call_arguments.delta': `${NEVER_SENT}: no MCP server is asked, so none is called`,
  'response.mcp_call_arguments.done': `${NEVER_SENT}: no MCP server is called`,
  'response.mcp_call.in_progress': `${NEVER_SENT}: no MCP server is called`,
  'response.mcp_call.completed': `${NEVER_SENT}: no MCP server is called`,
  'response.mcp_call.failed': `${NEVER_SENT}: no MCP server is called`,
  'mcp_list_tools.in_progress': 'The session names an MCP server; it is followed by `mcp_list_tools.failed`.',
  'mcp_list_tools.completed': `${NEVER_SENT}: the gateway asks no MCP server for its tools`,
  'mcp_list_tools.failed': 'The session names an MCP server: the gateway asks none.',
  'rate_limits.updated': 'Behind `response.created`, and where a script says so.',
};

/** What is done with it. */
export const GATEWAY_TAKES: Record<ClientEventName, string> = {
  'session.update':
    'Merged into the session, after every member of it was checked; `session.updated`. The model stays, and so does the voice after the first sound.',
  'conversation.item.create':
    'Put behind `previous_item_id` (`root`: the front; left out: the end); `conversation.item.added` and `.done`.',
  'conversation.item.retrieve': 'Answered by `conversation.item.retrieved`.',
  'conversation.item.delete': 'Deleted; `conversation.item.deleted`.',
  'conversation.item.truncate':
    'The sound of an answer is cut, and its words go; `conversation.item.truncated`. Refused where it has less sound.',
  'input_audio_buffer.append': 'Heard as sound is that comes by RTP.',
  'input_audio_buffer.commit':
    'The turn ends; `input_audio_buffer.committed` and its item. Refused where nothing was heard.',
  'input_audio_buffer.clear': 'What was heard is forgotten; `input_audio_buffer.cleared`.',
  'output_audio_buffer.clear':
    'WebRTC: the sound stops at once; `output_audio_buffer.cleared`, `conversation.item.truncated`. Over WebSocket it is refused.',
  'response.create': 'A response is made. Refused while another one of the conversation is active.',
  'response.cancel': 'It ends as cancelled. Refused where none is active.',
};
