/**
 * Mode `pipeline`: speech-to-text, a model with tools, text-to-speech, over the OpenAI-compatible HTTP servers that
 * people run themselves, or by programs of this machine.
 *
 *     const brain = await pipelineBrain({
 *       stt: { at: 'http://127.0.0.1:8081/v1' },
 *       llm: { at: 'http://127.0.0.1:11434/v1', model: 'llama3.2' },
 *       tts: { at: 'flite', voice: 'slt' },
 *     });
 *     await startGateway({ mode: brain });
 */
import { TincanError } from '../../errors.ts';
import type { Brain } from '../brain.ts';
import { type Clock, systemClock } from '../clock.ts';
import { checkEndpoint } from './check.ts';
import { httpEar } from './ear-http.ts';
import { pocketsphinxEar } from './ear-pocketsphinx.ts';
import { Endpoint } from './endpoint.ts';
import { PipelineMind } from './mind.ts';
import { fliteMouth } from './mouth-flite.ts';
import { httpMouth } from './mouth-http.ts';
import { STAGE_NAMES, type Stage } from './patience.ts';
import { type Env, runsEnded } from './programs.ts';
import type { Ear, Mouth } from './speech.ts';

export interface StageOptions {
  /**
   * Address of an OpenAI-compatible server: a base (`http://host:11434/v1`, `http://host:8080`, or anything that ends
   * in "/"), or the full address (`http://host:8080/inference`). Or the name of a local program: `pocketsphinx` for
   * speech-to-text, `flite` for text-to-speech.
   */
  at: string;
  /** Model that the server is asked for. Left out: that of the session's transcription; the server's first one. */
  model?: string | undefined;
  /** Secret; it is registered for redaction, and sent nowhere but to `at`. */
  key?: string | undefined;
  /** Milliseconds that the server may say nothing. Default 30,000; of the model 60,000, since it may be loading. */
  limitMs?: number | undefined;
}

export interface PipelineOptions {
  /** `grammar`: of pocketsphinx: a JSGF file, a script of mode "script", or sentences, one a line. */
  stt: StageOptions & { grammar?: string | undefined };
  llm: StageOptions;
  /**
   * `voice` goes before the session's, whose names most servers do not know. `format`: what is asked for, `wav` by
   * default; `pcm` is raw 16 bit mono, 24 kHz unless the answer's content type names a `rate`.
   */
  tts: StageOptions & { voice?: string | undefined; format?: 'wav' | 'pcm' | undefined };
  /** Lines for people; they hold no secret and no word of a conversation. */
  log?(line: string): void;
  /** Ask each server once whether it is there; what is wrong becomes a line of the log. Default true. */
  check?: boolean;
  clock?: Clock;
  /** Where programs are looked for (PATH), and what they see. */
  env?: Env;
}

/** Who loads a model says nothing for long. */
const LIMITS: Record<Stage, number> = { stt: 30_000, llm: 60_000, tts: 30_000 };
const PROGRAMS: Partial<Record<Stage, string>> = { stt: 'pocketsphinx', tts: 'flite' };

/**
 * Makes the brain. Throws TincanError PIPELINE_URL, PIPELINE_KEY, PIPELINE_PROGRAM, PIPELINE_GRAMMAR, PIPELINE_VOICE,
 * PIPELINE_OPTION. A server that does not answer now is told in the log, not thrown: it may be started later.
 */
export async function pipelineBrain(options: PipelineOptions): Promise<Brain> {
  const { stt, llm, tts } = options;
  const log = options.log ?? (() => {});
  const clock = options.clock ?? systemClock();
  const env = options.env ?? process.env;
  const local = (stage: Stage, { at }: StageOptions) => at.trim() === PROGRAMS[stage];
  for (const [stage, one] of [
    ['stt', stt],
    ['llm', llm],
    ['tts', tts],
  ] as const)
    mustBeAddress(stage, one);
  if (stt.grammar !== undefined && !local('stt', stt)) {
    throw new TincanError('PIPELINE_OPTION', 'A grammar is for pocketsphinx only.', {
      hint: 'Leave it out, or use --stt pocketsphinx.',
      exit: 'usage',
    });
  }
  const endpoint = (stage: Stage, one: StageOptions) =>
    new Endpoint(stage, { url: one.at, key: one.key, limitMs: one.limitMs ?? LIMITS[stage] });

  // What cannot be used is said before anything is asked.
  const servers: { endpoint: Endpoint; model: string | undefined }[] = [];
  const server = (stage: Stage, one: StageOptions): Endpoint => {
    const made = endpoint(stage, one);
    servers.push({ endpoint: made, model: one.model });
    return made;
  };
  const thinking = server('llm', llm);
  const hearing = local('stt', stt) ? undefined : server('stt', stt);
  const speaking = local('tts', tts) ? undefined : server('tts', tts);
  const ear: Ear = hearing
    ? httpEar(hearing, stt.model)
    : await pocketsphinxEar({ grammar: stt.grammar, clock, env });
  const mouth: Mouth = speaking
    ? httpMouth(speaking, { model: tts.model, voice: tts.voice, format: tts.format ?? 'wav' })
    : await fliteMouth({ voice: tts.voice, clock, env });

  let first: string | undefined;
  for (const { endpoint: one } of servers)
    if (one.leaksKey) log(`${STAGE_NAMES[one.stage]}: its key goes to ${one.name} unencrypted; use https://`);
  if (options.check !== false) {
    const found = await Promise.all(
      servers.map(({ endpoint: one, model }) => checkEndpoint(one, model, clock)),
    );
    for (const { problem } of found) if (problem !== undefined) log(problem);
    first = found[0]?.first;
  }
  return {
    mode: 'pipeline',
    anyVoice: true,
    close: runsEnded,
    open: () =>
      new PipelineMind({
        clock,
        ear,
        mouth,
        llm: thinking,
        model: () => llm.model ?? first ?? 'default',
        log,
      }),
  };
}

function mustBeAddress(stage: Stage, { at }: StageOptions): void {
  if (at.includes('://') || at.trim() === PROGRAMS[stage]) return;
  const program = PROGRAMS[stage];
  throw new TincanError('PIPELINE_URL', `"${at}" is no address for ${STAGE_NAMES[stage]}.`, {
    hint: `Give a URL such as http://127.0.0.1:8080/v1${program ? `, or "${program}" for the program of that name` : ''}.`,
    exit: 'usage',
  });
}
