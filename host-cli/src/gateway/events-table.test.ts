import { readdirSync, readFileSync } from 'node:fs';
import { CLIENT_EVENTS, SERVER_EVENTS } from '@tincan/shared-protocol';
import { describe, expect, it } from 'vitest';
import { echoBrain } from './brain-echo.ts';
import { GATEWAY_SENDS, GATEWAY_TAKES } from './events-table.ts';
import { Bench, fixedBrain, silence, tone } from './test-session.ts';

const FOLDER = new URL('./', import.meta.url);
const sources = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.ts') && !/^(test-|events-table)|\.test\.ts$/.test(name))
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'))
  .join('\n');
const isNever = (text: string) => text.startsWith('never sent: ');

/** Events of a conversation that does all that a session over a track can do, and of one over WebSocket. */
async function everything(): Promise<Set<string>> {
  const speech = { type: 'say', text: 'Words.', pcm: tone(600) } as const;
  const call = { type: 'call', name: 'f', arguments: '{}' } as const;
  const types = new Set<string>();
  for (const track of [true, false]) {
    const bench = new Bench(fixedBrain([speech, { type: 'text', text: 'Text.' }, call]), undefined, false, {
      track,
    });
    const update = (session: object) =>
      bench.send({ type: 'session.update', session: { type: 'realtime', ...session } });
    const transcription = { model: 'gpt-4o-transcribe-diarize' };
    update({
      tools: [{ type: 'mcp', server_label: 'a', tunnel_id: 't' }],
      audio: { input: { transcription } },
    });
    await bench.hear(tone(500));
    await bench.hear(silence(1500));
    const id = bench
      .all('conversation.item.done')
      .find(({ item }) => 'role' in item && item.role === 'assistant')!.item.id;
    for (const type of ['retrieve', 'truncate', 'delete'])
      bench.send({
        type: `conversation.item.${type}`,
        item_id: id,
        ...(type === 'truncate' ? { content_index: 0, audio_end_ms: 100 } : {}),
      });
    bench.send({ type: 'input_audio_buffer.clear' });
    bench.send({ type: 'response.cancel' });
    bench.send({ type: 'response.create' });
    await bench.run(100);
    bench.send({ type: 'response.cancel' });
    bench.send({ type: 'output_audio_buffer.clear' });
    update({ audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 5000 } } } });
    bench.send({ type: 'response.create' });
    await bench.run(7000);
    for (const type of bench.types()) types.add(type);
  }
  const deaf = new Bench(echoBrain());
  const audio = { input: { transcription: { model: 'whisper-1' } } };
  deaf.send({ type: 'session.update', session: { type: 'realtime', audio } });
  await deaf.hear(tone(500));
  await deaf.hear(silence(1000));
  for (const type of deaf.types()) types.add(type);
  return types;
}

describe('the table of events', () => {
  it('has every event of the API, with a sentence for each', () => {
    expect(Object.keys(GATEWAY_SENDS).sort()).toEqual(Object.keys(SERVER_EVENTS).sort());
    expect(Object.keys(GATEWAY_TAKES).sort()).toEqual(Object.keys(CLIENT_EVENTS).sort());
    for (const text of [...Object.values(GATEWAY_SENDS), ...Object.values(GATEWAY_TAKES)])
      expect(text).toMatch(/^[a-z].{10,}[^.]$/);
  });

  it('says the truth about what is sent', async () => {
    const sent = await everything();
    const claimed = Object.entries(GATEWAY_SENDS).flatMap(([type, text]) => (isNever(text) ? [] : [type]));
    expect([...sent].sort()).toEqual(claimed.sort());
  });

  it('says "never" only of events that no source names', () => {
    const never = Object.entries(GATEWAY_SENDS).flatMap(([type, text]) => (isNever(text) ? [type] : []));
    expect(never.length).toBeGreaterThan(5);
    // events.ts names the one of telephone keys to leave it out.
    const code = sources.replace(/Exclude<ServerEvent, \{ type: '[^']*' \}>/, '');
    for (const type of never) expect(code, type).not.toContain(`'${type}'`);
  });

  it('says of client events what a session takes', () => {
    for (const type of Object.keys(GATEWAY_TAKES)) {
      const bench = new Bench(echoBrain());
      bench.send({ type });
      for (const { error } of bench.all('error')) expect(error.message).not.toContain('Supported values are');
    }
  });
});
