/** What a device says, as lines for people and as records for programs. */
import type { Params, Turn } from '@tincan/shared-protocol';
import type { DeviceMessage } from './device.ts';

/** One line of `tincan tail --json` and of an events file. */
export type TailRecord = { at: string } & (
  | { method: string; params: Params }
  | { text: string }
  | { lost: number }
  | { broken: true }
  | { turn: Turn }
  | { connection: 'up' | 'down' }
);

export function messageRecord(message: DeviceMessage): TailRecord {
  return { at: new Date(message.at).toISOString(), method: message.method, params: message.params };
}

/** Type of the Realtime event that a message carries. */
export function eventType(message: DeviceMessage): string | undefined {
  if (message.method !== 'realtime.event' && message.method !== 'realtime.sent') return undefined;
  const { event, type } = message.params;
  const own = isObject(event) ? event.type : type;
  return typeof own === 'string' ? own : undefined;
}

/** Whether `word` names this message: a notification, an event's type, or a state as `state:live`. */
export function isNamed(message: DeviceMessage, word: string): boolean {
  if (word.startsWith('state:')) return message.method === 'state' && message.params.state === word.slice(6);
  return message.method === word || eventType(message) === word;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(path: string, from: unknown): unknown {
  let value = from;
  for (const key of path.split('.')) value = isObject(value) ? value[key] : undefined;
  return value;
}

function text(path: string, from: unknown): string {
  const value = at(path, from);
  return value === undefined || value === null
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}

const quote = (words: string) => (words === '' ? '' : `"${words}"`);
const join = (...words: string[]) => words.filter((word) => word !== '').join(' ');

/** What a person wants to know of an event beside its type. */
function essence(type: string, event: unknown): string {
  if (/transcription\.completed$|transcript\.done$/.test(type)) return quote(text('transcript', event));
  if (/(_text|response\.text)\.done$/.test(type)) return quote(text('text', event));
  if (/\.delta$/.test(type)) return type.includes('audio.delta') ? '' : quote(text('delta', event));
  switch (type) {
    case 'error':
      return join(text('error.code', event), text('error.message', event));
    case 'session.created':
    case 'session.updated':
    case 'session.update':
      return join(text('session.id', event), text('session.model', event));
    case 'response.done':
      return join(
        text('response.status', event),
        text('response.status_details.reason', event),
        text('response.status_details.error.code', event),
      );
    case 'response.function_call_arguments.done':
      return `${text('name', event)}(${text('arguments', event)})`;
    case 'response.create':
      return quote(text('response.instructions', event));
    case 'conversation.item.create':
    case 'conversation.item.added':
    case 'conversation.item.done':
    case 'response.output_item.added':
    case 'response.output_item.done':
      return join(
        text('item.type', event),
        text('item.role', event),
        text('item.name', event),
        text('item.output', event),
      );
    case 'conversation.item.input_audio_transcription.failed':
      return text('error.message', event);
    case 'input_audio_buffer.speech_started':
      return milliseconds(text('audio_start_ms', event));
    case 'input_audio_buffer.speech_stopped':
      return milliseconds(text('audio_end_ms', event));
    default:
      return '';
  }
}

function milliseconds(value: string): string {
  return value === '' ? '' : `at ${value} ms`;
}

/** A notification as one line, without its time; undefined where a person does not want to see it. */
export function messageLine(message: DeviceMessage, showDeltas = false): string | undefined {
  const { method, params } = message;
  switch (method) {
    case 'realtime.event':
    case 'realtime.sent': {
      const type = eventType(message) ?? '(no type)';
      if (type.endsWith('.delta') && !showDeltas) return undefined;
      const arrow = method === 'realtime.event' ? '←' : '→';
      const omitted =
        params.omitted === undefined ? '' : `(${text('bytes', params)} bytes, ${text('omitted', params)})`;
      return join(arrow, type, essence(type, params.event), omitted);
    }
    case 'hello':
      return join(
        '· hello from',
        text('name', params),
        `(${text('board', params)}): firmware ${text('firmware', params)}, image ${text('image', params).slice(0, 12)}, started by ${text('reset', params)}`,
      );
    case 'state': {
      const detail = text('detail', params);
      const reason = text('reason', params);
      const retry = text('retry_ms', params);
      return join(
        `· ${join(text('state', params), text('activity', params))}`,
        reason === '' || reason === 'none' ? '' : `(${join(reason, detail === '' ? '' : `- ${detail}`)})`,
        retry === '' ? '' : `next try in ${retry} ms`,
        params.muted === true ? '[muted]' : '',
      );
    }
    case 'tool.call':
      return `· asks for ${text('name', params)}(${text('arguments', params)})`;
    case 'sound':
      return undefined;
    case 'tool':
      return `· tool ${text('name', params)}(${text('arguments', params)}) → ${text('output', params)}`;
    case 'problem':
      return join(
        '!',
        text('message', params).replace(/\.?$/, '.'),
        text('hint', params),
        `[${text('code', params)}]`,
      );
    case 'dropped':
      return `! the device dropped ${Object.entries(params)
        .filter(([, count]) => count !== 0)
        .map(([name, count]) => `${String(count)} ${name}`)
        .join(', ')}: the line is slower than what it had to say`;
    default:
      return join('·', method, JSON.stringify(params));
  }
}

/** 14:03:22.123, local time. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** A log line that a terminal can be trusted with: no escape sequences, no control characters. */
export function cleanText(line: string): string {
  return line.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '');
}
