import { describe, expect, it, test } from 'vitest';
import { readGolden } from '../golden.ts';
import { CLIENT_EVENTS } from './events.ts';
import { Transcript, type Turn } from './transcript.ts';

interface Vector {
  name: string;
  events: { type: string }[];
  turns: Turn[];
}
const { transcripts } = readGolden<{ transcripts: Vector[] }>('transcript.json');
const direction = (event: { type: string }) =>
  Object.hasOwn(CLIENT_EVENTS, event.type) ? ('client' as const) : ('server' as const);

describe('golden/transcript.json', () => {
  it.each(transcripts.map((vector) => [vector.name, vector] as const))('%s', (_name, { events, turns }) => {
    const transcript = new Transcript();
    const seen = new Map<string, Turn>();
    for (const event of events) {
      for (const { deleted, ...turn } of transcript.feed(event, direction(event))) {
        if (deleted) {
          expect(seen.delete(turn.item_id)).toBe(true);
        } else {
          // Nothing is told twice, and what is complete stays as it is.
          expect(turn).not.toEqual(seen.get(turn.item_id));
          expect(seen.get(turn.item_id)?.complete ?? false).toBe(false);
          seen.set(turn.item_id, turn);
        }
      }
    }
    expect(transcript.turns()).toEqual(turns);
    expect([...seen.values()].sort(byId)).toEqual([...turns].sort(byId));
  });
  it('names every vector once', () => {
    expect(new Set(transcripts.map(({ name }) => name)).size).toBe(transcripts.length);
  });
});

const byId = (a: Turn, b: Turn) => (a.item_id < b.item_id ? -1 : 1);

/** A small generator of the same numbers each time. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Placed {
  id: string;
  previous: string | null | undefined;
}
const added = ({ id, previous }: Placed) => ({
  type: 'conversation.item.added',
  ...(previous === undefined ? {} : { previous_item_id: previous }),
  item: { id, type: 'message', role: 'user', content: [{ type: 'input_text', text: id }] },
});
const order = (events: readonly object[]) => {
  const transcript = new Transcript();
  for (const event of events) transcript.feed(event, 'server');
  return transcript.turns().map(({ item_id }) => item_id);
};

/**
 * The judge: the order as a walk through trees. A child hangs under its predecessor, the latest child first; roots are
 * those of null (the latest first), then those whose predecessor nobody knows, as they came.
 */
function walk(items: readonly Placed[]): string[] {
  const ids = new Set(items.map(({ id }) => id));
  const under = (parent: string): string[] =>
    items
      .filter(({ previous }) => previous === parent)
      .reverse()
      .flatMap(({ id }) => [id, ...under(id)]);
  const roots = [
    ...items.filter(({ previous }) => previous === null).reverse(),
    ...items.filter(({ previous }) => previous === undefined || (previous !== null && !ids.has(previous))),
  ];
  return roots.flatMap(({ id }) => [id, ...under(id)]);
}

test('a chain comes out in order, however it arrives', () => {
  const permutations = <T>(of: T[]): T[][] =>
    of.length < 2
      ? [of]
      : of.flatMap((one, i) => permutations(of.filter((_, j) => j !== i)).map((rest) => [one, ...rest]));
  const chain = ['a', 'b', 'c', 'd', 'e', 'f'].map((id, i, all) => ({ id, previous: all[i - 1] ?? null }));
  const all = permutations(chain);
  expect(all).toHaveLength(720);
  for (const arrival of all) {
    const placed = order(arrival.map(added));
    expect(placed).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  }
});

test('any order of any items is that of the walk', () => {
  const roll = dice(1);
  for (let round = 0; round < 2000; round++) {
    const items: Placed[] = [];
    for (let i = 0; i < 9; i++) {
      const kind = roll(10);
      // Predecessors are of those before, so that there is no ring; some are lost.
      const previous =
        i === 0 || kind === 0 ? null : kind === 1 ? undefined : kind === 2 ? 'lost' : `i${roll(i)}`;
      items.splice(roll(items.length + 1), 0, { id: `i${i}`, previous });
    }
    expect(order(items.map(added)), JSON.stringify(items)).toEqual(walk(items));
  }
});

test('a session without transcription does not wait for words', () => {
  const transcript = new Transcript();
  const audio = (transcription: object | null) => ({
    type: 'session.updated',
    session: { type: 'realtime', audio: { input: { transcription } } },
  });
  const user = (id: string) => ({
    type: 'conversation.item.added',
    item: { id, type: 'message', role: 'user', content: [{ type: 'input_audio', transcript: null }] },
  });
  const complete = () => transcript.turns().map((turn) => turn.complete);
  transcript.feed(audio(null), 'server');
  transcript.feed({ type: 'input_audio_buffer.committed', item_id: 'a' }, 'server');
  transcript.feed(user('b'), 'server');
  expect(complete()).toEqual([true, true]);
  transcript.feed(audio({ model: 'gpt-transcribe' }), 'server');
  transcript.feed(user('c'), 'server');
  expect(complete()).toEqual([true, true, false]);
  transcript.feed(
    { type: 'session.created', session: { input_audio_transcription: null, modalities: ['text'] } },
    'server',
  );
  transcript.feed(user('d'), 'server');
  expect(complete()).toEqual([true, true, false, true]);
});

test('the longest session keeps the last turns, in order, and no more', () => {
  const transcript = new Transcript({ limit: 3 });
  let previous: string | null = null;
  for (let i = 0; i < 50; i++) {
    transcript.feed(added({ id: `i${i}`, previous }), 'server');
    previous = `i${i}`;
  }
  expect(transcript.turns().map(({ item_id }) => item_id)).toEqual(['i47', 'i48', 'i49']);
  // Behind one that is forgotten: the end.
  transcript.feed(added({ id: 'late', previous: 'i3' }), 'server');
  expect(transcript.turns().map(({ item_id }) => item_id)).toEqual(['i48', 'i49', 'late']);
  for (let i = 0; i < 50; i++) {
    const delta = { item_id: `x${i}`, content_index: 0, delta: 'x' };
    transcript.feed({ type: 'conversation.item.input_audio_transcription.delta', ...delta }, 'server');
  }
  // What never became known is forgotten, too: the first of fifty, not the last.
  transcript.feed(added({ id: 'x0', previous: 'late' }), 'server');
  expect(transcript.turns()).toHaveLength(3);
  transcript.feed({ type: 'input_audio_buffer.committed', item_id: 'x49', previous_item_id: 'x0' }, 'server');
  expect(transcript.turns().at(-1)).toMatchObject({ item_id: 'x49', text: 'x' });
  transcript.feed({ type: 'input_audio_buffer.committed', item_id: 'x1', previous_item_id: 'x49' }, 'server');
  expect(transcript.turns().at(-1)).toMatchObject({ item_id: 'x1', text: '' });
});

test('a text without end is cut off', () => {
  const transcript = new Transcript();
  transcript.feed({ type: 'input_audio_buffer.committed', item_id: 'a' }, 'server');
  const piece = { type: 'conversation.item.input_audio_transcription.delta', item_id: 'a' };
  for (let i = 0; i < 100; i++)
    transcript.feed({ ...piece, content_index: i % 3, delta: 'x'.repeat(1000) }, 'server');
  const { text } = transcript.turns()[0] as Turn;
  expect(text.length).toBeGreaterThan(65_000);
  expect(text.length).toBeLessThanOrEqual(65_536 + 2);
  for (const content_index of [-1, 1e9, 0.5, Number.NaN]) {
    expect(transcript.feed({ ...piece, content_index, delta: 'y' }, 'server')).toEqual([]);
  }
});

test('whatever comes, nothing is thrown, and no order is lost', () => {
  const roll = dice(7);
  const types = [...new Set(transcripts.flatMap(({ events }) => events.map(({ type }) => type)))];
  const odd = [undefined, null, 5, '', 'a', 'b', 'c', [], {}, true];
  const pick = <T>(of: readonly T[]) => of[roll(of.length)] as T;
  for (let round = 0; round < 300; round++) {
    const transcript = new Transcript({ limit: 4 });
    for (let i = 0; i < 40; i++) {
      const item = {
        id: pick(odd),
        type: pick(['message', 'function_call', 5]),
        role: pick(['user', 'assistant', 'system', null]),
        status: pick(['completed', 'in_progress', 7]),
        content: pick([[], [{ type: 'input_audio' }], [{ type: 'output_text', text: 'x' }], [null, 5], 'x']),
      };
      transcript.feed(
        {
          type: pick(types),
          item_id: pick(odd),
          previous_item_id: pick(odd),
          response_id: pick(odd),
          content_index: pick([0, 1, 'x', undefined]),
          delta: pick(odd),
          transcript: pick(odd),
          text: pick(odd),
          item: pick([item, null, 'x']),
          response: pick([{ id: pick(odd), output: pick([[item], 'x', undefined]) }, null]),
        },
        'server',
      );
    }
    const ids = transcript.turns().map(({ item_id }) => item_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeLessThanOrEqual(4);
  }
  for (const event of [undefined, null, 5, 'x', [], { type: 5 }])
    expect(new Transcript().feed(event, 'server')).toEqual([]);
});
