/**
 * `tincan demo`: the whole product once, on a virtual board. Nothing in it is a short cut: the image is compiled and
 * flashed over the serial protocol, settings go over the serial link, the session is WebRTC to a gateway on loopback,
 * and what is reported was seen on the link, on the wire, or on the board's own loudspeaker and light.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startVirtualBoard, tincanLoader, WavPerson, WavSpeaker } from '@tincan/boards';
import { COLORS, SETTINGS, type StateChange } from '@tincan/shared-protocol';
import { buildImage } from '../build/virtual.ts';
import type { Context } from '../context.ts';
import { Device, type DeviceMessage } from '../device/device.ts';
import { messageRecord } from '../device/format.ts';
import { asTincanError, interrupted, messageOf, TincanError } from '../errors.ts';
import { readPlan } from '../flash/plan.ts';
import { flashBoard } from '../flash/run.ts';
import { startGateway } from '../gateway/index.ts';
import { applySettings } from '../provision/online.ts';
import { registerSecret } from '../redact.ts';
import { repositoryPath } from '../root.ts';
import { readSentence } from '../sentence.ts';
import { openLine } from '../serial/line.ts';
import { VERSION } from '../version.ts';
import { Journal } from './journal.ts';
import { type DemoSummary, summaryText } from './summary.ts';

export interface DemoOptions {
  /** WAV files that the person says, one after the other; left out: asks for light, then says goodbye. */
  say?: readonly string[];
  /** Where the files go. */
  out?: string;
  /** Speed of the flashing, in baud. The virtual line is as slow as a real one. */
  baud?: number;
}

/** A conversation that has not ended after this long never will, in ms. */
const LIMIT_MS = 90_000;
/** How long the person waits for an answer after the last word, in ms. */
const ANSWER_MS = 12_000;
const SSID = 'tincan-lab';
/** All that it leaves in its folder. */
const FILES = ['summary.json', 'events.jsonl', 'heard.wav', 'spoken.wav', 'flash.bin'];
/** Where what is said begins. */
const INDENT = ' '.repeat(11);

/** Runs the demo and writes its files. The exit status is 0 only if `summary.ok`. */
export async function runDemo(context: Context, options: DemoOptions = {}): Promise<DemoSummary> {
  const { out, signal } = context;
  const folder = options.out ?? join('out', 'demo');
  const says = options.say?.length ? options.say : ['person-light-on', 'person-goodbye'].map(voice);
  const sentences = says.map(readSentence);
  await mkdir(folder, { recursive: true });
  // What an earlier run left, and nothing else: --out may name a folder that holds other things.
  for (const file of FILES) await rm(join(folder, file), { force: true });
  const close: (() => Promise<unknown>)[] = [];
  const step = (name: string, text: string) => {
    out.event({ step: name, text });
    if (!out.json) out.note(`  ${out.paint('green', '✓')} ${name.padEnd(10)} ${text}`);
  };
  const check = () => {
    if (signal.aborted) throw interrupted('Nothing is left running; start it again when you like.');
  };
  if (!out.json) out.note(`\n${out.paint('bold', 'Tincan')}: the whole path, on a virtual board\n`);
  try {
    // An image.
    out.busy('  · build      compiling the C core, a few seconds, once');
    const built = await buildImage({
      board: 'virtual',
      version: VERSION,
      out: join('build', 'virtual'),
      cacheDir: join('build', 'cache'),
    });
    step(
      'build',
      `the C core is ${Math.round(built.wasmBytes / 1024)} KB of WebAssembly` +
        (built.cached ? ', compiled before' : `, compiled in ${built.compileSeconds.toFixed(1)} s`),
    );
    check();

    // A server.
    const heardFile = join(folder, 'heard.wav');
    const gateway = await startGateway({
      mode: 'script',
      script: repositoryPath('host-cli/data/demo.script.json'),
      record: { heard: heardFile },
    });
    close.push(() => gateway.close());
    registerSecret(gateway.token ?? '');
    step('gateway', `a Realtime server listens at ${gateway.url}`);

    // A board, with nothing on it.
    const password = randomBytes(9).toString('base64url');
    registerSecret(password);
    const person = new WavPerson(sentences);
    const speaker = new WavSpeaker();
    const seen = { light: { on: false, rgb: 0 }, volume: SETTINGS['audio.volume'].default as number };
    const board = await startVirtualBoard({
      flashFile: join(folder, 'flash.bin'),
      pace: true,
      loader: tincanLoader(
        {
          accessPoints: [{ ssid: SSID, password }],
          microphone: person,
          loudspeaker: speaker,
          light: (light) => {
            seen.light = light;
          },
          volume: (percent) => {
            seen.volume = percent;
          },
        },
        // The server is on this machine.
        { peer: { bindAddress: '127.0.0.1' } },
      ),
    });
    close.push(() => board.close());
    step('board', `a blank virtual ESP32-S3 at ${board.port}, its line as slow as a real one`);

    const line = await openLine(board.port);
    close.push(() => line.close());
    out.busy('  · flash      connecting to the ROM');
    const bar = out.bar('  flash');
    const flashed = await flashBoard({
      line,
      files: readPlan(built.folder).files,
      board: 'virtual',
      baud: options.baud ?? 921_600,
      signal,
      onProgress: ({ writtenAll, totalAll }) => bar.update(writtenAll, totalAll),
    }).finally(() => bar.end());
    const { report, hello } = flashed;
    step(
      'flash',
      `${Math.round(report.bytes / 1024)} KB as ${Math.round(report.wireBytes / 1024)} KB on the wire in ` +
        `${report.seconds.toFixed(1)} s, ${Math.round(report.lineRatio * 100)} % of the line; MD5 right, the board says hello`,
    );
    check();

    // Settings, over the link.
    const device = new Device(line, { reconnect: false });
    close.push(async () => device.release());
    const records: string[] = [];
    const states: StateChange[] = [];
    const say = (who: string, text: string, more = '') =>
      out.json
        ? undefined
        : out.note(
            `\n  ${out.paint('cyan', who.padEnd(8))} ${text}${more && `   ${out.paint('dim', more)}`}`,
          );
    // What the board's light does, not what the tool says that it does.
    const showLight = () => {
      const lamp = seen.light.on ? out.paint('yellow', '●') : '○';
      if (!out.json)
        out.note(`${INDENT}${lamp} the light is ${seen.light.on ? colorName(seen.light.rgb) : 'off'}`);
    };
    const journal = new Journal({
      greeting: (text) => say('Tincan', `“${text}”`),
      heard: (turn) => say('Person', turn.heard ? `“${turn.heard}”` : 'something that was not understood'),
      said: (_turn, text) => say('Tincan', `“${text}”`),
      tool: (_turn, { name, arguments: given, output }) => {
        say('', `${name} ${JSON.stringify(given)} → ${JSON.stringify(output)}`);
        if (name === 'set_light') showLight();
      },
      problem: (text) => out.warn(text),
    });
    device.listen({
      message: (message) => {
        records.push(JSON.stringify(messageRecord(message)));
        if (message.method === 'state') states.push(message.params as unknown as StateChange);
        journal.take(message);
      },
    });
    const settings = {
      'wifi.ssid': SSID,
      'wifi.password': password,
      'server.url': gateway.callsUrl,
      'server.token': gateway.token ?? '',
    };
    const provisioned = performance.now();
    const joined = inState(device, (state) => state.state === 'ready', 'the network', signal);
    joined.catch(() => undefined);
    await applySettings(device, settings);
    const provisionMs = performance.now() - provisioned;
    await joined;
    const wifiMs = performance.now() - provisioned - provisionMs;
    step(
      'provision',
      `Wi-Fi and token in ${Math.round(provisionMs)} ms, in one commit, read back as fingerprints`,
    );

    // A session.
    out.busy('  · connect    offer, answer, DTLS, session');
    const connected = device.waitFor<number>(
      ({ method, params }) =>
        method === 'metric' && params.name === 'connect' ? Number(params.ms) : undefined,
      'the time it took to connect',
      { timeoutMs: LIMIT_MS, signal },
    );
    connected.catch(() => undefined);
    const live = inState(device, (state) => state.state === 'live', 'a live session', signal);
    live.catch(() => undefined);
    const over = inState(
      device,
      (state) =>
        (state.state === 'ready' || state.state === 'backoff') && states.some((one) => one.state === 'live'),
      'the end of the session',
      signal,
    );
    over.catch(() => undefined);
    await device.request('session.start');
    const first = await Promise.race([live, failed(device, signal)]);
    if (first.state !== 'live') {
      throw new TincanError('SESSION_FAILED', `The session did not come up: ${first.reason}.`, {
        exit: 'server',
      });
    }
    // By the board's clock: on a slow line its news come later than what they tell of.
    const connectMs = await connected;
    step('connect', `WebRTC and session in ${Math.round(connectMs)} ms`);
    const ended = await conversation(device, person, over, signal);

    // What was seen.
    const stats = await device.request<{ playout?: Partial<DemoSummary['rtp']> }>('device.stats');
    await writeFile(join(folder, 'spoken.wav'), speaker.wav());
    await writeFile(join(folder, 'events.jsonl'), `${records.join('\n')}\n`);
    await gateway.close();
    journal.turns.forEach((turn, i) => {
      const end = person.spokenAt[i]?.end;
      // What answers noise may begin while the noise still goes on; that is no reply time.
      const sound = end === undefined || turn.heard === undefined ? undefined : speaker.firstSoundAfter(end);
      if (end !== undefined && sound !== undefined) turn.replyMs = sound - end;
    });
    const replies = journal.turns.flatMap((turn) => turn.replyMs ?? []).sort((a, b) => a - b);
    const summary: DemoSummary = {
      ok: false,
      problems: [],
      build: { seconds: built.compileSeconds, cached: built.cached, wasmBytes: built.wasmBytes },
      flash: {
        seconds: report.seconds,
        bytes: report.bytes,
        compressed: report.compressed,
        wireBytes: report.wireBytes,
        baud: report.baud,
        lineRatio: report.lineRatio,
        image: hello?.image ?? '',
      },
      provision: { ms: provisionMs, settings: Object.keys(settings).length },
      connect: { ms: connectMs, wifiMs },
      greeting: journal.greetings,
      turns: journal.turns,
      replyLatency: { ms: replies[replies.length >> 1] ?? 0, silenceMs: SETTINGS['turn.silence'].default },
      light: { on: seen.light.on, color: colorName(seen.light.rgb) },
      volume: seen.volume,
      link: { framesReceived: device.received, framesLost: device.lost, framesBroken: device.broken },
      rtp: { received: 0, lost: 0, concealed: 0, late: 0, ...pick(stats.playout) },
      ended: ended.reason,
    };
    summary.problems = problemsOf(summary, { says, journal, speaker, light: seen.light });
    summary.ok = summary.problems.length === 0;
    await writeFile(join(folder, 'summary.json'), `${JSON.stringify(summary, rounded, 2)}\n`);
    out.result(
      summary,
      summaryText(summary, folder, (style, text) => out.paint(style, text)),
    );
    return summary;
  } finally {
    out.busy('');
    for (const end of close.reverse()) await end().catch((error) => out.warn(messageOf(error)));
  }
}

/** Three decimals are enough for whoever reads it. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

/** The next `state` that fits. */
function inState(
  device: Device,
  fits: (state: StateChange) => boolean,
  what: string,
  signal: AbortSignal,
): Promise<StateChange> {
  return device.waitFor<StateChange>(
    (message: DeviceMessage) => {
      const state = message.params as unknown as StateChange;
      return message.method === 'state' && fits(state) ? state : undefined;
    },
    what,
    { timeoutMs: LIMIT_MS, signal },
  );
}

/** A session that goes back before it was live. */
function failed(device: Device, signal: AbortSignal): Promise<StateChange> {
  const gone = inState(device, ({ state }) => state === 'backoff' || state === 'ready', 'a failure', signal);
  gone.catch(() => undefined);
  return gone;
}

/** Waits until the device ends the session, or all was said and answered; then ends it. */
async function conversation(
  device: Device,
  person: WavPerson,
  over: Promise<StateChange>,
  signal: AbortSignal,
): Promise<StateChange> {
  let since = performance.now();
  let spoken = 0;
  for (;;) {
    const pause = new Promise<undefined>((resolve) => setTimeout(resolve, 100, undefined));
    const end = await Promise.race([over, pause]);
    if (end) return end;
    if (signal.aborted) throw interrupted();
    if (person.spokenAt.length !== spoken) {
      spoken = person.spokenAt.length;
      since = performance.now();
    }
    const tired = performance.now() - since > ANSWER_MS + (spoken === 0 ? ANSWER_MS : 0);
    if (!person.done && !tired) continue;
    // The device may have ended it by itself, while that news is still on the line.
    await device.request('session.stop').catch((error) => {
      if (asTincanError(error).code !== 'DEVICE_STATE') throw error;
    });
    return over;
  }
}

/** Everything that did not happen as it should, as sentences. */
function problemsOf(
  summary: DemoSummary,
  {
    says,
    journal,
    speaker,
    light,
  }: {
    says: readonly string[];
    journal: Journal;
    speaker: WavSpeaker;
    light: { on: boolean; rgb: number };
  },
): string[] {
  const problems = journal.problems.map((problem) => `The device reported: ${problem}`);
  if (summary.greeting.length === 0) problems.push('The device did not greet.');
  says.forEach((file, i) => {
    const turn = summary.turns[i];
    if (!turn) problems.push(`Nobody took ${file} for speech.`);
    else if (turn.heard === undefined) problems.push(`${file} was not understood.`);
    else if (turn.replyMs === undefined) problems.push(`“${turn.heard}” got no answer from the loudspeaker.`);
  });
  for (const tool of summary.turns.flatMap((turn) => turn.tools)) {
    if (typeof tool.output === 'object' && tool.output && 'error' in tool.output)
      problems.push(`The tool ${tool.name} failed: ${String(tool.output.error)}`);
  }
  const switched = summary.turns.flatMap((turn) => turn.tools).findLast(({ name }) => name === 'set_light');
  const wanted = switched?.arguments as { on?: boolean; color?: keyof typeof COLORS } | undefined;
  if (wanted && wanted.on !== light.on) problems.push('The light is not as the tool call wanted it.');
  if (wanted?.on && wanted.color && COLORS[wanted.color] !== light.rgb)
    problems.push(`The light is ${summary.light.color}, not ${wanted.color}.`);
  if (speaker.rms === 0) problems.push('The loudspeaker was silent.');
  if (summary.link.framesLost || summary.link.framesBroken)
    problems.push(
      `The serial link lost ${summary.link.framesLost} frames and broke ${summary.link.framesBroken}.`,
    );
  return problems;
}

function pick(playout: Partial<DemoSummary['rtp']> = {}): Partial<DemoSummary['rtp']> {
  const { received, lost, concealed, late } = playout;
  return { received, lost, concealed, late };
}

function colorName(rgb: number): string {
  const known = Object.entries(COLORS).find(([, value]) => value === rgb)?.[0];
  return known ?? `#${rgb.toString(16).padStart(6, '0')}`;
}

function voice(name: string): string {
  return repositoryPath(`host-cli/data/voices/${name}.wav`);
}
