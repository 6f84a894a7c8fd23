/** For tests: sessions in mode `pipeline`, whose three servers are one that the test holds. */
import { manualClock } from '@tincan/boards';
import { expect } from 'vitest';
import { defaultConfig, type SessionConfig } from '../config.ts';
import { Bench, silence, tone } from '../test-session.ts';
import { type PipelineOptions, pipelineBrain } from './index.ts';
import { TestServer } from './test-server.ts';

export interface Setup {
  config?: Partial<SessionConfig>;
  options?: Partial<PipelineOptions>;
  transcription?: object;
  detection?: SessionConfig['input']['turn_detection'];
}

export class Pipeline {
  readonly server: TestServer;
  readonly logged: string[] = [];
  readonly #benches: Bench[] = [];

  static async start(): Promise<Pipeline> {
    return new Pipeline(await TestServer.start());
  }

  private constructor(server: TestServer) {
    this.server = server;
  }

  async close(): Promise<void> {
    for (const bench of this.#benches) bench.session.close();
    await this.server.close();
    expect(this.server.complaints).toEqual([]);
  }

  /** A session whose brain asks our server. Its clock stands still unless the test moves it. */
  async session({ config = {}, options = {}, transcription, detection }: Setup = {}): Promise<Bench> {
    const clock = manualClock();
    const at = this.server.url;
    const log = (line: string) => void this.logged.push(line);
    const brain = await pipelineBrain({
      stt: { at },
      llm: { at, model: 'a-model' },
      tts: { at, voice: 'a-voice' },
      log,
      check: false,
      clock,
      ...options,
    });
    const base = defaultConfig();
    const input = {
      ...base.input,
      ...(transcription ? { transcription } : {}),
      ...(detection ? { turn_detection: detection } : {}),
    };
    const bench = new Bench(brain, { ...base, ...config, input }, false, { clock, log });
    this.#benches.push(bench);
    return bench;
  }
}

/** Lets requests and answers travel and time pass until something is so. */
export async function until(bench: Bench, what: () => boolean): Promise<void> {
  for (let round = 0; !what(); round++) {
    if (round > 20_000) throw new Error(`it did not become so; events: ${bench.types().join(', ')}`);
    await bench.run(5);
    if (round % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
/** Lets everything travel until something is so; the clock of the session stands still. */
export async function travelled(what: () => boolean): Promise<void> {
  await expect.poll(what, { interval: 1 }).toBe(true);
}
/** Gives what should not come a while to come; no time of the session passes. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A turn of 600 ms is heard. */
export async function speak(bench: Bench): Promise<void> {
  await bench.hear(tone(600));
  await bench.hear(silence(700));
}
export const user = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});
export const done = (bench: Bench) => bench.last('response.done').response;
export const said = (bench: Bench): string =>
  bench
    .all('response.output_audio_transcript.delta')
    .map(({ delta }) => delta)
    .join('');
