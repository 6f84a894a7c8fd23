/**
 * What this gateway does with every event of the Realtime API, for the table in the docs. events-table.test.ts holds
 * it against the code and against a conversation.
 */
import type { ClientEventName, ServerEventName } from '@tincan/shared-protocol';

/** When an event is sent, or "never sent: " and why. */
export const GATEWAY_SENDS: Record<ServerEventName, string> = {
  error: 'for a client event that cannot be followed, with its event_id; and when the session expires',
  'session.created': 'first of all, with all settings in force; to a sideband when it joins',
  'session.updated': 'after session.update, with all settings in force',
  'conversation.created': 'never sent: the GA server has not been seen to send it',
  'conversation.item.added':
    'for every item: made by the client, heard, or begun by a response (then still empty)',
  'conversation.item.done': 'for every item when it is whole: at once, or at the end of its making',
  'conversation.item.created': 'never sent: conversation.item.added and .done took its place',
  'conversation.item.retrieved':
    'after conversation.item.retrieve, with the sound while that is kept and fits into a message',
  'conversation.item.deleted': 'after conversation.item.delete',
  'conversation.item.truncated':
    'after conversation.item.truncate; over WebRTC also when an answer is cut off by voice or by the client',
  'conversation.item.input_audio_transcription.delta':
    'once for each turn that was written down, with all its words; with logprobs where they are asked for',
  'conversation.item.input_audio_transcription.completed':
    'for each turn that was written down, often after its answer has begun, with tokens or seconds by the model that is named',
  'conversation.item.input_audio_transcription.segment':
    'once for each turn where the transcription model tells speakers apart; they are all one speaker here',
  'conversation.item.input_audio_transcription.failed':
    'where a transcript is wanted and the mode has none, as echo, or could not make it',
  'input_audio_buffer.committed': 'when a turn ends, is committed by the client, or a silence was too long',
  'input_audio_buffer.cleared': 'after input_audio_buffer.clear',
  'input_audio_buffer.speech_started': 'when turn detection hears speech',
  'input_audio_buffer.speech_stopped':
    'when turn detection hears its end; not for a turn that the client commits',
  'input_audio_buffer.timeout_triggered':
    'after idle_timeout_ms of silence, counted from the end of the last answer',
  'input_audio_buffer.dtmf_event_received': 'never sent: there are no telephones here',
  'output_audio_buffer.started': 'over WebRTC, with the first sound of a response',
  'output_audio_buffer.stopped':
    'over WebRTC, when the last sound of a response was played, after response.done',
  'output_audio_buffer.cleared':
    'over WebRTC, when sound is cut off by voice or by output_audio_buffer.clear',
  'response.created': 'when a response begins',
  'response.done': 'when a response ends, in whatever way, with its items and usage',
  'response.output_item.added': 'when a response begins an item',
  'response.output_item.done': 'when an item of a response ends, whole or not',
  'response.content_part.added': 'when a message begins its text or sound',
  'response.content_part.done': 'when a message ends its text or sound',
  'response.output_text.delta': 'word by word, in a response of text',
  'response.output_text.done': 'at the end of a text',
  'response.output_audio_transcript.delta': 'word by word, four times as fast as it is played',
  'response.output_audio_transcript.done': 'at the end of what is said',
  'response.output_audio.delta': 'over WebSocket, with the sound, four times as fast as it is played',
  'response.output_audio.done': 'when all sound of a message is made',
  'response.function_call_arguments.delta': 'piece by piece, while a function is called',
  'response.function_call_arguments.done': 'at the end of the arguments',
  'response.mcp_call_arguments.delta': 'never sent: no MCP server is reached from here',
  'response.mcp_call_arguments.done': 'never sent: no MCP server is reached from here',
  'response.mcp_call.in_progress': 'never sent: no MCP server is reached from here',
  'response.mcp_call.completed': 'never sent: no MCP server is reached from here',
  'response.mcp_call.failed': 'never sent: no MCP server is reached from here',
  'mcp_list_tools.in_progress': 'for each MCP server among the tools',
  'mcp_list_tools.completed': 'never sent: no MCP server is reached from here',
  'mcp_list_tools.failed': 'for each MCP server among the tools: none is reached from here',
  'rate_limits.updated': 'after response.created, with what is left; it fills up again within a minute',
};

/** What is done with an event of the client. */
export const GATEWAY_TAKES: Record<ClientEventName, string> = {
  'session.update':
    'merged into the settings, which are answered whole; what is wrong is refused, and nothing changes',
  'conversation.item.create':
    'inserted at the end, at the root, or after another item; sound in the input format',
  'conversation.item.retrieve': 'answered with the item',
  'conversation.item.delete': 'the item is removed',
  'conversation.item.truncate': 'the sound of an answer is cut, and its transcript goes',
  'input_audio_buffer.append': 'heard like the sound of a track, in the input format',
  'input_audio_buffer.commit': 'what was heard becomes an item; under 100 ms of it is an error',
  'input_audio_buffer.clear': 'what was heard is forgotten',
  'output_audio_buffer.clear':
    'over WebRTC: the loudspeaker stops at once, and what was not heard is cut; over WebSocket an error',
  'response.create':
    'begins a response with its own settings laid over; one at a time, but those outside the conversation run beside',
  'response.cancel':
    'ends the response of the conversation, or the one with that id; an error where there is none',
};
