/**
 * What Tincan remembers between runs: `$XDG_CONFIG_HOME/tincan/state.json` (~/.config where unset). No secrets.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface State {
  /** The port that worked last. */
  port?: string;
  /** Serial number of its USB device; that of the chip's own USB is its MAC. */
  serial?: string;
  /** Names that boards said, by their MAC (lower case, with colons). */
  names?: Record<string, string>;
}

type Env = Record<string, string | undefined>;

export function configFolder(env: Env = process.env): string {
  const base = env.XDG_CONFIG_HOME;
  return join(base !== undefined && base !== '' ? base : join(env.HOME ?? homedir(), '.config'), 'tincan');
}

/** The state; empty where there is none or it is not readable. */
export function readState(env: Env = process.env): State {
  try {
    const data: unknown = JSON.parse(readFileSync(join(configFolder(env), 'state.json'), 'utf8'));
    if (typeof data !== 'object' || data === null) return {};
    const state: State = {};
    if ('port' in data && typeof data.port === 'string') state.port = data.port;
    if ('serial' in data && typeof data.serial === 'string') state.serial = data.serial;
    if ('names' in data && typeof data.names === 'object' && data.names !== null) {
      const named = Object.entries(data.names).filter(
        (one): one is [string, string] => typeof one[1] === 'string',
      );
      if (named.length > 0) state.names = Object.fromEntries(named);
    }
    return state;
  } catch {
    return {};
  }
}

/** Writes the state, whole or not at all. Failing to remember is never an error. */
export function writeState(state: State, env: Env = process.env): void {
  try {
    const folder = configFolder(env);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'state.json');
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(state)}\n`);
    renameSync(draft, file);
  } catch {
    // A read-only home is no reason to fail.
  }
}
