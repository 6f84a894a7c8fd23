/** Ears and mouths that are programs of this machine: ones that only look so, and the real ones where installed. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@tincan/boards';
import { resample } from '@tincan/shared-protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { inPath } from '../../build/idf-find.ts';
import { RATE } from '../audio.ts';
import { startGateway } from '../index.ts';
import { TestClient } from '../test-client.ts';
import { SocketClient } from '../test-socket.ts';
import { overOpus } from '../test-sounds.ts';
import { pocketsphinxEar } from './ear-pocketsphinx.ts';
import { jsgfOf, readGrammar } from './grammar.ts';
import { pipelineBrain } from './index.ts';
import { fliteMouth } from './mouth-flite.ts';
import { TestServer } from './test-server.ts';

const clock = manualClock();
const never = new AbortController().signal;
const installed = (name: string) =>
  inPath(name, { env: process.env, platform: process.platform }) !== undefined;
const hasFlite = installed('flite');
const hasSphinx = installed('pocketsphinx_continuous') || installed('pocketsphinx');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-programs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder for PATH in which these programs are shell scripts. */
function programs(scripts: Record<string, string>): Record<string, string> {
  const path = mkdtempSync(join(folder, 'bin-'));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return { PATH: path, LOG: join(path, 'log') };
}
const log = (env: Record<string, string>) => (existsSync(env.LOG!) ? readFileSync(env.LOG!, 'utf8') : '');
const file = (text: string): string => {
  const path = join(mkdtempSync(join(folder, 'file-')), 'grammar');
  writeFileSync(path, text);
  return path;
};
async function all(sound: AsyncIterable<Int16Array>): Promise<number> {
  let samples = 0;
  for await (const pcm of sound) samples += pcm.length;
  return samples;
}
const saying = (signal = never) => ({ clock, signal, voice: 'marin', speed: 1 });

describe('a grammar', () => {
  it('is made of sentences, in words of a dictionary', () => {
    expect(jsgfOf(['Please, turn on the light!', 'What’s up?', ' ', 'please turn on the light'])).toBe(
      "#JSGF V1.0;\ngrammar sentences;\npublic <sentence> = please turn on the light |\n  what's up;\n",
    );
  });

  it('is a JSGF file, a script, or sentences one a line', async () => {
    const jsgf = '#JSGF V1.0;\ngrammar g;\npublic <s> = yes;\n';
    expect(await readGrammar(file(jsgf))).toBe(jsgf);
    expect(await readGrammar(file('# of the house\nYes.\r\nNo, thanks.\n'))).toBe(
      jsgfOf(['yes', 'no thanks']),
    );
    expect(await readGrammar(file('{"sentences":[{"id":"a","text":"Hello there."}]}'))).toBe(
      jsgfOf(['hello there']),
    );
    for (const nothing of ['', '\n\n', '{"sentences":[]}'])
      await expect(readGrammar(file(nothing))).rejects.toMatchObject({ code: 'PIPELINE_GRAMMAR' });
    await expect(readGrammar(join(folder, 'none'))).rejects.toMatchObject({ code: 'PIPELINE_GRAMMAR' });
  });
});

describe('a program', () => {
  it('that is missing is named, with the way to get it', async () => {
    const env = { PATH: folder };
    await expect(pocketsphinxEar({ grammar: undefined, clock, env })).rejects.toMatchObject({
      code: 'PIPELINE_PROGRAM',
      hint: expect.stringContaining('apt install pocketsphinx'),
    });
    await expect(fliteMouth({ voice: undefined, clock, env })).rejects.toMatchObject({
      code: 'PIPELINE_PROGRAM',
      hint: expect.stringContaining('apt install flite'),
    });
  });

  it('of version 5 says what it heard in JSON', async () => {
    const env = programs({
      pocketsphinx: 'echo "$@" >> "$LOG"; echo \'{"b":0,"d":1,"t":"turn it on","w":[]}\'',
    });
    const ear = await pocketsphinxEar({ grammar: undefined, clock, env });
    expect(await ear.hear(new Int16Array(2400), { clock, signal: never, phrases: ['Turn it on'] })).toBe(
      'turn it on',
    );
    expect(log(env)).toMatch(/^-jsgf \S+grammar\.jsgf single \S+turn\.wav\n$/);
  });

  it('is killed when nobody waits for it, and leaves no file', async () => {
    const scratch = mkdtempSync(join(folder, 'scratch-'));
    vi.stubEnv('TMPDIR', scratch);
    const slow =
      'case "$1" in -lv) echo "Voices available: slt"; exit;; esac; echo $$ >> "$LOG"; exec /bin/sleep 600';
    const env = programs({ flite: slow, pocketsphinx_continuous: slow });
    const mouth = await fliteMouth({ voice: undefined, clock, env });
    const ear = await pocketsphinxEar({ grammar: undefined, clock, env });
    for (const start of [
      (signal: AbortSignal) => all(mouth.say('Hello', saying(signal))),
      (signal: AbortSignal) => ear.hear(new Int16Array(2400), { clock, signal }),
    ]) {
      const stop = new AbortController();
      const started = log(env).length;
      const result = start(stop.signal);
      result.catch(() => {});
      await expect.poll(() => log(env).length).toBeGreaterThan(started);
      stop.abort();
      await expect(result).rejects.toThrow();
    }
    const alive = (id: number) => {
      try {
        process.kill(id, 0);
        return true;
      } catch {
        return false;
      }
    };
    for (const id of log(env).trim().split('\n').map(Number)) await expect.poll(() => alive(id)).toBe(false);
    await expect.poll(() => readdirSync(scratch)).toEqual([]);
    vi.unstubAllEnvs();
  });

  it('leaves nothing of what was said when the gateway has closed', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    vi.stubEnv('TMPDIR', temporary);
    const server = await TestServer.start();
    try {
      const env = programs({
        flite:
          'if [ "$1" = -lv ]; then echo "Voices available: slt"; exit; fi\necho $$ > "$LOG"; exec /bin/sleep 100',
      });
      const mode = await pipelineBrain({
        stt: { at: server.url },
        llm: { at: server.url, model: 'a-model' },
        tts: { at: 'flite' },
        check: false,
        env,
      });
      const gateway = await startGateway({ mode });
      const headers = { authorization: `Bearer ${gateway.token}` };
      const client = await SocketClient.connect(`${gateway.url}/v1/realtime?model=m`, headers);
      client.send({ type: 'response.create' });
      const chat = await server.llm();
      chat.text('One sentence. ');
      chat.finish();
      await expect.poll(() => log(env)).toMatch(/\d/);
      expect(readdirSync(temporary)).toHaveLength(1);
      await gateway.close();
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      await server.close();
    }
  });

  it('does not see our keys', async () => {
    const env = programs({
      pocketsphinx: 'echo "$HOME,$TINCAN_LLM_KEY,$OPENAI_API_KEY" > "$LOG"; echo \'{"t":"yes"}\'',
    });
    const secrets = { HOME: '/home', TINCAN_LLM_KEY: 'sk-1', OPENAI_API_KEY: 'sk-2' };
    const ear = await pocketsphinxEar({ grammar: undefined, clock, env: { ...env, ...secrets } });
    await ear.hear(new Int16Array(2400), { clock, signal: never });
    expect(log(env)).toBe('/home,,\n');
  });

  it('that takes too long or fails is told', async () => {
    const time = manualClock();
    const env = programs({ pocketsphinx_continuous: 'echo x >> "$LOG"; exec /bin/sleep 600' });
    const ear = await pocketsphinxEar({ grammar: undefined, clock: time, env });
    const result = ear.hear(new Int16Array(2400), { clock: time, signal: never });
    result.catch(() => {});
    await expect.poll(() => log(env)).toBe('x\n');
    time.advance(31_000);
    await expect(result).rejects.toMatchObject({
      code: 'PIPELINE_STT',
      message: expect.stringContaining('more than 30 s'),
    });
    const broken = programs({
      flite: 'case "$1" in -lv) echo "Voices available: slt"; exit;; esac; echo "no memory" >&2; exit 3',
    });
    const mouth = await fliteMouth({ voice: undefined, clock, env: broken });
    await expect(all(mouth.say('Hello', saying()))).rejects.toThrow(
      'text-to-speech: flite failed: no memory',
    );
  });
});

describe.skipIf(!hasFlite)(`flite${hasFlite ? '' : ' (skipped: it is not installed)'}`, () => {
  const flite = (voice?: string) => fliteMouth({ voice, clock, env: process.env });

  it('speaks, faster where it is asked to, and not without words', async () => {
    const mouth = await flite();
    const normal = await all(mouth.say('Please turn on the light.', saying()));
    expect(normal / RATE).toBeGreaterThan(1);
    const fast = await all(mouth.say('Please turn on the light.', { ...saying(), speed: 1.5 }));
    expect(fast / normal).toBeGreaterThan(0.55);
    expect(fast / normal).toBeLessThan(0.8);
  });

  it('has voices, and says which', async () => {
    await expect(flite('marin')).rejects.toMatchObject({
      code: 'PIPELINE_VOICE',
      hint: expect.stringContaining('slt'),
    });
    expect(await all((await flite('rms')).say('Yes.', saying()))).toBeGreaterThan(RATE / 10);
  });
});

const both = hasFlite && hasSphinx;
describe.skipIf(!both)(
  `flite and pocketsphinx${both ? '' : ' (skipped: one of them is not installed)'}`,
  () => {
    const SENTENCES = 'Please turn on the light.\nWhat time is it?\nThank you, goodbye.\n';

    /** Words at 24 kHz, as the gateway hears them. */
    async function spoken(text: string): Promise<Int16Array> {
      const mouth = await fliteMouth({ voice: 'slt', clock, env: process.env });
      const parts: Int16Array[] = [];
      for await (const pcm of mouth.say(text, saying())) parts.push(pcm);
      return parts[0]!;
    }

    it('a sentence of the grammar is heard after Opus, by its words alone', async () => {
      const ear = await pocketsphinxEar({ grammar: file(SENTENCES), clock, env: process.env });
      for (const [text, words] of [
        ['Please turn on the light.', 'please turn on the light'],
        ['What time is it?', 'what time is it'],
      ] as const) {
        const heard = await overOpus(resample(await spoken(text), RATE, 16_000));
        expect(await ear.hear(heard, { clock, signal: never })).toBe(words);
      }
      expect(await ear.hear(new Int16Array(RATE), { clock, signal: never })).toBe('');
    });

    it('a grammar with a word that nobody knows is refused when the pipeline starts', async () => {
      await expect(
        pocketsphinxEar({ grammar: file('turn on the blorgh'), clock, env: process.env }),
      ).rejects.toMatchObject({ code: 'PIPELINE_GRAMMAR', message: expect.stringContaining("'blorgh'") });
    });

    it('without a grammar words are guessed, most of them rightly', async () => {
      const ear = await pocketsphinxEar({ grammar: undefined, clock, env: process.env });
      const heard = await ear.hear(await spoken('Please turn on the light.'), { clock, signal: never });
      expect(heard).toMatch(/\bturn on\b/);
    });

    it('the session names phrases where there is no grammar', async () => {
      const ear = await pocketsphinxEar({ grammar: undefined, clock, env: process.env });
      const pcm = await spoken('What time is it?');
      expect(await ear.hear(pcm, { clock, signal: never, phrases: ['What time is it?', 'Go away.'] })).toBe(
        'what time is it',
      );
    });

    it('hold a whole conversation over WebRTC: heard, a tool called, its outcome spoken', {
      timeout: 90_000,
    }, async () => {
      const server = await TestServer.start();
      const lines: string[] = [];
      const brain = await pipelineBrain({
        stt: { at: 'pocketsphinx', grammar: file(SENTENCES) },
        llm: { at: server.url, model: 'a-model' },
        tts: { at: 'flite', voice: 'slt' },
        log: (line) => lines.push(line),
      });
      const gateway = await startGateway({ mode: brain, log: (line) => lines.push(line) });
      const client = await TestClient.connect({
        url: gateway.callsUrl,
        headers: { authorization: `Bearer ${gateway.token}` },
      });
      try {
        client.send({
          type: 'session.update',
          session: {
            type: 'realtime',
            instructions: 'You are a lamp.',
            tools: [
              {
                type: 'function',
                name: 'set_light',
                parameters: { type: 'object', properties: { on: { type: 'boolean' } } },
              },
            ],
            audio: { input: { transcription: { model: 'any' } } },
          },
        });
        await client.event('session.updated');
        await client.say(await spoken('Please turn on the light.'));
        const chat = await server.llm();
        expect(chat.asked.messages).toEqual([
          { role: 'system', content: 'You are a lamp.' },
          { role: 'user', content: 'please turn on the light' },
        ]);
        const completed = await client.event('conversation.item.input_audio_transcription.completed');
        expect(completed.transcript).toBe('please turn on the light');
        chat.call(0, 'call_x', 'set_light', '{"on"', ':true}');
        chat.finish('tool_calls');
        const call = await client.event('response.function_call_arguments.done');
        expect(call).toMatchObject({ name: 'set_light', arguments: '{"on":true}' });
        await client.event('response.done');
        const from = client.events.length;
        client.send({
          type: 'conversation.item.create',
          item: { type: 'function_call_output', call_id: call.call_id, output: '{"ok":true}' },
        });
        client.send({ type: 'response.create' });
        const again = await server.llm();
        expect(again.asked.messages.slice(2)).toMatchObject([
          { role: 'assistant', tool_calls: [{ function: { name: 'set_light' } }] },
          { role: 'tool', content: '{"ok":true}' },
        ]);
        again.text('Please turn on the light. ');
        // Sound is sent while the model has not written its last word.
        await client.event('output_audio_buffer.started', from);
        const begun = client.heard().length;
        await client.until('sound', () => client.heard().length > begun + RATE / 2);
        expect(client.events.slice(from).some(({ type }) => type === 'response.done')).toBe(false);
        again.text('What time is it?');
        again.finish();
        await client.event('output_audio_buffer.stopped', from);
        // What was spoken can be understood by the ear at the other end.
        const ear = await pocketsphinxEar({
          grammar: file(`${SENTENCES}please turn on the light what time is it`),
          clock,
          env: process.env,
        });
        const words = await ear.hear(client.heard(), { clock, signal: never });
        expect(words).toBe('please turn on the light what time is it');
        expect(server.complaints).toEqual([]);
      } finally {
        client.close();
        await gateway.close();
        await server.close();
      }
    });
  },
);
