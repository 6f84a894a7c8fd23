/**
 * The agents SDK of OpenAI, unmodified, in a real browser: over WebRTC to the gateway in mode script, its microphone a
 * voice of the demo. It is heard, runs a tool, is interrupted, and ends with the right history.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gateway, repositoryPath, startGateway } from '@tincan/host-cli';
import { readWav, resample, writeWav } from '@tincan/shared-protocol';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { CHROMIUM, openBrowser } from './support/browser.ts';
import { complaints, fileOf, judge } from './support/judges.ts';

vi.setConfig({ testTimeout: 120_000 });

const SDK = '@openai/agents-realtime';
const RATE = 48_000;
const folder = mkdtempSync(join(tmpdir(), 'agents-browser-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const voiceFile = (name: string) => repositoryPath(`host-cli/data/voices/${name}.wav`);
function sound(name: string): Int16Array {
  const { samples, sampleRate } = readWav(readFileSync(voiceFile(name)));
  return resample(samples, sampleRate, RATE);
}
/** A WAV of 48 kHz: voices that begin at these seconds. */
function recording(file: string, voices: [atSeconds: number, Int16Array][], seconds: number): string {
  const pcm = new Int16Array(seconds * RATE);
  for (const [at, voice] of voices) pcm.set(voice, at * RATE);
  const path = join(folder, file);
  writeFileSync(path, writeWav(pcm, RATE));
  return path;
}
/** The script of the demo, but what is said about the light takes twelve seconds. */
function longScript(): string {
  const script = JSON.parse(readFileSync(repositoryPath('host-cli/data/demo.script.json'), 'utf8')) as {
    sentences: { id: string; samples: string[]; reply: Record<string, unknown>[] }[];
  } & Record<string, { audio: string }>;
  const absolute = (path: string) => repositoryPath(`host-cli/data/${path}`);
  for (const name of ['greeting', 'goodbye', 'not_understood'])
    script[name]!.audio = absolute(script[name]!.audio);
  for (const sentence of script.sentences) {
    sentence.samples = sentence.samples.map(absolute);
    for (const step of [
      ...sentence.reply,
      ...sentence.reply.flatMap((one) => (one.on_error as Record<string, unknown>[]) ?? []),
    ])
      if (typeof step.audio === 'string') step.audio = absolute(step.audio);
    if (sentence.id !== 'light-on') continue;
    const words = sound('assistant-light-on');
    const long = new Int16Array(12 * RATE);
    for (let at = 0; at + words.length < long.length; at += words.length) long.set(words, at);
    writeFileSync(join(folder, 'long.wav'), writeWav(long, RATE));
    const say = sentence.reply.find((step) => 'say' in step)!;
    say.audio = join(folder, 'long.wav');
  }
  const path = join(folder, 'script.json');
  writeFileSync(path, JSON.stringify(script));
  return path;
}

interface Seen {
  events: ({ type: string } & Record<string, unknown>)[];
  errors: unknown[];
  tools: unknown[];
  history: Record<string, unknown>[];
  loudest: number;
  status: string;
}

describe.skipIf(CHROMIUM === undefined || !judge(SDK))(`${SDK} in Chromium`, () => {
  // The browser's microphone speaks by the browser's own clock, from the moment that it is opened: where a busy machine
  // connects too late, nobody hears it, and it is tried again.
  test('is heard, runs a tool, is interrupted, and ends with the right history and no error', {
    retry: 2,
  }, async () => {
    const gateway = await startGateway({ mode: 'script', script: longScript() });
    const secret = await makeSecret(gateway);
    const microphone = recording(
      'microphone.wav',
      [
        [10, sound('person-light-on')],
        [20, sound('person-light-blue')],
      ],
      28,
    );
    const bundle = fileOf(SDK, 'bundle/openai-realtime-agents.umd.js');
    const browser = await openBrowser({ microphone, scripts: [bundle] });
    try {
      await browser.page.evaluate(connect, { url: gateway.callsUrl, key: secret });
      const seen = () => browser.page.evaluate(() => page().seen);
      const count = async (type: string) => (await seen()).events.filter((one) => one.type === type).length;
      const long = { timeout: 60_000, interval: 200 };
      await expect.poll(() => count('output_audio_buffer.started'), long).toBe(1);
      // The second sentence comes while the gateway still speaks.
      await expect.poll(() => count('output_audio_buffer.cleared'), long).toBe(1);
      await expect.poll(() => count('output_audio_buffer.stopped'), long).toBe(1);
      // The same question in writing, and now the answer is interrupted by hand.
      await browser.page.evaluate((text) => page().session.sendMessage(text), 'Please turn on the light.');
      await expect.poll(() => count('output_audio_buffer.started'), long).toBe(3);
      await browser.page.evaluate(() => page().session.interrupt());
      await expect.poll(() => count('output_audio_buffer.cleared'), long).toBe(2);
      expect(await count('response.created')).toBe(6);
      await expect.poll(() => count('response.done'), long).toBe(6);
      await expect.poll(async () => (await seen()).history.at(-1)?.status, long).not.toBe('in_progress');
      const result = await seen();
      expect(result.tools).toEqual([{ on: true }, { on: true, color: 'blue' }, { on: true }]);
      expect(result.history.map(entry)).toEqual([
        ['user', 'Please turn on the light.', 'completed'],
        ['call', 'set_light', '{"on":true}', '{"ok":true}'],
        ['assistant', 'The light is on now.', 'completed'],
        ['user', 'Make the light blue.', 'completed'],
        ['call', 'set_light', '{"on":true,"color":"blue"}', '{"ok":true}'],
        ['assistant', 'The light is blue now.', 'completed'],
        ['user', 'Please turn on the light.', 'completed'],
        ['call', 'set_light', '{"on":true}', '{"ok":true}'],
        ['assistant', expect.stringMatching(/^(The( light( is( on( now\.)?)?)?)?)?$/), 'incomplete'],
      ]);
      // What was not heard of the answer is cut, by the server.
      const cut = result.events.find((event) => event.type === 'conversation.item.truncated')!;
      expect(cut.item_id).toBe(result.history[2]!.itemId);
      expect(cut.audio_end_ms).toBeGreaterThan(1000);
      expect(cut.audio_end_ms).toBeLessThan(11_000);
      expect(result.errors).toEqual([]);
      expect(result.events.filter((event) => event.type === 'error')).toEqual([]);
      const ends = result.events.flatMap((event) =>
        event.type === 'response.done' ? [event.response as { status: string; status_details: unknown }] : [],
      );
      expect(ends.at(-1)).toMatchObject({
        status: 'cancelled',
        status_details: { reason: 'client_cancelled' },
      });
      // Sound came out of the browser.
      expect(result.loudest).toBeGreaterThan(0.02);
      expect(await complaints(result.events)).toEqual([]);
      expect(result.status).toBe('connected');
      await browser.page.evaluate(() => page().session.close());
      await expect.poll(() => gateway.calls()[0]?.ended).toBeDefined();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nthe page said:\n${browser.lines.slice(-20).join('\n')}`, {
        cause: error,
      });
    } finally {
      await browser.close();
      await gateway.close();
    }
  });

  test('has a conversation over WebSocket, its key shown as a page must', async () => {
    const gateway = await startGateway({
      mode: 'script',
      script: repositoryPath('host-cli/data/demo.script.json'),
    });
    const secret = await makeSecret(gateway);
    const browser = await openBrowser({
      microphone: voiceFile('noise'),
      scripts: [fileOf(SDK, 'bundle/openai-realtime-agents.umd.js')],
    });
    try {
      const url = `${gateway.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1`;
      await browser.page.evaluate(write, { url, key: secret });
      const seen = () => browser.page.evaluate(() => page().seen);
      await expect
        .poll(async () => (await seen()).history.map(entry))
        .toEqual([
          ['user', 'What is on the radio?', 'completed'],
          ['assistant', 'Sorry, I did not understand that.', 'completed'],
        ]);
      expect((await seen()).errors).toEqual([]);
    } finally {
      await browser.close();
      await gateway.close();
    }
  });
});

async function makeSecret(gateway: Gateway): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/realtime/client_secrets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ session: { type: 'realtime', model: 'gpt-realtime-2.1' } }),
  });
  return ((await response.json()) as { value: string }).value;
}

interface InPage {
  seen: Seen;
  session: { sendMessage(text: string): void; interrupt(): void; close(): void };
}
/** Only in the page: what `connect` left there. */
declare function page(): InPage;

function entry(item: Record<string, unknown>): unknown[] {
  if (item.type === 'function_call') return ['call', item.name, item.arguments, item.output];
  const content = item.content as { text?: string; transcript?: string | null }[];
  return [item.role, content.map((part) => part.text ?? part.transcript ?? '').join(''), item.status];
}

/** Runs in the page: everything that it uses is there. */
async function connect({ url, key }: { url: string; key: string }): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: types of the page, and of the bundle, are not those of Node
  const window = globalThis as any;
  const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC, tool } = window.OpenAIAgentsRealtime;
  const seen: Seen = {
    events: [],
    errors: [],
    tools: [],
    history: [],
    loudest: 0,
    status: '',
  };
  const setLight = tool({
    name: 'set_light',
    description: 'Switches the light.',
    parameters: {
      type: 'object',
      properties: { on: { type: 'boolean' }, color: { type: 'string' } },
      required: ['on'],
      additionalProperties: true,
    },
    strict: false,
    execute: async (input: unknown) => {
      seen.tools.push(input);
      return '{"ok":true}';
    },
  });
  const audioElement = window.document.createElement('audio');
  audioElement.autoplay = true;
  const transport = new OpenAIRealtimeWebRTC({ baseUrl: url, audioElement });
  const agent = new RealtimeAgent({ name: 'light', instructions: 'Be brief.', tools: [setLight] });
  const session = new RealtimeSession(agent, {
    transport,
    model: 'gpt-realtime-2.1',
    config: { audio: { input: { transcription: { model: 'gpt-transcribe' } } } },
  });
  window.page = (): InPage => ({ seen, session });
  session.on('error', (error: unknown) => seen.errors.push(JSON.parse(JSON.stringify(error))));
  session.on('history_updated', (history: Seen['history']) => {
    seen.history = JSON.parse(JSON.stringify(history)) as Seen['history'];
  });
  transport.on('*', (event: Seen['events'][number]) => seen.events.push(event));
  transport.on('connection_change', (status: string) => {
    seen.status = status;
  });
  await session.connect({ apiKey: key });
  const audio = new window.AudioContext();
  const analyser = audio.createAnalyser();
  audio.createMediaStreamSource(audioElement.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    seen.loudest = Math.max(seen.loudest, Math.sqrt(power));
  }, 50);
}

/** Runs in the page, as `connect`. */
async function write({ url, key }: { url: string; key: string }): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: types of the page, and of the bundle, are not those of Node
  const window = globalThis as any;
  const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebSocket } = window.OpenAIAgentsRealtime;
  const seen: Seen = { events: [], errors: [], tools: [], history: [], loudest: 0, status: '' };
  const session = new RealtimeSession(new RealtimeAgent({ name: 'pen', instructions: 'Be brief.' }), {
    transport: new OpenAIRealtimeWebSocket({ url }),
    model: 'gpt-realtime-2.1',
    config: { outputModalities: ['text'] },
  });
  window.page = (): InPage => ({ seen, session });
  session.on('error', (error: unknown) => seen.errors.push(JSON.parse(JSON.stringify(error))));
  session.on('history_updated', (history: Seen['history']) => {
    seen.history = JSON.parse(JSON.stringify(history)) as Seen['history'];
  });
  await session.connect({ apiKey: key });
  session.sendMessage('What is on the radio?');
}
