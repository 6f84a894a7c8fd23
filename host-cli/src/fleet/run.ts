/** The same work on many boards at once: each on its own, so that a bad one stops no other. */
import { asTincanError, interrupted, type TincanError } from '../errors.ts';
import type { BoardSettings } from './settings.ts';

/** Where a board stands, for the table. */
export type FleetPhase = 'waiting' | 'connecting' | 'writing' | 'starting' | 'settings' | 'done' | 'failed';

export interface FleetRow {
  port: string;
  phase: FleetPhase;
  mac?: string;
  /** Of the phase, 0 to 1. */
  share?: number;
  /** What to say beside it: a speed, a sentence of an error. */
  note?: string;
}

/** What became of one board. */
export interface FleetResult {
  port: string;
  ok: boolean;
  mac?: string | undefined;
  name?: string | undefined;
  firmware?: string | undefined;
  image?: string | undefined;
  /** Names of the settings that were written. */
  settings?: string[];
  /** For the label: what the CSV file or the command said beyond settings. */
  extra?: BoardSettings['extra'];
  ms: number;
  error?: { code: string; message: string; hint?: string | undefined };
}

export type FleetWork = (
  port: string,
  index: number,
  say: (row: Omit<FleetRow, 'port'>) => void,
) => Promise<Omit<FleetResult, 'port' | 'ok' | 'ms' | 'error'>>;

export interface FleetOptions {
  ports: readonly string[];
  work: FleetWork;
  /** How many at once; all where left out. */
  jobs?: number;
  onRow?: (row: FleetRow) => void;
  /** A board is done or has failed. */
  onResult?: (result: FleetResult) => void;
  signal?: AbortSignal | undefined;
  now?: () => number;
}

/** Works on every port; the results are in the order of the ports. It never throws for a board. */
export async function runFleet(options: FleetOptions): Promise<FleetResult[]> {
  const { ports, work, signal, now = () => performance.now() } = options;
  const results = new Array<FleetResult>(ports.length);
  for (const port of ports) options.onRow?.({ port, phase: 'waiting' });
  let next = 0;
  const one = async (index: number) => {
    const port = ports[index]!;
    const started = now();
    let mac: string | undefined;
    const say = (row: Omit<FleetRow, 'port'>) => {
      mac = row.mac ?? mac;
      options.onRow?.({ port, ...(mac !== undefined && { mac }), ...row });
    };
    let result: FleetResult;
    try {
      if (signal?.aborted) throw interrupted('This board was not touched.');
      const done = await work(port, index, say);
      result = { port, ok: true, ...done, ms: Math.round(now() - started) };
      say({ phase: 'done', note: done.name ?? '' });
    } catch (thrown) {
      const error: TincanError = asTincanError(thrown);
      const { code, message, hint } = error;
      result = { port, ok: false, mac, ms: Math.round(now() - started), error: { code, message, hint } };
      say({ phase: 'failed', note: message });
    }
    results[index] = result;
    options.onResult?.(result);
  };
  const lane = async () => {
    while (next < ports.length) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs ?? ports.length, ports.length) }, lane));
  return results;
}

/** The exit status: how many boards failed, at most 100. */
export function fleetStatus(results: readonly FleetResult[]): number {
  return Math.min(100, results.filter(({ ok }) => !ok).length);
}
