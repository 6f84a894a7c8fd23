/**
 * The file of mode `script`: a conversation written down. JSON:
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
 *       ]
 *     }
 *
 * Files are WAV, 16-bit PCM, any rate from 8 to 96 kHz, named from the folder of the script. A sentence that is
 * heard (its sound is like one of its `samples`; or its `text`, where the client writes) gets its `reply`, step by
 * step. A tool step waits for the tool's output and the client's response.create; if that output is JSON with an
 * `error`, or the session does not offer the tool, the steps of `on_error` follow instead of the rest. After
 * the tool `end_session`, with no step left, `goodbye` is said. `greeting` answers a response.create that has
 * nothing to answer. A step `{ "fault": "response" }` lets the response fail, `{ "fault": "hang_up" }` ends the call:
 * after a `say` that happens in the middle of its sound.
 */

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readWav, resample } from '@tincan/shared-protocol';
import { z } from 'zod';
import { messageOf, TincanError } from '../errors.ts';
import { RATE } from './audio.ts';

const MAX_SECONDS = 30;

const name = z.string().min(1).max(200);
const say = z.strictObject({ say: z.string().min(1).max(2000), audio: name });
const fault = z.strictObject({ fault: z.enum(['response', 'hang_up']) });
const plain = z.union([say, fault]);
const tool = z.strictObject({
  tool: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected letters, digits, "_" or "-"'),
  arguments: z.record(z.string(), z.unknown()).default({}),
  on_error: z.array(plain).max(16).optional(),
});
const file = z.strictObject({
  greeting: say,
  goodbye: say,
  not_understood: say,
  sentences: z
    .array(
      z.strictObject({
        id: name,
        text: name,
        samples: z.array(name).min(1).max(32),
        reply: z
          .array(z.union([say, tool, fault]))
          .min(1)
          .max(32),
      }),
    )
    .min(1)
    .max(200),
});
type File = z.infer<typeof file>;

/** Words and their sound, 24 kHz mono. */
export interface Say {
  say: string;
  pcm: Int16Array;
}
export type Fault = z.infer<typeof fault>;
export interface Tool {
  tool: string;
  arguments: Record<string, unknown>;
  on_error: (Say | Fault)[] | undefined;
}
export type Step = Say | Tool | Fault;
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
  const parsed = file.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const at = issue.path.join('.') || 'the top';
    throw problem(
      `The script ${path} is wrong at ${at}: ${issue.message}.`,
      'The format is described in gateway/script.ts.',
    );
  }
  const ids = parsed.data.sentences.map((sentence) => sentence.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice)
    throw problem(`The script ${path} has two sentences with the id "${twice}".`, 'Give each its own id.');
  return load(parsed.data, dirname(resolve(path)));
}

async function load(data: File, folder: string): Promise<Script> {
  const cache = new Map<string, Promise<Int16Array>>();
  const sound = (path: string): Promise<Int16Array> => {
    const known = cache.get(path) ?? loadSound(resolve(folder, path));
    cache.set(path, known);
    return known;
  };
  const spoken = async (step: z.infer<typeof say>): Promise<Say> => ({
    say: step.say,
    pcm: await sound(step.audio),
  });
  const steps = (list: File['sentences'][number]['reply']): Promise<Step[]> =>
    Promise.all(
      list.map(async (step): Promise<Step> => {
        if ('say' in step) return spoken(step);
        if ('fault' in step) return step;
        const onError = step.on_error && ((await steps(step.on_error)) as (Say | Fault)[]);
        return { tool: step.tool, arguments: step.arguments, on_error: onError };
      }),
    );
  return {
    greeting: await spoken(data.greeting),
    goodbye: await spoken(data.goodbye),
    not_understood: await spoken(data.not_understood),
    sentences: await Promise.all(
      data.sentences.map(async ({ id, text, samples, reply }) => ({
        id,
        text,
        samples: await Promise.all(samples.map(sound)),
        reply: await steps(reply),
      })),
    ),
  };
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
