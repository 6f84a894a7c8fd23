/**
 * Calls of the virtual board and of Chromium to one and the same gateway: from the POST of the offer to the open data
 * channel, and from the last sample of speech to the first sample of the answer, each by the client's own clock. The
 * answer is a tone that begins with its first sample; the sentence ends abruptly.
 */
import diagnostics from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gateway, startGateway } from '@tincan/host-cli';
import { resample, writeWav } from '@tincan/shared-protocol';
import { CHROMIUM } from '../support/browser.ts';
import { level, tone, voice } from '../support/sound.ts';
import { boardCalls } from './call-board.ts';
import { chromiumCalls } from './call-chromium.ts';
import type { Figure } from './main.ts';

export interface Target {
  url: string;
  token: string;
}
/** Milliseconds, one of each a call. */
export interface Calls {
  connect: number[];
  reply: number[];
}

const CALLS = 7;
/** What the server waits after speech: `silence_duration_ms`, and the frame that it then sends. */
const FLOOR_MS = 500 + 20;
/** A frame of speech that is louder than this is no ending sigh. */
const SPOKEN = 10 ** (-30 / 20);

export async function benchCalls(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tincan-bench-'));
  try {
    const sentence = abrupt(voice('person-light-on'));
    const gateway = await startGateway({ mode: 'script', script: await writeScript(folder, sentence) });
    try {
      const target = { url: gateway.callsUrl, token: gateway.token! };
      // The least of them: a limit is what nobody gets below, whatever else the machine does.
      const roundTrip = Math.min(...(await roundTrips(gateway, 25)));
      const board = await watched(gateway, () => boardCalls(target, sentence, CALLS));
      const rows = figures('virtual board', board, roundTrip);
      if (CHROMIUM === undefined) return [...rows, ...missing('Chromium', 'it is not installed')];
      const microphone = join(folder, 'microphone.wav');
      const room = (seconds: number) => new Int16Array(seconds * 16_000);
      await writeFile(
        microphone,
        writeWav(resample(concat(room(1), sentence, room(3)), 16_000, 48_000), 48_000),
      );
      const browser = await watched(gateway, () => chromiumCalls(target, microphone, CALLS));
      return [...rows, ...figures('Chromium', browser, roundTrip)];
    } finally {
      await gateway.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the gateway saw of the calls: from the arrival of a POST to the open channel. */
async function watched(gateway: Gateway, run: () => Promise<Calls>): Promise<Calls & { seen: number[] }> {
  const posts: number[] = [];
  const seen: number[] = [];
  const arrived = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    if (request.method === 'POST' && request.url?.startsWith('/v1/realtime/calls'))
      posts.push(performance.now());
  };
  diagnostics.subscribe('http.server.request.start', arrived);
  const stop = gateway.on('event', ({ direction, event, at }) => {
    if (direction === 'server' && (event as { type?: string }).type === 'session.created')
      seen.push(at - posts.at(-1)!);
  });
  try {
    return { ...(await run()), seen };
  } finally {
    stop();
    diagnostics.unsubscribe('http.server.request.start', arrived);
  }
}

/** One request and its answer, on a connection that is open already. */
async function roundTrips({ url }: Gateway, times: number): Promise<number[]> {
  const out: number[] = [];
  for (let trip = 0; trip <= times; trip++) {
    const begin = performance.now();
    await (await fetch(url)).arrayBuffer();
    if (trip > 0) out.push(performance.now() - begin);
  }
  return out;
}

function figures(
  who: string,
  { connect, seen, reply }: Calls & { seen: number[] },
  roundTrip: number,
): Figure[] {
  const against = (values: number[], what: string, limit: number) => ({
    value: median(values),
    unit: 'ms',
    spread: [Math.min(...values), Math.max(...values)] as [number, number],
    limit: { what, value: limit, ratio: median(values) / limit },
  });
  return [
    { name: `${who}: POST to open channel`, ...against(connect, 'one round trip', roundTrip) },
    { name: `${who}: the same, as the gateway sees it`, ...against(seen, 'one round trip', roundTrip) },
    { name: `${who}: end of speech to first sound`, ...against(reply, 'silence and one frame', FLOOR_MS) },
  ];
}

function missing(who: string, why: string): Figure[] {
  return [
    { name: `${who}: POST to open channel`, value: null, unit: 'ms', missing: why },
    { name: `${who}: end of speech to first sound`, value: null, unit: 'ms', missing: why },
  ];
}

/** A sentence, its sample, and tones for whatever there is to say. */
async function writeScript(folder: string, sentence: Int16Array): Promise<string> {
  await writeFile(join(folder, 'sentence.wav'), writeWav(sentence, 16_000));
  await writeFile(join(folder, 'tone.wav'), writeWav(tone(440, 400, 16_000), 16_000));
  const say = { say: 'Done.', audio: 'tone.wav' };
  const script = {
    greeting: say,
    goodbye: say,
    not_understood: say,
    sentences: [{ id: 'one', text: 'Please turn on the light.', samples: ['sentence.wav'], reply: [say] }],
  };
  const path = join(folder, 'script.json');
  await writeFile(path, JSON.stringify(script));
  return path;
}

/** Up to the last frame that is clearly speech: turn detections agree about its end. */
function abrupt(pcm: Int16Array): Int16Array {
  let end = pcm.length;
  while (end > 320 && level(pcm.subarray(end - 320, end)) < SPOKEN) end -= 320;
  return pcm.slice(0, end);
}

function concat(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
