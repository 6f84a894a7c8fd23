import { expect, test } from 'vitest';
import { cleanText, isNamed, messageLine, messageRecord } from './format.ts';

const event = (content: object) => ({ method: 'realtime.event', params: { event: content }, at: 0 });

test.each([
  [
    event({ type: 'conversation.item.input_audio_transcription.completed', transcript: 'Hi.' }),
    '← conversation.item.input_audio_transcription.completed "Hi."',
  ],
  [
    event({ type: 'response.output_audio_transcript.done', transcript: 'Yes.' }),
    '← response.output_audio_transcript.done "Yes."',
  ],
  [
    event({
      type: 'response.done',
      response: { status: 'cancelled', status_details: { reason: 'turn_detected' } },
    }),
    '← response.done cancelled turn_detected',
  ],
  [
    event({ type: 'response.function_call_arguments.done', name: 'set_light', arguments: '{"on":true}' }),
    '← response.function_call_arguments.done set_light({"on":true})',
  ],
  [event({ type: 'error', error: { code: 'x', message: 'No.' } }), '← error x No.'],
  [event({ type: 'something.new', deep: { a: [1] } }), '← something.new'],
  [
    {
      method: 'realtime.event',
      params: { type: 'session.updated', bytes: 200_000, omitted: 'too_large' },
      at: 0,
    },
    '← session.updated (200000 bytes, too_large)',
  ],
  [
    { method: 'realtime.event', params: { bytes: 12, omitted: 'not_json' }, at: 0 },
    '← (no type) (12 bytes, not_json)',
  ],
  [{ method: 'realtime.sent', params: { event: { type: 'response.create' } }, at: 0 }, '→ response.create'],
  [
    {
      method: 'state',
      params: { state: 'backoff', reason: 'http_401', detail: 'HTTP 401', retry_ms: 2000 },
      at: 0,
    },
    '· backoff (http_401 - HTTP 401) next try in 2000 ms',
  ],
  [
    { method: 'tool', params: { name: 'set_light', arguments: { on: true }, output: { ok: true } }, at: 0 },
    '· tool set_light({"on":true}) → {"ok":true}',
  ],
  [
    { method: 'tool.call', params: { name: 'roll_dice', call_id: 'c', arguments: { count: 2 } }, at: 0 },
    '· asks for roll_dice({"count":2})',
  ],
  [{ method: 'sound', params: { from: 'microphone', at: 0, packets: ['AAAA'] }, at: 0 }, undefined],
  [
    { method: 'problem', params: { code: 'wifi', message: 'No network', hint: 'Look.' }, at: 0 },
    '! No network. Look. [wifi]',
  ],
  [
    { method: 'dropped', params: { text: 3, log: 0, metric: 0, event: 1 }, at: 0 },
    '! the device dropped 3 text, 1 event: the line is slower than what it had to say',
  ],
])('one line: %j', (message, line) => {
  expect(messageLine(message)).toBe(line);
});

test('pieces of texts are shown only where asked for', () => {
  const delta = event({ type: 'response.output_audio_transcript.delta', delta: 'Ye' });
  expect(messageLine(delta)).toBeUndefined();
  expect(messageLine(delta, true)).toBe('← response.output_audio_transcript.delta "Ye"');
});

test('params of any shape make a line, never an exception', () => {
  for (const method of [
    'realtime.event',
    'realtime.sent',
    'hello',
    'state',
    'tool',
    'problem',
    'dropped',
    'metric',
    'x',
  ]) {
    for (const params of [{}, { event: null }, { event: 5 }, { event: { type: 7 } }, { event: [1] }]) {
      expect(typeof messageLine({ method, params, at: 0 })).toBe('string');
    }
  }
});

test('--until names a notification, an event, or a state', () => {
  expect(isNamed(event({ type: 'response.done' }), 'response.done')).toBe(true);
  expect(isNamed({ method: 'state', params: { state: 'live' }, at: 0 }, 'state:live')).toBe(true);
  expect(isNamed({ method: 'state', params: { state: 'ready' }, at: 0 }, 'state:live')).toBe(false);
  expect(isNamed({ method: 'hello', params: {}, at: 0 }, 'hello')).toBe(true);
});

test('the record for programs holds everything, with its time', () => {
  expect(messageRecord({ method: 'hello', params: { a: 1 }, at: 0 })).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    method: 'hello',
    params: { a: 1 },
  });
});

test('log text loses what a terminal would obey', () => {
  expect(cleanText('\x1b[0;32mI (1) x\x1b[0m: a\tb\x07\x1b]0;title')).toBe('I (1) x: a\tb]0;title');
});
