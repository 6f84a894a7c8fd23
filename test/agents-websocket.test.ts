/**
 * The agents SDK of OpenAI, unmodified, over WebSocket in Node; and its own schemas as the judge of every event that
 * the gateway sends in a broad conversation.
 */
import { readFileSync } from 'node:fs';
import { type Gateway, repositoryPath, startGateway } from '@tincan/host-cli';
import { readWav, resample } from '@tincan/shared-protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { complaints, judge } from './support/judges.ts';

const SDK = '@openai/agents-realtime';
const RATE = 24_000;
const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of close.splice(0).reverse()) await run();
});

async function gateway(): Promise<Gateway> {
  const script = repositoryPath('host-cli/data/demo.script.json');
  const server = await startGateway({ mode: 'script', script });
  close.push(() => server.close());
  return server;
}
/** A voice of the demo at 24 kHz, with silence around, as base64 in pieces of 100 ms. */
function spoken(name: string, silenceMs = 1000): string[] {
  const { samples, sampleRate } = readWav(readFileSync(repositoryPath(`host-cli/data/voices/${name}.wav`)));
  const voice = resample(samples, sampleRate, RATE);
  const pcm = new Int16Array(RATE * 0.3 + voice.length + (RATE * silenceMs) / 1000);
  pcm.set(voice, RATE * 0.3);
  const bytes = Buffer.from(pcm.buffer);
  return Array.from({ length: Math.ceil(bytes.length / 4800) }, (_, i) =>
    bytes.subarray(i * 4800, (i + 1) * 4800).toString('base64'),
  );
}

describe.skipIf(!judge(SDK))(`${SDK} over WebSocket`, () => {
  test('talks in text, runs a tool, and ends with the right history and no error', async () => {
    const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } = await import(SDK);
    const server = await gateway();
    const ran: unknown[] = [];
    const setLight = tool({
      name: 'set_light',
      description: 'Switches the light.',
      parameters: {
        type: 'object',
        properties: { on: { type: 'boolean' } },
        required: ['on'],
        additionalProperties: true,
      },
      strict: false,
      execute: async (input: unknown) => {
        ran.push(input);
        return '{"ok":true}';
      },
    });
    const agent = new RealtimeAgent({ name: 'light', instructions: 'Be brief.', tools: [setLight] });
    const session = new RealtimeSession(agent, {
      transport: new OpenAIRealtimeWebSocket({
        url: `${server.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1`,
      }),
      model: 'gpt-realtime-2.1',
      config: { outputModalities: ['text'] },
    });
    close.push(() => session.close());
    const errors: unknown[] = [];
    session.on('error', (error: unknown) => errors.push(error));
    await session.connect({ apiKey: server.token! });
    const done = countTurns(session);
    session.sendMessage('Please turn on the light.');
    await expect.poll(done).toBe(2);
    session.sendMessage('Sing a song.');
    await expect.poll(done).toBe(3);
    expect(ran).toEqual([{ on: true }]);
    expect(history(session)).toEqual([
      ['user', 'Please turn on the light.'],
      ['call', 'set_light', '{"on":true}', '{"ok":true}'],
      ['assistant', 'The light is on now.'],
      ['user', 'Sing a song.'],
      ['assistant', 'Sorry, I did not understand that.'],
    ]);
    expect(errors).toEqual([]);
    expect(session.usage.totalTokens).toBeGreaterThan(50);
  });

  test('speaks, hears the voice of the gateway, and has its history corrected', async () => {
    const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } = await import(SDK);
    const server = await gateway();
    const session = new RealtimeSession(new RealtimeAgent({ name: 'ear', instructions: '' }), {
      transport: new OpenAIRealtimeWebSocket({
        url: `${server.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1`,
      }),
      model: 'gpt-realtime-2.1',
    });
    close.push(() => session.close());
    const errors: unknown[] = [];
    session.on('error', (error: unknown) => errors.push(error));
    let bytes = 0;
    session.on('audio', ({ data }: { data: ArrayBuffer }) => {
      bytes += data.byteLength;
    });
    await session.connect({ apiKey: server.token! });
    const done = countTurns(session);
    for (const piece of spoken('stranger-radio', 5000))
      session.sendAudio(Uint8Array.from(Buffer.from(piece, 'base64')).buffer);
    await expect.poll(done).toBe(1);
    await expect.poll(() => history(session).length).toBe(2);
    expect(history(session)[1]).toEqual(['assistant', 'Sorry, I did not understand that.']);
    expect(bytes).toBeGreaterThan(RATE);
    expect(errors).toEqual([]);
    const keep = history(session).length - 1;
    session.updateHistory((items: unknown[]) => items.slice(0, keep));
    await expect.poll(() => history(session).length).toBe(keep);
    expect(errors).toEqual([]);
  });
});

describe.skipIf(!judge(SDK))(`the schemas of ${SDK}`, () => {
  test('take every event of a broad conversation', async () => {
    const server = await gateway();
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    close.push(() => socket.close());
    const events: ({ type: string } & Record<string, unknown>)[] = [];
    socket.on('message', (data) => events.push(JSON.parse(String(data))));
    const count = (type: string) => events.filter((event) => event.type === type).length;
    const seen = async (type: string, times = 1) => {
      await expect.poll(() => count(type), { message: type }).toBeGreaterThanOrEqual(times);
    };
    const send = (event: object) => socket.send(JSON.stringify(event));
    const last = (type: string) => events.findLast((event) => event.type === type);
    const say = async (name: string) => {
      for (const audio of spoken(name)) send({ type: 'input_audio_buffer.append', audio });
    };
    await seen('session.created');
    send({
      type: 'session.update',
      session: {
        type: 'realtime',
        include: ['item.input_audio_transcription.logprobs'],
        tools: [
          { type: 'function', name: 'set_light', parameters: { type: 'object' } },
          { type: 'mcp', server_label: 'books', server_url: 'https://books.example/mcp' },
        ],
        audio: { input: { transcription: { model: 'gpt-4o-transcribe-diarize' } } },
      },
    });
    await seen('mcp_list_tools.failed');
    send({ type: 'conversation.item.retrieve', item_id: last('mcp_list_tools.failed')!.item_id });
    await say('person-light-on');
    await seen('response.done');
    const { call_id } = last('response.function_call_arguments.done')!;
    send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id, output: '{"ok":true}' },
    });
    send({ type: 'response.create', response: { metadata: { topic: 'light' } } });
    await seen('response.done', 2);
    const item = (last('response.output_item.done')!.item as { id: string }).id;
    for (const type of ['retrieve', 'truncate', 'retrieve', 'delete', 'delete'])
      send({
        type: `conversation.item.${type}`,
        item_id: item,
        ...(type === 'truncate' ? { content_index: 0, audio_end_ms: 300 } : {}),
      });
    await seen('error');
    send({
      type: 'response.create',
      response: { conversation: 'none', input: [], output_modalities: ['text'] },
    });
    await seen('response.done', 3);
    send({ type: 'response.create' });
    await seen('response.output_audio.delta', 8);
    send({ type: 'response.cancel' });
    await seen('response.done', 4);
    send({ type: 'input_audio_buffer.clear' });
    send({
      type: 'session.update',
      session: { type: 'realtime', audio: { input: { transcription: { model: 'whisper-1' } } } },
    });
    await say('noise');
    await seen('response.done', 5);
    send({
      type: 'session.update',
      session: {
        type: 'realtime',
        max_output_tokens: 1,
        audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 5000 } } },
      },
    });
    send({ type: 'response.create' });
    await seen('input_audio_buffer.timeout_triggered');
    await seen('response.done', 7);
    expect(await complaints(events)).toEqual([]);
    const statuses = events
      .filter((event) => event.type === 'response.done')
      .map((event) => (event.response as { status: string }).status);
    expect(new Set(statuses)).toEqual(new Set(['completed', 'cancelled', 'incomplete']));
    // Broad it was.
    expect(new Set(events.map((event) => event.type)).size).toBeGreaterThanOrEqual(33);
  });
});

interface Session {
  history: Record<string, unknown>[];
  transport: { on(event: string, run: () => void): void };
}

/** How many responses are over. */
function countTurns(session: Session): () => number {
  let turns = 0;
  session.transport.on('turn_done', () => {
    turns++;
  });
  return () => turns;
}

function history({ history: items }: Session): unknown[][] {
  return items.map((item) => {
    if (item.type === 'function_call') return ['call', item.name, item.arguments, item.output];
    const content = item.content as { text?: string; transcript?: string }[];
    return [item.role, content.map((part) => part.text ?? part.transcript ?? '').join('')];
  });
}
