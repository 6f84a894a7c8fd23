import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type ChipEvent,
  FileSpeaker,
  type Front,
  type Microphone,
  NullSpeaker,
  SilentRoom,
  servePty,
  startVirtualBoard,
  type TincanApp,
  tincanLoader,
  WavPerson,
} from '@tincan/boards';
import { aborted, type Context } from '../context.ts';
import { messageOf, TincanError } from '../errors.ts';
import { parseHostPort } from '../listen.ts';
import { readSentence } from '../sentence.ts';
import { rememberPort } from '../serial/ports.ts';

export interface VirtualOptions {
  listen: string;
  flash?: string;
  mic?: string[];
  speaker?: string;
  ap: string;
  apOpen?: boolean;
  pace?: boolean;
  pty?: string;
}

/** HOST:PORT. @throws TincanError LISTEN_SYNTAX */
export function parseListen(text: string): { host: string; port: number } {
  const parsed = parseHostPort(text);
  if (!parsed) {
    throw new TincanError('LISTEN_SYNTAX', `"${text}" is not HOST:PORT.`, {
      exit: 'usage',
      hint: 'Example: --listen 127.0.0.1:4000; port 0 takes a free one.',
    });
  }
  return parsed;
}

/** @throws TincanError FILE_WRITE */
function openSpeaker(path: string): FileSpeaker {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return new FileSpeaker(path);
  } catch (error) {
    throw new TincanError('FILE_WRITE', `${path} cannot be written.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
    });
  }
}

/** The password of the board's fake network: of the environment, or made up and told once. */
function networkPassword({ out, env }: Context, options: VirtualOptions): string {
  if (options.apOpen) return '';
  const given = env.TINCAN_AP_PASSWORD;
  if (given !== undefined && given !== '') return given;
  const made = randomBytes(6).toString('hex');
  out.note(
    `Wi-Fi "${options.ap}" of this virtual room has the password ${made} (TINCAN_AP_PASSWORD sets it)`,
  );
  return made;
}

/** `tincan virtual`: a board without hardware, until Ctrl-C. */
export async function virtual(context: Context, options: VirtualOptions): Promise<void> {
  const { out } = context;
  const listen = parseListen(options.listen);
  const sentences = (options.mic ?? []).map(readSentence);
  const microphone: Microphone = sentences.length > 0 ? new WavPerson(sentences) : new SilentRoom();
  const speaker = options.speaker === undefined ? new NullSpeaker() : openSpeaker(options.speaker);
  let app: TincanApp | undefined;
  const loader = tincanLoader(
    {
      accessPoints: [{ ssid: options.ap, password: networkPassword(context, options) }],
      microphone,
      loudspeaker: speaker,
      light: ({ on, rgb }) => {
        const color = `#${rgb.toString(16).padStart(6, '0')}`;
        out.event({ light: { on, color } }, `light ${on ? `on ${color}` : 'off'}`);
      },
      volume: (percent) => out.event({ volume: percent }, `volume ${percent} %`),
    },
    {
      started: (running) => {
        app = running;
      },
    },
  );
  const board = await started(() =>
    startVirtualBoard({
      listen,
      loader,
      ...(options.flash === undefined ? {} : { flashFile: options.flash }),
      ...(options.pace ? { pace: true, timing: 'real' as const } : {}),
    }),
  );
  let pty: Front | undefined;
  try {
    board.chip.onEvent((event) => {
      const line = chipLine(event);
      if (line !== undefined) out.event({ chip: event }, line);
    });
    const { pty: path } = options;
    if (path !== undefined) pty = await started(() => servePty(board.chip, path));
    rememberPort(board.port, context.env);
    out.result({ port: board.port, flash: options.flash ?? null, pty: options.pty ?? null }, board.port);
    if (options.flash === undefined) out.note('its flash is in memory only; --flash FILE keeps it');
    await untilQuit(context, (down) => {
      app?.button(down);
      out.note(`talk button ${down ? 'down' : 'up'}`);
    });
  } finally {
    await pty?.close();
    await board.close();
    if (speaker instanceof FileSpeaker) {
      speaker.close();
      out.note(`${options.speaker}: what the loudspeaker played`);
    }
  }
}

/** Runs something of the virtual board; its errors become ours. */
async function started<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const hint = 'hint' in error && typeof error.hint === 'string' ? sentence(error.hint) : undefined;
    const code = `VIRTUAL_${String(error.code).toUpperCase().replaceAll('-', '_')}`;
    throw new TincanError(code, sentence(error.message), { exit: 'port', hint, cause: error.cause });
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}

/** What happens in the chip, for people; flash operations are too many to tell. */
function chipLine(event: ChipEvent): string | undefined {
  switch (event.type) {
    case 'reset':
      return `reset (${event.code}), boot mode ${event.mode}`;
    case 'rom':
      return 'ROM loader waits for a flasher';
    case 'stub':
      return 'flasher stub runs';
    case 'app':
      return `application ${event.project} ${event.version} runs`;
    case 'stuck':
      return `does not boot: ${event.reason}`;
    case 'panic':
      return `panic: ${event.message}`;
    default:
      return undefined;
  }
}

/** Waits for Ctrl-C, or q on a terminal; there the space bar is the talk button (down, up). */
function untilQuit({ signal, out }: Context, talk: (down: boolean) => void): Promise<void> {
  const { stdin } = process;
  if (!stdin.isTTY || out.json) return aborted(signal);
  out.note('space: talk button; q: quit');
  let down = false;
  return new Promise((resolve) => {
    const end = () => {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
      resolve();
    };
    const onKey = (keys: Buffer) => {
      for (const key of keys.toString('latin1')) {
        // In raw mode Ctrl-C is a key like any other.
        if (key === 'q' || key === '\x03') return end();
        if (key === ' ') {
          down = !down;
          talk(down);
        }
      }
    };
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', onKey);
    signal.addEventListener('abort', end, { once: true });
  });
}
