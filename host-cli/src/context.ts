/** What every command gets: how to speak, and how to learn of Ctrl-C. */
import type { Output } from './output.ts';
import { openLine, type SerialLine } from './serial/line.ts';
import { choosePort, forgetPort, rememberLine, terminalPicker } from './serial/ports.ts';

export interface Context {
  out: Output;
  /** Aborted by Ctrl-C; a second one ends the program at once. */
  signal: AbortSignal;
  env: Record<string, string | undefined>;
  /** --port */
  port?: string | undefined;
}

/** Chooses the port (saying so where the user did not), opens it, and remembers it. */
export async function openBoard(context: Context): Promise<SerialLine> {
  const { env, out } = context;
  const pick = out.json ? undefined : terminalPicker();
  const choice = await choosePort({ port: context.port, env, pick });
  if (choice.from === 'remembered') out.note(`using ${choice.path}, as last time`);
  if (choice.from === 'only' || (choice.from === 'option' && choice.path !== context.port))
    out.note(`using ${choice.path}`);
  let line: SerialLine;
  try {
    line = await openLine(choice.path);
  } catch (error) {
    if (choice.from !== 'remembered') throw error;
    // What was there last time is gone; a board that is plugged in now may be meant.
    forgetPort(env);
    const other = await choosePort({ env, pick }).catch(() => undefined);
    if (other === undefined) throw error;
    out.note(`it is gone; using ${other.path}`);
    line = await openLine(other.path);
  }
  rememberLine(line, env);
  return line;
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
