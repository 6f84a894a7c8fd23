import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { readWav } from '@tincan/shared-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { rms } from './audio.ts';
import { type Gateway, type GatewayOptions, startGateway } from './index.ts';
import { Recogniser } from './recognise.ts';
import { loadScript } from './script.ts';
import { TestClient } from './test-client.ts';
import { DATA, upsample, voice } from './test-sounds.ts';

const SCRIPT = new URL('demo.script.json', DATA).pathname;
const TOOLS = [
  { type: 'function', name: 'set_light', parameters: { type: 'object' } },
  { type: 'function', name: 'set_volume', parameters: { type: 'object' } },
  { type: 'function', name: 'end_session', parameters: { type: 'object' } },
];
const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of close.splice(0).reverse()) await run();
});

async function begin(
  options: Partial<GatewayOptions> = {},
): Promise<{ gateway: Gateway; client: TestClient }> {
  const gateway = await startGateway({ mode: 'script', script: SCRIPT, ...options });
  close.push(() => gateway.close());
  const client = await TestClient.connect({
    url: gateway.callsUrl,
    headers: { authorization: `Bearer ${gateway.token}` },
    label: 'any-label',
  });
  close.push(() => client.close());
  client.send({
    type: 'session.update',
    session: {
      type: 'realtime',
      tools: TOOLS,
      audio: { input: { transcription: { model: 'gpt-transcribe' } } },
    },
  });
  await client.event('session.updated');
  return { gateway, client };
}

async function answerTool(client: TestClient, output: object, extra: object = {}): Promise<number> {
  const { name, call_id } = await client.event('response.function_call_arguments.done');
  expect(name).toBeDefined();
  await client.event('response.done');
  client.send({
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id, output: JSON.stringify(output) },
  });
  const from = client.events.length;
  client.send({ type: 'response.create', ...extra });
  return from;
}

describe('a call over WebRTC, mode script', () => {
  it('greets, understands the sentence, calls the tool, answers by voice', async () => {
    const folder = mkdtempSync(path(tmpdir(), 'gateway-'));
    const file = path(folder, 'heard.wav');
    const { gateway, client } = await begin({ record: { heard: file } });
    client.send({ type: 'response.create', response: { instructions: 'Greet.' } });
    await client.event('output_audio_buffer.stopped');
    const greeting = client.heard();
    expect(rms(greeting)).toBeGreaterThan(0.02);

    const from = client.events.length;
    await client.say(upsample(voice('person-light-on')));
    const call = await client.event('response.function_call_arguments.done', from);
    expect(call).toMatchObject({ name: 'set_light', arguments: '{"on":true}' });
    const written = await client.event('conversation.item.input_audio_transcription.completed');
    expect(written.transcript).toBe('Please turn on the light.');
    await client.event('response.done', from);
    client.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: call.call_id, output: '{"ok":true}' },
    });
    const after = client.events.length;
    client.send({ type: 'response.create' });
    await client.event('output_audio_buffer.stopped', after);
    expect(client.events.find((event) => event.type === 'error')).toBeUndefined();
    // Two talks, each begun with a marker.
    expect(client.markers).toBe(2);
    expect(rms(client.heard().subarray(greeting.length))).toBeGreaterThan(0.02);

    const info = gateway.calls()[0]!;
    expect(info.transcript().map(({ role, text }) => `${role}: ${text}`)).toEqual([
      'assistant: Hello! What can I do for you?',
      'user: Please turn on the light.',
      'assistant: The light is on now.',
    ]);
    expect(info.stats()).toMatchObject({ lost: 0, bad: 0 });
    await gateway.close();
    // What was recorded is what was said: the recogniser finds the sentence in it.
    const wav = readWav(readFileSync(file));
    expect(wav.sampleRate).toBe(24_000);
    const recogniser = new Recogniser((await loadScript(SCRIPT)).sentences);
    expect(recogniser.recognise(wav.samples).id).toBe('light-on');
  });

  it('says that it did not work when the tool says so', async () => {
    const { client } = await begin();
    await client.say(upsample(voice('person-volume-30')));
    const from = await answerTool(client, { error: 'no loudspeaker' });
    const { transcript } = await client.event('response.output_audio_transcript.done', from);
    expect(transcript).toBe('Sorry, that did not work.');
  });

  it('says goodbye after end_session', async () => {
    const { client } = await begin();
    await client.say(upsample(voice('person-goodbye')));
    const from = await answerTool(client, { ok: true }, { response: { tool_choice: 'none' } });
    const { transcript } = await client.event('response.output_audio_transcript.done', from);
    expect(transcript).toBe('Goodbye! Have a nice day.');
    await client.event('output_audio_buffer.stopped', from);
  });

  it.each(['noise', 'stranger-volume-80'])('does not understand %s', async (name) => {
    const { client } = await begin();
    await client.say(upsample(voice(name)));
    const { transcript } = await client.event('response.output_audio_transcript.done');
    expect(transcript).toBe('Sorry, I did not understand that.');
  });
});

describe('a call', () => {
  it('ends when the client goes away, and when it is hung up', async () => {
    const { gateway, client } = await begin({ mode: 'echo' });
    const reasons: string[] = [];
    const ended = new Promise<void>((resolve) => {
      gateway.on('end', ({ reason }) => {
        reasons.push(reason);
        resolve();
      });
    });
    client.close();
    await ended;
    expect(gateway.calls()[0]!.ended).toBe(reasons[0]);

    const second = await TestClient.connect({
      url: gateway.callsUrl,
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    close.push(() => second.close());
    const response = await fetch(`${gateway.url}${second.location}/hangup`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    expect(response.status).toBe(200);
    await second.until('hang-up', () => second.closed);
    expect(reasons[1]).toMatch(/HTTP/);
  });

  it('shows observers every event in both directions', async () => {
    const { gateway, client } = await begin({ mode: 'echo' });
    const seen: unknown[] = [];
    gateway.on('event', ({ direction, event }) => seen.push([direction, (event as { type: string }).type]));
    gateway.on('event', () => {
      throw new Error('an observer must not hurt');
    });
    client.send({ type: 'input_audio_buffer.clear' });
    await client.event('input_audio_buffer.cleared');
    expect(seen).toEqual([
      ['client', 'input_audio_buffer.clear'],
      ['server', 'input_audio_buffer.cleared'],
    ]);
  });
});
