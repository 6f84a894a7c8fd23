import { expect, test } from 'vitest';
import { Turns, turnLine } from './turns.ts';

const talk = () => {
  const turns = new Turns();
  let at = 0;
  const say = (event: object) => {
    const ready = turns.take({ method: 'realtime.event', params: { event }, at });
    return ready.map(turnLine);
  };
  return {
    say,
    turns,
    wait: (ms: number) => {
      at += ms;
      return turns.tick(at).map(turnLine);
    },
    session: () => say({ type: 'session.created', session: { type: 'realtime' } }),
    audio: (id: string, previous_item_id?: string) => [
      ...say({ type: 'input_audio_buffer.committed', item_id: id, previous_item_id }),
      ...say({
        type: 'conversation.item.added',
        previous_item_id,
        item: { id, type: 'message', role: 'user', content: [{ type: 'input_audio', transcript: null }] },
      }),
    ],
    heard: (item_id: string, transcript: string) =>
      say({
        type: 'conversation.item.input_audio_transcription.completed',
        item_id,
        content_index: 0,
        transcript,
      }),
    text: (id: string, role: string, text: string, previous_item_id?: string) =>
      say({
        type: 'conversation.item.done',
        previous_item_id,
        item: {
          id,
          type: 'message',
          role,
          content: [{ type: role === 'user' ? 'input_text' : 'output_text', text }],
        },
      }),
  };
};

test('an answer waits for the words that it answers', () => {
  const { audio, heard, text, session } = talk();
  session();
  expect(audio('u1')).toEqual([]);
  expect(text('a1', 'assistant', 'It is\non.', 'u1')).toEqual([]);
  expect(heard('u1', ' Turn on the light. ')).toEqual(['Person “Turn on the light.”', 'Tincan “It is on.”']);
  expect(heard('u1', 'again')).toEqual([]);
});

test('words that do not come hold back the rest for five seconds, and are told when they come', () => {
  const { audio, heard, text, wait, session } = talk();
  session();
  audio('u1');
  wait(60_000);
  text('a1', 'assistant', 'One.', 'u1');
  expect(wait(4999)).toEqual([]);
  expect(wait(1)).toEqual(['Tincan “One.”']);
  expect(text('u2', 'user', 'Next.', 'a1')).toEqual(['Person “Next.”']);
  expect(heard('u1', 'Late.')).toEqual(['Person “Late.”']);
  expect(wait(60_000)).toEqual([]);
});

test('a turn whose words never come costs those behind it their order once only', () => {
  const { audio, heard, text, wait, session } = talk();
  session();
  audio('u1');
  text('a1', 'assistant', 'One.', 'u1');
  expect(wait(5000)).toEqual(['Tincan “One.”']);
  audio('u2', 'a1');
  expect(text('a2', 'assistant', 'Two.', 'u2')).toEqual([]);
  wait(1000);
  expect(heard('u2', 'And two?')).toEqual(['Person “And two?”', 'Tincan “Two.”']);
});

test('a session that ends tells what is left of it', () => {
  const { audio, say, session, turns } = talk();
  session();
  audio('u1');
  say({ type: 'conversation.item.input_audio_transcription.delta', item_id: 'u1', delta: 'Turn o' });
  expect(session()).toEqual(['Person “Turn o”']);
  expect(turns.end()).toEqual([]);
});

test('a history that is given back is not told again; the same words, said again, are', () => {
  const { session, text, say } = talk();
  const remember = () => {
    expect(text('h1', 'user', 'Who are you?')).toEqual([]);
    expect(text('h2', 'assistant', 'A box.')).toEqual([]);
  };
  session();
  expect(text('u1', 'user', 'Who are you?')).toHaveLength(1);
  expect(text('a1', 'assistant', 'A box.')).toHaveLength(1);
  session();
  remember();
  expect(text('u2', 'user', 'Who are you?')).toEqual(['Person “Who are you?”']);
  session();
  say({ type: 'response.created', response: { id: 'r' } });
  expect(text('u3', 'user', 'Who are you?')).toHaveLength(1);
});

test('what a terminal would obey is taken out, and nothing is said of silence', () => {
  const { session, text } = talk();
  session();
  expect(text('a1', 'assistant', 'a\u001b[31mb\u0007')).toEqual(['Tincan “ab”']);
  expect(text('a2', 'assistant', '  ')).toEqual([]);
});
