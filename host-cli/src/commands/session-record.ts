import type { SettingsAnswer, Turn } from '@tincan/shared-protocol';
import { type Context, openBoard } from '../context.ts';
import { Device } from '../device/device.ts';
import { cleanText } from '../device/format.ts';
import { turnLine } from '../device/turns.ts';
import { asTincanError, messageOf } from '../errors.ts';
import { clock } from '../record/page.ts';
import { Recorder, refuseExisting, type Summary, TICK_MS } from '../record/recorder.ts';
import { rememberName } from '../serial/ports.ts';
import { ensureLive } from './session.ts';

export interface RecordOptions {
  /** Begin a session, and end it at the end. */
  start?: boolean;
}

/** `tincan session record DIR`: events, both voices, transcript and cost, until the session or Ctrl-C ends it. */
export async function sessionRecord(context: Context, folder: string, options: RecordOptions): Promise<void> {
  const { out, signal } = context;
  refuseExisting(folder);
  const device = new Device(await openBoard(context), { reconnect: true });
  try {
    const hello = await device.hello({ timeoutMs: 3000, signal });
    rememberName(hello, context.env);
    // Ctrl-C is how it ends, and not only between two steps.
    const over = new AbortController();
    let failure: Error | undefined;
    const recorder = new Recorder(folder, {
      now: Date.now,
      failed: (error) => {
        failure = error;
        over.abort();
      },
    });
    const stop = () => over.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const tell = (turns: readonly Turn[]) => {
      for (const turn of turns) out.event({ at: new Date().toISOString(), turn }, turnLine(turn));
    };
    const tap = () => device.request('sound.tap', { on: true });
    const tapAgain = () =>
      void tap().catch((error) => out.warn(`no sound is recorded: ${asTincanError(error).message}`));
    let isLive = hello.state === 'live';
    /** A session of ours, which ends with us. */
    let began = false;
    const now = () => ({ at: new Date().toISOString() });
    const unlisten = device.listen({
      message(message) {
        tell(recorder.message(message));
        // It forgets at a restart.
        if (message.method === 'hello') tapAgain();
        if (message.method !== 'state') return;
        if (message.params.state === 'live') isLive = true;
        else if (isLive && message.params.state === 'ready') over.abort();
      },
      text: (line) => recorder.record({ ...now(), text: cleanText(line) }),
      lost: (frames) => recorder.record({ ...now(), lost: frames }),
      broken: () => recorder.record({ ...now(), broken: true }),
      connection(up) {
        recorder.record({ ...now(), connection: up ? 'up' : 'down' });
        if (up) tapAgain();
        else out.warn('the port is gone; waiting for it');
      },
    });
    const ticking = setInterval(() => tell(recorder.tick()), TICK_MS);
    let summary: Summary;
    try {
      await tap();
      if (isLive) {
        const { values } = await device.request<SettingsAnswer>('settings.get', { names: ['session.model'] });
        recorder.joined(String(values['session.model']));
      }
      out.note(`recording into ${folder}; Ctrl-C ends it`);
      if (options.start) {
        began = !isLive;
        await ensureLive(device, hello, signal);
      } else if (!isLive) out.note('no session runs; waiting for one (--start begins it)');
      if (!over.signal.aborted)
        await new Promise((resolve) => over.signal.addEventListener('abort', resolve, { once: true }));
      if (failure) throw failure;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(ticking);
      const leave = { timeoutMs: 2000 };
      await device.request('sound.tap', { on: false }, leave).catch(() => undefined);
      if (began && over.signal.aborted)
        await device.request('session.stop', {}, leave).catch(() => undefined);
      unlisten();
      signal.removeEventListener('abort', stop);
      summary = recorder.close();
      // Where nothing was recorded, nothing is left.
      if (isNothing(summary)) recorder.discard();
    }
    out.result(summary, isNothing(summary) ? 'nothing was recorded' : summaryText(summary));
  } finally {
    await device.close().catch((error) => out.warn(messageOf(error)));
  }
}

const isNothing = ({ sessions, turns, sound_ms }: Summary) => sessions + turns + sound_ms === 0;

function summaryText({
  folder,
  ms,
  sound_ms,
  turns,
  responses,
  dollars,
  voices,
  link,
  ended,
}: Summary): string {
  const voice = (name: 'microphone' | 'loudspeaker') => {
    const { packets, lost } = voices[name];
    return `${name} ${packets} packets${lost > 0 ? ` (${lost} lost)` : ''}`;
  };
  const cost =
    dollars === null && responses > 0 ? 'no price is known for this model' : `$${(dollars ?? 0).toFixed(4)}`;
  return [
    `${clock(ms)} recorded in ${folder}: ${turns} turn${turns === 1 ? '' : 's'}, ${clock(sound_ms)} of sound`,
    `  sound    ${voice('microphone')}, ${voice('loudspeaker')}`,
    `  cost     ${cost}, ${responses} answer${responses === 1 ? '' : 's'}`,
    ...(link.lost + link.damaged > 0
      ? [`  link     ${link.lost} frames lost, ${link.damaged} damaged: some of it is missing`]
      : []),
    ...(ended === undefined ? [] : [`  ended    ${ended}`]),
  ].join('\n');
}
