/**
 * The file of mode `script`: a conversation written down, as JSON. docs/gateway-script.md shows all of it; in short:
 *
 *     {
 *       "greeting":       { "say": "Hello!", "audio": "voices/hello.wav" },
 *       "goodbye":        { "say": "Goodbye!", "audio": "voices/goodbye.wav" },
 *       "not_understood": { "say": "Sorry?", "audio": "voices/sorry.wav" },
 *       "sentences": [
 *         {
 *           "id": "light-on",
 *           "text": "Please turn on the light.",
 *           "samples": ["voices/person-light-on.wav"],
 *           "reply": [
 *             { "tool": "set_light", "arguments": { "on": true },
 *               "on_error": [{ "say": "That did not work.", "audio": "voices/failed.wav" }] },
 *             { "say": "The light is on.", "audio": "voices/light-on.wav" }
 *           ]
 *         }
 *       ],
 *       "faults": [{ "event": "response.output_audio_transcript.delta", "do": "drop", "probability": 0.1 }],
 *       "seed": 7
 *     }
 *
 * Files are WAV, 16-bit PCM, any rate from 8 to 96 kHz, named from the folder of the script. A sentence that is
 * heard (its sound is like one of its `samples`; or its `text`, where the client writes) gets its `reply`, step by
 * step:
 *
 *   say, audio                 is said; without `audio`, written
 *   tool, arguments, on_error  waits for the tool's output and the client's response.create; if that output is JSON
 *                              with an `error`, or the session does not offer the tool, `on_error` follows instead
 *                              of the rest. `arguments` may be a text, to be sent as it stands, right or wrong;
 *                              `"unoffered": true` calls it though the session does not offer it
 *   tools, on_error            several such calls in one response; the rest waits for all their outputs
 *   fault: response, hang_up, expire, rate_limit
 *                              the response fails, the call ends, the session expires, the limits are used up
 *   event, do, …               from now on events go wrong, once where no `count` says more (faults.ts)
 *
 * After a `say`, a fault happens in the middle of its sound. After the tool `end_session`, with no step left, `goodbye`
 * is said. `greeting` answers a response.create that has nothing to answer, and a silence that is too long.
 * `faults` go for all calls of the gateway.
 */

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readWav, resample } from '@tincan/shared-protocol';
import { messageOf, TincanError } from '../errors.ts';
import { RATE } from './audio.ts';
import type { EventFault, ServerFault } from './faults.ts';
import {
  type FileCall,
  type FileSay,
  type FileStep,
  parseScriptFile,
  type ScriptFile,
} from './script-file.ts';

const MAX_SECONDS = 30;

/** Words and their sound, 24 kHz mono. */
export interface Say {
  say: string;
  pcm: Int16Array;
}
/** Words without sound. */
export interface Write {
  write: string;
}
export interface Fault {
  fault: 'response' | 'hang_up' | 'expire' | 'rate_limit';
}
export interface Call {
  name: string;
  /** As they are sent: JSON, if the script does not want something else. */
  arguments: string;
  /** Called also where the session does not offer it. */
  unoffered: boolean;
}
/** Tools that are called in one response. */
export interface Calls {
  calls: readonly Call[];
  on_error: PlainStep[] | undefined;
}
export type PlainStep = Say | Write | Fault | EventFault;
export type Step = PlainStep | Calls;
export interface Sentence {
  id: string;
  text: string;
  samples: Int16Array[];
  reply: Step[];
}
export interface Script {
  greeting: Say;
  goodbye: Say;
  not_understood: Say;
  sentences: Sentence[];
  faults: ServerFault[];
  seed: number;
}

const problem = (message: string, hint: string, cause?: unknown): TincanError =>
  new TincanError('GATEWAY_SCRIPT', message, { hint, cause, exit: 'usage' });

/** Reads a script and all its sounds. Throws TincanError GATEWAY_SCRIPT that names the place. */
export async function loadScript(path: string): Promise<Script> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const read = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw problem(
      `The script ${path} ${read}: ${messageOf(error)}`,
      'Check the path, or start from the demo script.',
      error,
    );
  }
  const data = parseScriptFile(value, (at, message) =>
    problem(
      `The script ${path} is wrong at ${at}: ${message}.`,
      'The format is described in docs/gateway-script.md.',
    ),
  );
  const ids = data.sentences.map((sentence) => sentence.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice)
    throw problem(`The script ${path} has two sentences with the id "${twice}".`, 'Give each its own id.');
  return load(data, dirname(resolve(path)));
}

async function load(data: ScriptFile, folder: string): Promise<Script> {
  const cache = new Map<string, Promise<Int16Array>>();
  const sound = (path: string): Promise<Int16Array> => {
    const known = cache.get(path) ?? loadSound(resolve(folder, path));
    cache.set(path, known);
    return known;
  };
  const spoken = async ({ say, audio }: FileSay): Promise<Say> => ({ say, pcm: await sound(audio) });
  const stepOf = async (step: FileStep): Promise<Step> => {
    if ('say' in step) {
      return step.audio === undefined ? { write: step.say } : spoken({ say: step.say, audio: step.audio });
    }
    if ('fault' in step || 'event' in step) return step;
    const calls = 'tools' in step ? step.tools : [step];
    const { on_error } = step;
    return {
      calls: calls.map(callOf),
      on_error: on_error && ((await Promise.all(on_error.map(stepOf))) as PlainStep[]),
    };
  };
  return {
    greeting: await spoken(data.greeting),
    goodbye: await spoken(data.goodbye),
    not_understood: await spoken(data.not_understood),
    sentences: await Promise.all(
      data.sentences.map(async ({ id, text, samples, reply }) => ({
        id,
        text,
        samples: await Promise.all(samples.map(sound)),
        reply: await Promise.all(reply.map(stepOf)),
      })),
    ),
    faults: data.faults,
    seed: data.seed,
  };
}

function callOf({ tool, arguments: args, unoffered }: FileCall): Call {
  return { name: tool, arguments: typeof args === 'string' ? args : JSON.stringify(args), unoffered };
}

async function loadSound(path: string): Promise<Int16Array> {
  let pcm: Int16Array;
  try {
    const wav = readWav(await readFile(path));
    pcm = resample(wav.samples, wav.sampleRate, RATE);
  } catch (error) {
    throw problem(
      `The sound ${path} cannot be used: ${messageOf(error)}.`,
      'Use a WAV file of 16-bit PCM.',
      error,
    );
  }
  if (pcm.length < RATE / 10 || pcm.length > MAX_SECONDS * RATE) {
    const seconds = (pcm.length / RATE).toFixed(1);
    throw problem(`The sound ${path} lasts ${seconds} s.`, `Expected 0.1 to ${MAX_SECONDS} s.`);
  }
  return pcm;
}
