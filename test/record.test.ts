/** `tincan session record` and `tincan tail --tools`, as they are built, beside a virtual board and the gateway. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Gateway, readOggOpus, repositoryPath, startGateway } from '@tincan/host-cli';
import { hasOpusTools, OPUS_TOOLS, opusdec, opusinfo } from '@tincan/host-cli/testing/opus-tools';
import { createDecoder } from 'libopus-wasm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestBoard, type TestBoard, TOKEN } from './support/board.ts';
import { Desk, EXIT, expectError, jsonError } from './support/cli.ts';
import { voice } from './support/sound.ts';

// Child processes share two cores with everything else.
vi.setConfig({ testTimeout: 120_000 });

const desk = new Desk();
let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    mode: 'script',
    script: repositoryPath('host-cli/data/demo.script.json'),
    token: TOKEN,
  });
});
afterAll(async () => {
  await gateway.close();
  await desk.clear();
});

/** A board that says so much, with nobody at its serial line. */
async function board(...sentences: string[]): Promise<TestBoard> {
  return startTestBoard({
    settings: { 'server.url': gateway.callsUrl },
    sentences: sentences.map(voice),
    attach: false,
  });
}

/** What a file holds, at 16 kHz, as libopus decodes it. */
async function sound(path: string): Promise<Int16Array> {
  const { packets, preSkip, length } = readOggOpus(readFileSync(path));
  const decoder = await createDecoder({ sampleRate: 16_000, channels: 1 });
  const pieces = packets.map(({ bytes, samples }) =>
    Int16Array.from(bytes.length > 1 ? decoder.decode(bytes) : decoder.decodePacketLoss(samples / 3)),
  );
  decoder.free();
  const all = Int16Array.from(pieces.flatMap((piece) => [...piece]));
  return all.subarray(Math.round(preSkip / 3), Math.round((preSkip + length) / 3));
}

/** Where `word` sounds in `sound`, in ms, and how alike they are there (1: the same). */
function find(word: Int16Array, within: Int16Array): { ms: number; alike: number } {
  // By every fourth sample, then exactly.
  const step = 4;
  const look = (from: number, to: number, every: number, by: number) => {
    let best = { at: from, alike: -1 };
    for (let at = from; at + word.length <= within.length && at < to; at += every) {
      let [dot, a, b] = [0, 1, 1];
      for (let i = 0; i < word.length; i += by) {
        dot += word[i]! * within[at + i]!;
        a += word[i]! ** 2;
        b += within[at + i]! ** 2;
      }
      const alike = dot / Math.sqrt(a * b);
      if (alike > best.alike) best = { at, alike };
    }
    return best;
  };
  const rough = look(0, within.length, step, 16);
  const exact = look(Math.max(0, rough.at - 2 * step), rough.at + 2 * step + 1, 1, 1);
  return { ms: exact.at / 16, alike: exact.alike };
}

describe('a recording of a whole conversation', () => {
  let folder: string;
  let device: TestBoard;
  beforeAll(async () => {
    folder = desk.path('talk');
    device = await board('person-light-on', 'person-goodbye');
    const ended = await desk.run(['session', 'record', folder, '--start', '--port', device.board.port]);
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.stdout).toMatch(/5 turns/);
    expect(ended.stdout).toMatch(/ended {4}end_session/);
  }, 120_000);
  afterAll(() => device.close());

  test('the transcript is in order, and so is what was printed', () => {
    const lines = readFileSync(`${folder}/transcript.md`, 'utf8')
      .split('\n\n')
      .slice(1)
      .map((line) => line.trim().replace(/ \(.*?\):/, ':'));
    expect(lines).toEqual([
      '**Tincan**: Hello! What can I do for you?',
      '**Person**: Please turn on the light.',
      '**Tincan**: The light is on now.',
      expect.stringMatching(/^\*\*Person\*\*: .*bye/i),
      '**Tincan**: Goodbye! Have a nice day.',
    ]);
  });

  test('both voices are there, each where it was spoken', async () => {
    const microphone = await sound(`${folder}/microphone.opus`);
    const loudspeaker = await sound(`${folder}/loudspeaker.opus`);
    expect(microphone.length).toBe(loudspeaker.length);
    const asked = find(voice('person-light-on'), microphone);
    const hello = find(voice('assistant-greeting'), loudspeaker);
    const done = find(voice('assistant-light-on'), loudspeaker);
    const goodbye = find(voice('person-goodbye'), microphone);
    for (const { alike } of [asked, hello, done, goodbye]) expect(alike).toBeGreaterThan(0.8);
    // By one clock, as the board's own loudspeaker and person say it. A busy machine is late in either; the sentences
    // are further apart.
    const NEAR_MS = 1000;
    const length = (name: string) => voice(name).length / 16;
    expect(asked.ms).toBeGreaterThan(hello.ms);
    expect(done.ms).toBeGreaterThan(asked.ms + length('person-light-on'));
    expect(goodbye.ms).toBeGreaterThan(done.ms);
    const [first, second] = device.person.spokenAt;
    expect(Math.abs(goodbye.ms - asked.ms - (second!.start - first!.start))).toBeLessThan(NEAR_MS);
    const spoken = find(voice('assistant-light-on'), spokenBy(device));
    const greeted = find(voice('assistant-greeting'), spokenBy(device));
    expect(Math.abs(done.ms - hello.ms - (spoken.ms - greeted.ms))).toBeLessThan(NEAR_MS);
  });

  test('events of both directions with times, and what it cost', () => {
    const lines = readFileSync(`${folder}/events.jsonl`, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const types = (method: string) =>
      lines.filter((line) => line.method === method).map((line) => line.params.event?.type);
    expect(types('realtime.sent')).toEqual(expect.arrayContaining(['session.update', 'response.create']));
    expect(types('realtime.event')).toEqual(expect.arrayContaining(['session.created', 'response.done']));
    expect(lines.some((line) => line.method === 'sound')).toBe(false);
    const times = lines.map((line) => line.at as string);
    expect(times).toEqual([...times].sort());
    const cost = JSON.parse(readFileSync(`${folder}/cost.json`, 'utf8'));
    const summary = JSON.parse(readFileSync(`${folder}/summary.json`, 'utf8'));
    expect(summary).toMatchObject({
      sessions: 1,
      turns: 5,
      link: { lost: 0, damaged: 0 },
      ended: 'end_session',
    });
    expect(summary.responses).toBeGreaterThanOrEqual(4);
    expect(cost.dollars).toBeGreaterThan(0);
    expect(cost.dollars).toBe(summary.dollars);
    for (const name of readdirSync(folder))
      expect(readFileSync(`${folder}/${name}`, 'latin1')).not.toContain(TOKEN);
  });

  test.skipIf(!hasOpusTools)(`opus-tools take both files${OPUS_TOOLS}`, async () => {
    for (const name of ['microphone', 'loudspeaker']) {
      const bytes = readFileSync(`${folder}/${name}.opus`);
      const info = opusinfo(bytes);
      expect(info.text).not.toMatch(/warning|error|invalid/i);
      expect(info.status).toBe(0);
      expect(opusdec(bytes).length).toBe(readOggOpus(bytes).length);
    }
  });

  test('the same command again changes nothing, and says where to go', async () => {
    const before = readFileSync(`${folder}/events.jsonl`);
    const ended = await desk.run(['session', 'record', folder, '--port', device.board.port]);
    expectError(ended, EXIT.usage, /holds a recording already/);
    expect(ended.stderr).toContain('talk-2');
    expect(readFileSync(`${folder}/events.jsonl`)).toEqual(before);
  });
});

/** What the loudspeaker of a board played, at 16 kHz. */
function spokenBy(device: TestBoard): Int16Array {
  const wav = Buffer.from(device.speaker.wav());
  return new Int16Array(wav.buffer, wav.byteOffset + 44, (wav.length - 44) >> 1);
}

describe('a recording that ends otherwise', () => {
  test('killed in the middle: no more than the last second is missing', async () => {
    const device = await board('person-light-on');
    const folder = desk.path('killed');
    const child = desk.start(['session', 'record', folder, '--start', '--json', '--port', device.board.port]);
    try {
      await child.line((line) => (line.includes('The light is on now.') ? true : undefined), 'the answer');
      child.kill('SIGKILL');
      await child.ended;
      const left = readdirSync(folder).filter((name) => !name.endsWith('.part'));
      expect(left.sort()).toEqual([
        'cost.json',
        'events.jsonl',
        'loudspeaker.opus',
        'microphone.opus',
        'transcript.md',
      ]);
      expect(readFileSync(`${folder}/transcript.md`, 'utf8')).toContain('The light is on now.');
      const events = readFileSync(`${folder}/events.jsonl`, 'utf8').split('\n');
      // The last line may be half a line.
      for (const line of events.slice(0, -1)) JSON.parse(line);
      expect(JSON.parse(readFileSync(`${folder}/cost.json`, 'utf8')).dollars).toBeGreaterThan(0);
      const first = JSON.parse(events.find((line) => line.includes('"live"')) as string) as { at: string };
      const last = JSON.parse(events.at(-2) as string) as { at: string };
      for (const name of ['microphone', 'loudspeaker']) {
        const read = readOggOpus(readFileSync(`${folder}/${name}.opus`));
        expect(read.ended).toBe(false);
        // A silent voice is kept two seconds behind the other, at most.
        const missing = Date.parse(last.at) - Date.parse(first.at) - read.length / 48;
        expect(missing).toBeLessThan(name === 'microphone' ? 1000 : 3000);
        if (hasOpusTools) expect(opusdec(readFileSync(`${folder}/${name}.opus`)).length).toBe(read.length);
      }
      const asked = find(voice('person-light-on'), await sound(`${folder}/microphone.opus`));
      expect(asked.alike).toBeGreaterThan(0.8);
    } finally {
      await device.close();
    }
  });

  test('Ctrl-C ends it: files are whole, and the session that it began is over', async () => {
    const device = await board();
    const folder = desk.path('stopped');
    const child = desk.start(['session', 'record', folder, '--start', '--port', device.board.port]);
    try {
      await child.line((line) => (line.includes('Hello!') ? true : undefined), 'the greeting');
      child.kill('SIGINT');
      expect(await child.ended).toMatchObject({ status: 0 });
      for (const name of ['microphone', 'loudspeaker'])
        expect(readOggOpus(readFileSync(`${folder}/${name}.opus`)).ended).toBe(true);
      const link = await device.attach();
      await expect.poll(async () => (await link.hello()).state).toBe('ready');
    } finally {
      await device.close();
    }
  });

  test('nobody there, or nothing to record: nothing is left', async () => {
    const folder = desk.path('nothing');
    const nowhere = await desk.run(['session', 'record', folder, '--port', '/dev/tincan-nowhere', '--json']);
    expect(jsonError(nowhere).code).toBe('PORT_MISSING');
    expect(existsSync(folder)).toBe(false);
    const device = await board();
    try {
      const child = desk.start(['session', 'record', folder, '--json', '--port', device.board.port]);
      await child.line((line) => (line.includes('waiting for one') ? true : undefined), 'that it waits');
      child.kill('SIGINT');
      const ended = await child.ended;
      expect(ended.status).toBe(0);
      expect(ended.json().at(-1)).toMatchObject({ sessions: 0, turns: 0 });
      expect(existsSync(folder)).toBe(false);
    } finally {
      await device.close();
    }
  });

  test('Ctrl-C leaves a session that was there before, also with --start', async () => {
    const device = await board();
    const folder = desk.path('joined');
    try {
      const started = await desk.run(['session', 'start', '--port', device.board.port]);
      expect(started.status).toBe(0);
      const child = desk.start(['session', 'record', folder, '--start', '--port', device.board.port]);
      await child.line((line) => (line.includes('recording into') ? true : undefined), 'that it records');
      await expect.poll(() => readFileSync(`${folder}/microphone.opus`).length).toBeGreaterThan(1000);
      child.kill('SIGINT');
      const ended = await child.ended;
      expect(ended.status).toBe(0);
      expect(ended.stdout).toMatch(/cost {5}\$0\.0/);
      const link = await device.attach();
      expect((await link.hello()).state).toBe('live');
    } finally {
      await device.close();
    }
  });
});

test('late words and a call that breaks off: one conversation, in order, without a turn twice', async () => {
  const demo = JSON.parse(readFileSync(repositoryPath('host-cli/data/demo.script.json'), 'utf8'));
  const script = desk.path('breaks.script.json');
  const audio = (name: string) => repositoryPath(`host-cli/data/${name}`);
  for (const one of [demo.greeting, demo.goodbye, demo.not_understood]) one.audio = audio(one.audio);
  for (const sentence of demo.sentences) {
    sentence.samples = sentence.samples.map(audio);
    for (const step of sentence.reply) {
      if (step.audio) step.audio = audio(step.audio);
      for (const other of step.on_error ?? []) other.audio = audio(other.audio);
    }
  }
  const words = 'conversation.item.input_audio_transcription.completed';
  const faults = [
    { event: words, do: 'delay', ms: 400 },
    // When the second answer was heard whole, so that nothing is asked for again.
    { event: 'output_audio_buffer.stopped', do: 'hang_up', after: 1, count: 1 },
  ];
  writeFileSync(script, JSON.stringify({ ...demo, faults }));
  const own = await startGateway({ mode: 'script', script, token: TOKEN });
  const device = await startTestBoard({
    settings: { 'server.url': own.callsUrl },
    sentences: ['person-light-on', 'person-goodbye'].map(voice),
    attach: false,
  });
  const folder = desk.path('two');
  try {
    const ended = await desk.run([
      'session',
      'record',
      folder,
      '--start',
      '--json',
      '--port',
      device.board.port,
    ]);
    expect(ended.status).toBe(0);
    const told = ended.json().flatMap(({ turn }) => (turn ? [(turn as { text: string }).text] : []));
    expect(told).toEqual([
      'Hello! What can I do for you?',
      'Please turn on the light.',
      'The light is on now.',
      'Thank you, goodbye.',
      'Goodbye! Have a nice day.',
    ]);
    expect(ended.json().at(-1)).toMatchObject({ sessions: 2, turns: 5, ended: 'end_session' });
    const page = readFileSync(`${folder}/transcript.md`, 'utf8').split('\n\n').slice(1);
    expect(page.map((line) => line.replace(/ ?\(?\d+:\d+\)?|\n/g, ''))).toEqual([
      '**Tincan**: Hello! What can I do for you?',
      '**Person**: Please turn on the light.',
      '**Tincan**: The light is on now.',
      '*A new session,*',
      '**Person**: Thank you, goodbye.',
      '**Tincan**: Goodbye! Have a nice day.',
    ]);
    // The sound of the second session stands as much later as it was said.
    const microphone = await sound(`${folder}/microphone.opus`);
    const said = [find(voice('person-light-on'), microphone), find(voice('person-goodbye'), microphone)];
    for (const { alike } of said) expect(alike).toBeGreaterThan(0.8);
    const [first, second] = device.person.spokenAt;
    expect(Math.abs(said[1]!.ms - said[0]!.ms - (second!.start - first!.start))).toBeLessThan(500);
  } finally {
    await device.close();
    await own.close();
  }
});

describe('tail --tools', () => {
  test('the model calls a tool of the host, its answer decides, and the turns are told in order', async () => {
    const audio = (name: string) => repositoryPath(`host-cli/data/voices/${name}.wav`);
    const line = { say: 'Well.', audio: audio('assistant-not-understood') };
    const script = desk.path('tools.script.json');
    writeFileSync(
      script,
      JSON.stringify({
        greeting: { say: 'Hello!', audio: audio('assistant-greeting') },
        goodbye: line,
        not_understood: line,
        sentences: [
          {
            id: 'roll',
            text: 'Roll two dice.',
            samples: [audio('person-light-on')],
            reply: [
              { tool: 'roll_dice', arguments: { count: 2 }, on_error: [{ ...line, say: 'It failed.' }] },
              { say: 'There they are.', audio: audio('assistant-light-on') },
            ],
          },
          {
            id: 'wrong',
            text: 'Roll too many.',
            samples: [audio('person-light-blue')],
            reply: [
              { tool: 'roll_dice', arguments: { count: 'x' }, on_error: [{ ...line, say: 'It failed.' }] },
              line,
            ],
          },
        ],
      }),
    );
    const own = await startGateway({ mode: 'script', script, token: TOKEN });
    const device = await startTestBoard({
      settings: { 'server.url': own.callsUrl },
      sentences: ['person-light-on', 'person-light-blue'].map(voice),
      attach: false,
    });
    const tools = repositoryPath('host-cli/data/tools/everyday.ts');
    try {
      const child = desk.start(['tail', '--start', '--tools', tools, '--json', '--port', device.board.port]);
      const told = (words: string) =>
        child.line(
          (text) => (text.includes('"turn"') && text.includes(`"text":"${words}"`) ? true : undefined),
          words,
        );
      await told('It failed.');
      child.kill('SIGINT');
      const ended = await child.ended;
      expect(ended.status).toBe(0);
      const lines = ended.json() as {
        method?: string;
        params?: Record<string, never>;
        turn?: { role: string; text: string };
      }[];
      expect(lines.flatMap(({ turn }) => (turn ? [turn.text] : []))).toEqual([
        'Hello!',
        'Roll two dice.',
        'There they are.',
        'Roll too many.',
        'It failed.',
      ]);
      const outputs = lines
        .filter(({ method }) => method === 'realtime.sent')
        .map(({ params }) => params?.event as { item?: { type?: string; output?: string } } | undefined)
        .flatMap((event) => (event?.item?.type === 'function_call_output' ? [event.item.output ?? ''] : []));
      expect(outputs[0]).toMatch(/^\{"eyes":\[[1-6],[1-6]\],"sum":\d+\}$/);
      expect(outputs[1]).toMatch(/^\{"error":"wrong arguments: count: /);
      // They were taken back.
      const link = await device.attach();
      expect(await link.request('device.stats')).toMatchObject({ tools: { served: 0 } });
    } finally {
      await device.close();
      await own.close();
    }
  });

  test('a file that is not there, and one that is wrong', async () => {
    const device = await board();
    try {
      const run = (file: string) =>
        desk.run(['tail', '--tools', file, '--port', device.board.port, '--json']);
      expect(jsonError(await run('nowhere.ts'))).toMatchObject({ code: 'FILE_MISSING' });
      writeFileSync(desk.path('wrong.ts'), 'export const = 5;');
      const error = jsonError(await run('wrong.ts'));
      expect(error).toMatchObject({ code: 'TOOLS_BROKEN', exitCode: EXIT.usage });
      expect(error.message).toMatch(/wrong\.ts:1:13/);
    } finally {
      await device.close();
    }
  });
});
